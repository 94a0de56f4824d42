"""The clinic's check-in protocols: which day asks what, what a change would do, and putting it in force."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from bot.access.door import door
from bot.access.permissions import Permission, may
from bot.clinic.models import Clinic, Staff
from bot.console import pages, thresholds
from bot.console import protocol_parts as parts
from bot.console.pages import ConsoleRoute, NotThere, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.wording import product_name
from bot.db.engine import reading
from bot.followup import closing, protocols, shading
from bot.followup.asking import FIRST
from bot.followup.branches import Fewer, fewer
from bot.followup.errors import Fault, ProtocolRefused
from bot.followup.thresholds import TIERS, Weaker, weaker
from bot.governance.standing import standing_of
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Measure, QuestionId, Schedule, Wording

router = APIRouter(route_class=ConsoleRoute)

#: Empty rows for days to be added.
SPARE_ROWS = 3
LAST = "other"
#: What may be ticked: the first and the last question are always asked.
QUESTIONS: tuple[str, ...] = tuple(name for name in get_args(QuestionId) if name not in (FIRST, LAST))

Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Typed:
    """A protocol as it stands in the form: days, hour, thresholds and conditions by question, shaded days by
    measure, closing words, and why it changes. What the form does not have is empty, or None."""

    rows: Sequence[Row]
    hour: str
    thresholds: Mapping[str, list[thresholds.Row]] = field(default_factory=dict)
    waiting: Mapping[str, parts.Row] = field(default_factory=dict)
    windows: Mapping[Measure, tuple[str, str]] = field(default_factory=dict)
    all_well: parts.Words | None = None
    note: str = ""


def weight(losses: Sequence[Weaker], left_out: Sequence[Fewer]) -> str:
    """What somebody who ticks "weighed" has seen: another list of losses must be weighed anew."""
    return hashlib.sha256(repr((losses, left_out)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do: to running enrolments, and which answers and questions lose by it."""

    effect: protocols.Effect
    losses: Sequence[Weaker]
    left_out: Sequence[Fewer]
    wanted: Schedule

    @property
    def weight(self) -> str:
        """See `weight`."""
        return weight(self.losses, self.left_out)

    def new_words(self, in_force: Schedule) -> Wording | None:
        """Closing words that are not those in force."""
        return self.wanted.all_well if self.wanted.all_well != in_force.all_well else None


@router.get("/protocols")
@door("", Permission.VIEW_WORDS)
def protocols_page(request: Request, who: SignedIn) -> Response:
    """Every protocol with the days it asks on, and how many patients follow it."""
    with reading() as session:
        running = protocols.count_running(session, who.clinic_id)
        shown = [
            (protocols.in_force(session, who.clinic_id, name), running.get(name, 0))
            for name in catalogue().schedules
        ]
    return pages.render(request, "protocols.html", who, rows=shown, product_name=product_name)


@router.get("/protocols/{protocol_id}")
@door("", Permission.VIEW_WORDS)
def protocol_page(request: Request, who: SignedIn, protocol_id: str, did: str = "") -> Response:
    """One protocol as a form."""
    schedule = _in_force(who, protocol_id)
    rows = [
        {"day": str(c.day), "hour": "" if c.hour is None else str(c.hour), "ask": c.ask}
        for c in schedule.check_ins
    ]
    return _page(request, who, schedule, Typed(rows, str(schedule.hour)), did=did)


@router.post("/protocols/{protocol_id}")
@door("settings.protocol", Permission.CHANGE_PROTOCOLS)
def change(request: Request, who: SignedIn, form: Posted, protocol_id: str) -> Response:
    """Show what the form would change; put it in force when that was confirmed."""
    schedule = _in_force(who, protocol_id)
    note = pages.text(form, "note", 200)
    typed = Typed(
        _typed(form),
        pages.text(form, "hour"),
        thresholds.typed(form),
        parts.typed_waiting(form),
        parts.typed_windows(form),
        parts.typed_all_well(form),
        note,
    )
    confirmed = pages.text(form, "confirmed") == "yes"
    try:
        wanted = _parse(schedule, pages.text(form, "version"), typed)
        losses = weaker(catalogue().questions, wanted)
        left_out = fewer(catalogue().questions, wanted)
        weighed = pages.text(form, "weighed") == weight(losses, left_out)
        if confirmed and (weighed or not (losses or left_out)):
            protocols.put_in_force(who.clinic_id, who.staff_id, wanted, note)
            return RedirectResponse(f"/console/protocols/{protocol_id}?did=changed", 303)
        effect = protocols.effect(who.clinic_id, wanted)
    except ProtocolRefused as problem:
        return _page(request, who, schedule, typed, faults=problem.faults, status=422)
    shown = Preview(effect, losses, left_out, wanted)
    unweighed = (Fault("weaker"),) if confirmed else ()
    status = 422 if unweighed else 200
    return _page(request, who, schedule, typed, preview=shown, faults=unweighed, status=status)


def _in_force(who: Visitor, protocol_id: str) -> Schedule:
    if protocol_id not in catalogue().schedules:
        raise NotThere
    with reading() as session:
        return protocols.in_force(session, who.clinic_id, protocol_id)


def _typed(form: FormData) -> list[dict[str, Any]]:
    rows = []
    for number in range(200):
        if f"day-{number}" not in form:
            break
        day, hour = pages.text(form, f"day-{number}", 8), pages.text(form, f"hour-{number}", 8)
        ticked = [name for name in QUESTIONS if f"ask-{number}-{name}" in form]
        if day:
            rows.append({"day": day, "hour": hour, "ask": (FIRST, *ticked, LAST)})
    return rows


def _parse(schedule: Schedule, version: str, typed: Typed) -> Schedule:
    if version != str(schedule.version):
        raise ProtocolRefused("changed_meanwhile")
    numbers = [typed.hour, *(row["day"] for row in typed.rows), *(row["hour"] or "0" for row in typed.rows)]
    if not all(number.isascii() and number.isdigit() for number in numbers):
        raise ProtocolRefused("numbers")
    contacts = [
        {"day": int(row["day"]), "hour": int(row["hour"]) if row["hour"] else None, "ask": list(row["ask"])}
        for row in sorted(typed.rows, key=lambda row: int(row["day"]))
    ]
    own = _own(typed)
    return protocols.parse(schedule, schedule.version + 1, contacts, int(typed.hour), own)


def _own(typed: Typed) -> protocols.Own:
    """What the form says beside days and hours. Raises ProtocolRefused with all that is wrong with it."""
    faults: list[Fault] = []

    def read(part: Callable[[], T]) -> T | None:
        try:
            return part()
        except ProtocolRefused as problem:
            faults.extend(problem.faults)
            return None

    own_thresholds = read(lambda: thresholds.wanted(typed.thresholds))
    only_if = read(lambda: parts.wanted_waiting(typed.waiting))
    windows = read(lambda: shading.read(typed.windows))
    words = typed.all_well
    all_well = read(lambda: closing.read(words["en"], words["es"])) if words is not None else None
    if faults:
        raise ProtocolRefused(*faults)
    return protocols.Own(
        own_thresholds or {}, only_if or {}, windows or {}, all_well, says_all_well=words is not None
    )


def _page(
    request: Request,
    who: Visitor,
    schedule: Schedule,
    typed: Typed,
    *,
    faults: Sequence[Fault] = (),
    preview: Preview | None = None,
    did: str = "",
    status: int = 200,
) -> Response:
    with reading() as session:
        history = [
            (version, session.get_one(Staff, version.author_id).name)
            for version in protocols.versions(session, who.clinic_id, schedule.id)
        ]
        clinic = session.get_one(Clinic, who.clinic_id)
        new_words = preview.new_words(schedule) if preview else None
        spare = [{"day": "", "hour": "", "ask": ()}] * SPARE_ROWS
        return pages.render(
            request,
            "protocol.html",
            who,
            status=status,
            schedule=schedule,
            rows=[*typed.rows, *spare],
            hour=typed.hour,
            note=typed.note,
            questions=QUESTIONS,
            judged=thresholds.shown(schedule, typed.thresholds),
            tiers=TIERS,
            waiting=parts.waiting(schedule, typed.waiting),
            windows=parts.windows(schedule, typed.windows),
            words=typed.all_well or parts.all_well(schedule),
            own_words=schedule.all_well is not None,
            usual=parts.endings(clinic, _usual(session, clinic.id), schedule.product),
            faults=faults,
            preview=preview,
            ending=parts.endings(clinic, new_words, schedule.product) if new_words else [],
            history=history,
            may_change=may(who.role, Permission.CHANGE_PROTOCOLS),
            did=did if did == "changed" else "",
        )


def _usual(session: Session, clinic_id: str) -> Wording:
    """What ends a check-in without closing words of the protocol's own."""
    return standing_of(session, clinic_id, closing.PIECE).piece.variants[-1].sms
