"""Requests to confirm that counselling was read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.clinic.models import Staff
from bot.db.base import Base, ClinicOwned


class Acknowledgement(ClinicOwned, Base):
    """A member of staff asked a patient to confirm these counselling texts. Asked at `created_at`."""

    __tablename__ = "acknowledgements"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"))
    #: the counselling messages that it is about
    message_ids: Mapped[list[str]]
    acknowledged_at: Mapped[datetime | None]
    #: the patient's answer, in their words
    answer_id: Mapped[str | None] = mapped_column(ForeignKey("messages.id"))

    staff: Mapped[Staff] = relationship()
