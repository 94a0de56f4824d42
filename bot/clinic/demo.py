"""The demo clinic: plainly fictional, seeded on the first start of a demo."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot import clock
from bot import settings as app_settings
from bot.clinic import consents
from bot.clinic.enrolment import enrol
from bot.clinic.models import Clinic, ConsentPurpose, Patient, Role, Staff
from bot.clinic.passwords import hash_password
from bot.db.engine import transaction
from bot.messaging.consent import WORDING
from bot.messaging.models import Channel

PASSWORD = "demo-afterglow"  # shown on the demo page: it opens nothing but fictional data
NURSE_EMAIL = "nurse@demo.example"
TEXT_NUMBER = "+15550100100"

_WEEKDAY = [["09:00", "18:00"]]
_STAFF = (
    ("Nurse Demo", NURSE_EMAIL, Role.NURSE, "+15550100121", 1),
    ("Dr Demo", "doctor@demo.example", Role.MEDICAL_DIRECTOR, "+15550100122", 2),
    ("Desk Demo", "desk@demo.example", Role.FRONT_DESK, None, None),
    ("Admin Demo", "admin@demo.example", Role.ADMIN, None, None),
)
_LEAD = "Dr Demo"  # the safeguarding lead
#: first name, last name, phone, language, whole days since treatment
_PATIENTS = (
    ("Ana", "Ejemplo", "+15550100111", "es", 1),
    ("Pat", "Sample", "+15550100112", "en", 0),
)
PATIENT_PHONES = tuple(phone for _first, _last, phone, _language, _days in _PATIENTS)


def seed(*, patients: bool = True) -> bool:
    """Add the demo clinic unless there is a clinic already. True when it was added."""
    with transaction() as session:
        if session.scalars(select(Clinic.id).limit(1)).first() is not None:
            return False
        clinic = _clinic()
        session.add(clinic)
        session.flush()
        hashed = hash_password(PASSWORD)
        for name, email, role, phone, order in _STAFF:
            session.add(
                Staff(
                    clinic_id=clinic.id,
                    name=name,
                    email=email,
                    role=role,
                    phone=phone,
                    on_call_order=order,
                    safeguarding_lead=name == _LEAD,
                    password_hash=hashed,
                )
            )
        clinic_id = clinic.id
    for first, last, phone, language, days in _PATIENTS if patients else ():
        enrolled = enrol(clinic_id, _form(first, last, phone, language, days))
        _agree(enrolled.patient_id)
    return True


def _agree(patient_id: str) -> None:
    """The demo's patients have answered Y before the demo begins."""
    with transaction() as session:
        consents.note(
            session,
            session.get_one(Patient, patient_id),
            ConsentPurpose.AFTERCARE_TEXTS,
            granted=True,
            wording=WORDING,
            channel=Channel.SMS.value,
        )


def _clinic() -> Clinic:
    return Clinic(
        name="Blue Heron Clinic (demo)",
        time_zone="America/New_York",
        locale="en-US",
        country="US",
        phone="+15550100101",
        emergency_phone="+15550100102",
        emergency_number="911",
        crisis_line="988",
        text_number=TEXT_NUMBER,
        opening_hours={
            **dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), _WEEKDAY),
            "sat": [["09:00", "13:00"]],
        },
        widget_key="blue-heron-demo",
        widget_origins=[app_settings.get_settings().public_url],
    )


def _form(first: str, last: str, phone: str, language: str, days: int) -> dict[str, object]:
    zone = ZoneInfo("America/New_York")
    local = clock.now().astimezone(zone)
    treated = local - timedelta(hours=1)
    if days:
        treated = datetime.combine(local.date() - timedelta(days=days), time(15), zone)
    return {
        "first_name": first,
        "last_name": last,
        "phone": phone,
        "language": language,
        "product": "harmonyca",
        "lot": "DEMO-0001",
        "expiry": (local.date() + timedelta(days=365)).isoformat(),
        "areas": ["lateral cheek", "jaw angle"],
        "technique_note": "Demo: cannula, one syringe a side.",
        "goals_endpoints": "Contour of the jaw, symmetry.",
        "goals_longer": "Firmness of the skin.",
        "treated_at": treated.isoformat(),
        "consent_aftercare_texts": True,
    }
