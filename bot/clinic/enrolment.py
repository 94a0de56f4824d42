"""Enrolling a patient after a treatment: check the form, write the record, plan the check-ins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot import settings as app_settings
from bot.clinic.models import Clinic, Consent, ConsentPurpose, Patient, Staff, Treatment
from bot.db.engine import reading, transaction
from bot.followup.models import CheckIn, CheckInStatus, Enrolment, EnrolmentStatus
from bot.followup.planning import due_times
from bot.messaging.models import Channel, Kind
from bot.messaging.optout import is_opted_out
from bot.messaging.threads import find_or_open, say
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Schedule

#: Which wording a consent refers to. Part of the record: change it when `enrol.welcome` changes.
CONSENT_WORDING = "enrol.welcome-1"
#: What a fridge clock or a typing slip may cost before a treatment time counts as in the future.
CLOCK_TOLERANCE = timedelta(minutes=15)


class EnrolmentInvalid(Exception):
    """The form cannot be accepted. `errors` says for each field what to do."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {text}" for field, text in errors.items()))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class EnrolmentResult:
    """What was written. `check_ins` maps day to the moment that it is due. `known`: it was there before."""

    patient_id: str
    treatment_id: str
    enrolment_id: str
    check_ins: dict[int, datetime]
    known: bool = False


class EnrolmentForm(BaseModel):
    """A patient and a treatment as staff enter them. Validated in the context of the clinic."""

    model_config = ConfigDict(str_strip_whitespace=True, extra="ignore", validate_default=True)

    first_name: str
    last_name: str
    phone: str
    language: Literal["en", "es"] = "en"
    time_zone: str = ""
    product: str
    lot: str
    expiry: date
    areas: list[str]
    technique_note: str = ""
    goals_endpoints: str = ""
    goals_longer: str = ""
    injector_id: str | None = None
    treated_at: datetime
    consent_aftercare_texts: bool = False

    @field_validator("first_name", "last_name", "lot")
    @classmethod
    def _filled(cls, value: str) -> str:
        if not value:
            raise ValueError("Fill this in.")
        return value

    @field_validator("phone")
    @classmethod
    def _e164(cls, value: str, info: ValidationInfo) -> str:
        return to_e164(value, _clinic(info).country)

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str, info: ValidationInfo) -> str:
        if value and value not in available_timezones():
            raise ValueError("Choose a time zone such as America/New_York, or leave it empty.")
        return value or _clinic(info).time_zone

    @field_validator("product")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in catalogue().products:
            raise ValueError("Choose a product from the list.")
        return value

    @field_validator("expiry")
    @classmethod
    def _not_expired(cls, value: date, info: ValidationInfo) -> date:
        if value < clock.now().astimezone(ZoneInfo(_clinic(info).time_zone)).date():
            raise ValueError(
                f"This lot expired on {value.isoformat()}. Check the date on the box; "
                "an expired syringe that was used is an incident to report."
            )
        return value

    @field_validator("areas")
    @classmethod
    def _some_area(cls, value: list[str]) -> list[str]:
        areas = [area.strip() for area in value if area.strip()]
        if not areas:
            raise ValueError("Choose at least one treated area.")
        return areas

    @field_validator("treated_at")
    @classmethod
    def _past(cls, value: datetime, info: ValidationInfo) -> datetime:
        zone = ZoneInfo(_clinic(info).time_zone)
        if value.time() == time() and value.tzinfo is None:
            # a date alone: the middle of that day, or now when that is still to come today
            local_now = clock.now().astimezone(zone).replace(tzinfo=None)
            value = datetime.combine(value.date(), time(12))
            value = min(value, local_now) if value.date() == local_now.date() else value
        moment = value.replace(tzinfo=zone) if value.tzinfo is None else value
        if moment > clock.now() + CLOCK_TOLERANCE:
            raise ValueError("This is in the future. Enrol the patient once the treatment has been done.")
        return moment.astimezone(UTC)

    @field_validator("consent_aftercare_texts")
    @classmethod
    def _agreed(cls, value: bool) -> bool:
        if not value:
            raise ValueError("Check-ins go by text: ask the patient for consent first, then tick this.")
        return value


def _clinic(info: ValidationInfo) -> Clinic:
    clinic: Clinic = (info.context or {})["clinic"]
    return clinic


def to_e164(number: str, country: str) -> str:
    """A phone number as E.164, read as dialled in `country`. Raises ValueError saying what to do."""
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        parsed = None
    # 555-01XX numbers are reserved for fiction, and are possible without being assigned
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        raise ValueError(
            "This is not a phone number we can text. Write it with country code, like +1 555 010 0123."
        )
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def enrol(clinic_id: str, data: Mapping[str, object]) -> EnrolmentResult:
    """Write patient, treatment, consent and enrolment, plan the check-ins and send the welcome text.

    A patient who is known by phone number keeps their record, and the same treatment entered again changes
    nothing. Raises EnrolmentInvalid; then nothing is written.
    """
    with transaction() as session:
        clinic = session.get_one(Clinic, clinic_id)
        form = _validated(data, clinic)
        schedule = schedule_for(form.product)
        patient = _patient(session, clinic, form)
        if (known := _enrolled_before(session, patient, form)) is not None:
            return known
        treatment = Treatment(
            clinic_id=clinic.id,
            patient_id=patient.id,
            injector_id=_injector(session, clinic, form),
            **form.model_dump(
                include={
                    "product",
                    "lot",
                    "expiry",
                    "areas",
                    "technique_note",
                    "goals_endpoints",
                    "goals_longer",
                    "treated_at",
                }
            ),
        )
        session.add(treatment)
        session.flush()
        enrolment, planned = _plan(session, patient, treatment, schedule)
        session.add(
            Consent(
                clinic_id=clinic.id,
                patient_id=patient.id,
                purpose=ConsentPurpose.AFTERCARE_TEXTS,
                granted=True,
                wording_version=CONSENT_WORDING,
                channel="staff",
            )
        )
        thread = find_or_open(session, clinic, Channel.SMS, patient.phone)
        if not is_opted_out(thread):
            say(session, thread, "enrol.welcome", Kind.NOTICE)
        result = EnrolmentResult(patient.id, treatment.id, enrolment.id, planned)
    events.committed(clinic_id, thread.id)
    return result


def rehearse(clinic_id: str, data: Mapping[str, object]) -> tuple[EnrolmentForm, bool]:
    """What `enrol` would make of `data`, without writing: the form, and whether this treatment is known.

    Raises EnrolmentInvalid as `enrol` does.
    """
    with reading() as session:
        clinic = session.get_one(Clinic, clinic_id)
        form = _validated(data, clinic)
        schedule_for(form.product)
        _injector(session, clinic, form)
        patient = session.scalars(select(Patient).filter_by(clinic_id=clinic.id, phone=form.phone)).first()
        if patient is None:
            return form, False
        _check_name(patient, form)
        return form, _enrolled_before(session, patient, form) is not None


def _enrolled_before(session: Session, patient: Patient, form: EnrolmentForm) -> EnrolmentResult | None:
    """The enrolment of this very treatment, when the form was sent twice."""
    zone = ZoneInfo(patient.time_zone)
    day = form.treated_at.astimezone(zone).date()
    for enrolment in session.scalars(select(Enrolment).where(Enrolment.patient_id == patient.id)):
        same = enrolment.treatment
        if (same.product, same.lot, same.areas) == (form.product, form.lot, form.areas) and (
            same.treated_at.astimezone(zone).date() == day
        ):
            planned = {check_in.day: check_in.due_at for check_in in enrolment.check_ins}
            return EnrolmentResult(patient.id, same.id, enrolment.id, planned, known=True)
    return None


def _validated(data: Mapping[str, object], clinic: Clinic) -> EnrolmentForm:
    try:
        return EnrolmentForm.model_validate(dict(data), context={"clinic": clinic})
    except ValidationError as invalid:
        raise EnrolmentInvalid(
            {str(error["loc"][0]): _explain(error["type"], error["msg"]) for error in invalid.errors()}
        ) from None


def _explain(kind: str, text: str) -> str:
    if kind == "missing":
        return "Fill this in."
    if kind.startswith("date"):
        return "Write a date as year-month-day, like 2027-04-30."
    if kind == "literal_error":
        return "Choose English (en) or Spanish (es)."
    return text.removeprefix("Value error, ")


def schedule_for(product: str) -> Schedule:
    """The check-in protocol of a catalogue product. Raises EnrolmentInvalid when there is none."""
    for schedule in catalogue().schedules.values():
        if schedule.product == product and schedule.status != "retired":
            return schedule
    raise EnrolmentInvalid({"product": "There is no check-in protocol for this product yet."})


def _patient(session: Session, clinic: Clinic, form: EnrolmentForm) -> Patient:
    patient = session.scalars(select(Patient).filter_by(clinic_id=clinic.id, phone=form.phone)).first()
    if patient is None:
        patient = Patient(clinic_id=clinic.id, phone=form.phone)
        patient.first_name, patient.last_name = form.first_name, form.last_name
        session.add(patient)
    else:
        _check_name(patient, form)
    patient.language, patient.time_zone = form.language, form.time_zone
    session.flush()
    return patient


def _check_name(patient: Patient, form: EnrolmentForm) -> None:
    if patient.name.casefold() != f"{form.first_name} {form.last_name}".casefold():
        raise EnrolmentInvalid(
            {"phone": f"This number belongs to {patient.name}. Check the number, or the name."}
        )


def _injector(session: Session, clinic: Clinic, form: EnrolmentForm) -> str | None:
    if not form.injector_id:
        return None
    staff = session.get(Staff, form.injector_id)
    if staff is None or staff.clinic_id != clinic.id:
        raise EnrolmentInvalid({"injector_id": "Choose somebody from this clinic's staff."})
    return staff.id


def _plan(
    session: Session, patient: Patient, treatment: Treatment, schedule: Schedule
) -> tuple[Enrolment, dict[int, datetime]]:
    enrolment = Enrolment(
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        treatment_id=treatment.id,
        protocol_id=schedule.id,
        protocol_version=schedule.version,
        status=EnrolmentStatus.ACTIVE,
    )
    session.add(enrolment)
    session.flush()
    settings = app_settings.get_settings()
    times = due_times(schedule, treatment.treated_at, patient.time_zone, settings)
    planned = {day: due for day, due in times.items() if due > clock.now() - timedelta(hours=12)}
    for day, due_at in planned.items():
        session.add(
            CheckIn(
                clinic_id=patient.clinic_id,
                enrolment_id=enrolment.id,
                patient_id=patient.id,
                day=day,
                due_at=due_at,
                next_step_at=due_at,
                status=CheckInStatus.PLANNED,
            )
        )
    return enrolment, planned
