"""What staff rate. What patients report is in their check-ins and symptom reports."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.clinic.models import Staff, Treatment
from bot.db.base import Base, ClinicOwned


class StaffRating(ClinicOwned, Base):
    """A member of staff's step on the Global Aesthetic Improvement Scale. Never changed."""

    __tablename__ = "staff_ratings"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    treatment_id: Mapped[str] = mapped_column(ForeignKey("treatments.id"))
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"))
    gais: Mapped[str] = mapped_column(String(24))  #: a value of the question `gais`
    day: Mapped[int]  #: whole local days since the treatment
    note: Mapped[str] = mapped_column(String(200), default="")

    staff: Mapped[Staff] = relationship()
    treatment: Mapped[Treatment] = relationship()
