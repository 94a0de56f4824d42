"""Enrolling a patient after a treatment: check the form, write the record, plan the check-ins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.clinic import consents
from bot.clinic.models import Clinic, ConsentPurpose, Patient, Staff, Treatment
from bot.db.engine import reading, transaction
from bot.escalation.raising import now_known
from bot.followup import protocols
from bot.followup.ending import RUNNING, finish_if_done
from bot.followup.hours import texting_hours
from bot.followup.models import OPEN, CheckIn, CheckInStatus, Enrolment, EnrolmentStatus
from bot.followup.planning import due_times
from bot.messaging.consent import AT_THE_CLINIC, WORDING, agreed_to_texts
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message
from bot.messaging.optout import is_opted_out
from bot.messaging.threads import find_or_open, local_day, say
from bot.protocols.catalogue import catalogue
from bot.protocols.phrases import Language, as_language
from bot.protocols.schema import Schedule

#: What a fridge clock or a typing slip may cost before a treatment time counts as in the future.
CLOCK_TOLERANCE = timedelta(minutes=15)
#: Nobody enrols an older treatment: a year before this is a typing slip.
FIRST_YEAR = 2000
#: As long as the record's columns, so that nothing is cut or refused after the form was taken.
Name = Annotated[str, Field(max_length=80)]
Short = Annotated[str, Field(max_length=40)]


class EnrolmentInvalid(Exception):
    """The form cannot be accepted. `errors` says for each field what to do.

    `taken_by`: how the number came to be another patient's ("belongs", "shared") and that patient's name, for
    whoever says it in another language.
    """

    def __init__(self, errors: dict[str, str], taken_by: tuple[str, str] | None = None) -> None:
        super().__init__("; ".join(f"{field}: {text}" for field, text in errors.items()))
        self.errors, self.taken_by = errors, taken_by


@dataclass(frozen=True, slots=True)
class EnrolmentResult:
    """What was written. `check_ins` maps day to the moment that it is due. `known`: it was there before.
    `over`: the last day of its check-ins is past, so that none are planned and nobody is texted."""

    patient_id: str
    treatment_id: str
    enrolment_id: str
    check_ins: dict[int, datetime]
    known: bool = False
    over: bool = False


class EnrolmentForm(BaseModel):
    """A patient and a treatment as staff enter them. Validated in the context of the clinic.

    Without a `language` or a `time_zone` a known patient keeps theirs; a new one gets the language that they
    have written in, or else the clinic's, and the clinic's time zone.
    """

    model_config = ConfigDict(str_strip_whitespace=True, extra="ignore", validate_default=True)

    first_name: Name
    last_name: Name
    phone: str
    language: Literal["en", "es"] | None = None
    time_zone: str = ""
    product: str
    lot: Short
    expiry: date
    areas: list[str]
    location: Name = ""
    technique_note: str = ""
    goals_endpoints: str = ""
    goals_longer: str = ""
    injector_id: str | None = None
    treated_at: datetime
    #: a small addition to an earlier treatment: only the early check-ins start anew
    touch_up: bool = False
    consent_aftercare_texts: bool = False

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: object) -> object:
        # PostgreSQL keeps no zero character, and nobody types one
        return value.replace("\x00", "") if isinstance(value, str) else value

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
    def _zone(cls, value: str) -> str:
        if value and value not in _time_zones():
            raise ValueError("Choose a time zone such as America/New_York, or leave it empty.")
        return value

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
        areas = [area for area in (area.replace("\x00", "").strip() for area in value) if area]
        if not areas:
            raise ValueError("Choose at least one treated area.")
        return areas

    @field_validator("treated_at")
    @classmethod
    def _past(cls, value: datetime, info: ValidationInfo) -> datetime:
        zone = ZoneInfo(_clinic(info).time_zone)
        if value.year < FIRST_YEAR:
            raise ValueError("This is long ago. Check the year.")
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


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    """Every zone there is; looking for them reads a folder of hundreds of files."""
    return frozenset(available_timezones())


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


def enrol(clinic_id: str, data: Mapping[str, object], *, in_person: bool = True) -> EnrolmentResult:
    """Write patient, treatment, consent and enrolment, plan the check-ins and send the welcome text.

    A patient who is known by phone number keeps their record, and the same treatment entered again changes
    nothing. Unless they are here `in_person`, the welcome waits for the hours in which they may be texted: a
    file is imported at night too. Raises EnrolmentInvalid; then nothing is written.
    """
    with transaction() as session:
        clinic = session.get_one(Clinic, clinic_id)
        form = _validated(data, clinic)
        schedule = schedule_for(session, clinic.id, form.product)
        patient = _patient(session, clinic, form)
        if (known := _enrolled_before(session, patient, form)) is not None:
            return known
        _update(session, patient, form)
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
                    "location",
                    "technique_note",
                    "goals_endpoints",
                    "goals_longer",
                    "treated_at",
                    "touch_up",
                }
            ),
        )
        session.add(treatment)
        session.flush()
        enrolment, planned = _plan(session, patient, treatment, schedule)
        consents.note(
            session,
            patient,
            ConsentPurpose.AFTERCARE_TEXTS,
            granted=True,
            wording=WORDING,
            channel=AT_THE_CLINIC,
        )
        thread = find_or_open(session, clinic, Channel.SMS, patient.phone)
        now_known(session, thread)
        over = not any(check_in.status in OPEN for check_in in series_of(session, enrolment).check_ins)
        if not is_opted_out(thread) and not over:
            _welcome(session, thread, patient, in_person=in_person)
        result = EnrolmentResult(patient.id, treatment.id, enrolment.id, planned, over=over)
    events.committed(clinic_id, thread.id)
    return result


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What `enrol` would make of a form: see `EnrolmentResult` for `known` and `over`."""

    form: EnrolmentForm
    known: bool
    over: bool


def rehearse(clinic_id: str, data: Mapping[str, object]) -> Rehearsal:
    """What `enrol` would make of `data`, without writing. Raises EnrolmentInvalid as `enrol` does."""
    with reading() as session:
        clinic = session.get_one(Clinic, clinic_id)
        form = _validated(data, clinic)
        schedule = schedule_for(session, clinic.id, form.product)
        _injector(session, clinic, form)
        patient = session.scalars(select(Patient).filter_by(clinic_id=clinic.id, phone=form.phone)).first()
        zone = form.time_zone or (clinic.time_zone if patient is None else patient.time_zone)
        times = due_times(schedule, form.treated_at, texting_hours(clinic, zone))
        ahead = [day for day, due in times.items() if _still_asked(due, clock.now())]
        over = not any(not form.touch_up or day <= schedule.early_until for day in ahead)
        if patient is None:
            return Rehearsal(form, False, over)
        _check_name(patient, form)
        return Rehearsal(form, _enrolled_before(session, patient, form) is not None, over)


def _still_asked(due: datetime, now: datetime) -> bool:
    """Whether a check-in of a treatment that is entered at `now` still goes out."""
    return due > now - timedelta(hours=12)


def _enrolled_before(session: Session, patient: Patient, form: EnrolmentForm) -> EnrolmentResult | None:
    """The enrolment of this very treatment, when the form was sent twice."""
    zone = ZoneInfo(patient.time_zone)
    day = form.treated_at.astimezone(zone).date()
    for enrolment in session.scalars(select(Enrolment).where(Enrolment.patient_id == patient.id)):
        same = enrolment.treatment
        if (same.product, same.lot, same.areas) == (form.product, form.lot, form.areas) and (
            same.treated_at.astimezone(zone).date() == day
        ):
            planned = {check_in.day: check_in.due_at for check_in in series_of(session, enrolment).check_ins}
            return EnrolmentResult(patient.id, same.id, enrolment.id, planned, known=True, over=not planned)
    return None


def series_of(session: Session, enrolment: Enrolment) -> Enrolment:
    """The enrolment whose check-ins ask about this one: itself, or what it was merged into."""
    return session.get(Enrolment, enrolment.merged_into_id or enrolment.id) or enrolment


def _validated(data: Mapping[str, object], clinic: Clinic) -> EnrolmentForm:
    try:
        return EnrolmentForm.model_validate(dict(data), context={"clinic": clinic})
    except ValidationError as invalid:
        raise refusal(invalid) from None


def refusal(invalid: ValidationError) -> EnrolmentInvalid:
    """What a form that pydantic refused says beside each field."""
    return EnrolmentInvalid(
        {str(error["loc"][0]): _explain(error["type"], error["msg"]) for error in invalid.errors()}
    )


def _explain(kind: str, text: str) -> str:
    """What to do about a field that pydantic refused for `kind` of fault."""
    if kind == "missing":
        return "Fill this in."
    if kind.startswith("date"):
        return "Write a date as year-month-day, like 2027-04-30."
    if kind == "string_too_long":
        return "This is too long. Write at most 80 characters, 40 for a lot."
    if kind == "literal_error":
        return "Choose English (en) or Spanish (es)."
    return text.removeprefix("Value error, ")


def schedule_for(session: Session, clinic_id: str, product: str) -> Schedule:
    """The clinic's check-in protocol for a catalogue product. Raises EnrolmentInvalid when there is none."""
    schedule = protocols.for_product(session, clinic_id, product)
    if schedule is None:
        raise EnrolmentInvalid({"product": "There is no check-in protocol for this product yet."})
    return schedule


def _welcome(session: Session, thread: Conversation, patient: Patient, *, in_person: bool) -> None:
    """The first text asks for Y. Who has agreed by text before is greeted, and not asked again; nobody is
    greeted twice on one day."""
    piece = "enrol.welcome_back" if agreed_to_texts(session, patient) else "enrol.welcome"
    today = clock.now() - timedelta(hours=12)
    said = session.scalars(
        select(Message.id).where(
            Message.conversation_id == thread.id,
            Message.content_id.in_(["enrol.welcome", "enrol.welcome_back"]),
            Message.created_at > today,
        )
    ).first()
    if said is None:
        welcome = say(session, thread, piece, Kind.NOTICE)
        if not in_person:
            hours = texting_hours(patient.clinic, patient.time_zone)
            welcome.send_after = hours.allowed_from(clock.now())


def _patient(session: Session, clinic: Clinic, form: EnrolmentForm) -> Patient:
    patient = session.scalars(select(Patient).filter_by(clinic_id=clinic.id, phone=form.phone)).first()
    if patient is None:
        patient = Patient(clinic_id=clinic.id, phone=form.phone)
        patient.first_name, patient.last_name = form.first_name, form.last_name
        patient.language = form.language or _language_of(session, clinic, form.phone)
        patient.time_zone = form.time_zone or clinic.time_zone
        session.add(patient)
        session.flush()
    else:
        _check_name(patient, form)
    return patient


def _language_of(session: Session, clinic: Clinic, phone: str) -> Language:
    """The language of whoever has written from `phone` before they were a patient, else the clinic's."""
    written = session.scalars(
        select(Message.language)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Conversation.clinic_id == clinic.id,
            Conversation.address == phone,
            Message.direction == Direction.IN,
        )
        .order_by(Message.id.desc())
        .limit(1)
    ).first()
    return as_language(written or clinic.locale)


def _update(session: Session, patient: Patient, form: EnrolmentForm) -> None:
    """What the form says of a patient who may be known. What it leaves open stays: a treatment told by a
    system that knows no time zones must not move anybody to the clinic's."""
    patient.language = form.language or patient.language
    if form.time_zone and form.time_zone != patient.time_zone:
        patient.time_zone = form.time_zone
        session.flush()
        protocols.follow_clock(session, patient.id)


def _check_name(patient: Patient, form: EnrolmentForm) -> None:
    if patient.name.casefold() != f"{form.first_name} {form.last_name}".casefold():
        raise EnrolmentInvalid(
            {"phone": f"This number belongs to {patient.name}. Check the number, or the name."},
            taken_by=("belongs", patient.name),
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
    """The enrolment and its check-ins: those of a series that runs since the same day, else of its own."""
    enrolment = Enrolment(
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        treatment_id=treatment.id,
        protocol_id=schedule.id,
        protocol_version=schedule.version,
        status=EnrolmentStatus.ACTIVE,
        patient=patient,
        treatment=treatment,
    )
    series = _of_the_same_day(session, patient, treatment) or enrolment
    session.add(enrolment)
    session.flush()
    if series is not enrolment:
        enrolment.merged_into_id = series.id
    if treatment.touch_up:
        _end_early_days(session, patient, treatment, schedule, series)
    now = clock.now()
    known = {check_in.day for check_in in series.check_ins}
    times = protocols.times_for(session, series)
    for day, due in times.items():
        if day not in known and _still_asked(due, now):
            series.check_ins.append(protocols.planned_check_in(series, day, due))
    finish_if_done(session, series)
    return enrolment, {check_in.day: check_in.due_at for check_in in series.check_ins}


def _of_the_same_day(session: Session, patient: Patient, treatment: Treatment) -> Enrolment | None:
    """The running series of another treatment on the same local day: one day, one series of check-ins."""
    running = session.scalars(
        select(Enrolment).where(
            Enrolment.patient_id == patient.id,
            Enrolment.status.in_(RUNNING),
            Enrolment.merged_into_id.is_(None),
        )
    )
    for series in running:
        if local_day(series.treatment.treated_at, treatment.treated_at, patient.time_zone) == 0:
            return series
    return None


def _end_early_days(
    session: Session, patient: Patient, touch_up: Treatment, schedule: Schedule, series: Enrolment
) -> None:
    """A touch-up starts the early days anew: what is left of those after a treatment before it gives way. Its
    own `series` does not, which another treatment of that day may have begun."""
    left = session.scalars(
        select(CheckIn)
        .join(Enrolment, Enrolment.id == CheckIn.enrolment_id)
        .join(Treatment, Treatment.id == Enrolment.treatment_id)
        .where(
            CheckIn.patient_id == patient.id,
            CheckIn.status == CheckInStatus.PLANNED,
            CheckIn.day <= schedule.early_until,
            Enrolment.id != series.id,
            Treatment.treated_at < touch_up.treated_at,
        )
    )
    emptied = set()
    for check_in in left:
        check_in.status, check_in.reason = CheckInStatus.CANCELLED, "a touch-up starts the early days anew"
        emptied.add(check_in.enrolment)
    for enrolment in emptied:
        finish_if_done(session, enrolment)
