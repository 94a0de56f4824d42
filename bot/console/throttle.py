"""Slows down password guessing: after a few failures an e-mail and address pair must wait.

Kept in this process's memory. With several processes a guesser gets that many times the tries, and a restart
forgets; argon2 makes each try slow in any case.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

FAILURES = 5  #: tries before the pair must wait
WAIT_S = 300.0  #: how long a pair waits, and how long a failure counts
KEPT = 10_000  #: pairs remembered at most; the oldest go first


class Throttle:
    """Counts failed sign-ins per e-mail and network address."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def wait_s(self, email: str, address: str, now: float | None = None) -> float:
        """Seconds until this pair may try again; 0 when it may now."""
        now = time.monotonic() if now is None else now
        with self._lock:
            count, last = self._failed.get((email, address), (0, 0.0))
        return max(0.0, last + WAIT_S - now) if count >= FAILURES else 0.0

    def failed(self, email: str, address: str, now: float | None = None) -> None:
        """Note a failure. Failures older than `WAIT_S` no longer count."""
        now = time.monotonic() if now is None else now
        with self._lock:
            count, last = self._failed.pop((email, address), (0, now))
            self._failed[email, address] = (1 if now - last > WAIT_S else count + 1, now)
            while len(self._failed) > KEPT:
                self._failed.popitem(last=False)

    def forget(self, email: str, address: str) -> None:
        """A sign-in that worked wipes the slate."""
        with self._lock:
            self._failed.pop((email, address), None)


throttle = Throttle()
