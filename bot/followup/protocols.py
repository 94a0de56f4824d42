"""Which check-in protocol is in force for a clinic, and letting running enrolments follow a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import BindParameter, bindparam, func, or_, select
from sqlalchemy.orm import Session

from bot import clock
from bot import settings as app_settings
from bot.clinic.models import Clinic
from bot.db.engine import reading, transaction
from bot.followup import branches, differences
from bot.followup.ending import RUNNING, finish_if_done
from bot.followup.errors import ProtocolRefused
from bot.followup.hours import texting_hours
from bot.followup.models import (
    CheckIn,
    CheckInStatus,
    Enrolment,
    EnrolmentStatus,
    ProtocolVersion,
)
from bot.followup.planning import Changes, Planned, due_times, questions_of, replan, spread
from bot.followup.shading import shipped as shipped_windows
from bot.followup.thresholds import applied
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Branch, Measure, Question, Schedule, Threshold, Window, Wording

BATCH = 200
_PART: BindParameter[str] = bindparam("id")
#: Asked several times for every answer, and made once.
_TOGETHER = (
    select(CheckIn, Enrolment)
    .join(
        Enrolment, or_(Enrolment.id == CheckIn.enrolment_id, Enrolment.merged_into_id == CheckIn.enrolment_id)
    )
    .where(or_(CheckIn.id == _PART, CheckIn.combined_into_id == _PART))
    .order_by(CheckIn.id != _PART, CheckIn.id, Enrolment.id != CheckIn.enrolment_id, Enrolment.id)
)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change would do to the enrolments that run now."""

    enrolments: int
    added: int
    moved: int
    cancelled: int


def in_force(session: Session, clinic_id: str, protocol_id: str) -> Schedule:
    """The clinic's newest version of a protocol, else the shipped one. Raises KeyError for an unknown id."""
    own = session.scalars(
        select(ProtocolVersion)
        .where(ProtocolVersion.clinic_id == clinic_id, ProtocolVersion.protocol_id == protocol_id)
        .order_by(ProtocolVersion.version.desc())
        .limit(1)
    ).first()
    return catalogue().schedules[protocol_id] if own is None else Schedule.model_validate(own.definition)


def at_version(session: Session, clinic_id: str, protocol_id: str, version: int) -> Schedule | None:
    """What a version of the clinic's protocol said, or the shipped one; None when it is not known any more,
    or cannot be read any more."""
    own = session.scalars(
        select(ProtocolVersion).filter_by(clinic_id=clinic_id, protocol_id=protocol_id, version=version)
    ).first()
    if own is not None:
        try:
            return Schedule.model_validate(own.definition)
        except ValidationError:  # it says what protocols no longer may; only what is in force must be read
            return None
    shipped = catalogue().schedules[protocol_id]
    return shipped if shipped.version == version else None


def for_product(session: Session, clinic_id: str, product: str) -> Schedule | None:
    """The protocol that follows a treatment with `product`; None when the catalogue has none."""
    for shipped in catalogue().schedules.values():
        if shipped.product == product and shipped.status != "retired":
            return in_force(session, clinic_id, shipped.id)
    return None


def versions(session: Session, clinic_id: str, protocol_id: str) -> Sequence[ProtocolVersion]:
    """The clinic's own versions, newest first."""
    return session.scalars(
        select(ProtocolVersion)
        .where(ProtocolVersion.clinic_id == clinic_id, ProtocolVersion.protocol_id == protocol_id)
        .order_by(ProtocolVersion.version.desc())
    ).all()


def asks(session: Session, check_in: CheckIn) -> tuple[str, ...]:
    """The questions of a check-in, with those of the check-ins that are asked together with it."""
    found: list[Sequence[str]] = []
    for one, enrolment in _asked_together(session, check_in):
        contact = in_force(session, enrolment.clinic_id, enrolment.protocol_id).on(one.day)
        found += [contact.ask] if contact else []
    if not found:  # its day has left the protocol since it was promised
        schedule = in_force(session, check_in.clinic_id, check_in.enrolment.protocol_id)
        nearest = min(schedule.check_ins, key=lambda contact: abs(contact.day - check_in.day))
        found = [nearest.ask]
    return questions_of(found, tuple(catalogue().questions))


def questions(session: Session, check_in: CheckIn) -> Mapping[str, Question]:
    """The questions with the thresholds that judge a check-in's answers, and the conditions on which they are
    asked: those of the protocols in force."""
    followed = {
        (enrolment.clinic_id, enrolment.protocol_id)
        for _one, enrolment in _asked_together(session, check_in)
        if enrolment.protocol_id in catalogue().schedules
    }
    schedules = [in_force(session, *which) for which in sorted(followed)]
    return branches.applied(applied(catalogue().questions, schedules), schedules)


def areas_of(session: Session, check_in: CheckIn) -> list[str]:
    """The treated areas that a check-in is about, each once."""
    together = _asked_together(session, check_in)
    return list(dict.fromkeys(area for _one, enrolment in together for area in enrolment.treatment.areas))


def _asked_together(session: Session, check_in: CheckIn) -> list[tuple[CheckIn, Enrolment]]:
    """What one check-in is about: its own series with those merged into it, and those of each check-in that
    is asked as a part of it."""
    return [row._tuple() for row in session.execute(_TOGETHER, {"id": check_in.id})]


def _sharing(session: Session, enrolment: Enrolment) -> list[Enrolment]:
    merged = select(Enrolment).where(Enrolment.merged_into_id == enrolment.id)
    return [enrolment, *session.scalars(merged)]


def times_for(session: Session, enrolment: Enrolment, instead: Schedule | None = None) -> dict[int, datetime]:
    """Day -> moment of every check-in that the protocols in force give this enrolment and those merged into
    it.

    `instead` takes the place of the protocol of the same id, to see what it would do.
    """
    patient = enrolment.patient
    hours = texting_hours(patient.clinic, patient.time_zone)
    delay = spread(patient.id, app_settings.get_settings().checkin_spread_minutes)
    times: dict[int, datetime] = {}
    for sharing in _sharing(session, enrolment):
        if instead is not None and instead.id == sharing.protocol_id:
            schedule = instead
        else:
            schedule = in_force(session, sharing.clinic_id, sharing.protocol_id)
        treatment = sharing.treatment
        for day, due in due_times(schedule, treatment.treated_at, hours, delay=delay).items():
            if not treatment.touch_up or day <= schedule.early_until:
                times.setdefault(day, due)
    return times


def follow(session: Session, enrolment: Enrolment, *, now: datetime) -> Changes:
    """Let the planned check-ins of `enrolment` follow the protocols in force (see `planning.replan`)."""
    changes = replan(times_for(session, enrolment), _standing(enrolment), now)
    by_id = {check_in.id: check_in for check_in in enrolment.check_ins}
    paused = enrolment.status is EnrolmentStatus.PAUSED
    for day, due in changes.add.items():
        session.add(planned_check_in(enrolment, day, due))
    for check_in_id, due in changes.move.items():
        by_id[check_in_id].due_at = due
        if not paused:
            by_id[check_in_id].next_step_at = due
    for check_in_id in changes.cancel:
        by_id[check_in_id].status = CheckInStatus.CANCELLED
        by_id[check_in_id].reason = "no longer in the protocol"
    enrolment.protocol_version = in_force(session, enrolment.clinic_id, enrolment.protocol_id).version
    finish_if_done(session, enrolment)
    return changes


def follow_clock(session: Session, patient_id: str) -> None:
    """Let the running check-ins of a patient whose time zone has changed keep their hour on the new clock."""
    running = select(Enrolment).where(
        Enrolment.patient_id == patient_id,
        Enrolment.status.in_(RUNNING),
        Enrolment.merged_into_id.is_(None),
    )
    for enrolment in session.scalars(running).all():
        if enrolment.protocol_id in catalogue().schedules:
            follow(session, enrolment, now=clock.now())


def _standing(enrolment: Enrolment) -> list[Planned]:
    return [Planned(c.id, c.day, c.due_at, c.status) for c in enrolment.check_ins]


def planned_check_in(enrolment: Enrolment, day: int, due: datetime) -> CheckIn:
    """A check-in that waits for its time."""
    return CheckIn(
        clinic_id=enrolment.clinic_id,
        enrolment_id=enrolment.id,
        patient_id=enrolment.patient_id,
        day=day,
        due_at=due,
        next_step_at=due,
        status=CheckInStatus.PLANNED,
    )


def follow_changes(limit: int = BATCH) -> int:
    """Let up to `limit` running enrolments follow protocols that have changed. Returns how many were
    behind."""
    with transaction() as session:
        behind = _behind(session, limit)
        for enrolment in behind:
            follow(session, enrolment, now=clock.now())
    return len(behind)


def shipped_versions() -> tuple[object, ...]:
    """Changes when a shipped protocol has."""
    return tuple((protocol.id, protocol.version) for protocol in catalogue().schedules.values())


def _behind(session: Session, limit: int) -> list[Enrolment]:
    kinds = session.execute(
        select(Enrolment.clinic_id, Enrolment.protocol_id, Enrolment.protocol_version)
        .where(Enrolment.status.in_(RUNNING), Enrolment.merged_into_id.is_(None))
        .distinct()
    ).all()
    found: list[Enrolment] = []
    for clinic_id, protocol_id, version in kinds:
        if (
            protocol_id in catalogue().schedules
            and in_force(session, clinic_id, protocol_id).version != version
        ):
            found += session.scalars(
                select(Enrolment)
                .where(
                    Enrolment.clinic_id == clinic_id,
                    Enrolment.protocol_id == protocol_id,
                    Enrolment.protocol_version == version,
                    Enrolment.status.in_(RUNNING),
                    Enrolment.merged_into_id.is_(None),
                )
                .order_by(Enrolment.id)
                .limit(limit - len(found))
            )
        if len(found) >= limit:
            break
    return found


@dataclass(frozen=True, slots=True)
class Own:
    """What a form says beside days and hours; what it does not mention stays as it is. `says_all_well`: it
    says the closing words, where None is the shipped ones."""

    thresholds: Mapping[str, Sequence[Threshold]] = field(default_factory=dict)
    only_if: Mapping[str, Branch | None] = field(default_factory=dict)
    windows: Mapping[Measure, Window | None] = field(default_factory=dict)
    all_well: Wording | None = None
    says_all_well: bool = False


def parse(
    current: Schedule, version: int, check_ins: Sequence[Mapping[str, Any]], hour: int, own: Own | None = None
) -> Schedule:
    """`current` with other check-ins, as version `version`. Raises ProtocolRefused.

    What equals the shipped in `own` follows the shipped from then on.
    """
    own = own or Own()
    data = current.model_dump(mode="json") | {
        "version": version,
        "hour": hour,
        "check_ins": list(check_ins),
        "thresholds": _own_thresholds(_named(current.thresholds) | dict(own.thresholds)),
        "only_if": _own_branches(_named(current.only_if) | dict(own.only_if)),
        "windows": _own_windows(current.product, {**current.windows, **own.windows}),
    }
    if own.says_all_well:
        data["all_well"] = own.all_well and own.all_well.model_dump(mode="json")
    return checked(data)


def checked(data: Mapping[str, Any]) -> Schedule:
    """The protocol that `data` says. Raises ProtocolRefused when it cannot be followed."""
    try:
        wanted = Schedule.model_validate(data)
    except ValidationError as invalid:
        reasons = {_reason(error) for error in invalid.errors()}
        # pydantic calls a list whose only rows are faulty too short as well
        raise ProtocolRefused(*sorted(reasons - {"empty"} or reasons)) from None
    branches.check(wanted, catalogue().questions)
    return wanted


def _named(mine: Mapping[Any, Value]) -> dict[str, Value]:
    return {str(name): value for name, value in mine.items()}


def _own_thresholds(wanted: Mapping[str, Sequence[Threshold]]) -> dict[str, Any]:
    shipped = catalogue().questions
    return {
        name: [one.model_dump(mode="json") for one in mine]
        for name, mine in wanted.items()
        if name in shipped and tuple(mine) != shipped[name].thresholds
    }


def _own_branches(wanted: Mapping[str, Branch | None]) -> dict[str, Any]:
    shipped = catalogue().questions
    return {
        name: branch and branch.model_dump(mode="json")
        for name, branch in wanted.items()
        if name in shipped and branch != shipped[name].only_if
    }


def _own_windows(product: str, wanted: Mapping[Measure, Window | None]) -> dict[str, Any]:
    shipped = shipped_windows(product)

    def days(window: Window | None) -> tuple[int, int] | None:
        return None if window is None else (window.first_day, window.last_day)

    return {
        name: window and window.model_dump(mode="json")
        for name, window in wanted.items()
        if days(window) != days(shipped.get(name))
    }


def _reason(error: Mapping[str, Any]) -> str:
    """What a fault of a protocol is called (`errors.ProtocolRefused`)."""
    named = {"ends": "ends", "twice": "twice", "days": "days", "too_short": "empty"}
    field = str(error["loc"][-1]) if error["loc"] else ""
    return named.get(error["type"]) or {"day": "day_range", "hour": "hour_range"}.get(field, "other")


def effect(clinic_id: str, wanted: Schedule) -> Effect:
    """What `wanted` would do to running enrolments, without doing it."""
    now, totals = clock.now(), [0, 0, 0, 0]
    with reading() as session:
        running = session.scalars(
            select(Enrolment).where(
                Enrolment.clinic_id == clinic_id,
                Enrolment.protocol_id == wanted.id,
                Enrolment.status.in_(RUNNING),
                Enrolment.merged_into_id.is_(None),
            )
        )
        for enrolment in running:
            times = times_for(session, enrolment, instead=wanted)
            changes = replan(times, _standing(enrolment), now)
            for at, count in enumerate((1, len(changes.add), len(changes.move), len(changes.cancel))):
                totals[at] += count
    return Effect(*totals)


def put_in_force(clinic_id: str, staff_id: str, wanted: Schedule, note: str) -> int:
    """Make `wanted` the clinic's protocol; running enrolments follow with the next sweeps. Returns its
    version.

    Raises ProtocolRefused when another version came into force meanwhile, or when nothing would change.
    """
    with transaction() as session:
        session.get_one(Clinic, clinic_id, with_for_update=True)
        newest = in_force(session, clinic_id, wanted.id)
        if wanted.version != newest.version + 1:
            raise ProtocolRefused("changed_meanwhile")
        if not differences.changes(newest, wanted):
            raise ProtocolRefused("nothing")
        session.add(
            ProtocolVersion(
                clinic_id=clinic_id,
                protocol_id=wanted.id,
                version=wanted.version,
                definition=wanted.model_dump(mode="json"),
                author_id=staff_id,
                note=note.strip()[:200],
            )
        )
    return wanted.version


def count_running(session: Session, clinic_id: str) -> dict[str, int]:
    """Protocol id -> running enrolments of the clinic."""
    rows = session.execute(
        select(Enrolment.protocol_id, func.count())
        .where(Enrolment.clinic_id == clinic_id, Enrolment.status.in_(RUNNING))
        .group_by(Enrolment.protocol_id)
    )
    return {str(protocol_id): int(count) for protocol_id, count in rows}
