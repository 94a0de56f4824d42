"""The clinic's check-in protocols: which day asks what, what a change would do, and putting it in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from bot.access.door import door
from bot.access.permissions import Permission, may
from bot.clinic.models import Staff
from bot.console import pages, thresholds
from bot.console.pages import ConsoleRoute, NotThere, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.wording import product_name
from bot.db.engine import reading
from bot.followup import protocols
from bot.followup.asking import FIRST
from bot.followup.errors import ProtocolRefused
from bot.followup.thresholds import TIERS, Weaker, weaker
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import QuestionId, Schedule

router = APIRouter(route_class=ConsoleRoute)

#: Empty rows for days to be added.
SPARE_ROWS = 3
LAST = "other"
#: What may be ticked: the first and the last question are always asked.
QUESTIONS: tuple[str, ...] = tuple(name for name in get_args(QuestionId) if name not in (FIRST, LAST))

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Typed:
    """A protocol as it stands in the form: days, hour, thresholds by question, and why it changes."""

    rows: Sequence[Row]
    hour: str
    thresholds: Mapping[str, list[thresholds.Row]] = field(default_factory=dict)
    note: str = ""


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
    hour, note = pages.text(form, "hour"), pages.text(form, "note", 200)
    typed = Typed(_typed(form), hour, thresholds.typed(form), note)
    confirmed, weighed = (pages.text(form, name) == "yes" for name in ("confirmed", "weighed"))
    try:
        wanted = _parse(schedule, pages.text(form, "version"), typed)
        losses = weaker(catalogue().questions, wanted)
        if confirmed and (weighed or not losses):
            protocols.put_in_force(who.clinic_id, who.staff_id, wanted, note)
            return RedirectResponse(f"/console/protocols/{protocol_id}?did=changed", 303)
        effect = protocols.effect(who.clinic_id, wanted)
    except ProtocolRefused as problem:
        return _page(request, who, schedule, typed, faults=problem.faults, status=422)
    unweighed = (("weaker", ""),) if confirmed else ()
    status = 422 if unweighed else 200
    return _page(request, who, schedule, typed, effect=effect, losses=losses, faults=unweighed, status=status)


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
    own = thresholds.wanted(typed.thresholds)
    return protocols.parse(schedule, schedule.version + 1, contacts, int(typed.hour), own)


def _page(
    request: Request,
    who: Visitor,
    schedule: Schedule,
    typed: Typed,
    *,
    faults: Sequence[tuple[str, str]] = (),
    losses: Sequence[Weaker] = (),
    effect: protocols.Effect | None = None,
    did: str = "",
    status: int = 200,
) -> Response:
    with reading() as session:
        history = [
            (version, session.get_one(Staff, version.author_id).name)
            for version in protocols.versions(session, who.clinic_id, schedule.id)
        ]
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
            faults=faults,
            losses=losses,
            effect=effect,
            history=history,
            may_change=may(who.role, Permission.CHANGE_PROTOCOLS),
            did=did if did == "changed" else "",
        )
