"""Correcting who a patient is and how they are reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import events
from bot.clinic import consents
from bot.clinic.enrolment import EnrolmentInvalid, Name, refusal, to_e164
from bot.clinic.models import ConsentPurpose, Patient
from bot.db.engine import transaction
from bot.escalation.raising import now_known
from bot.followup import changes, protocols
from bot.messaging import optout
from bot.messaging.consent import AT_THE_CLINIC, WORDING, agreed_to_texts
from bot.messaging.models import Channel, Kind
from bot.messaging.threads import find_or_open, say


class Contact(BaseModel):
    """What may be corrected about a patient."""

    model_config = ConfigDict(str_strip_whitespace=True, extra="ignore")

    first_name: Name
    last_name: Name
    phone: str
    language: Literal["en", "es"]
    time_zone: str

    @field_validator("first_name", "last_name")
    @classmethod
    def _filled(cls, value: str) -> str:
        if not value:
            raise ValueError("Fill this in.")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("Choose a time zone such as America/New_York.")
        return value


def correct(clinic_id: str, patient_id: str, data: Mapping[str, object]) -> None:
    """Write the corrected contact. Raises EnrolmentInvalid saying for each field what to do; then nothing is
    written.

    What an old number wrote stays where it is. A number that belongs to another patient is refused: two
    people cannot share one, because an answer would be anybody's.
    """
    try:
        contact = Contact.model_validate(dict(data))
    except ValidationError as invalid:
        raise refusal(invalid) from None
    with transaction() as session:
        patient = session.get_one(Patient, patient_id, with_for_update=True)
        if patient.clinic_id != clinic_id:
            raise LookupError(patient_id)
        try:
            phone = to_e164(contact.phone, patient.clinic.country)
        except ValueError as problem:
            raise EnrolmentInvalid({"phone": str(problem)}) from None
        other = session.scalars(
            select(Patient).where(
                Patient.clinic_id == clinic_id, Patient.phone == phone, Patient.id != patient_id
            )
        ).first()
        if other is not None:
            raise EnrolmentInvalid(
                {"phone": f"This number belongs to {other.name}. Two patients cannot share one number."},
                taken_by=("shared", other.name),
            )
        moved, zone_before = patient.phone != phone, patient.time_zone
        patient.first_name, patient.last_name = contact.first_name, contact.last_name
        patient.phone, patient.language, patient.time_zone = phone, contact.language, contact.time_zone
        session.flush()
        if patient.time_zone != zone_before:
            protocols.follow_clock(session, patient.id)
        if moved:
            optout.leave_number(session, patient)
            changes.text_again(session, patient.id, "a new number")
            now_known(session, find_or_open(session, patient.clinic, Channel.SMS, patient.phone))
            _ask_the_new_number(session, patient)
    events.committed(clinic_id)


def _ask_the_new_number(session: Session, patient: Patient) -> None:
    """A yes by text was that of the old number. Whoever had agreed is asked for it anew, at the new one."""
    if not agreed_to_texts(session, patient):
        return
    for granted, channel in ((False, "new number"), (True, AT_THE_CLINIC)):
        consents.note(
            session,
            patient,
            ConsentPurpose.AFTERCARE_TEXTS,
            granted=granted,
            wording=WORDING,
            channel=channel,
        )
    thread = find_or_open(session, patient.clinic, Channel.SMS, patient.phone)
    if patient.clinic.consent_by_text and not optout.is_opted_out(thread):
        say(session, thread, "enrol.welcome", Kind.NOTICE)
