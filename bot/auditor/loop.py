"""The auditor in a serving process: a thread of its own, which nothing else can hold up."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from bot.auditor.check import check
from bot.auditor.repair import Gear

log = structlog.get_logger(__name__)


class Auditor:
    """Looks every `interval_s` seconds from start to stop; never when that is 0."""

    def __init__(self, interval_s: float, gear: Callable[[], Gear | None]) -> None:
        self._interval_s = interval_s
        self._gear = gear
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, with the first look after one interval: the sweeper goes first after a restart."""
        if self._interval_s > 0:
            self._thread = threading.Thread(target=self._run, name="afterglow-auditor", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            try:
                gear = self._gear()
                if gear is not None:
                    check(gear)
            except Exception:
                log.exception("the auditor could not look; trying again")
