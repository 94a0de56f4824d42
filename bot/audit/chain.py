"""The chain itself: what an entry's hash is made from, how one is added, and how a break is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bot import clock
from bot.audit.models import INSTALLATION, AuditEntry, AuditHead
from bot.ids import new_id

#: What the first entry of a chain holds as the hash of the one before.
START = "0" * 64
READ_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written down. `subject` is a kind and an opaque id; `detail` holds no patient's words."""

    action: str
    actor_kind: str = "nobody"
    actor_id: str = ""
    subject: tuple[str, str] = ("", "")
    clinic_id: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    ip: str = ""
    outcome: str = "done"


@dataclass(frozen=True, slots=True)
class Break:
    """The first entry of a chain that is not as it was written, and what is wrong with it."""

    chain: str
    seq: int
    problem: str


def canonical(entry: AuditEntry) -> bytes:
    """The entry as JSON that is the same on every database: sorted keys, no spaces, UTC in microseconds."""
    told = {
        "id": entry.id,
        "chain": entry.chain,
        "seq": entry.seq,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": [entry.actor_kind, entry.actor_id],
        "action": entry.action,
        "subject": [entry.subject_kind, entry.subject_id],
        "detail": entry.detail,
        "ip": entry.ip,
        "outcome": entry.outcome,
        "previous": entry.previous_hash,
    }
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def digest(entry: AuditEntry) -> str:
    """The SHA-256 of the canonical entry, as hexadecimal."""
    return hashlib.sha256(canonical(entry)).hexdigest()


def append(session: Session, entry: Entry) -> AuditEntry:
    """Add `entry` to its chain within the caller's transaction.

    The chain's head stays locked until that ends, so do it last: two transactions never get one number.
    """
    chain = entry.clinic_id or INSTALLATION
    head = _locked_head(session, chain)
    kind, subject = entry.subject
    row = AuditEntry(
        id=new_id(),
        created_at=clock.now(),
        clinic_id=entry.clinic_id,
        chain=chain,
        seq=head.seq + 1,
        at=clock.now() - clock.offset(),
        actor_kind=entry.actor_kind,
        actor_id=entry.actor_id[:64],
        action=entry.action,
        subject_kind=kind,
        subject_id=subject[:80],
        detail=entry.detail,
        ip=entry.ip[:45],
        outcome=entry.outcome,
        previous_hash=head.hash,
    )
    row.hash = digest(row)
    head.seq, head.hash = row.seq, row.hash
    session.add(row)
    session.flush()
    return row


def _locked_head(session: Session, chain: str) -> AuditHead:
    query = (
        select(AuditHead).filter_by(chain=chain).with_for_update().execution_options(populate_existing=True)
    )
    head = session.scalars(query).first()
    if head is None:
        insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(AuditHead)
        session.execute(insert.values(chain=chain, seq=0, hash=START).on_conflict_do_nothing())
        head = session.scalars(query).one()
    return head


def chains(session: Session) -> list[str]:
    """Every chain there is: those with a head, and those with entries whose head was taken away."""
    found = set(session.scalars(select(AuditHead.chain))) | set(
        session.scalars(select(AuditEntry.chain).distinct())
    )
    return sorted(found)


def entries(session: Session, chain: str) -> Iterator[AuditEntry]:
    """The entries of a chain in their order, read a few at a time."""
    query = select(AuditEntry).filter_by(chain=chain).order_by(AuditEntry.seq)
    for row in session.scalars(query.execution_options(yield_per=READ_AT_ONCE)):
        yield row
        session.expunge(row)


def first_break(chain: str, rows: Iterable[AuditEntry], head: tuple[int, str]) -> Break | None:
    """Walk `rows` and compare with the `head` (number and hash of the newest). None when all is whole."""
    expected, previous = 1, START
    for row in rows:
        if row.seq != expected:
            return Break(chain, expected, f"entry {expected} is missing (the next one there is {row.seq})")
        if row.previous_hash != previous:
            return Break(chain, row.seq, "it does not follow from the entry before it")
        if row.hash != digest(row):
            return Break(chain, row.seq, "it is not as it was written")
        expected, previous = row.seq + 1, row.hash
    if head != (expected - 1, previous):
        return Break(chain, expected, f"the chain should end at entry {head[0]} and ends at {expected - 1}")
    return None


def verify(session: Session, chain: str) -> tuple[int, str, Break | None]:
    """How many entries the chain should have, the hash it ends with, and its first break if there is one."""
    found = session.get(AuditHead, chain)
    head = (found.seq, found.hash) if found else (0, START)
    return *head, first_break(chain, entries(session, chain), head)
