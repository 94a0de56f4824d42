"""What is said beside an open alert: that the call is still due, and why; not the same words each time."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.escalation.models import Alert
from bot.escalation.raising import open_alert
from bot.messaging.models import Conversation, Kind, Message
from bot.messaging.threads import lead_name, say
from bot.protocols.phrases import Language, as_language, at_time, on_day
from bot.records.models import TaskKind
from bot.records.tasks import open_task
from bot.triage.settled import clinic_rang
from bot.triage.types import Tier

#: So long what was said of an open alert still stands on the screen.
STILL_READ = timedelta(minutes=10)
RETRACTION, REMINDER, NOTED = "safety.retraction", "safety.still_open", "safety.noted"
#: What answers somebody who says that the clinic has rung; and the note of the task that asks staff to close.
RANG, RANG_NOTE = "safety.clinic_rang", "the clinic has rung"


def told_at(session: Session, alert: Alert, conversation: Conversation) -> str:
    """When the sign that `alert` is about was told, as texts say it: "at 14:05", "on 3 May"; local time."""
    language: Language = as_language(conversation.language)
    zone = ZoneInfo(conversation.patient.time_zone if conversation.patient else conversation.clinic.time_zone)
    told = session.get_one(Message, alert.message_id).created_at.astimezone(zone)
    if told.date() != clock.now().astimezone(zone).date():
        return on_day(told.date(), language)
    return at_time(f"{told:%H:%M}", language)


def answer_to_retraction(session: Session, conversation: Conversation, text: str) -> str:
    """What answers "never mind" beside an open alert: at length, and within minutes of that in few words.
    Who says that the clinic has rung is told who closes the alert."""
    if clinic_rang(text):
        return RANG
    return NOTED if _said_lately(session, conversation) else RETRACTION


def ask_to_close(session: Session, message: Message) -> None:
    """Somebody says that the clinic has rung: staff are asked to see to it that the alert is closed."""
    alert = open_alert(session, message.conversation)
    if alert is not None:
        open_task(
            session,
            TaskKind.REVIEW,
            f"rang:{alert.id}",
            message.conversation,
            note=RANG_NOTE,
            message_id=message.id,
        )


def remind(session: Session, message: Message, position: int) -> None:
    """After an answer to `message` on something else, say that an open alert of the hour still needs a call.

    Not when that was said within minutes; then it is still on the screen.
    """
    conversation = message.conversation
    alert = open_alert(session, conversation)
    if alert is None or not alert.tier.at_least_as_urgent_as(Tier.T1) or _said_lately(session, conversation):
        return
    say(
        session,
        conversation,
        REMINDER,
        Kind.REPLY,
        extra={
            "safeguarding_lead": lead_name(session, conversation),
            "told_at": told_at(session, alert, conversation),
        },
        tier=alert.tier.value,
        flag="PSY" if alert.psych else alert.flag,
        in_reply_to_id=message.id,
        position=position,
    )


def _said_lately(session: Session, conversation: Conversation) -> bool:
    lately = select(Message.id).where(
        Message.conversation_id == conversation.id,
        Message.created_at > clock.now() - STILL_READ,
        Message.content_id.in_((RETRACTION, REMINDER)),
    )
    return session.scalars(lately.limit(1)).first() is not None
