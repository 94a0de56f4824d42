"""Who wants to know that something changed: live pages and the durable work's sweeper.

In process and without payload. A subscriber that hears "changed" reads the record; nothing is lost when a
signal is, because every listener also looks by itself after a while.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_lock = threading.Lock()
_subscriptions: dict[str, set[Subscription]] = defaultdict(set)

#: Set when a row was committed that the durable work should look at.
work = threading.Event()


class Subscription:
    """Hears about one topic until it is left."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._changed = asyncio.Event()

    def notify(self) -> None:
        """Note a change; safe from any thread, and after the loop has gone."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    async def wait(self, timeout: float) -> bool:
        """True when something changed since the last call, within `timeout` seconds; else False."""
        try:
            await asyncio.wait_for(self._changed.wait(), timeout)
        except TimeoutError:
            return False
        self._changed.clear()
        return True


@asynccontextmanager
async def subscription(topic: str) -> AsyncIterator[Subscription]:
    """Subscribe to `topic` for the duration of the block."""
    mine = Subscription(asyncio.get_running_loop())
    with _lock:
        _subscriptions[topic].add(mine)
    try:
        yield mine
    finally:
        with _lock:
            _subscriptions[topic].discard(mine)
            if not _subscriptions[topic]:
                del _subscriptions[topic]


def publish(*topics: str) -> None:
    """Tell the subscribers of `topics` that something changed. Safe from any thread."""
    with _lock:
        heard = [subscriber for topic in topics for subscriber in _subscriptions.get(topic, ())]
    for subscriber in heard:
        subscriber.notify()


def committed(clinic_id: str, conversation_id: str | None = None) -> None:
    """A row of this clinic was committed: wake the durable work and the pages that show it."""
    work.set()
    topics = [f"clinic:{clinic_id}"]
    if conversation_id:
        topics.append(f"conversation:{conversation_id}")
    publish(*topics)
