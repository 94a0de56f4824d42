"""The chain itself: what an entry's hash is made from, how one is added, and how a break is found."""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, NamedTuple

from sqlalchemy import Row, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bot import clock
from bot.audit.models import INSTALLATION, AuditEntry, AuditHead
from bot.ids import new_id

#: What the first entry of a chain holds as the hash of the one before.
START = "0" * 64
READ_AT_ONCE = 500
#: An entry, or its row as the database gives it: the same names.
Written = AuditEntry | Row[Any]


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


class Point(NamedTuple):
    """An entry up to which a chain is whole: its number and its hash."""

    seq: int = 0
    hash: str = START


class Fault(enum.StrEnum):
    """What can be wrong with a chain."""

    MISSING = "missing"  #: an entry is not there, and a later one is
    UNLINKED = "unlinked"  #: an entry does not follow from the one before it
    ALTERED = "altered"  #: an entry is not as it was written
    WRONG_END = "wrong_end"  #: entries at the end are gone, or there are more than were written


@dataclass(frozen=True, slots=True)
class Break:
    """The first entry of a chain that is not as it was written, and what is wrong with it."""

    chain: str
    seq: int
    fault: Fault
    problem: str


def canonical(entry: Written) -> bytes:
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


def digest(entry: Written) -> str:
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


def entries(session: Session, chain: str, after: int = 0, until: int | None = None) -> Iterator[Row[Any]]:
    """The entries of a chain in their order, read a few at a time: those behind number `after`, to `until`.

    As plain rows with the columns' names: a log is long, and nothing is to be changed.
    """
    table = AuditEntry.__table__
    query = select(table).where(table.c.chain == chain).order_by(table.c.seq).limit(READ_AT_ONCE)
    if until is not None:
        query = query.where(table.c.seq <= until)
    while rows := session.execute(query.where(table.c.seq > after)).all():
        yield from rows
        after = rows[-1].seq


def first_break(chain: str, rows: Iterable[Written], head: tuple[int, str]) -> Break | None:
    """Walk `rows` and compare with the `head` (number and hash of the newest). None when all is whole."""
    reached = _walk(chain, rows, Point())
    return reached if isinstance(reached, Break) else _wrong_end(chain, reached, Point(*head))


def _walk(chain: str, rows: Iterable[Written], after: Point) -> Point | Break:
    """The last of `rows` when each follows from the one before it, the first of them from `after`."""
    reached = after
    for row in rows:
        expected = reached.seq + 1
        if row.seq != expected:
            problem = f"entry {expected} is missing (the next one there is {row.seq})"
            return Break(chain, expected, Fault.MISSING, problem)
        if row.previous_hash != reached.hash:
            return Break(chain, row.seq, Fault.UNLINKED, "it does not follow from the entry before it")
        if row.hash != digest(row):
            return Break(chain, row.seq, Fault.ALTERED, "it is not as it was written")
        reached = Point(row.seq, row.hash)
    return reached


def _wrong_end(chain: str, reached: Point, head: Point, newest: int = 0) -> Break | None:
    if reached == head and newest <= head.seq:
        return None
    ends_at = max(reached.seq, newest)
    problem = f"the chain should end at entry {head.seq} and ends at {ends_at}"
    return Break(chain, min(reached.seq, head.seq) + 1, Fault.WRONG_END, problem)


def next_piece(
    session: Session, chain: str, after: Point, most: int = READ_AT_ONCE
) -> tuple[Point | Break, bool]:
    """Walk at most `most` entries behind `after`. The second value says whether the chain's end was reached.

    Entries that are added meanwhile are no break: the end is the one that there was when this began.
    """
    newest = session.scalar(select(func.max(AuditEntry.seq)).where(AuditEntry.chain == chain)) or 0
    head = _head_of(session, chain)  # read after `newest`: it is never behind an entry
    until = min(head.seq, after.seq + most)
    reached = _walk(chain, entries(session, chain, after.seq, until), after)
    if isinstance(reached, Break):
        return reached, True
    if reached.seq == until < head.seq:
        return reached, False
    if reached.seq < min(newest, head.seq):  # the piece ends with the gap
        missing = reached.seq + 1
        return Break(chain, missing, Fault.MISSING, f"entry {missing} is missing"), True
    return _wrong_end(chain, reached, head, newest) or reached, True


def _head_of(session: Session, chain: str) -> Point:
    row = session.execute(select(AuditHead.seq, AuditHead.hash).where(AuditHead.chain == chain)).first()
    return Point(row.seq, row.hash) if row else Point()


def verify(session: Session, chain: str) -> tuple[int, str, Break | None]:
    """How many entries the chain should have, the hash it ends with, and its first break if there is one."""
    reached, ended = Point(), False
    while not ended:
        found, ended = next_piece(session, chain, reached)
        if isinstance(found, Break):
            return *_head_of(session, chain), found
        reached = found
    return *reached, None
