"""One-time links to choose a password: issued by an admin, or sent by e-mail where mail can be sent."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import settings as app_settings
from bot.access.models import ResetLink
from bot.clinic.models import Staff

#: An admin's link travels by hand; one by e-mail is opened at once.
ADMIN_LASTS = timedelta(hours=48)
MAIL_LASTS = timedelta(hours=1)

#: Sends a link: e-mail address, language, link. Raises when it cannot.
Sender = Callable[[str, str, str], None]
_sender: Sender | None = None


def use_mail(sender: Sender | None) -> None:
    """Let links go by e-mail through `sender`. None: only an admin issues them."""
    global _sender
    _sender = sender


def mail() -> Sender | None:
    """What sends links by e-mail, if anything does."""
    return _sender


def issue(session: Session, staff: Staff, now: datetime, lasts: timedelta = ADMIN_LASTS) -> str:
    """A fresh link for `staff`. Links issued before are worthless from now on."""
    session.execute(
        update(ResetLink)
        .where(ResetLink.staff_id == staff.id, ResetLink.used_at.is_(None))
        .values(used_at=now)
    )
    token = secrets.token_urlsafe(32)
    session.add(
        ResetLink(
            clinic_id=staff.clinic_id, staff_id=staff.id, token_hash=_hash(token), expires_at=now + lasts
        )
    )
    session.flush()
    return f"{app_settings.get_settings().public_url.rstrip('/')}/console/reset/{token}"


def holder(session: Session, token: str, now: datetime, *, use: bool = False) -> Staff | None:
    """Whose link this is; None when it is unknown, used, too old, or its owner has left. `use` uses it up."""
    query = select(ResetLink).where(
        ResetLink.token_hash == _hash(token), ResetLink.used_at.is_(None), ResetLink.expires_at > now
    )
    link = session.scalars(query.with_for_update() if use else query).first()
    if link is None:
        return None
    staff = session.get_one(Staff, link.staff_id)
    if not staff.active:
        return None
    if use:
        link.used_at = now
    return staff


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
