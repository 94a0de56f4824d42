"""Conversations, messages in and out with their status history, and delivery attempts."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.clinic.models import Clinic, Patient, Staff
from bot.db.base import Base, ClinicOwned, text_enum


class Channel(enum.StrEnum):
    """Where a conversation takes place. The SMS carrier behind `sms` is a setting."""

    SMS = "sms"
    WEB = "web"


class Direction(enum.StrEnum):
    """`in`: somebody wrote to us. `out`: we write."""

    IN = "in"
    OUT = "out"


class Kind(enum.StrEnum):
    """Why an outbound message exists, or what an inbound one turned out to be."""

    PATIENT = "patient"  #: in: somebody who is not staff
    STAFF = "staff"  #: in: a member of staff answering a page
    SAFETY = "safety"
    REPLY = "reply"
    CHECK_IN = "check_in"
    NOTICE = "notice"  #: opt-out confirmations, welcome
    PAGE = "page"
    RECALL = "recall"  #: please phone the clinic about what you were treated with


class Status(enum.StrEnum):
    """A message's life. Carrier states only move forward (`delivery.forward`)."""

    RECEIVED = "received"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"  #: not sent on purpose: opted out, too old, already settled


class Turn(enum.StrEnum):
    """Where the dialogue is with an inbound message."""

    PENDING = "pending"
    ANSWERED = "answered"
    NOT_NEEDED = "not_needed"  #: keywords, staff replies


class Conversation(ClinicOwned, Base):
    """One thread with one address. Its id is what Rasa knows the sender by: opaque, never a phone number."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("clinic_id", "channel", "address"),
        Index("ix_conversations_open_question", "open_question", "open_question_at"),
    )

    channel: Mapped[Channel] = mapped_column(text_enum(Channel))
    address: Mapped[str] = mapped_column(String(64))  #: E.164, or the widget's session id
    language: Mapped[str] = mapped_column(String(2), default="en")
    patient_id: Mapped[str | None] = mapped_column(ForeignKey("patients.id"), index=True)
    #: whose phone number was left in the chat. Nobody has checked who writes there, so that it decides to
    #: which alert a sign belongs, and nothing that is said.
    named_patient_id: Mapped[str | None] = mapped_column(ForeignKey("patients.id"))
    staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
    #: the one product that somebody not treated yet has asked about, by its catalogue id
    interest: Mapped[str | None] = mapped_column(String(40))
    #: STOP also counts for a number that belongs to nobody we know
    opted_out_at: Mapped[datetime | None]
    #: id of the question our last message asked, and when; what a bare "9" or "yes" answers
    open_question: Mapped[str | None] = mapped_column(String(40))
    open_question_at: Mapped[datetime | None]

    clinic: Mapped[Clinic] = relationship()
    patient: Mapped[Patient | None] = relationship(foreign_keys=[patient_id])
    named_patient: Mapped[Patient | None] = relationship(foreign_keys=[named_patient_id])
    staff: Mapped[Staff | None] = relationship()

    @property
    def owner_id(self) -> str | None:
        """The patient whose alerts what is written here belongs to, known or named; None: nobody knows."""
        return self.patient_id or self.named_patient_id


class Message(ClinicOwned, Base):
    """A message in or out. Inbound rows are written before anything else can fail."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("channel", "provider_id"),
        # A reply exists once, however often its turn is run.
        UniqueConstraint("in_reply_to_id", "position"),
        Index("ix_messages_due", "status", "send_after"),
        Index("ix_messages_turn", "turn"),
        Index("ix_messages_conversation", "conversation_id", "id"),
        Index("ix_messages_clinic_time", "clinic_id", "created_at"),
        # every sweep asks whether there is one; of a million messages hardly any is
        Index(
            "ix_messages_unread",
            "id",
            sqlite_where=text("direction = 'in' AND assessed IS 0"),
            postgresql_where=text("direction = 'in' AND assessed IS false"),
        ),
    )

    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    patient_id: Mapped[str | None] = mapped_column(ForeignKey("patients.id"), index=True)
    direction: Mapped[Direction] = mapped_column(text_enum(Direction))
    kind: Mapped[Kind] = mapped_column(text_enum(Kind))
    channel: Mapped[Channel] = mapped_column(text_enum(Channel))
    provider_id: Mapped[str | None] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)
    media: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    #: quick replies; the web shows buttons, SMS has the numbers in the text
    buttons: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    status: Mapped[Status] = mapped_column(text_enum(Status))
    language: Mapped[str] = mapped_column(String(2), default="en")

    # inbound
    turn: Mapped[Turn | None] = mapped_column(text_enum(Turn))
    #: False until triage has read it; the auditor looks for these
    assessed: Mapped[bool] = mapped_column(default=False)

    # outbound
    send_after: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(200))
    in_reply_to_id: Mapped[str | None] = mapped_column(ForeignKey("messages.id"))
    position: Mapped[int | None]
    check_in_id: Mapped[str | None] = mapped_column(ForeignKey("check_ins.id"))
    question: Mapped[str | None] = mapped_column(String(40))
    content_id: Mapped[str | None] = mapped_column(String(80))
    content_version: Mapped[int | None]
    #: the number of the clinic's own version of that text, when the words are partly its own
    content_own_version: Mapped[int | None]

    conversation: Mapped[Conversation] = relationship()
    events: Mapped[list[MessageEvent]] = relationship(order_by="MessageEvent.id", back_populates="message")
    deliveries: Mapped[list[DeliveryAttempt]] = relationship(order_by="DeliveryAttempt.number")


class MessageEvent(ClinicOwned, Base):
    """One line of a message's status history."""

    __tablename__ = "message_events"

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"), index=True)
    status: Mapped[Status] = mapped_column(text_enum(Status))
    detail: Mapped[str | None] = mapped_column(String(200))

    message: Mapped[Message] = relationship(back_populates="events")


class DeliveryAttempt(ClinicOwned, Base):
    """One try at handing a message to the carrier. The row is written before the call, and settled after."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (UniqueConstraint("message_id", "number"),)

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"))
    number: Mapped[int]
    settled_at: Mapped[datetime | None]
    provider_id: Mapped[str | None] = mapped_column(String(64))
    error_code: Mapped[str | None] = mapped_column(String(16))
    error: Mapped[str | None] = mapped_column(String(200))
