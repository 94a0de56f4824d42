"""What a patient wrote that the holder has not answered, and asking others to look at it."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.handover.models import StaffReply, Takeover
from bot.messaging.models import Channel, Direction, Kind, Message
from bot.messaging.optout import is_opted_out
from bot.records.models import StaffTask, TaskKind
from bot.records.tasks import open_task

#: The note of the task, by which the console words it.
UNANSWERED = "handover: not answered"


def waiting_message(session: Session, held: Takeover) -> Message | None:
    """The patient's first message since the holder last wrote, if any that may be answered."""
    if held.conversation.channel is Channel.SMS and is_opted_out(held.conversation):
        return None
    last = session.scalar(
        select(func.max(Message.created_at))
        .join(StaffReply, StaffReply.message_id == Message.id)
        .where(StaffReply.takeover_id == held.id)
    )
    return session.scalars(
        select(Message)
        .where(
            Message.conversation_id == held.conversation_id,
            Message.direction == Direction.IN,
            Message.kind == Kind.PATIENT,
            Message.created_at > (last or held.created_at),
        )
        .order_by(Message.id)
        .limit(1)
    ).first()


def others_asked(session: Session, message: Message) -> bool:
    """Whether somebody was asked to look at this wait already."""
    key = f"{TaskKind.TALK_TO_PATIENT.value}:{_key(message)}"
    query = select(StaffTask.id).where(StaffTask.clinic_id == message.clinic_id, StaffTask.key == key)
    return session.scalars(query).first() is not None


def ask_others(session: Session, message: Message) -> None:
    """Open the task about a wait, once."""
    open_task(
        session,
        TaskKind.TALK_TO_PATIENT,
        _key(message),
        message.conversation,
        note=UNANSWERED,
        message_id=message.id,
    )


def _key(message: Message) -> str:
    return f"held:{message.id}"
