"""Alerts with their event timeline, and the notifications that page people about them."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.clinic.models import Patient, Staff
from bot.db.base import Base, ClinicOwned, text_enum
from bot.messaging.models import Conversation, Message, Status
from bot.notify.models import ContactKind, ContactMethod
from bot.triage.types import Tier


class AlertStatus(enum.StrEnum):
    """Only a named person closes an alert; a patient's "never mind" does not."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class Outcome(enum.StrEnum):
    """How an alert ended, from a fixed list."""

    SEEN_IN_CLINIC = "seen_in_clinic"
    SENT_TO_EMERGENCY = "sent_to_emergency"
    ADVISED_BY_PHONE = "advised_by_phone"
    REVIEW_BOOKED = "review_booked"
    COULD_NOT_REACH = "could_not_reach"
    FALSE_ALARM = "false_alarm"


class EventKind(enum.StrEnum):
    """What happened to an alert."""

    OPENED = "opened"
    PAGED = "paged"
    PAGE_DELIVERED = "page_delivered"
    PAGE_FAILED = "page_failed"
    NOBODY_ON_CALL = "nobody_on_call"
    NAMES_NOBODY = "names_nobody"  #: a step names nobody who can be paged, whoever is on call
    ACKNOWLEDGED = "acknowledged"
    REMINDED = "reminded"
    PATIENT_WROTE = "patient_wrote"
    RAISED = "raised"
    JOINED = "joined"  #: another alert of the same patient has become part of it
    SILENT = "silent"  #: a question of triage about a sign stayed unanswered, which raised nothing
    SPLIT = "split"  #: a sign was taken out of it, into an alert of its own
    SPLIT_FROM = "split_from"  #: it was made of a sign of another alert
    REOPENED = "reopened"  #: whoever had it has left
    INFORMED = "informed"
    NOTE = "note"
    CLOSED = "closed"


#: The detail of a page that went to somebody as safeguarding lead.
AS_LEAD = "safeguarding_lead"
#: The detail of a failed page when none of the person's contact methods worked.
EVERY_CHANNEL = "every_channel"
#: The detail of a failed page when no way to anybody of a step worked, so that the next began at once; and
#: when that was the last, so that all are paged again after its time.
NOBODY_REACHED, NOBODY_REACHED_AT_ALL = "nobody_reached", "nobody_reached_at_all"
#: The detail of a page that went to a medical director who is not on call: nobody else took the alert.
AS_DIRECTOR = "director"
#: The detail of a page whose reader asked on the phone that somebody else takes it.
PASSED_ON = "passed_on"
#: The detail of a page that went to the fall-back phone, and of one that shares a text with others.
FALLBACK, BUNDLED = "fallback", "bundled"
#: The detail of a reopening because reminders were ignored; without it, whoever had the alert has left.
IGNORED = "reminders_ignored"
#: The note that a reply "ON IT" leaves.
ON_IT = "ON IT"


def _where(condition: str) -> dict[str, Any]:
    """For an index over some rows only, on both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class Alert(ClinicOwned, Base):
    """A sign that needs a human. Signs open one alert per patient, or per conversation where nobody knows
    whose it is: later ones join it and may raise it. Only a person makes a second one, of a sign that
    concerns something else (`split_from_id`).

    Two that turn out to be one patient's become one: the younger is closed with the id of the older, and
    keeps its code and notifications; its timeline goes over to the older.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_one_open_patient",
            "patient_id",
            unique=True,
            **_where("status <> 'closed' AND split_from_id IS NULL"),
        ),
        Index(
            "uq_alerts_one_open_unknown",
            "conversation_id",
            unique=True,
            **_where("status <> 'closed' AND patient_id IS NULL AND split_from_id IS NULL"),
        ),
        Index(  # the same sign is not taken out twice
            "uq_alerts_one_open_split",
            "split_from_id",
            "message_id",
            unique=True,
            **_where("status <> 'closed' AND split_from_id IS NOT NULL"),
        ),
        Index("ix_alerts_queue", "clinic_id", "status", "tier"),
        Index("ix_alerts_next_step", "next_step_at", **_where("status <> 'closed'")),
        Index("ix_alerts_clinic_time", "clinic_id", "created_at"),
    )

    patient_id: Mapped[str | None] = mapped_column(ForeignKey("patients.id"), index=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"))
    tier: Mapped[Tier] = mapped_column(text_enum(Tier))
    flag: Mapped[str] = mapped_column(String(8))
    #: one of its messages is a crisis: the safeguarding lead is paged too
    psych: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: what staff type after ACK; unique among the clinic's alerts that are not closed
    code: Mapped[str] = mapped_column(String(8))
    status: Mapped[AlertStatus] = mapped_column(text_enum(AlertStatus))
    #: who is paged, in order, and the times, as they were when the alert was raised
    policy: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: pages sent so far in this alert's life; step n pages the n-th person, round and round
    steps_taken: Mapped[int] = mapped_column(default=0)
    next_step_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    #: None while it is acknowledged: the fall-back phone has it (`with_fallback`)
    acknowledged_by_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
    outcome: Mapped[Outcome | None] = mapped_column(text_enum(Outcome))
    close_note: Mapped[str] = mapped_column(Text, default="")
    #: the alert that this one has become part of; that one is never joined itself
    joined_into_id: Mapped[str | None] = mapped_column(ForeignKey("alerts.id"), index=True)
    #: the alert out of which a person took the sign that this one is about; it is joined with no other
    split_from_id: Mapped[str | None] = mapped_column(ForeignKey("alerts.id"), index=True)

    patient: Mapped[Patient | None] = relationship()
    conversation: Mapped[Conversation] = relationship()
    message: Mapped[Message] = relationship()
    acknowledged_by: Mapped[Staff | None] = relationship(foreign_keys=[acknowledged_by_id])
    closed_by: Mapped[Staff | None] = relationship(foreign_keys=[closed_by_id])
    joined_into: Mapped[Alert | None] = relationship(
        remote_side="Alert.id", foreign_keys=[joined_into_id], back_populates="joined"
    )
    joined: Mapped[list[Alert]] = relationship(
        order_by="Alert.id", foreign_keys=[joined_into_id], back_populates="joined_into"
    )
    split_from: Mapped[Alert | None] = relationship(remote_side="Alert.id", foreign_keys=[split_from_id])
    events: Mapped[list[AlertEvent]] = relationship(order_by="AlertEvent.id", back_populates="alert")
    notifications: Mapped[list[Notification]] = relationship(
        order_by="Notification.id", back_populates="alert"
    )

    @property
    def with_fallback(self) -> bool:
        """Whether a key pressed at the fall-back phone has taken it, and nobody with a name has yet."""
        return self.status is AlertStatus.ACKNOWLEDGED and self.acknowledged_by_id is None

    @property
    def waits_since(self) -> datetime:
        """When it was raised; made of a sign of another alert, when the patient wrote that. Its pages are
        counted from when it was made all the same."""
        if self.split_from_id is None:
            return self.created_at
        return min(self.created_at, self.message.created_at)

    @property
    def standing(self) -> Alert:
        """The alert that this one has become part of, or itself."""
        return self.joined_into or self


class AlertEvent(ClinicOwned, Base):
    """One line of an alert's timeline: what, when, by whom."""

    __tablename__ = "alert_events"
    __table_args__ = (Index("ix_alert_events_staff", "staff_id", "created_at"),)

    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.id"), index=True)
    kind: Mapped[EventKind] = mapped_column(text_enum(EventKind))
    staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
    message_id: Mapped[str | None] = mapped_column(ForeignKey("messages.id"))
    detail: Mapped[str] = mapped_column(Text, default="")
    #: how urgent the sign is, and its flag, where the line tells of one
    tier: Mapped[Tier | None] = mapped_column(text_enum(Tier))
    flag: Mapped[str] = mapped_column(String(8), default="", server_default="")

    alert: Mapped[Alert] = relationship(back_populates="events")
    staff: Mapped[Staff | None] = relationship()
    message: Mapped[Message | None] = relationship()


class Notification(ClinicOwned, Base):
    """One page to one person by one of their contact methods, or to the fall-back phone, which is nobody's.

    A text is carried by its message, which has its state and attempts; any other kind has its own here. A
    text that stands for several alerts carries a notification of each. Those of one page share alert, person
    and `step`.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("alert_id", "step", "staff_id", "place"),
        Index("ix_notifications_due", "status", "send_after"),
    )

    #: the alert that the page was about when it was written (`Alert.standing`: what has become of it)
    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.id"))
    #: None: the fall-back phone
    staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
    step: Mapped[int]
    #: shared by all that one step of the alert wrote, newer ones greater; None: outside the steps
    round_id: Mapped[str | None] = mapped_column(String(32), index=True)
    place: Mapped[int] = mapped_column(default=0)
    kind: Mapped[ContactKind] = mapped_column(text_enum(ContactKind), default=ContactKind.SMS)
    #: None: the person's own phone
    contact_method_id: Mapped[str | None] = mapped_column(ForeignKey("contact_methods.id"))
    message_id: Mapped[str | None] = mapped_column(ForeignKey("messages.id"), index=True)
    #: what it says
    piece: Mapped[str] = mapped_column(String(80), default="")
    #: what for (`notify.plan.Purpose`): what asks to take the alert is called off when it is taken
    purpose: Mapped[str] = mapped_column(String(8), default="take")
    status: Mapped[Status | None] = mapped_column(text_enum(Status))
    send_after: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(200))
    #: when its signed link was used to take the alert
    link_used_at: Mapped[datetime | None]

    alert: Mapped[Alert] = relationship(back_populates="notifications")
    staff: Mapped[Staff | None] = relationship()
    message: Mapped[Message | None] = relationship()
    contact_method: Mapped[ContactMethod | None] = relationship()

    @property
    def state(self) -> Status:
        """Where it is: its message's state, or its own."""
        return self.message.status if self.message else self.status or Status.QUEUED
