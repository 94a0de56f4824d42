"""Writing the log without anybody having to remember it: an act under way, and the transactions inside it.

Whoever opens a door (a console page, an API call, a command) sets the `Act`. From then on every transaction
that changes something carries its entry with it, in the same commit; whatever changed nothing is written down
when the act ends, before anybody sees the result. Patients whose rows are loaded meanwhile are noted by ids.
"""

from __future__ import annotations

import getpass
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction

from bot.audit.chain import Entry, append
from bot.clinic.models import Patient
from bot.db.engine import RecordSession, transaction

#: Seconds after which a page that refreshes itself is written down anew while it stays open.
REFRESH_S = 600.0


@dataclass
class Act:
    """Something that somebody is doing right now."""

    action: str
    actor_kind: str = "nobody"
    actor_id: str = ""
    clinic_id: str | None = None
    subject: tuple[str, str] = ("", "")
    ip: str = ""
    session_id: str = ""  #: of the browser, to tell its open pages; not written down
    changes: bool = False  #: whether its transactions are changes to write down
    outcome: str = "done"
    detail: dict[str, Any] = field(default_factory=dict)
    patients: set[str] = field(default_factory=set)
    written: int = 0
    _quiet: int = 0

    def entry(self) -> Entry:
        """What is known of it so far."""
        detail = dict(self.detail)
        if named := sorted(self.patients - {self.subject[1]}):
            detail["patients"] = named  # all of them: who has seen a patient is looked up here
        return Entry(
            action=self.action,
            actor_kind=self.actor_kind,
            actor_id=self.actor_id,
            subject=self.subject,
            clinic_id=self.clinic_id,
            detail=detail,
            ip=self.ip,
            outcome=self.outcome,
        )


_current: ContextVar[Act | None] = ContextVar("afterglow_act", default=None)


def current() -> Act | None:
    """The act under way in this request or command; None in work that nobody asked for."""
    return _current.get()


def concerns(patient_id: str | None) -> None:
    """The act under way shows or changes something of this patient, whose row it need not load."""
    act = _current.get()
    if act is not None and patient_id is not None and not act._quiet:
        act.patients.add(patient_id)


@contextmanager
def acting(act: Act) -> Iterator[Act]:
    """`act` is under way for the duration of the block."""
    token = _current.set(act)
    try:
        yield act
    finally:
        _current.reset(token)


@contextmanager
def unnoticed() -> Iterator[None]:
    """What happens in the block is housekeeping: no change by a person, and nothing shown to one."""
    act = _current.get()
    if act is None:
        yield
        return
    act._quiet += 1
    try:
        yield
    finally:
        act._quiet -= 1


def finish(act: Act, outcome: str) -> None:
    """Write the act down unless a transaction of its has done so. Raises when it cannot be written."""
    if not act.written:
        act.outcome = outcome
        with unnoticed(), transaction() as session:
            append(session, act.entry())
        act.written += 1


def record(session: Session, entry: Entry) -> None:
    """Write `entry` with the caller's transaction, at its end: for a change that came by text, call or link.

    Inside an act it does nothing: the act's own entry says the same.
    """
    if _current.get() is None:
        session.info.setdefault("entries", []).append(entry)


@contextmanager
def command(action: str, clinic_id: str | None, subject: tuple[str, str] = ("", "")) -> Iterator[Act]:
    """A command of the machine's operator. What it did is written down when it ends; nothing if it fails."""
    act = Act(action, "command", f"os:{_account()}", clinic_id, subject, changes=True)
    with acting(act):
        yield act
        finish(act, act.outcome)


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return "unknown"


class Refreshes:
    """Which open pages were written down lately, so that a page refreshing itself does not flood the log."""

    def __init__(self, every_s: float = REFRESH_S) -> None:
        self._every_s = every_s
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, ...], float] = {}

    def lately(self, *key: str, now: float | None = None) -> bool:
        """Whether this was written down within the time; asking does not count as writing."""
        now = time.monotonic() if now is None else now
        with self._lock:
            return now - self._seen.get(key, -self._every_s) < self._every_s

    def due(self, *key: str, now: float | None = None) -> bool:
        """Whether this page is to be written down; it then counts as written."""
        now = time.monotonic() if now is None else now
        with self._lock:
            if now - self._seen.get(key, -self._every_s) < self._every_s:
                return False
            self._seen = {k: at for k, at in self._seen.items() if now - at < self._every_s}
            self._seen[key] = now
            return True


def _concerned(session: Session, clinic_id: str | None) -> set[str]:
    """The patients whose rows, or whose alerts, tasks and messages, the session holds."""
    rows = [row for row in session.identity_map.values() if getattr(row, "clinic_id", "") == clinic_id]
    ids = {row.id if isinstance(row, Patient) else getattr(row, "patient_id", None) for row in rows}
    return {patient_id for patient_id in ids if patient_id}


@event.listens_for(Patient, "load")
def _patient_loaded(patient: Patient, _context: Any) -> None:
    act = _current.get()
    if act is not None and not act._quiet and patient.clinic_id == act.clinic_id:
        act.patients.add(patient.id)


@event.listens_for(RecordSession, "after_flush")
def _flushed(session: Session, _flush: UOWTransaction) -> None:
    session.info["changed"] = True


@event.listens_for(RecordSession, "do_orm_execute")
def _executed(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        state.session.info["changed"] = True


@event.listens_for(RecordSession, "before_commit")
def _committing(session: Session) -> None:
    if session.in_nested_transaction():
        return
    for entry in session.info.pop("entries", ()):
        append(session, entry)
    act = _current.get()
    if act is None or not act.changes or act._quiet:
        return
    session.flush()
    if session.info.pop("changed", False):
        act.patients |= _concerned(session, act.clinic_id)
        append(session, act.entry())
        act.written += 1
        act.patients = set()  # an import has a transaction for each row
