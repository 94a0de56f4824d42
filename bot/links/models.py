"""Links that were given to patients."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.clinic.models import Patient
from bot.db.base import Base, ClinicOwned, text_enum


class LinkPurpose(enum.StrEnum):
    """What the page behind a link is."""

    CHECK_IN = "check_in"
    TREND = "trend"
    RECALL = "recall"


class PatientLink(ClinicOwned, Base):
    """One link. Its token is in the text alone, and here as a hash; opening the page writes nothing."""

    __tablename__ = "patient_links"
    __table_args__ = (Index("ix_patient_links_subject", "purpose", "subject_id"),)

    purpose: Mapped[LinkPurpose] = mapped_column(text_enum(LinkPurpose))
    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    #: the check-in or the recall notice; None for a page about the patient
    subject_id: Mapped[str | None] = mapped_column(String(32))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    #: when its form was first sent
    used_at: Mapped[datetime | None]

    patient: Mapped[Patient] = relationship()
