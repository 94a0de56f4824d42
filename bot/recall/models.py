"""Recalls, and who is told."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.clinic.models import Patient, Staff
from bot.db.base import Base, ClinicOwned, text_enum
from bot.messaging.models import Message
from bot.records.models import StaffTask


class RecallStatus(enum.StrEnum):
    """A recall's life."""

    DRAFT = "draft"
    WITHDRAWN = "withdrawn"
    APPROVED = "approved"


class Recall(ClinicOwned, Base):
    """One product and lot at one clinic. There is one row for each, so that it goes out once."""

    __tablename__ = "recalls"
    __table_args__ = (UniqueConstraint("clinic_id", "product", "lot_key"),)

    product: Mapped[str] = mapped_column(String(40))
    lot: Mapped[str] = mapped_column(String(40))  #: as staff wrote it
    lot_key: Mapped[str] = mapped_column(String(40))  #: without case and spaces
    reason: Mapped[str] = mapped_column(String(500))  #: for staff; patients do not read it
    status: Mapped[RecallStatus] = mapped_column(text_enum(RecallStatus))
    drafted_by_id: Mapped[str] = mapped_column(ForeignKey("staff.id"))
    drafted_at: Mapped[datetime]
    approved_by_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
    approved_at: Mapped[datetime | None]

    drafted_by: Mapped[Staff] = relationship(foreign_keys=drafted_by_id)
    approved_by: Mapped[Staff | None] = relationship(foreign_keys=approved_by_id)
    notices: Mapped[list[RecallNotice]] = relationship(back_populates="recall", order_by="RecallNotice.id")


class RecallNotice(ClinicOwned, Base):
    """One patient of a recall: a text, or a task to phone instead. It exists once."""

    __tablename__ = "recall_notices"
    __table_args__ = (UniqueConstraint("recall_id", "patient_id"),)

    recall_id: Mapped[str] = mapped_column(ForeignKey("recalls.id"))
    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    message_id: Mapped[str | None] = mapped_column(ForeignKey("messages.id"))
    task_id: Mapped[str | None] = mapped_column(ForeignKey("staff_tasks.id"))
    #: when the patient said on the page that they have read it
    read_at: Mapped[datetime | None]

    recall: Mapped[Recall] = relationship(back_populates="notices")
    patient: Mapped[Patient] = relationship()
    message: Mapped[Message | None] = relationship()
    task: Mapped[StaffTask | None] = relationship()
