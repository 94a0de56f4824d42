"""Enrolments end when nothing of them can happen any more."""

from __future__ import annotations

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session, aliased

from bot.db.engine import transaction
from bot.followup.models import OPEN, CheckIn, Enrolment, EnrolmentStatus

RUNNING = (EnrolmentStatus.ACTIVE, EnrolmentStatus.PAUSED)
BATCH = 500
_STILL_OPEN = (
    select(CheckIn.id)
    .where(CheckIn.enrolment_id == bindparam("enrolment_id"), CheckIn.status.in_(OPEN))
    .limit(1)
)


def finish_if_done(session: Session, enrolment: Enrolment) -> None:
    """An enrolment whose check-ins are all settled is finished, and so are those merged into it."""
    session.flush()
    if enrolment.status not in RUNNING or enrolment.merged_into_id is not None:
        return
    if session.scalars(_STILL_OPEN, {"enrolment_id": enrolment.id}).first() is None:
        end(session, enrolment, EnrolmentStatus.FINISHED)


def end(session: Session, enrolment: Enrolment, status: EnrolmentStatus) -> None:
    """Let `enrolment` and what was merged into it have ended with `status`."""
    enrolment.status = status
    merged = select(Enrolment).where(Enrolment.merged_into_id == enrolment.id, Enrolment.status.in_(RUNNING))
    for one in session.scalars(merged):
        one.status = status


def finish_all_done(limit: int = BATCH) -> int:
    """Finish up to `limit` enrolments of each kind that run with nothing to come: records of earlier versions
    have some. Returns how many there were."""
    series = aliased(Enrolment)
    with transaction() as session:
        is_open = exists().where(CheckIn.enrolment_id == Enrolment.id, CheckIn.status.in_(OPEN))
        running = select(Enrolment).where(Enrolment.status.in_(RUNNING)).limit(limit)
        done = session.scalars(running.where(Enrolment.merged_into_id.is_(None), ~is_open)).all()
        for enrolment in done:
            end(session, enrolment, EnrolmentStatus.FINISHED)
        session.flush()
        left = session.execute(
            select(Enrolment, series.status)
            .join(series, series.id == Enrolment.merged_into_id)
            .where(Enrolment.status.in_(RUNNING), series.status.not_in(RUNNING))
            .limit(limit)
        ).all()
        for merged, status in left:
            merged.status = status
    return len(done) + len(left)
