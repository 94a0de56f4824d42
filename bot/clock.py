"""The one clock. Moved forward in tests, in `afterglow simulate` and in the demo; real otherwise.

The offset is kept in a file beside the database, so that it survives a restart and reaches every process
of the demo. Durable timers never sleep to a wall-clock time: they ask this clock (see `escalation`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

_offset = timedelta()
_file: Path | None = None
_listeners: list[Callable[[], None]] = []


def now() -> datetime:
    """The current time: aware, UTC."""
    return datetime.now(UTC) + _offset


def offset() -> timedelta:
    """How far the clock has been moved."""
    return _offset


def keep_in(path: Path | None) -> None:
    """Load the offset from `path` and keep it there from now on; None: memory only, and no offset."""
    global _file, _offset
    _file = path
    _offset = timedelta()
    if path is not None and path.exists():
        _offset = timedelta(seconds=float(path.read_text() or 0))


def advance(step: timedelta) -> datetime:
    """Move the clock forward by `step` and wake whatever waits on it.

    Raises ValueError for a negative step: records never go back in time.
    """
    global _offset
    if step < timedelta():
        raise ValueError("The clock only moves forward.")
    _offset += step
    if _file is not None:
        _file.write_text(str(_offset.total_seconds()))
    for listener in list(_listeners):
        listener()
    return now()


def on_advance(listener: Callable[[], None]) -> Callable[[], None]:
    """Call `listener` after every move. Returns a function that removes it again."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)
