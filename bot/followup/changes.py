"""What staff change about a running enrolment: pause, go on, end early, phone instead, skip one check-in."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.db.engine import transaction
from bot.followup.ending import end, finish_if_done
from bot.followup.errors import ChangeRefused
from bot.followup.models import (
    OPEN,
    CheckIn,
    CheckInStatus,
    Enrolment,
    EnrolmentEvent,
    EnrolmentStatus,
    Means,
)


def pause(enrolment_id: str, staff_id: str) -> None:
    """Send no further check-ins until somebody lets them go on. What was sent can still be answered."""
    with transaction() as session:
        enrolment = _of(session, enrolment_id)
        if enrolment.status is not EnrolmentStatus.ACTIVE:
            raise ChangeRefused("not_running")
        enrolment.status = EnrolmentStatus.PAUSED
        _note(session, enrolment, "paused", staff_id)
    events.committed(enrolment.clinic_id)


def resume(enrolment_id: str, staff_id: str) -> None:
    """Go on. What fell due meanwhile is left out, so that nobody gets several texts at once."""
    with transaction() as session:
        enrolment = _of(session, enrolment_id)
        if enrolment.status is not EnrolmentStatus.PAUSED:
            raise ChangeRefused("not_paused")
        enrolment.status = EnrolmentStatus.ACTIVE
        for check_in in enrolment.check_ins:
            if check_in.status is CheckInStatus.PLANNED:
                if check_in.due_at <= clock.now():
                    _settle(check_in, CheckInStatus.SKIPPED, "paused")
                else:
                    check_in.next_step_at = check_in.due_at
        _note(session, enrolment, "resumed", staff_id)
        finish_if_done(session, enrolment)
    events.committed(enrolment.clinic_id)


def finish_early(enrolment_id: str, staff_id: str, reason: str) -> None:
    """End the enrolment: nothing that is planned goes out. Raises ChangeRefused without a reason."""
    if not reason.strip():
        raise ChangeRefused("no_reason")
    with transaction() as session:
        enrolment = _of(session, enrolment_id)
        if enrolment.status not in (EnrolmentStatus.ACTIVE, EnrolmentStatus.PAUSED):
            raise ChangeRefused("ended")
        for check_in in enrolment.check_ins:
            if check_in.status in OPEN:
                _settle(check_in, CheckInStatus.CANCELLED, "ended early")
        end(session, enrolment, EnrolmentStatus.STOPPED)
        _note(session, enrolment, "ended early", staff_id, reason.strip())
    events.committed(enrolment.clinic_id)


def reach_by(enrolment_id: str, means: Means, staff_id: str | None, why: str = "") -> None:
    """Text the check-ins, or ask staff to phone instead (a landline, or the patient's wish)."""
    with transaction() as session:
        set_means(session, _of(session, enrolment_id), means, staff_id, why)
    events.work.set()


def set_means(
    session: Session, enrolment: Enrolment, means: Means, staff_id: str | None, why: str = ""
) -> None:
    """As `reach_by`, in the caller's transaction."""
    if enrolment.means is not means:
        enrolment.means = means
        _note(session, enrolment, f"by {means.value}", staff_id, why)


def skip(check_in_id: str, staff_id: str) -> None:
    """Leave one planned check-in out. Raises ChangeRefused when it has gone out already."""
    with transaction() as session:
        check_in = session.get_one(CheckIn, check_in_id, with_for_update=True)
        if check_in.status is not CheckInStatus.PLANNED:
            raise ChangeRefused("gone_out")
        _settle(check_in, CheckInStatus.SKIPPED, "skipped by staff")
        _note(session, check_in.enrolment, "skipped", staff_id, f"day {check_in.day}")
        finish_if_done(session, check_in.enrolment)
    events.committed(check_in.clinic_id)


def phone_from_now_on(session: Session, patient_id: str, why: str) -> None:
    """No text reaches this patient: every running enrolment is phoned instead, in the caller's
    transaction."""
    running = select(Enrolment).where(
        Enrolment.patient_id == patient_id,
        Enrolment.status.in_([EnrolmentStatus.ACTIVE, EnrolmentStatus.PAUSED]),
    )
    for enrolment in session.scalars(running):
        set_means(session, enrolment, Means.PHONE, None, why)


def text_again(session: Session, patient_id: str, why: str) -> None:
    """The patient has a number that may take texts: what the desk itself had phoned for want of one is texted
    again, in the caller's transaction. Whom staff chose to phone is phoned."""
    by_phone = select(Enrolment).where(Enrolment.patient_id == patient_id, Enrolment.means == Means.PHONE)
    for enrolment in session.scalars(by_phone):
        last = session.scalars(
            select(EnrolmentEvent)
            .where(EnrolmentEvent.enrolment_id == enrolment.id, EnrolmentEvent.what.startswith("by "))
            .order_by(EnrolmentEvent.id.desc())
            .limit(1)
        ).first()
        if last is not None and last.staff_id is None:
            set_means(session, enrolment, Means.TEXT, None, why)


def _of(session: Session, enrolment_id: str) -> Enrolment:
    return session.get_one(Enrolment, enrolment_id, with_for_update=True)


def _settle(check_in: CheckIn, status: CheckInStatus, reason: str) -> None:
    check_in.status, check_in.reason = status, reason


def _note(session: Session, enrolment: Enrolment, what: str, staff_id: str | None, detail: str = "") -> None:
    session.add(
        EnrolmentEvent(
            clinic_id=enrolment.clinic_id,
            enrolment_id=enrolment.id,
            what=what,
            detail=detail[:200],
            staff_id=staff_id,
        )
    )
