"""Server-side sessions of the console: the browser holds a random token, the record only its SHA-256.

A session lives in real time: moving the clock in the demo signs nobody out.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from bot import clock
from bot import settings as app_settings
from bot.audit import trail
from bot.clinic import passwords
from bot.clinic.models import Clinic, Role, Staff, StaffSession
from bot.db.engine import transaction

COOKIE = "afterglow_staff"
#: How long a right password waits for its second factor.
UNVERIFIED = timedelta(minutes=10)
#: How exactly it is kept when a page was last asked for.
TOUCHED_EVERY = timedelta(minutes=1)


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
    last_seen_at: datetime | None
    #: from when the clinic wants a second factor of this person, who signed in without; None: it does not
    factor_due: datetime | None

    @property
    def factor_overdue(self) -> bool:
        """Whether nothing but setting up a second factor is left to do."""
        return self.factor_due is not None and self.factor_due <= clock.now()


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


def open_session(
    session: Session,
    staff: Staff,
    *,
    method: str = "password",
    verified: bool = True,
    ip: str = "",
    device: str = "",
) -> str:
    """Start a session and return the token for the cookie. Sessions that ran out are swept on the way.

    One that is not `verified` opens nothing but the page for the second factor, for `UNVERIFIED`.
    """
    session.execute(delete(StaffSession).where(StaffSession.expires_at <= real_now()))
    token = secrets.token_urlsafe(32)
    lasts = timedelta(hours=app_settings.get_settings().session_hours) if verified else UNVERIFIED
    session.add(
        StaffSession(
            clinic_id=staff.clinic_id,
            staff_id=staff.id,
            token_hash=hashed(token),
            csrf_token=secrets.token_urlsafe(32),
            expires_at=real_now() + lasts,
            last_seen_at=real_now(),
            verified=verified,
            method=method,
            ip=ip,
            device=device,
        )
    )
    return token


def visitor(session: Session, token: str | None) -> Visitor | None:
    """Who holds `token`: None when it is unknown, has run out or was idle, or the person may not sign in."""
    row = _row(session, token, StaffSession.verified.is_(True), _not_idle())
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
        last_seen_at=mine.last_seen_at,
        factor_due=clinic.second_factor_from if mine.method == "password" else None,
    )


def half_in(session: Session, token: str | None) -> tuple[StaffSession, Staff] | None:
    """The session that waits for its second factor, and whose it is; None when `token` opens no such one."""
    row = _row(session, token, StaffSession.verified.is_(False))
    return (row[0], row[1]) if row else None


def _row(
    session: Session, token: str | None, *more: ColumnElement[bool]
) -> tuple[StaffSession, Staff, Clinic] | None:
    if not token:
        return None
    row = session.execute(
        select(StaffSession, Staff, Clinic)
        .join(Staff, Staff.id == StaffSession.staff_id)
        .join(Clinic, Clinic.id == StaffSession.clinic_id)
        .where(
            StaffSession.token_hash == hashed(token),
            StaffSession.expires_at > real_now(),
            Staff.active,
            *more,
        )
    ).first()
    return None if row is None else (row[0], row[1], row[2])


def _not_idle() -> ColumnElement[bool]:
    idle = timedelta(minutes=app_settings.get_settings().session_idle_minutes)
    return or_(StaffSession.last_seen_at.is_(None), StaffSession.last_seen_at > real_now() - idle)


def touch(who: Visitor, ip: str) -> None:
    """Note that the visitor asked for a page, at most once in `TOUCHED_EVERY`."""
    if who.last_seen_at is not None and real_now() - who.last_seen_at < TOUCHED_EVERY:
        return
    with trail.unnoticed(), transaction() as session:
        mine = session.get(StaffSession, who.session_id)
        if mine is not None:
            mine.last_seen_at, mine.ip = real_now(), ip


def of_staff(session: Session, staff_id: str) -> list[StaffSession]:
    """The sessions in which somebody is signed in, the newest first."""
    query = select(StaffSession).where(
        StaffSession.staff_id == staff_id,
        StaffSession.expires_at > real_now(),
        StaffSession.verified,
        _not_idle(),
    )
    return list(session.scalars(query.order_by(StaffSession.id.desc())))


def close_all(session: Session, staff_id: str, *, but: str = "") -> int:
    """Sign somebody out everywhere, except in the session `but`. Returns how many sessions that ended."""
    mine = session.scalars(
        select(StaffSession).where(StaffSession.staff_id == staff_id, StaffSession.id != but)
    )
    ended = 0
    for row in mine:
        session.delete(row)
        ended += 1
    return ended


_DEVICES = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)


def device_of(user_agent: str) -> str:
    """What a person recognises their browser by, such as "Firefox, Linux"; "" for one that says nothing."""
    found = [
        next((name for sign, name in names if sign in user_agent), "") for names in (_BROWSERS, _DEVICES)
    ]
    return ", ".join(name for name in found if name)


def close_session(session: Session, session_id: str) -> None:
    """Sign out: the token is worthless from now on."""
    session.execute(delete(StaffSession).where(StaffSession.id == session_id))


def csrf_ok(who: Visitor, given: object) -> bool:
    """Whether a form carries this session's token; compared in constant time."""
    return isinstance(given, str) and same(who.csrf, given)


def same(token: str, given: str) -> bool:
    """Whether two tokens are equal; compared in constant time."""
    return hmac.compare_digest(given.encode(), token.encode())


def quoted(asked: str | None) -> str:
    """`local_path` of what was asked, fit to stand in a query."""
    return quote(local_path(asked))


def local_path(asked: str | None) -> str:
    """`asked` when it is a page of the console, else the alert queue: sign-in never leads elsewhere."""
    home = "/console"
    if not asked or any(ord(sign) < 33 or sign == "\\" for sign in asked):
        return home
    return asked if asked == home or asked.startswith((home + "/", home + "?")) else home
