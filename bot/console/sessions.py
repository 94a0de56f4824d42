"""Server-side sessions of the console: the browser holds a random token, the record only its SHA-256.

A session lives in real time: moving the clock in the demo signs nobody out.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot import clock
from bot import settings as app_settings
from bot.clinic import passwords
from bot.clinic.models import Clinic, Role, Staff, StaffSession

COOKIE = "afterglow_staff"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in, with what every page needs to know of them and their clinic."""

    session_id: str
    staff_id: str
    clinic_id: str
    name: str
    language: str
    csrf: str
    clinic_name: str
    time_zone: str
    role: Role


def real_now() -> datetime:
    """The time outside, whatever the demo clock says."""
    return clock.now() - clock.offset()


def hashed(token: str) -> str:
    """What is stored of a cookie's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def check_password(session: Session, email: str, password: str) -> Staff | None:
    """The active member of staff with this e-mail and password. An unknown e-mail takes as long."""
    staff = session.scalars(select(Staff).where(Staff.email == email.strip().lower())).first()
    right = passwords.verify_password(staff.password_hash if staff else passwords.NOBODY, password)
    return staff if staff is not None and staff.active and right else None


def open_session(session: Session, staff: Staff) -> str:
    """Start a session and return the token for the cookie. Sessions that ran out are swept on the way."""
    session.execute(delete(StaffSession).where(StaffSession.expires_at <= real_now()))
    token = secrets.token_urlsafe(32)
    session.add(
        StaffSession(
            clinic_id=staff.clinic_id,
            staff_id=staff.id,
            token_hash=hashed(token),
            csrf_token=secrets.token_urlsafe(32),
            expires_at=real_now() + timedelta(hours=app_settings.get_settings().session_hours),
        )
    )
    return token


def visitor(session: Session, token: str | None) -> Visitor | None:
    """Who holds `token`: None when it is unknown or has run out, or when the person may no longer sign in."""
    if not token:
        return None
    row = session.execute(
        select(StaffSession, Staff, Clinic)
        .join(Staff, Staff.id == StaffSession.staff_id)
        .join(Clinic, Clinic.id == StaffSession.clinic_id)
        .where(StaffSession.token_hash == hashed(token), StaffSession.expires_at > real_now(), Staff.active)
    ).first()
    if row is None:
        return None
    mine, staff, clinic = row
    return Visitor(
        session_id=mine.id,
        staff_id=staff.id,
        clinic_id=staff.clinic_id,
        name=staff.name,
        language=staff.language,
        csrf=mine.csrf_token,
        clinic_name=clinic.name,
        time_zone=clinic.time_zone,
        role=staff.role,
    )


def close_session(session: Session, session_id: str) -> None:
    """Sign out: the token is worthless from now on."""
    session.execute(delete(StaffSession).where(StaffSession.id == session_id))


def csrf_ok(who: Visitor, given: object) -> bool:
    """Whether a form carries this session's token; compared in constant time."""
    return isinstance(given, str) and hmac.compare_digest(given.encode(), who.csrf.encode())


def local_path(asked: str | None) -> str:
    """`asked` when it is a page of the console, else the alert queue: sign-in never leads elsewhere."""
    home = "/console"
    if not asked or any(ord(sign) < 33 or sign == "\\" for sign in asked):
        return home
    return asked if asked == home or asked.startswith((home + "/", home + "?")) else home
