"""What people do with a conversation: take it, write in it, hand it back. Each in its own transaction."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.clinic.models import Staff
from bot.db.engine import transaction
from bot.escalation.models import Alert
from bot.escalation.signs import others_open
from bot.handover.door import Refusal, refusal_of
from bot.handover.holds import holder_of
from bot.handover.models import Release, StaffReply, Takeover
from bot.handover.waiting import ask_others, waiting_message
from bot.handover.words import colleague, template_text
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message
from bot.messaging.threads import add_outbound, say
from bot.protocols.render import Rendered
from bot.triage.types import PROBES


class HeldByAnother(Exception):
    """Somebody else holds the conversation; `name` says who."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} holds this conversation. Ask them to hand it back.")
        self.name = name


class NotHeld(Exception):
    """The writer does not hold the conversation, or no longer does."""


class ReplyRefused(Exception):
    """The reply may not go out; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


def take_over(conversation_id: str, staff_id: str) -> bool:
    """`staff_id` holds the conversation from now on. False when they did already. Raises HeldByAnother.

    A patient on the web sees who has joined; a text would cost and say no more than the first reply does.
    """
    with transaction() as session:
        conversation = session.get_one(Conversation, conversation_id, with_for_update={"of": Conversation})
        held = holder_of(session, conversation_id)
        if held is not None and held.staff_id != staff_id:
            raise HeldByAnother(held.staff.name)
        if held is None:
            _take(session, conversation, session.get_one(Staff, staff_id))
    events.committed(conversation.clinic_id, conversation.id)
    return held is None


def _take(session: Session, conversation: Conversation, staff: Staff) -> None:
    now = clock.now()
    session.add(
        Takeover(
            clinic_id=conversation.clinic_id,
            conversation_id=conversation.id,
            staff_id=staff.id,
            active_at=now,
            created_at=now,
        )
    )
    session.flush()
    _tell(session, conversation, "handover.joined", staff)


def reply(
    conversation_id: str, staff_id: str, text: str, template: str = "", *, after: str | None = None
) -> str:
    """Send what the holder wrote. Returns the message's id. Raises NotHeld and ReplyRefused.

    `after` is the newest message that the writer had before them: the same text sent once more from the same
    page, by a second click, is the same reply.
    `template` is the id of the ready-made reply that the text began as; it is recorded if that is unchanged.
    """
    with transaction() as session:
        conversation = session.get_one(Conversation, conversation_id, with_for_update={"of": Conversation})
        held = _mine(session, conversation_id, staff_id)
        text = text.replace("\x00", "").strip()
        before = None if after is None else _sent_after(session, held, after, text)
        if before is not None:
            return before
        refusal = refusal_of(session, conversation, text)
        if refusal is not None:
            raise ReplyRefused(refusal)
        ready = template_text(session, conversation, template) if template else None
        same = ready is not None and ready.text == text
        rendered = ready if ready is not None and same else Rendered(text, "", 0, "draft", ())
        message = add_outbound(session, conversation, rendered, Kind.REPLY)
        if not same:
            message.content_id = message.content_version = None
        session.add(
            StaffReply(
                clinic_id=conversation.clinic_id,
                message_id=message.id,
                takeover_id=held.id,
                staff_id=staff_id,
            )
        )
        if conversation.open_question not in PROBES:  # a person's words close every other question
            conversation.open_question = conversation.open_question_at = None
        held.active_at = clock.now()
    events.committed(conversation.clinic_id, conversation.id)
    return message.id


def _sent_after(session: Session, held: Takeover, after: str, text: str) -> str | None:
    """The id of the same text that the holder has sent since the message `after`."""
    query = select(Message.id).join(StaffReply, StaffReply.message_id == Message.id)
    return session.scalars(
        query.where(StaffReply.takeover_id == held.id, Message.id > after, Message.body == text)
    ).first()


def still_here(conversation_id: str, staff_id: str) -> None:
    """The holder is at it: the time until the automatic hand-back starts anew. Raises NotHeld."""
    with transaction() as session:
        held = _mine(session, conversation_id, staff_id)
        held.active_at = clock.now()
    events.committed(held.clinic_id, conversation_id)


def hand_back(conversation_id: str, staff_id: str, *, leave_task: bool = False) -> None:
    """The bot answers again. `leave_task`: what the patient wrote still needs somebody. Raises NotHeld."""
    with transaction() as session:
        conversation = session.get_one(Conversation, conversation_id, with_for_update={"of": Conversation})
        held = _mine(session, conversation_id, staff_id)
        release(session, held, Release.HANDED_BACK, leave_task=leave_task)
    events.committed(conversation.clinic_id, conversation.id)


def done_with(alert_id: str, staff_id: str) -> Literal["", "back", "waits", "another"]:
    """`staff_id` has closed the alert. If they hold its conversation, they are done with it: handed "back",
    unless the patient "waits" for an answer of theirs, or "another" open alert of the patient is theirs. ""
    when they do not hold it."""
    with transaction() as session:
        alert = session.get_one(Alert, alert_id)
        conversation_id = alert.conversation_id
        conversation = session.get_one(Conversation, conversation_id, with_for_update={"of": Conversation})
        held = holder_of(session, conversation_id, lock=True)
        if held is None or held.staff_id != staff_id:
            return ""
        if waiting_message(session, held) is not None:
            return "waits"
        if any(other.acknowledged_by_id == staff_id for other in others_open(session, alert)):
            return "another"
        release(session, held, Release.HANDED_BACK)
    events.committed(conversation.clinic_id, conversation.id)
    return "back"


def release(session: Session, held: Takeover, why: Release, *, leave_task: bool = True) -> None:
    """End `held` inside the caller's transaction, with its summary and a task for an open question."""
    conversation = held.conversation
    waiting = waiting_message(session, held)
    if waiting is not None and leave_task:
        ask_others(session, waiting)
    held.released_at, held.released_because = clock.now(), why
    held.messages_in = _count_in(session, held)
    held.messages_out = (
        session.scalar(select(func.count()).select_from(StaffReply).where(StaffReply.takeover_id == held.id))
        or 0
    )
    session.flush()
    _tell(session, conversation, "handover.left", session.get_one(Staff, held.staff_id))


def _mine(session: Session, conversation_id: str, staff_id: str) -> Takeover:
    held = holder_of(session, conversation_id, lock=True)
    if held is None or held.staff_id != staff_id:
        raise NotHeld
    return held


def _count_in(session: Session, held: Takeover) -> int:
    query = (
        select(func.count())
        .select_from(Message)
        .where(
            Message.conversation_id == held.conversation_id,
            Message.direction == Direction.IN,
            Message.kind == Kind.PATIENT,
            Message.created_at >= held.created_at,
        )
    )
    return session.scalar(query) or 0


def _tell(session: Session, conversation: Conversation, piece: str, staff: Staff) -> None:
    if conversation.channel is Channel.WEB:
        who = colleague(staff, conversation.language)
        say(session, conversation, piece, Kind.NOTICE, extra={"colleague": who})
