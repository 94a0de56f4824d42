"""What the desk remembers of a sign-in between two requests, before it knows who it is. Taken once."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.access.models import SignInTicket

COOKIE = "afterglow_ticket"
LASTS = timedelta(minutes=10)


def leave(session: Session, data: dict[str, Any], now: datetime) -> str:
    """Keep `data` and return the token for the cookie. Tickets that nobody came back for are swept."""
    session.execute(delete(SignInTicket).where(SignInTicket.expires_at <= now))
    token = secrets.token_urlsafe(32)
    session.add(SignInTicket(token_hash=_hash(token), data=data, expires_at=now + LASTS))
    return token


def take(session: Session, token: str | None, kind: str, now: datetime) -> dict[str, Any] | None:
    """What was kept under `token` for this `kind` of sign-in, and no more from now on."""
    query = select(SignInTicket).filter_by(token_hash=_hash(token or "")).with_for_update()
    found = session.scalars(query).first()
    if found is None:
        return None
    session.delete(found)
    return found.data if found.expires_at > now and found.data.get("kind") == kind else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
