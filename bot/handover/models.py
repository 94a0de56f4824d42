"""Who held which conversation, from when to when, and what they wrote in it."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.clinic.models import Staff
from bot.db.base import Base, ClinicOwned, text_enum
from bot.messaging.models import Conversation, Message


class Release(enum.StrEnum):
    """Why a conversation went back to the bot."""

    HANDED_BACK = "handed_back"
    INACTIVE = "inactive"  #: nothing from the holder for too long
    HOLDER_GONE = "holder_gone"  #: signed out, or no longer active


class Takeover(ClinicOwned, Base):
    """One person holds one conversation, from `created_at` on. The counts are written when it ends."""

    __tablename__ = "takeovers"
    __table_args__ = (
        # Two people never hold the same conversation.
        Index(
            "uq_takeovers_one_open",
            "conversation_id",
            unique=True,
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
        Index("ix_takeovers_conversation", "conversation_id", "id"),
    )

    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"))
    #: when the holder last did something: took it, wrote, or said that they are still there
    active_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
    released_because: Mapped[Release | None] = mapped_column(text_enum(Release))
    messages_in: Mapped[int] = mapped_column(default=0)
    messages_out: Mapped[int] = mapped_column(default=0)

    conversation: Mapped[Conversation] = relationship()
    staff: Mapped[Staff] = relationship()


class StaffReply(ClinicOwned, Base):
    """Who wrote an outbound message by hand, and under which take-over."""

    __tablename__ = "staff_replies"

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"), unique=True)
    takeover_id: Mapped[str] = mapped_column(ForeignKey("takeovers.id"), index=True)
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"))

    message: Mapped[Message] = relationship()
    staff: Mapped[Staff] = relationship()
