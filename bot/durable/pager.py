"""Pages go out as soon as they are in the record, without waiting for the sweep or for a look into a queue.

A thread of its own wakes when a commit holds a page or safety words, finds what is due of these, and starts
it. Whatever it misses the sweeper finds, under the same ids, so that nothing starts twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from sqlalchemy import event
from sqlalchemy.orm import Session, UOWTransaction

from bot import clock, urgency
from bot.db.engine import RecordSession
from bot.durable.sweep import URGENT, Work, due_pages
from bot.escalation.models import Notification
from bot.messaging.models import Message

log = structlog.get_logger(__name__)

#: Set when pages or safety words were committed.
_written = threading.Event()
_HELD = "holds pages"


@event.listens_for(RecordSession, "after_flush")
def _note_pages(session: Session, _context: UOWTransaction) -> None:
    if any(isinstance(row, Notification) or _goes_first(row) for row in session.new):
        session.info[_HELD] = True


def _goes_first(row: object) -> bool:
    return isinstance(row, Message) and row.kind in URGENT


@event.listens_for(RecordSession, "after_commit")
def _tell(session: Session) -> None:
    if session.info.pop(_HELD, False):
        _written.set()


def wake() -> None:
    """Have the pager look for what is due."""
    _written.set()


class Pager:
    """The thread that starts pages. `start` is handed each piece of work that is due."""

    def __init__(self, start: Callable[[Work], None]) -> None:
        self._start = start
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="afterglow-pager", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stop.set()
        wake()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        urgency.this_thread(urgent=True)
        while True:
            _written.wait()
            _written.clear()
            if self._stop.is_set():
                return
            try:
                for work in due_pages(clock.now()):
                    self._start(work)
            except Exception:
                log.exception("pages are left to the sweeper")
