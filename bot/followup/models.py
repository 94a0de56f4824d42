"""Enrolments in a check-in protocol, and their check-ins."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.clinic.models import Patient, Staff, Treatment
from bot.db.base import Base, ClinicOwned, text_enum


class EnrolmentStatus(enum.StrEnum):
    """Whether check-ins still go out."""

    ACTIVE = "active"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"


class CheckInStatus(enum.StrEnum):
    """A check-in's life."""

    PLANNED = "planned"
    SENT = "sent"
    REMINDED = "reminded"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"  #: a staff task was opened instead
    BY_PHONE = "by_phone"  #: a staff task asks somebody to phone instead
    COMBINED = "combined"  #: asked as part of another one on the same day
    SKIPPED = "skipped"  #: by staff
    CANCELLED = "cancelled"


class Means(enum.StrEnum):
    """How check-ins reach the patient."""

    TEXT = "text"
    PHONE = "phone"


#: Something may still happen with these.
OPEN = (CheckInStatus.PLANNED, CheckInStatus.SENT, CheckInStatus.REMINDED)


class Enrolment(ClinicOwned, Base):
    """A patient follows a protocol after one treatment.

    Treatments of one day share one series of check-ins: that of the enrolment they are merged into. A
    touch-up follows the early days only.
    """

    __tablename__ = "enrolments"
    __table_args__ = (UniqueConstraint("treatment_id", "protocol_id"),)

    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    treatment_id: Mapped[str] = mapped_column(ForeignKey("treatments.id"))
    protocol_id: Mapped[str] = mapped_column(String(40))
    protocol_version: Mapped[int]  #: the one that its check-ins follow now
    status: Mapped[EnrolmentStatus] = mapped_column(text_enum(EnrolmentStatus))
    means: Mapped[Means] = mapped_column(text_enum(Means), default=Means.TEXT, server_default="text")
    merged_into_id: Mapped[str | None] = mapped_column(ForeignKey("enrolments.id"), index=True)

    patient: Mapped[Patient] = relationship()
    treatment: Mapped[Treatment] = relationship()
    check_ins: Mapped[list[CheckIn]] = relationship(order_by="CheckIn.day", back_populates="enrolment")


class CheckIn(ClinicOwned, Base):
    """One planned contact. `answers` maps question ids to what was understood and the patient's words."""

    __tablename__ = "check_ins"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "day"),
        Index("ix_check_ins_next_step", "status", "next_step_at"),
        Index("ix_check_ins_patient_due", "patient_id", "status", "due_at"),
        Index("ix_check_ins_clinic_due", "clinic_id", "due_at"),
    )

    enrolment_id: Mapped[str] = mapped_column(ForeignKey("enrolments.id"))
    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    day: Mapped[int]  #: local days after treatment
    due_at: Mapped[datetime]
    #: when to look at it next: to send, to remind, to ask staff
    next_step_at: Mapped[datetime]
    status: Mapped[CheckInStatus] = mapped_column(text_enum(CheckInStatus))
    sent_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    #: why it was dropped, skipped, cancelled or handed to a person
    reason: Mapped[str] = mapped_column(String(80), default="", server_default="")
    #: what was asked, once it was sent
    asked: Mapped[list[str]] = mapped_column(default=list)
    combined_into_id: Mapped[str | None] = mapped_column(ForeignKey("check_ins.id"), index=True)
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)

    enrolment: Mapped[Enrolment] = relationship(back_populates="check_ins")
    patient: Mapped[Patient] = relationship()


class ProtocolVersion(ClinicOwned, Base):
    """A clinic's own version of a check-in protocol. Never changed once in force: the newest one counts."""

    __tablename__ = "protocol_versions"
    __table_args__ = (UniqueConstraint("clinic_id", "protocol_id", "version"),)

    protocol_id: Mapped[str] = mapped_column(String(40))
    version: Mapped[int]
    #: a `bot.protocols.schema.Schedule` as data
    definition: Mapped[dict[str, Any]]
    author_id: Mapped[str] = mapped_column(ForeignKey("staff.id"))
    note: Mapped[str] = mapped_column(String(200), default="")


class EnrolmentEvent(ClinicOwned, Base):
    """What a person changed about an enrolment, and who. `staff_id` is empty where the desk did it itself."""

    __tablename__ = "enrolment_events"

    enrolment_id: Mapped[str] = mapped_column(ForeignKey("enrolments.id"), index=True)
    what: Mapped[str] = mapped_column(String(40))
    detail: Mapped[str] = mapped_column(String(200), default="")
    staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))

    staff: Mapped[Staff | None] = relationship()
