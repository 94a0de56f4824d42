"""Staff rate a result."""

from __future__ import annotations

from bot import clock, events
from bot.clinic.models import Patient, Treatment
from bot.db.engine import transaction
from bot.messaging.threads import latest_treatment, local_day
from bot.outcomes.models import StaffRating
from bot.outcomes.trend import GAIS

NOTE_LIMIT = 200


class NotRated(ValueError):
    """The rating cannot be kept: no treatment has taken place, or it is no step of the scale."""


def rate(staff_id: str, patient_id: str, gais: str, note: str = "") -> None:
    """Keep a step on the Global Aesthetic Improvement Scale for the patient's newest treatment.

    Raises `NotRated`.
    """
    if gais not in GAIS:
        raise NotRated("gais")
    with transaction() as session:
        patient = session.get_one(Patient, patient_id)
        treatment: Treatment | None = latest_treatment(session, patient_id)
        if treatment is None:
            raise NotRated("treatment")
        session.add(
            StaffRating(
                clinic_id=patient.clinic_id,
                patient_id=patient.id,
                treatment_id=treatment.id,
                staff_id=staff_id,
                gais=gais,
                day=local_day(treatment.treated_at, clock.now(), patient.time_zone),
                note=note[:NOTE_LIMIT],
            )
        )
    events.committed(patient.clinic_id)
