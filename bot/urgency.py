"""Who goes first within this process.

A message that has just come in, and the pages about it, go before everything else: they write first
(`bot.db.writers`), and other work waits a moment before it begins. Under load that keeps a page from standing
behind twenty answers to questions about make-up.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds that other work waits at most before it begins all the same: nobody waits for ever.
PATIENCE_S = 2.0

_mine = threading.local()
_lock = threading.Lock()
_under_way = 0
_clear = threading.Event()
_clear.set()


@contextmanager
def urgently() -> Iterator[None]:
    """What this thread does in the block goes first."""
    global _under_way
    before = is_urgent()
    with _lock:
        _under_way += 1
        _clear.clear()
    this_thread(urgent=True)
    try:
        yield
    finally:
        this_thread(urgent=before)
        with _lock:
            _under_way -= 1
            if not _under_way:
                _clear.set()


def this_thread(*, urgent: bool) -> None:
    """Whether this thread writes before others from now on, for whoever does not see the end of its work."""
    _mine.urgent = urgent


def is_urgent() -> bool:
    """Whether what this thread does goes first."""
    return getattr(_mine, "urgent", False)


def give_way(at_most_s: float = PATIENCE_S) -> None:
    """Wait until nothing urgent is under way, `at_most_s` seconds at most."""
    _clear.wait(at_most_s)
