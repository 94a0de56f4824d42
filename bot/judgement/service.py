"""Recording what staff say triage should have made of a message."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clinic.models import Staff
from bot.escalation.models import Alert, EventKind
from bot.escalation.signs import raised_by, signs_of
from bot.judgement.models import Judgement, Verdict
from bot.messaging.models import Direction, Kind, Message
from bot.records.models import AssessmentRecord
from bot.triage.types import Tier


class JudgementInvalid(ValueError):
    """The judgement says nothing that could be learnt from; `problem` names what is wrong with it."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def judged_tier(verdict: Verdict, given: Tier, chosen: Tier | None) -> Tier:
    """The tier that a verdict says is right. Raises JudgementInvalid: `choose`, `not_higher`, `not_lower`.

    A false alarm is routine unless another tier is chosen; the other two must say how urgent it was.
    """
    match verdict:
        case Verdict.CORRECT:
            return given
        case Verdict.FALSE_ALARM:
            judged = chosen or Tier.T4
            if judged.at_least_as_urgent_as(given):
                raise JudgementInvalid("not_lower")
            return judged
        case Verdict.MORE_URGENT | Verdict.MISSED:
            if chosen is None:
                raise JudgementInvalid("choose")
            if given.at_least_as_urgent_as(chosen):
                raise JudgementInvalid("not_higher")
            return chosen


def given_tier(session: Session, message_id: str) -> Tier:
    """What triage said of a message; routine where it said nothing."""
    said = session.scalars(
        select(AssessmentRecord.tier).where(AssessmentRecord.message_id == message_id)
    ).first()
    return said or Tier.T4


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement that is fit to be recorded."""

    message_id: str
    verdict: Verdict
    given: Tier
    judged: Tier


def of_message(session: Session, message: Message, verdict: Verdict, chosen: Tier | None) -> Judged:
    """A verdict on one message of a patient. Raises JudgementInvalid."""
    given = given_tier(session, message.id)
    return Judged(message.id, verdict, given, judged_tier(verdict, given, chosen))


def of_alert(session: Session, alert: Alert, verdict: Verdict, chosen: Tier | None) -> Judged:
    """A verdict on an alert: on the message that made it as urgent as it is.

    `missed` is about the message before the alert's first, which should have raised it; it was as urgent as
    the alert unless `chosen` says otherwise. Raises JudgementInvalid, `nothing_before` where there is none.
    """
    if verdict is Verdict.MISSED:
        before = _before(session, alert)
        if before is None:
            raise JudgementInvalid("nothing_before")
        given = given_tier(session, before)
        return Judged(before, verdict, given, judged_tier(verdict, given, chosen or alert.tier))
    message_id, given = _leading(session, alert)
    return Judged(message_id, verdict, given, judged_tier(verdict, given, chosen))


def record(session: Session, judged: Judged, staff: Staff, alert: Alert | None = None) -> None:
    """Write a judgement down, under the role that `staff` has now."""
    session.add(
        Judgement(
            clinic_id=staff.clinic_id,
            message_id=judged.message_id,
            alert_id=alert.id if alert else None,
            verdict=judged.verdict,
            given=judged.given,
            judged=judged.judged,
            staff_id=staff.id,
            role=staff.role,
        )
    )
    session.flush()


def _leading(session: Session, alert: Alert) -> tuple[str, Tier]:
    """The most urgent message of those that are in the alert, the first of several, and how urgent it was
    held to be. What was taken out of the alert is judged with the alert that it became."""
    if not any(event.kind is EventKind.SPLIT for event in alert.events):
        return raised_by(alert).id, alert.tier
    sign = min(signs_of(session, alert).values(), key=lambda one: one.tier.urgency)
    return sign.message.id, sign.tier


def _before(session: Session, alert: Alert) -> str | None:
    """The patient's message before the one that opened the alert."""
    return session.scalars(
        select(Message.id)
        .where(
            Message.conversation_id == alert.conversation_id,
            Message.direction == Direction.IN,
            Message.kind == Kind.PATIENT,
            Message.id < alert.message_id,
        )
        .order_by(Message.id.desc())
        .limit(1)
    ).first()
