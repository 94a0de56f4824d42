"""What patients answer to check-ins, kept with their words as it arrives."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.db.engine import transaction
from bot.followup.models import OPEN, CheckIn, CheckInStatus, Enrolment, EnrolmentStatus
from bot.messaging.models import Message
from bot.records.models import AssessmentRecord, Trend
from bot.records.symptoms import act_on, log_answer, next_step
from bot.triage.types import Tier, most_urgent

SCALES = ("pain", "swelling")
#: Points by which a 0-10 answer must exceed the check-in before it to count as worsening.
WORSE_BY = 2


def record(
    check_in_id: str, question: str, value: int | str | list[int], *, words: str, message_id: str
) -> None:
    """Keep one answer: what was understood, and the patient's words. A correction replaces it.

    A 0-10 answer also becomes a symptom report for the trend. Red flags in the words were triaged before.
    """
    with transaction() as session:
        check_in = session.get_one(CheckIn, check_in_id, with_for_update=True)
        message = session.get_one(Message, message_id)
        entry: dict[str, Any] = {"value": value, "words": words, "message_id": message_id}
        check_in.answers = {**check_in.answers, question: entry}
        if question in SCALES and isinstance(value, int):
            tier = next_step(value, None, check_in.day)
            log_answer(session, message, check_in.id, question, value, tier)
    events.committed(check_in.clinic_id, message.conversation_id)


def finish(check_in_id: str, message_id: str) -> Literal["well", "concern"]:
    """The patient answered everything. "concern" when something needs a person, and that is then started.

    Severe answers, and worsening since the check-in before after the second day, go to a human the same day
    [prop, clinical.md 2]. What triage already raised an alert for is not raised again.
    """
    with transaction() as session:
        check_in = session.get_one(CheckIn, check_in_id, with_for_update=True)
        message = session.get_one(Message, message_id)
        tier, note = _judge(check_in)
        if check_in.answered_at is None:
            check_in.answered_at, check_in.status = clock.now(), CheckInStatus.ANSWERED
            act_on(session, message, tier, note)
            finish_if_done(session, check_in.enrolment)
        triaged = _triaged(session, check_in)
    events.committed(check_in.clinic_id, message.conversation_id)
    return "well" if tier is Tier.T4 and triaged is Tier.T4 else "concern"


def finish_if_done(session: Session, enrolment: Enrolment) -> None:
    """An enrolment whose check-ins are all settled is finished."""
    session.flush()
    if all(check_in.status not in OPEN for check_in in enrolment.check_ins):
        enrolment.status = EnrolmentStatus.FINISHED


def _judge(check_in: CheckIn) -> tuple[Tier, str]:
    before = next(
        (
            other
            for other in reversed(check_in.enrolment.check_ins)
            if other.day < check_in.day and other.answers
        ),
        None,
    )
    tier, note = Tier.T4, ""
    for question in SCALES:
        value = _score(check_in, question)
        if value is None:
            continue
        earlier = _score(before, question) if before else None
        worse = earlier is not None and value - earlier >= WORSE_BY
        found = next_step(value, Trend.WORSE if worse else None, check_in.day)
        if found.urgency < tier.urgency:
            tier, note = found, f"{question} {value}/10" + (f", was {earlier}/10" if worse else "")
    return tier, note


def _score(check_in: CheckIn, question: str) -> int | None:
    value = check_in.answers.get(question, {}).get("value")
    return value if isinstance(value, int) else None


def _triaged(session: Session, check_in: CheckIn) -> Tier:
    """The most urgent tier that triage gave to any answer of this check-in."""
    ids = {answer["message_id"] for answer in check_in.answers.values()}
    return most_urgent(
        *session.scalars(select(AssessmentRecord.tier).where(AssessmentRecord.message_id.in_(ids)))
    )
