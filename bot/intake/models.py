"""The intake on record: one for each conversation at a time, with every answer as it was given."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db.base import Base, ClinicOwned, text_enum
from bot.messaging.models import Conversation


class IntakeStatus(enum.StrEnum):
    """`stopped`: the person is under age, and nothing is booked."""

    OPEN = "open"
    DONE = "done"
    STOPPED = "stopped"


class Intake(ClinicOwned, Base):
    """The questions before a treatment, asked of one person."""

    __tablename__ = "intakes"
    __table_args__ = (
        Index("ix_intakes_conversation", "conversation_id", "status"),
        Index("ix_intakes_open", "status", "heard_at"),
    )

    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    patient_id: Mapped[str | None] = mapped_column(ForeignKey("patients.id"), index=True)
    status: Mapped[IntakeStatus] = mapped_column(text_enum(IntakeStatus), default=IntakeStatus.OPEN)
    #: when the person last answered, for the one reminder
    heard_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    conversation: Mapped[Conversation] = relationship()
    answers: Mapped[list[IntakeAnswer]] = relationship(order_by="IntakeAnswer.id", back_populates="intake")


class IntakeAnswer(ClinicOwned, Base):
    """One answer. A later one to the same question counts; the earlier one stays on record."""

    __tablename__ = "intake_answers"

    intake_id: Mapped[str] = mapped_column(ForeignKey("intakes.id"), index=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"))
    item: Mapped[str] = mapped_column(String(40))
    said: Mapped[str] = mapped_column(String(16))
    words: Mapped[str] = mapped_column(Text)  #: the person's own, untouched
    codes: Mapped[list[str]] = mapped_column(default=list)
    value: Mapped[int | None]

    intake: Mapped[Intake] = relationship(back_populates="answers")
