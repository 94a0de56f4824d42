"""How fast one web session may write."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict


class RateLimit:
    """A bucket of `burst` messages per key that refills at `per_minute`. In memory, for this process.

    Keeps the `keys` most recently used; a forgotten key starts again with a full bucket.
    """

    def __init__(self, burst: int, per_minute: float, keys: int = 10_000) -> None:
        self._burst = burst
        self._per_second = per_minute / 60
        self._keys = keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> int:
        """Take one message from the bucket of `key`. Returns 0, or the seconds to wait when it is empty."""
        now = time.monotonic()
        with self._lock:
            left, since = self._buckets.pop(key, (float(self._burst), now))
            left = min(self._burst, left + (now - since) * self._per_second)
            wait = 0 if left >= 1 else math.ceil((1 - left) / self._per_second)
            self._buckets[key] = (left - 1 if wait == 0 else left, now)
            if len(self._buckets) > self._keys:
                self._buckets.popitem(last=False)
        return wait
