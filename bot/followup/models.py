"""Enrolments in a check-in protocol, and their check-ins."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.clinic.models import Patient, Treatment
from bot.db.base import Base, ClinicOwned, text_enum


class EnrolmentStatus(enum.StrEnum):
    """Whether check-ins still go out."""

    ACTIVE = "active"
    FINISHED = "finished"
    STOPPED = "stopped"


class CheckInStatus(enum.StrEnum):
    """A check-in's life."""

    PLANNED = "planned"
    SENT = "sent"
    REMINDED = "reminded"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"  #: a staff task was opened instead
    CANCELLED = "cancelled"


#: Something may still happen with these.
OPEN = (CheckInStatus.PLANNED, CheckInStatus.SENT, CheckInStatus.REMINDED)


class Enrolment(ClinicOwned, Base):
    """A patient follows one version of a protocol after one treatment."""

    __tablename__ = "enrolments"
    __table_args__ = (UniqueConstraint("treatment_id", "protocol_id"),)

    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    treatment_id: Mapped[str] = mapped_column(ForeignKey("treatments.id"))
    protocol_id: Mapped[str] = mapped_column(String(40))
    protocol_version: Mapped[int]
    status: Mapped[EnrolmentStatus] = mapped_column(text_enum(EnrolmentStatus))

    patient: Mapped[Patient] = relationship()
    treatment: Mapped[Treatment] = relationship()
    check_ins: Mapped[list[CheckIn]] = relationship(order_by="CheckIn.day", back_populates="enrolment")


class CheckIn(ClinicOwned, Base):
    """One planned contact. `answers` maps question ids to what was understood and the patient's words."""

    __tablename__ = "check_ins"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "day"),
        Index("ix_check_ins_next_step", "status", "next_step_at"),
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
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)

    enrolment: Mapped[Enrolment] = relationship(back_populates="check_ins")
    patient: Mapped[Patient] = relationship()
