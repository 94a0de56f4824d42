"""Correcting what is on record of a treatment."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from bot import events
from bot.clinic.enrolment import Name, refusal
from bot.clinic.models import Treatment
from bot.db.engine import transaction


class Place(BaseModel):
    """Where a treatment was; empty when that is not said."""

    model_config = ConfigDict(str_strip_whitespace=True)

    location: Name = ""

    @field_validator("location", mode="before")
    @classmethod
    def _storable(cls, value: object) -> object:
        # PostgreSQL keeps no zero character, and nobody types one
        return value.replace("\x00", "") if isinstance(value, str) else value


def relocate(clinic_id: str, treatment_id: str, location: str) -> None:
    """Write down where a treatment was. Alerts that are raised from then on page who is on call there; one
    that is open keeps the location that it was raised with.

    Raises EnrolmentInvalid saying what to do, and LookupError for a treatment of another clinic; then nothing
    is written.
    """
    try:
        place = Place(location=location)
    except ValidationError as invalid:
        raise refusal(invalid) from None
    with transaction() as session:
        treatment = session.get_one(Treatment, treatment_id, with_for_update=True)
        if treatment.clinic_id != clinic_id:
            raise LookupError(treatment_id)
        treatment.location = place.location
    events.committed(clinic_id)
