"""A busy, fictional clinic for the console's tests, and a second clinic that must stay out of sight."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, timedelta

from sqlalchemy.orm import Session

from bot import clock
from bot.clinic.models import Clinic, Patient, Role, Staff, Treatment
from bot.clinic.passwords import hash_password
from bot.db.engine import transaction
from bot.escalation.alerts import log
from bot.escalation.models import Alert, AlertEvent, AlertStatus, EventKind, Outcome
from bot.escalation.raising import raise_alert
from bot.followup.models import CheckIn, CheckInStatus, Enrolment, EnrolmentStatus
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, Status
from bot.records.models import AssessmentRecord, ReportSource, StaffTask, SymptomReport, TaskKind, Trend
from bot.triage import assess
from bot.triage.types import Context

PASSWORD = "demo-afterglow"


@dataclass
class World:
    """Ids of what was built, by name."""

    clinic: str = ""
    other_clinic: str = ""
    staff: dict[str, str] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)
    alerts: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)


def build() -> World:
    """Two clinics with staff, patients, alerts in every state, check-ins, reports and tasks."""
    world = World()
    with transaction() as session:
        world.clinic = _clinic(session, "Blue Heron Clinic (demo)", "+15550100100").id
        world.other_clinic = _clinic(session, "Grey Gull Clinic (demo)", "+15550100200").id
        add = _adder(session, world)
        add("nurse", "Nurse Demo", Role.NURSE, "en", "+15550100121", 1)
        add("doctor", "Dr Demo", Role.MEDICAL_DIRECTOR, "en", "+15550100122", 2)
        add("spanish", "Enfermera Demo", Role.NURSE, "es", None, None)
        add("stranger", "Stranger Demo", Role.NURSE, "en", "+15550100221", 1, clinic=world.other_clinic)
        pat = _patient(session, world, "pat", "Pat", "Sample", "+15550100112", "en", days=3)
        ana = _patient(session, world, "ana", "Ana", "Ejemplo", "+15550100111", "es", days=1)
        lee = _patient(session, world, "lee", "José Lee", "Muestra", "+15550100113", "en", days=9)
        _patient(session, world, "kim", "Kim", "Placeholder", "+15550100114", "en", days=0)
        lee.opted_out_at = clock.now() - timedelta(days=2)
        foreign = _patient(
            session, world, "foreign", "Flo", "Fremd", "+15550100211", "en", days=1, clinic=world.other_clinic
        )
        _fortnight(session, pat)
        done = wrote(
            session, world, "done", lee, "I have a fever and my cheek is red and hot", 3000, ended=True
        )
        log(session, done, EventKind.CLOSED, staff_id=world.staff["nurse"], detail="seen")
        wrote(session, world, "vision", ana, "Desde hace diez minutos veo borroso por un ojo y me duele", 4)
        wrote(
            session, world, "lip", pat, "Hi, sorry to bother you. My lip looks white and it really hurts", 11
        )
        _adds(session, world.alerts["lip"], "Now it is getting worse and feels cold", 6)
        taken = wrote(session, world, "redness", lee, "spreading redness on my cheek and it feels hot", 95)
        taken.status, taken.acknowledged_at = AlertStatus.ACKNOWLEDGED, clock.now() - timedelta(minutes=80)
        taken.acknowledged_by_id, taken.next_step_at = world.staff["doctor"], clock.now() + timedelta(hours=2)
        log(session, taken, EventKind.ACKNOWLEDGED, staff_id=world.staff["doctor"], detail="sms")
        wrote(session, world, "foreign", foreign, "My lip is white and I cannot see", 5)
        _tasks(session, world, pat, lee, foreign)
    return world


def _clinic(session: Session, name: str, number: str) -> Clinic:
    clinic = Clinic(
        name=name,
        time_zone="America/New_York",
        locale="en-US",
        country="US",
        phone=number[:-1] + "1",
        emergency_phone=number[:-1] + "2",
        emergency_number="911",
        crisis_line="988",
        text_number=number,
        opening_hours={},
        widget_key=f"demo-{number[-3:]}",
    )
    session.add(clinic)
    session.flush()
    return clinic


def _adder(session: Session, world: World):
    def add(key, name, role, language, phone, order, clinic=None):
        staff = Staff(
            clinic_id=clinic or world.clinic,
            name=name,
            email=f"{key}@demo.example",
            password_hash=hash_password(PASSWORD),
            role=role,
            language=language,
            phone=phone,
            on_call_order=order,
        )
        session.add(staff)
        session.flush()
        world.staff[key] = staff.id

    return add


def _patient(session, world, key, first, last, phone, language, *, days, clinic=None) -> Patient:
    clinic = clinic or world.clinic
    patient = Patient(
        clinic_id=clinic,
        first_name=first,
        last_name=last,
        phone=phone,
        language=language,
        time_zone="America/New_York",
    )
    session.add(patient)
    session.flush()
    treated = clock.now() - timedelta(days=days, minutes=40)
    treatment = Treatment(
        clinic_id=clinic,
        patient_id=patient.id,
        product="harmonyca",
        lot="DEMO-0042",
        expiry=date(2028, 3, 31),
        areas=["lateral cheek", "jaw angle"],
        technique_note="Demo: cannula, one syringe a side.",
        goals_endpoints="Contour of the jaw, symmetry.",
        goals_longer="Firmness of the skin.",
        treated_at=treated,
        injector_id=next(iter(world.staff.values())) if clinic == world.clinic else None,
    )
    session.add(treatment)
    session.add(
        Conversation(
            clinic_id=clinic, channel=Channel.SMS, address=phone, language=language, patient_id=patient.id
        )
    )
    session.flush()
    enrolment = Enrolment(
        clinic_id=clinic,
        patient_id=patient.id,
        treatment_id=treatment.id,
        protocol_id="harmonyca",
        protocol_version=1,
        status=EnrolmentStatus.ACTIVE,
    )
    session.add(enrolment)
    session.flush()
    for day in (1, 3, 7, 14):
        if day > days or key != "lee":
            session.add(
                CheckIn(
                    clinic_id=clinic,
                    enrolment_id=enrolment.id,
                    patient_id=patient.id,
                    day=day,
                    due_at=treated + timedelta(days=day),
                    next_step_at=treated + timedelta(days=day),
                    status=CheckInStatus.PLANNED,
                )
            )
    world.patients[key] = patient.id
    session.flush()
    return patient


def message(session, patient, body, minutes, direction=Direction.IN, kind=Kind.PATIENT, **more) -> Message:
    """A message of the patient's thread, `minutes` ago."""
    thread = session.query(Conversation).filter_by(patient_id=patient.id).one()
    row = Message(
        clinic_id=patient.clinic_id,
        conversation_id=thread.id,
        patient_id=patient.id,
        direction=direction,
        kind=kind,
        channel=Channel.SMS,
        body=body,
        language=patient.language,
        assessed=True,
        status=Status.RECEIVED if direction is Direction.IN else Status.DELIVERED,
        created_at=clock.now() - timedelta(minutes=minutes),
        **more,
    )
    session.add(row)
    session.flush()
    return row


def wrote(session, world, key, patient, body, minutes, *, ended=False) -> Alert:
    """The patient writes something that raises an alert, `minutes` ago; it is paged at once."""
    row = message(session, patient, body, minutes)
    found = assess(body, Context(day=1, language=patient.language))
    _assessed(session, row, found)
    alert = raise_alert(session, row, found)
    at = clock.now() - timedelta(minutes=minutes)
    alert.created_at = at
    for event in session.query(AlertEvent).filter_by(alert_id=alert.id):
        event.created_at = at + timedelta(seconds=2)
    for notification in alert.notifications:
        if notification.message:
            notification.message.status = Status.DELIVERED
        else:
            notification.status = Status.DELIVERED
    message(
        session,
        patient,
        "Llame ahora al 911. No conduzca."
        if patient.language == "es"
        else "A clinician must speak to you now; we are calling. If you cannot see well, call 911.",
        minutes,
        Direction.OUT,
        Kind.SAFETY,
    )
    if ended:
        alert.status, alert.outcome, alert.close_note = (
            AlertStatus.CLOSED,
            Outcome.SEEN_IN_CLINIC,
            "Seen at 4 pm.",
        )
        alert.closed_at, alert.closed_by_id = at + timedelta(minutes=50), world.staff["nurse"]
        alert.next_step_at = None
    else:
        alert.next_step_at = clock.now() + timedelta(minutes=3, seconds=40)
    session.flush()
    world.alerts[key] = alert.id
    return alert


def writes_now(session, patient, body) -> Alert:
    """The patient writes in English what raises an alert, or joins their open one, which is returned."""
    row = message(session, patient, body, 0)
    found = assess(body, Context(day=1, language="en"))
    _assessed(session, row, found)
    return raise_alert(session, row, found)


def _assessed(session, row, found) -> None:
    session.add(
        AssessmentRecord(
            clinic_id=row.clinic_id,
            message_id=row.id,
            tier=found.tier,
            probe=found.probe,
            psych=found.psych,
            hold=found.hold,
            findings=[asdict(finding) for finding in found.findings],
            reasons=list(found.reasons),
            engine=found.engine,
        )
    )
    session.flush()


def _adds(session, alert_id, body, minutes) -> None:
    alert = session.get_one(Alert, alert_id)
    row = message(session, alert.patient, body, minutes)
    _assessed(session, row, assess(body, Context(day=3)))
    log(session, alert, EventKind.PATIENT_WROTE, message_id=row.id, detail="T2")
    event = session.query(AlertEvent).filter_by(alert_id=alert_id, kind=EventKind.PATIENT_WROTE).one()
    event.created_at = row.created_at


def _fortnight(session, patient) -> None:
    """Three days of check-ins and reports."""
    for day, pain, swelling in ((0, 3, 6), (1, 4, 7), (2, 3, 5)):
        minutes = (3 - day) * 1440 - 60
        asked = message(
            session, patient, "Day check: how is your pain, 0-10?", minutes, Direction.OUT, Kind.CHECK_IN
        )
        answer = message(
            session, patient, f"{pain} and swelling {swelling}", minutes - 20, in_reply_to_id=None
        )
        assert asked.id < answer.id
        for what, score in (("pain", pain), ("swelling", swelling)):
            session.add(
                SymptomReport(
                    clinic_id=patient.clinic_id,
                    patient_id=patient.id,
                    conversation_id=answer.conversation_id,
                    message_id=answer.id,
                    source=ReportSource.CHECK_IN,
                    what=what,
                    severity=score,
                    trend=Trend.SAME,
                    day=day,
                    tier="T4",
                    created_at=answer.created_at,
                )
            )
    first = session.query(CheckIn).filter_by(patient_id=patient.id, day=1).one()
    first.status, first.sent_at = CheckInStatus.ANSWERED, clock.now() - timedelta(days=2)
    first.answered_at = clock.now() - timedelta(days=2)
    first.answers = {
        "pain": {"value": 4, "words": "4"},
        "swelling": {"value": 7, "words": "7"},
        "red_flags": {"value": [], "words": "0 thanks"},
    }


def _tasks(session, world, pat, lee, foreign) -> None:
    for key, kind, patient, note in (
        ("talk", TaskKind.TALK_TO_PATIENT, pat, "Asked to talk to a person about the appointment."),
        ("silent", TaskKind.NO_CHECK_IN_ANSWER, lee, "Day 7 check-in has had no answer."),
        ("foreign", TaskKind.REVIEW, foreign, "Another clinic's."),
    ):
        task = StaffTask(
            clinic_id=patient.clinic_id,
            key=f"{kind.value}:{key}",
            kind=kind,
            patient_id=patient.id,
            note=note,
            created_at=clock.now() - timedelta(hours=5),
        )
        session.add(task)
        session.flush()
        world.tasks[key] = task.id
