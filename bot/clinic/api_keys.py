"""Keys for other systems of the clinic, such as its practice-management system."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.audit import trail
from bot.clinic.models import ApiKey
from bot.db.engine import reading, transaction

PREFIX = "afterglow_"  #: so that a key that leaked is found by who looks for such
#: How exactly it is kept when a key was last used: a write for every request would cost more than it tells.
USED_EVERY = timedelta(hours=1)


def create(clinic_id: str, name: str) -> str:
    """A new key for the system `name`. It is returned once and kept as a hash."""
    key = PREFIX + secrets.token_urlsafe(32)
    with transaction() as session:
        session.add(ApiKey(clinic_id=clinic_id, name=name, key_hash=_hash(key)))
    return key


def clinic_of(key: str) -> str | None:
    """The clinic that `key` lets in to, and a note that it was used; None for a key that lets nobody in."""
    with reading() as session:
        found = _valid(session, key)
    if found is None:
        return None
    act = trail.current()
    if act is not None:
        act.actor_kind, act.actor_id, act.clinic_id = "api_key", found.id, found.clinic_id
    if found.last_used_at is None or clock.now() - found.last_used_at >= USED_EVERY:
        with trail.unnoticed(), transaction() as session:
            session.get_one(ApiKey, found.id).last_used_at = clock.now()
    return found.clinic_id


def all_of(clinic_id: str) -> Sequence[ApiKey]:
    """The clinic's keys, oldest first, revoked ones too."""
    with reading() as session:
        return session.scalars(select(ApiKey).filter_by(clinic_id=clinic_id).order_by(ApiKey.id)).all()


def revoke(clinic_id: str, key_id: str) -> bool:
    """Let the key in no more. False when the clinic has no such key in use."""
    with transaction() as session:
        found = session.get(ApiKey, key_id)
        if found is None or found.clinic_id != clinic_id or found.revoked_at is not None:
            return False
        found.revoked_at = clock.now()
        return True


def _valid(session: Session, key: str) -> ApiKey | None:
    return session.scalars(select(ApiKey).filter_by(key_hash=_hash(key), revoked_at=None)).first()


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
