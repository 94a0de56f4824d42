"""Is this conversation held, and by whom? Questions to the record, for whoever must be silent meanwhile."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session, joinedload

from bot.handover.models import StaffReply, Takeover
from bot.messaging.models import Conversation


def holder_of(session: Session, conversation_id: str, *, lock: bool = False) -> Takeover | None:
    """The take-over that is under way, if any; `lock` it before changing it."""
    query = select(Takeover).where(
        Takeover.conversation_id == conversation_id, Takeover.released_at.is_(None)
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    else:
        query = query.options(joinedload(Takeover.staff))
    return session.scalars(query).first()


# Asked several times for every message, and made once.
_HELD = select(Takeover.id).where(
    Takeover.conversation_id == bindparam("conversation_id"), Takeover.released_at.is_(None)
)
_TALKS = (
    select(Takeover.id)
    .join(Conversation, Conversation.id == Takeover.conversation_id)
    .where(
        Takeover.released_at.is_(None),
        or_(
            Conversation.id == bindparam("conversation_id"),
            Conversation.patient_id == bindparam("patient_id"),  # nobody's, where it is empty
        ),
    )
)


def is_held(session: Session, conversation: Conversation) -> bool:
    """Whether a person holds the conversation, so that the bot is silent in it."""
    return session.scalars(_HELD, {"conversation_id": conversation.id}).first() is not None


def is_talking_with(session: Session, conversation: Conversation) -> bool:
    """Whether a person holds this conversation, or another one of the same patient."""
    where = {"conversation_id": conversation.id, "patient_id": conversation.patient_id}
    return session.scalars(_TALKS, where).first() is not None


def authors(session: Session, message_ids: Iterable[str]) -> dict[str, StaffReply]:
    """By message id who wrote it, for the messages that a person wrote."""
    query = (
        select(StaffReply)
        .where(StaffReply.message_id.in_(list(message_ids)))
        .options(joinedload(StaffReply.staff))
    )
    return {reply.message_id: reply for reply in session.scalars(query)}
