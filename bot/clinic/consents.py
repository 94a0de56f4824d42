"""Writing a consent down: one yes or no, to one wording, for one purpose. Nothing is ever overwritten."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.clinic.models import Consent, ConsentPurpose, Patient


def note(
    session: Session,
    patient: Patient,
    purpose: ConsentPurpose,
    *,
    granted: bool,
    wording: str,
    channel: str,
    message_id: str | None = None,
) -> None:
    """Add what `patient` said. `wording` is the id and version of the text that it answers."""
    session.add(
        Consent(
            clinic_id=patient.clinic_id,
            patient_id=patient.id,
            purpose=purpose,
            granted=granted,
            wording_version=wording,
            channel=channel,
            message_id=message_id,
        )
    )
    session.flush()
