"""The days in which a reaction is often reported after a product, as the clinic has them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from bot.clinic.models import Treatment
from bot.followup import protocols
from bot.followup.shading import shaded


def windows_of(
    session: Session, treatment: Treatment, *, for_patients: bool = False
) -> Mapping[str, tuple[int, int]]:
    """Measure -> first and last local day after `treatment`. `for_patients` leaves out what patients are not
    shown."""
    schedule = protocols.for_product(session, treatment.clinic_id, treatment.product)
    days = shaded(treatment.product, schedule, for_patients=for_patients)
    return {str(measure): window for measure, window in days.items()}
