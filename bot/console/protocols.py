"""The clinic's check-in protocols: which day asks what, what a change would do, and putting it in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from bot.access.door import door
from bot.access.permissions import Permission, may
from bot.clinic.models import Clinic
from bot.console import pages, protocol_form, thresholds
from bot.console import protocol_changes as changes
from bot.console import protocol_parts as parts
from bot.console.pages import ConsoleRoute, NotThere, Posted, SignedIn
from bot.console.protocol_form import QUESTIONS, Sent, Typed, fingerprint
from bot.console.sessions import Visitor
from bot.console.strings import Translate, translator
from bot.console.wording import product_name
from bot.db.engine import reading
from bot.followup import closing, differences, protocols
from bot.followup.branches import Fewer, Unasked, fewer, unasked
from bot.followup.errors import Fault, ProtocolRefused
from bot.followup.thresholds import TIERS, Weaker, weaker
from bot.governance.standing import standing_of
from bot.protocols.catalogue import catalogue
from bot.protocols.phrases import Language
from bot.protocols.schema import Schedule, Wording

router = APIRouter(route_class=ConsoleRoute)

#: Empty rows for days to be added.
SPARE_ROWS = 3


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do: what is other in words, what running enrolments, which answers and questions
    lose by it, and the closing words that look like another language."""

    told: Sequence[str]
    effect: protocols.Effect
    losses: Sequence[Weaker]
    left_out: Sequence[Fewer]
    unasked: Sequence[Unasked]
    swapped: Sequence[Language]
    wanted: Schedule

    @property
    def weight(self) -> str:
        """What ticking "weighed" has seen."""
        return fingerprint(self.losses, self.left_out, self.unasked)

    @property
    def words(self) -> str:
        """What ticking "these are the right languages" has seen."""
        return fingerprint(self.wanted.all_well)

    def new_words(self, in_force: Schedule) -> Wording | None:
        """Closing words that are not those in force."""
        return self.wanted.all_well if self.wanted.all_well != in_force.all_well else None

    def missing(self, sent: Sent) -> tuple[Fault, ...]:
        """What must be ticked and is not."""
        unweighed = (self.losses or self.left_out or self.unasked) and sent.weighed != self.weight
        unread = self.swapped and sent.languages != self.words
        faults = [*((Fault("weaker"),) if unweighed else ()), *((Fault("languages"),) if unread else ())]
        return tuple(faults)


@dataclass(frozen=True, slots=True)
class Collision:
    """What has come into force since the form was opened, what the form changes itself, and the parts that
    both changed."""

    versions: Sequence[changes.Version]
    mine: Sequence[str] | None
    overrides: Sequence[changes.Override]

    def unchosen(self) -> tuple[Fault, ...]:
        """The parts of which nobody has said which of the two is to hold."""
        return tuple(Fault("choose", one.field, one.label) for one in self.overrides if not one.chosen)


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
    return _page(request, who, schedule, protocol_form.of(schedule), did=did)


@router.post("/protocols/{protocol_id}")
@door("settings.protocol", Permission.CHANGE_PROTOCOLS)
def change(request: Request, who: SignedIn, form: Posted, protocol_id: str) -> Response:
    """Show what the form would change; put it in force when that was confirmed."""
    schedule = _in_force(who, protocol_id)
    typed, sent = protocol_form.typed(form), protocol_form.sent(form)
    if sent.version != str(schedule.version):
        return _collided(request, who, schedule, typed, sent)
    basis, shown = schedule, None
    collision = _collision(who, schedule, sent.since, (), {}) if sent.since else None
    try:
        wanted = protocol_form.read(schedule, schedule.version + 1, typed)
        if sent.since:
            basis, both = _settled(who, schedule, wanted, sent)
            if basis is not wanted:
                typed = protocol_form.of(basis, typed.note)
            collision = _collision(who, schedule, sent.since, both, sent.chosen)
            wanted = protocols.checked(basis.model_dump(mode="json") | {"version": wanted.version})
        faults = collision.unchosen() if collision else ()
        shown = None if faults else _preview(who, schedule, wanted)
        if shown and sent.confirmed:
            faults = shown.missing(sent)
            if shown.told and not faults:
                protocols.put_in_force(who.clinic_id, who.staff_id, wanted, typed.note)
                return RedirectResponse(f"/console/protocols/{protocol_id}?did=changed", 303)
    except ProtocolRefused as problem:
        if any(fault.reason == "changed_meanwhile" for fault in problem.faults):
            return _collided(request, who, _in_force(who, protocol_id), typed, sent)
        shown, faults = None, problem.faults
    return _page(
        request, who, schedule, typed, basis=basis, sent=sent, collision=collision, preview=shown,
        faults=faults, status=422 if faults else 200,
    )  # fmt: skip


def _settled(
    who: Visitor, schedule: Schedule, wanted: Schedule, sent: Sent
) -> tuple[Schedule, list[differences.Difference]]:
    """`wanted` with what was chosen to stay as it is in force, and what it still sets over somebody's change
    since the form was opened."""
    base = _at_version(who, schedule.id, sent.since)
    both = differences.overridden(base, schedule, wanted)
    theirs = [one for one in both if sent.chosen.get(one.part.key) == "theirs"]
    if theirs:
        wanted = differences.with_parts_of(schedule, wanted, theirs)
    return wanted, differences.overridden(base, schedule, wanted)


def _preview(who: Visitor, schedule: Schedule, wanted: Schedule) -> Preview:
    words = wanted.all_well if wanted.all_well != schedule.all_well else None
    shipped = catalogue().schedules[wanted.id]
    return Preview(
        changes.told(schedule, wanted, translator(who.language)),
        protocols.effect(who.clinic_id, wanted),
        weaker(catalogue().questions, wanted),
        fewer(catalogue().questions, wanted),
        unasked(shipped, wanted, differences.moves(shipped, wanted)),
        closing.swapped(words) if words else (),
        wanted,
    )


def _collided(request: Request, who: Visitor, schedule: Schedule, typed: Typed, sent: Sent) -> Response:
    """Refuse a form that was filled from another version than `schedule`, which is in force: say who has
    changed what, and show the form with what each of both has changed."""
    base = _at_version(who, schedule.id, sent.version)
    # what was chosen was chosen on another version
    now = replace(sent, version=str(schedule.version), since=sent.since or sent.version or "?", chosen={})
    basis, both, mine, faults = schedule, [], None, []
    try:
        wanted = protocol_form.read(base or schedule, schedule.version + 1, typed)
        mine = changes.told(base or schedule, wanted, translator(who.language))
        basis = wanted if base is None else differences.merge(base, wanted, schedule)
        both = differences.overridden(_at_version(who, schedule.id, now.since), schedule, basis)
        typed = protocol_form.of(basis, typed.note)
        protocols.checked(basis.model_dump(mode="json"))
    except ProtocolRefused as problem:
        faults = list(problem.faults)
        if mine is None:  # nothing can be joined before it can be read: the form stays that of its version
            basis, now = base or schedule, replace(now, version=sent.version, since=sent.since)
    collision = _collision(who, schedule, sent.since or sent.version, both, now.chosen, mine)
    alone = {one.author_id for one in collision.versions} == {who.staff_id}
    first = Fault("changed_by_you" if alone else "changed_meanwhile")
    return _page(
        request, who, schedule, typed, basis=basis, sent=now, collision=collision, faults=[first, *faults],
        status=422,
    )  # fmt: skip


def _collision(
    who: Visitor,
    schedule: Schedule,
    since: str,
    both: Sequence[differences.Difference],
    chosen: Mapping[str, str],
    mine: Sequence[str] | None = None,
) -> Collision:
    t = translator(who.language)
    known = int(since) if since.isascii() and since.isdigit() else 0
    with reading() as session:
        versions = changes.history(session, who.clinic_id, schedule.id, t)
    newer = [one for one in versions if one.number > known]
    return Collision(newer, mine, changes.overrides(both, chosen, t))


def _in_force(who: Visitor, protocol_id: str) -> Schedule:
    if protocol_id not in catalogue().schedules:
        raise NotThere
    with reading() as session:
        return protocols.in_force(session, who.clinic_id, protocol_id)


def _at_version(who: Visitor, protocol_id: str, version: str) -> Schedule | None:
    if not (version.isascii() and version.isdigit()):
        return None
    with reading() as session:
        return protocols.at_version(session, who.clinic_id, protocol_id, int(version))


def _page(
    request: Request,
    who: Visitor,
    schedule: Schedule,
    typed: Typed,
    *,
    basis: Schedule | None = None,
    sent: Sent | None = None,
    collision: Collision | None = None,
    faults: Sequence[Fault] = (),
    preview: Preview | None = None,
    did: str = "",
    status: int = 200,
) -> Response:
    """`basis`: what the form shows where nothing was typed, when that is not what is in force. `sent`: which
    version the form is filled from, when there was one already."""
    t = translator(who.language)
    basis = basis or schedule
    with reading() as session:
        clinic = session.get_one(Clinic, who.clinic_id)
        new_words = preview.new_words(schedule) if preview else None
        spare = [{"day": "", "hour": "", "ask": ()}] * SPARE_ROWS
        return pages.render(
            request,
            "protocol.html",
            who,
            status=status,
            schedule=schedule,
            version=sent.version if sent else str(schedule.version),
            since=sent.since if sent else "",
            collision=collision,
            rows=[*typed.rows, *spare],
            hour=typed.hour,
            note=typed.note,
            questions=QUESTIONS,
            judged=thresholds.shown(basis, typed.thresholds),
            tiers=TIERS,
            waiting=parts.waiting(basis, typed.waiting),
            windows=parts.windows(basis, typed.windows),
            words=typed.all_well or parts.all_well(basis),
            own_words=schedule.all_well is not None,
            usual=parts.endings(clinic, _usual(session, clinic.id), schedule.product),
            faults=[(*_place(fault, t), _told(fault, t)) for fault in faults],
            errors=_by_place(faults, t),
            preview=preview,
            ending=parts.endings(clinic, new_words, schedule.product) if new_words else [],
            history=changes.history(session, who.clinic_id, schedule.id, t),
            may_change=may(who.role, Permission.CHANGE_PROTOCOLS),
            did=did if did == "changed" else "",
            in_words=changes,
        )


def _place(fault: Fault, t: Translate) -> tuple[str, str]:
    """The anchor of what a fault is about, and its name; empty for what is about the whole."""
    group = fault.reason.split("_")[0]
    if group == "choose":
        return f"keep-{fault.about}", fault.detail
    if not fault.about:
        return {"languages": "languages", "weaker": "weighed"}.get(group, ""), ""
    anchor = {"branch": "b-", "window": "w-", "words": "all_well-"}.get(group, "t-") + fault.about
    return anchor, t(f"protocol.words_{fault.about}" if group == "words" else f"question.{fault.about}")


def _by_place(faults: Sequence[Fault], t: Translate) -> pages.Fields:
    found = pages.Fields()
    for fault in faults:
        anchor = _place(fault, t)[0]
        found[anchor] = f"{found[anchor]} {_told(fault, t)}".strip()
    return found


def _told(fault: Fault, t: Translate) -> str:
    """What is wrong, and the words or the number that are."""
    detail = f" ({fault.detail})" if fault.detail and fault.reason != "choose" else ""
    return t(f"protocol.refused_{fault.reason}") + detail


def _usual(session: Session, clinic_id: str) -> Wording:
    """What ends a check-in without closing words of the protocol's own."""
    return standing_of(session, clinic_id, closing.PIECE).piece.variants[-1].sms
