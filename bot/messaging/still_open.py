"""What is said beside an open alert: that the call is still due, and why; not the same words each time."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.escalation.models import Alert, AlertEvent, EventKind
from bot.escalation.raising import CLINIC_RANG, open_alert
from bot.escalation.signs import signs_of
from bot.messaging.models import Conversation, Kind, Message
from bot.messaging.threads import lead_name, say
from bot.protocols.phrases import Language, as_language, at_time, on_day
from bot.records.models import TaskKind
from bot.records.tasks import open_task
from bot.triage.calls import clinic_rang
from bot.triage.types import Tier

#: So long what was said of an open alert still stands on the screen.
STILL_READ = timedelta(minutes=10)
RETRACTION, REMINDER, NOTED = "safety.retraction", "safety.still_open", "safety.noted"
#: What is said once the patient has told that the clinic has rung.
STANDS = "safety.rang_stands"
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
    Who says that the clinic has rung is told who closes the alert, and is promised no call after that."""
    if clinic_rang(text):
        return RANG
    alert = open_alert(session, conversation)
    if alert is not None and _told_of_the_call(session, alert):
        return STANDS
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
    """After an answer to `message` on something else, say that an open alert of the hour still needs a call,
    or, once the patient has told of the call, that it is open until somebody closes it.

    Not when that was said within minutes; then it is still on the screen.
    """
    conversation = message.conversation
    alert = open_alert(session, conversation)
    if alert is None or not alert.tier.at_least_as_urgent_as(Tier.T1) or _said_lately(session, conversation):
        return
    say(
        session,
        conversation,
        STANDS if _told_of_the_call(session, alert) else REMINDER,
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


def _told_of_the_call(session: Session, alert: Alert) -> bool:
    """Whether the patient has said that the clinic has rung, and told of no sign since."""
    signs = signs_of(session, alert)
    query = select(AlertEvent).where(AlertEvent.alert_id == alert.id, AlertEvent.message_id.is_not(None))
    told = False
    for event in session.scalars(query.order_by(AlertEvent.id)):
        if event.detail == CLINIC_RANG:
            told = True
        elif event.kind in (EventKind.RAISED, EventKind.SILENT) or (
            event.kind is EventKind.PATIENT_WROTE and event.message_id in signs
        ):
            told = False
    return told


def _said_lately(session: Session, conversation: Conversation) -> bool:
    lately = select(Message.id).where(
        Message.conversation_id == conversation.id,
        Message.created_at > clock.now() - STILL_READ,
        Message.content_id.in_((RETRACTION, REMINDER, RANG, STANDS)),
    )
    return session.scalars(lately.limit(1)).first() is not None
