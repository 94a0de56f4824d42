"""What patients answer to check-ins, kept with their words as it arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload

from bot import clock, events
from bot.db.engine import transaction
from bot.followup import protocols
from bot.followup.asking import Value, judge, plain_id
from bot.followup.ending import finish_if_done
from bot.followup.models import CheckIn, CheckInStatus, Enrolment
from bot.messaging.models import Message
from bot.protocols.schema import Question
from bot.records.models import AssessmentRecord
from bot.records.symptoms import act_on, log_answer
from bot.triage.types import Tier, most_urgent

#: The 0-10 answers that are symptoms, and show in the trend.
SYMPTOMS = ("pain", "swelling", "bruising", "tenderness")

_FOLLOWED = (joinedload(CheckIn.enrolment, innerjoin=True).joinedload(Enrolment.treatment, innerjoin=True),)


@dataclass(frozen=True, slots=True)
class Told:
    """One answer: what was understood, and the patient's words in the message that they came in. `question`
    is its id, also as the dialogue calls it (`checkin.pain`)."""

    question: str
    value: Value
    words: str
    message_id: str


def record(check_in_id: str, question: str, value: Value, *, words: str, message_id: str) -> None:
    """Keep one answer, as `record_all` does."""
    record_all(check_in_id, [Told(question, value, words, message_id)])


def record_all(check_in_id: str, told: Sequence[Told]) -> None:
    """Keep answers to a check-in. A correction replaces what was there.

    A 0-10 answer about a symptom also becomes a symptom report for the trend. Red flags in the words were
    triaged before.
    """
    with transaction() as session:
        check_in = _locked(session, check_in_id)
        earlier, asked = before(session, check_in), protocols.questions(session, check_in)
        for one in told:
            message = _keep(session, check_in, one, earlier, asked)
    if told:
        events.committed(check_in.clinic_id, message.conversation_id)


def _locked(session: Session, check_in_id: str) -> CheckIn:
    """The check-in, held until the transaction ends, with the series and the treatment that it follows."""
    return session.get_one(CheckIn, check_in_id, options=_FOLLOWED, with_for_update={"of": CheckIn})


def remark(check_in_id: str, question: str, *, words: str, message_id: str) -> None:
    """Keep words that answered `question` without saying what it asks for. It stays unanswered, or as it was
    answered before; the same message is kept once, however often its turn runs."""
    with transaction() as session:
        check_in = session.get_one(CheckIn, check_in_id, with_for_update=True)
        message = session.get_one(Message, message_id)
        name = plain_id(question)
        blank = {"value": None, "words": words, "message_id": message.id}
        entry: dict[str, Any] = check_in.answers.get(name, blank)
        remarks = list(entry.get("remarks", []))
        if any(one["message_id"] == message.id for one in remarks):
            return
        remarks.append({"words": words, "message_id": message.id})
        check_in.answers = {**check_in.answers, name: {**entry, "remarks": remarks}}
    events.committed(check_in.clinic_id, message.conversation_id)


def _keep(
    session: Session,
    check_in: CheckIn,
    told: Told,
    earlier: Mapping[str, Value],
    asked: Mapping[str, Question],
) -> Message:
    name, value = plain_id(told.question), told.value
    message = session.get_one(Message, told.message_id)
    entry: dict[str, Any] = {"value": value, "words": told.words, "message_id": message.id}
    if remarks := check_in.answers.get(name, {}).get("remarks"):
        entry["remarks"] = remarks
    check_in.answers = {**check_in.answers, name: entry}
    if name in SYMPTOMS and isinstance(value, int):
        tier, _ = judge({name: value}, earlier, check_in.day, asked)
        log_answer(session, message, check_in.id, name, value, tier)
    return message


def finish(check_in_id: str, message_id: str) -> Literal["well", "concern"]:
    """The patient answered everything. "concern" when something needs a person, and that is then started.

    What crosses a threshold of its question goes to a human [prop, clinical.md 2]. What triage already
    raised an alert for is not raised again.
    """
    with transaction() as session:
        check_in = _locked(session, check_in_id)
        message = session.get_one(Message, message_id)
        tier, note = judgement(session, check_in)
        if check_in.answered_at is None:
            check_in.answered_at, check_in.status = clock.now(), CheckInStatus.ANSWERED
            act_on(session, message, tier, note)
            finish_if_done(session, check_in.enrolment)
        triaged = _triaged(session, check_in)
    events.committed(check_in.clinic_id, message.conversation_id)
    return "well" if tier is Tier.T4 and triaged is Tier.T4 else "concern"


def judgement(session: Session, check_in: CheckIn) -> tuple[Tier, str]:
    """How soon a person must look at what was answered, and why, by the protocol in force now."""
    asked = protocols.questions(session, check_in)
    return judge(values_of(check_in.answers), before(session, check_in), check_in.day, asked)


def values_of(answers: Mapping[str, Any]) -> dict[str, Value]:
    """What was understood of stored answers, by question. What has only remarks is not answered."""
    values = {plain_id(name): answer["value"] for name, answer in answers.items()}
    return {name: value for name, value in values.items() if value is not None}


_BEFORE = (
    select(CheckIn.answers)
    .where(
        CheckIn.patient_id == bindparam("patient_id"),
        CheckIn.due_at < bindparam("until"),
        CheckIn.due_at > bindparam("since"),
    )
    .order_by(CheckIn.due_at)
)


def before(session: Session, check_in: CheckIn) -> dict[str, Value]:
    """What the patient last answered to each question since the treatment, before this check-in fell due."""
    where = {
        "patient_id": check_in.patient_id,
        "until": check_in.due_at,
        "since": check_in.enrolment.treatment.treated_at,
    }
    found: dict[str, Value] = {}
    for given in session.scalars(_BEFORE, where):
        found |= values_of(given)
    return found


def _triaged(session: Session, check_in: CheckIn) -> Tier:
    """The most urgent tier that triage gave to any answer of this check-in."""
    told = check_in.answers.values()
    ids = {one["message_id"] for answer in told for one in (answer, *answer.get("remarks", []))}
    return most_urgent(
        *session.scalars(select(AssessmentRecord.tier).where(AssessmentRecord.message_id.in_(ids)))
    )
