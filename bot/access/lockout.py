"""Slows down guessing: after a few failures an account must wait, longer each time.

Kept in the record, so that a restart forgets nothing and every process counts the same. An account that does
not exist is held up like one that does. A browser in which the account has signed in before is counted apart:
nobody can lock a clinician out of their own phone by guessing elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bot.access.models import SignInFailure
from bot.secrets import secret_key

FREE = 5  #: failures that cost nothing
WAITS_MIN = (1, 2, 4, 8, 15)  #: minutes to wait after the fifth failure, the sixth, and so on
FORGOTTEN = timedelta(hours=24)  #: failures older than this no longer count
MOST_PER_ADDRESS = 100  #: failures of one network address, over any accounts


def key_of(account: str, device: str = "") -> str:
    """What failures of `account` are counted under: apart in a browser that it has signed in from before."""
    known = "known" if device and hmac.compare_digest(device, device_mark(account)) else ""
    return hashlib.sha256(f"{account}\n{known}".encode()).hexdigest()


def address_key(address: str) -> str:
    """What failures of a network address are counted under."""
    return hashlib.sha256(f"address\n{address}".encode()).hexdigest()


def device_mark(account: str) -> str:
    """What a browser keeps as proof that `account` has signed in from it."""
    return hmac.new(secret_key().encode(), f"device\n{account}".encode(), hashlib.sha256).hexdigest()


def wait_after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row."""
    if failures < FREE:
        return timedelta()
    return timedelta(minutes=WAITS_MIN[min(failures - FREE, len(WAITS_MIN) - 1)])


def left(session: Session, key: str, now: datetime, free: int = FREE) -> timedelta:
    """How long until the next try under `key` is looked at; nothing when it is now."""
    found = session.get(SignInFailure, key)
    if found is None or now - found.last_at > FORGOTTEN:
        return timedelta()
    return max(timedelta(), found.last_at + wait_after(found.failures - free + FREE) - now)


def failed(session: Session, key: str, now: datetime) -> int:
    """Count a failure. Returns how many in a row there are now."""
    session.execute(delete(SignInFailure).where(SignInFailure.last_at < now - FORGOTTEN))
    insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(SignInFailure)
    session.execute(insert.values(key=key, failures=0, last_at=now).on_conflict_do_nothing())
    found = session.get_one(SignInFailure, key, with_for_update=True, populate_existing=True)
    found.failures += 1
    found.last_at = now
    session.flush()
    return found.failures


def forget(session: Session, key: str) -> None:
    """A sign-in that worked wipes the slate."""
    session.execute(delete(SignInFailure).where(SignInFailure.key == key))
