"""Who works at a clinic: adding people, changing what they are, and letting them go."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

import phonenumbers
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.access import password_rules
from bot.clinic.models import Clinic, Role, Staff
from bot.clinic.passwords import hash_password

LANGUAGES = ("en", "es")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]+")


class StaffInvalid(ValueError):
    """What to mend: keys of the words for it, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {key}" for field, key in errors.items()))
        self.errors = dict(errors)


def add(session: Session, clinic: Clinic, form: Mapping[str, str]) -> Staff:
    """A new member of staff, who has no password yet: issue a link (`resets`). Raises `StaffInvalid`."""
    errors: dict[str, str] = {}
    name = " ".join(form.get("name", "").split())
    if not 1 <= len(name) <= 120:
        errors["name"] = "staff.fix_name"
    email = form.get("email", "").strip().lower()
    if not _EMAIL.fullmatch(email) or len(email) > 254:
        errors["email"] = "staff.fix_email"
    elif session.scalars(select(Staff.id).filter_by(email=email)).first() is not None:
        errors["email"] = "staff.fix_email_taken"
    role, phone, language = _checked(clinic, form, errors)
    if errors:
        raise StaffInvalid(errors)
    staff = Staff(
        clinic_id=clinic.id,
        name=name,
        email=email,
        role=role,
        phone=phone,
        language=language,
        password_hash=hash_password(secrets.token_urlsafe(32)),  # nobody knows it
    )
    session.add(staff)
    session.flush()
    return staff


def change(session: Session, staff: Staff, form: Mapping[str, str], *, active: bool) -> dict[str, list[str]]:
    """Set role, phone and language, and whether the person still works here.

    Returns what it was and is, by field, without phone numbers. A clinic keeps an admin.
    Raises `StaffInvalid`.
    """
    clinic = session.get_one(Clinic, staff.clinic_id, with_for_update=True)
    errors: dict[str, str] = {}
    role, phone, language = _checked(clinic, form, errors)
    if (
        staff.role is Role.ADMIN
        and staff.active
        and (role is not Role.ADMIN or not active)
        and _admins(session, clinic) == 1
    ):
        errors["role"] = "staff.fix_last_admin"
    if staff.safeguarding_lead and active and not phone:
        errors["phone"] = "staff.fix_lead_phone"
    if errors:
        raise StaffInvalid(errors)
    before = {"role": staff.role.value, "language": staff.language, "active": str(staff.active)}
    phone_changed = staff.phone != phone
    staff.role, staff.phone, staff.language, staff.active = role, phone, language, active
    after = {"role": staff.role.value, "language": staff.language, "active": str(staff.active)}
    told = {field: [before[field], after[field]] for field in before if before[field] != after[field]}
    return told | ({"phone": ["changed"]} if phone_changed else {})


def set_password(staff: Staff, password: str) -> password_rules.Problem | None:
    """Give `staff` this password, or say why it cannot be taken."""
    problem = password_rules.problem_with(password, email=staff.email, name=staff.name)
    if problem is None:
        staff.password_hash = hash_password(password)
    return problem


def _checked(clinic: Clinic, form: Mapping[str, str], errors: dict[str, str]) -> tuple[Role, str | None, str]:
    role = form.get("role", "")
    if role not in list(Role):
        errors["role"] = "staff.fix_role"
    language = form.get("language", "en")
    if language not in LANGUAGES:
        errors["language"] = "staff.fix_language"
    phone = None
    if typed := form.get("phone", "").strip():
        phone = e164(typed, clinic.country)
        if phone is None:
            errors["phone"] = "staff.fix_phone"
    return Role(role) if "role" not in errors else Role.FRONT_DESK, phone, language


def e164(typed: str, country: str) -> str | None:
    """A typed phone number with its country code; None when it cannot be one."""
    try:
        number = phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _admins(session: Session, clinic: Clinic) -> int:
    query = (
        select(func.count()).select_from(Staff).filter_by(clinic_id=clinic.id, role=Role.ADMIN, active=True)
    )
    return session.scalar(query) or 0
