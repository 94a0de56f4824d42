"""Looking entries up: by person, patient, action and day, newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Text, cast, func, or_, select
from sqlalchemy.orm import Session

from bot.audit.models import AuditEntry
from bot.db.engine import reading

#: Who acted when it was no account of the console or the API; any other `actor` is an account's id.
KINDS = ("command", "nobody")
READ_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for. Empty is everything; the moments are the first wanted and the first no longer."""

    actor: str = ""
    patient_id: str = ""
    action: str = ""
    start: datetime | None = None
    end: datetime | None = None


def page(
    session: Session, clinic_id: str, wanted: Wanted, *, before: int | None = None, size: int
) -> tuple[list[AuditEntry], bool]:
    """At most `size` entries that fit, newest first, with numbers under `before`; and whether there are more.

    It begins at a number, not at a count of entries, so that the last page is as fast as the first.
    """
    query = select(AuditEntry).where(*_conditions(session, clinic_id, wanted))
    if before is not None:
        query = query.where(AuditEntry.seq < before)
    rows = list(session.scalars(query.order_by(AuditEntry.seq.desc()).limit(size + 1)))
    return rows[:size], len(rows) > size


def every(clinic_id: str, wanted: Wanted) -> Iterator[list[AuditEntry]]:
    """All entries that fit, newest first, some at a time, each time in a transaction of their own."""
    before, more = None, True
    while more:
        with reading() as session:
            rows, more = page(session, clinic_id, wanted, before=before, size=READ_AT_ONCE)
        if rows:
            yield rows
            before = rows[-1].seq


def actions(session: Session, clinic_id: str) -> list[str]:
    """The actions that the clinic's log names."""
    return sorted(session.scalars(select(AuditEntry.action).where(AuditEntry.chain == clinic_id).distinct()))


def length(session: Session, clinic_id: str) -> int:
    """The number of the newest entry."""
    return session.scalar(select(func.max(AuditEntry.seq)).where(AuditEntry.chain == clinic_id)) or 0


def _conditions(session: Session, clinic_id: str, wanted: Wanted) -> list[ColumnElement[bool]]:
    found = [AuditEntry.chain == clinic_id]
    if wanted.actor in KINDS:
        found.append(AuditEntry.actor_kind == wanted.actor)
    elif wanted.actor:
        found.append(AuditEntry.actor_id == wanted.actor)
    if wanted.action:
        found.append(AuditEntry.action == wanted.action)
    if wanted.patient_id:
        found.append(_concerns(session, wanted.patient_id))
    if wanted.start is not None and wanted.end is not None:
        within = (AuditEntry.at >= wanted.start, AuditEntry.at < wanted.end)
        # numbers follow time: with their ends known, the page is read by number like any other
        ends = select(func.min(AuditEntry.seq), func.max(AuditEntry.seq)).where(
            AuditEntry.chain == clinic_id, *within
        )
        lowest, highest = session.execute(ends).one()
        found += [*within, AuditEntry.seq.between(lowest or 0, highest or 0)]
    return found


def _concerns(session: Session, patient_id: str) -> ColumnElement[bool]:
    """Entries about the patient, or in which the patient is one of those whose data was seen or changed.

    Searched as text and byte by byte (an id is in no other text), which takes a fraction of a `LIKE`.
    """
    place = func.strpos if session.get_bind().dialect.name == "postgresql" else func.instr
    return or_(AuditEntry.subject_id == patient_id, place(cast(AuditEntry.detail, Text), patient_id) > 0)
