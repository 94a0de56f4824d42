"""The audit log as tests look at it, and a long one at once, as the years would have written it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from bot.audit import chain
from bot.audit.chain import START, digest
from bot.audit.models import AuditEntry, AuditHead
from bot.db.engine import reading, transaction

FIRST = datetime(2025, 3, 1, 8, tzinfo=UTC)


def logged(action: str = "") -> list[AuditEntry]:
    """The entries of all clinics, oldest first, of that action."""
    with reading() as session:
        found = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    return [entry for entry in found if action in ("", entry.action)]


def whole(chain_id: str) -> bool:
    """Whether a chain is as it was written."""
    with reading() as session:
        return chain.verify(session, chain_id)[2] is None


def long_log(
    clinic_id: str,
    length: int,
    entry: Callable[[int], dict[str, Any]],
    every: timedelta = timedelta(minutes=5),
) -> None:
    """A whole chain for a clinic whose log is empty; `entry` gives what is special of each number."""
    previous, rows = START, []
    for seq in range(1, length + 1):
        row: dict[str, Any] = {
            "id": f"{seq:032x}",
            "created_at": FIRST,
            "clinic_id": clinic_id,
            "chain": clinic_id,
            "seq": seq,
            "at": FIRST + seq * every,
            "actor_kind": "staff",
            "actor_id": "",
            "action": "patient.view",
            "subject_kind": "",
            "subject_id": "",
            "detail": {},
            "ip": "10.0.0.1",
            "outcome": "done",
            "previous_hash": previous,
        } | entry(seq)
        row["hash"] = previous = digest(AuditEntry(**row))
        rows.append(row)
    with transaction() as session:
        for start in range(0, length, 5_000):
            session.execute(insert(AuditEntry), rows[start : start + 5_000])
        session.add(AuditHead(chain=clinic_id, seq=length, hash=previous))
