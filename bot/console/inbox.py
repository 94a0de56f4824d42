"""The conversations of the last weeks, for the list: who wrote last, who holds which, which wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from bot import clock
from bot.handover.models import Takeover
from bot.handover.waiting import waiting_message
from bot.messaging.models import Conversation, Direction, Kind, Message

#: How far back a conversation counts as one of the day's work, and how many are listed.
RECENT = timedelta(days=30)
LIMIT = 60


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation in the list. `waiting`: its holder has not answered the patient's last words."""

    conversation: Conversation
    last: Message
    held: Takeover | None
    waiting: bool

    @property
    def from_patient(self) -> bool:
        """Whether the patient wrote last."""
        return self.last.direction is Direction.IN


def recent(session: Session, clinic_id: str) -> list[Row]:
    """Those that are held first, a waiting patient before others, then the one in which was written last."""
    held = {
        one.conversation_id: one
        for one in session.scalars(
            select(Takeover)
            .where(Takeover.clinic_id == clinic_id, Takeover.released_at.is_(None))
            .options(joinedload(Takeover.staff))
        )
    }
    newest = (
        select(func.max(Message.id))
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            or_(Conversation.staff_id.is_(None), Conversation.patient_id.is_not(None)),
            Message.clinic_id == clinic_id,
            Message.created_at > clock.now() - RECENT,
            Message.kind.notin_([Kind.STAFF, Kind.PAGE]),
        )
        .group_by(Message.conversation_id)
    )
    query = (
        select(Message)
        .where(Message.id.in_(newest))
        .options(joinedload(Message.conversation).joinedload(Conversation.patient))
        .order_by(Message.id.desc())
    )
    listed = list(session.scalars(query.limit(LIMIT)))
    missing = set(held) - {message.conversation_id for message in listed}
    if missing:
        listed += list(session.scalars(query.where(Message.conversation_id.in_(missing))))
    rows = []
    for message in listed:
        mine = held.get(message.conversation_id)
        waits = mine is not None and waiting_message(session, mine) is not None
        rows.append(Row(message.conversation, message, mine, waits))
    return sorted(rows, key=lambda row: (row.held is None, not row.waiting))
