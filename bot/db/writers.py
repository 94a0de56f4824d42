"""Those of this process who write wait for each other here, in the order in which they came. Whoever does
something urgent (`bot.urgency`) waits only for others who do.

SQLite lets one connection write at a time, and lets waiters sleep and try again, for longer each time, so
that under load a newcomer overtakes the one who has waited for seconds. PostgreSQL lets all write at once,
but threads with open transactions compete for the interpreter, and a page stands among twenty answers
(docs/decisions/0023). There a queue has as many places as keep the interpreter busy.

Other processes (a command beside the server) wait as the database lets them.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import OperationalError

from bot.urgency import is_urgent

#: Seconds that a writer waits, here and for another process, before it is told that the database is locked.
PATIENCE_S = 30.0


class Queue:
    """`places` that go to whoever has waited longest, and before all others to those whose work is urgent."""

    def __init__(self, places: int = 1) -> None:
        self._guard = threading.Lock()
        self._free = places
        self._mine = threading.local()
        self._waiting: deque[threading.Event] = deque()
        self._urgent: deque[threading.Event] = deque()

    def enter(self, timeout: float) -> bool:
        """Wait for a place, `timeout` seconds at most. False: not got."""
        with self._guard:
            if self._free:
                self._free -= 1
                return True
            mine = threading.Event()
            line = self._urgent if is_urgent() else self._waiting
            line.append(mine)
        if mine.wait(timeout):
            return True
        with self._guard:
            if mine.is_set():
                return True  # given to us at the last moment
            line.remove(mine)
        return False

    def leave(self) -> None:
        """Give the place to the next."""
        with self._guard:
            line = self._urgent or self._waiting
            if line:
                line.popleft().set()
            else:
                self._free += 1

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for the length of the block, or the one that this thread has. Raises
        sqlalchemy.exc.OperationalError after `PATIENCE_S`."""
        if getattr(self._mine, "held", False):
            yield
            return
        if not self.enter(PATIENCE_S):
            raise OperationalError("BEGIN", None, TimeoutError("the database is busy: no place to write"))
        self._mine.held = True
        try:
            yield
        finally:
            self._mine.held = False
            self.leave()


class Connection(sqlite3.Connection):
    """A connection that writes when it is its turn, and gives the turn on when its transaction ends."""

    queue: Queue | None = None  #: shared by the connections of an engine
    _writes = False

    def begin_writing(self) -> None:
        """Begin a transaction that may write. Raises sqlite3.OperationalError after `PATIENCE_S`."""
        self.wait_for_turn()
        try:
            self.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._pass_on()
            raise

    def wait_for_turn(self) -> None:
        """Wait until nobody else of this process writes."""
        if self.queue is None or self._writes:
            return
        if not self.queue.enter(PATIENCE_S):
            raise sqlite3.OperationalError("database is locked")
        self._writes = True

    def _pass_on(self) -> None:
        if self._writes and self.queue is not None and not self._in_transaction():
            self._writes = False
            self.queue.leave()

    def _in_transaction(self) -> bool:
        try:
            return self.in_transaction
        except sqlite3.ProgrammingError:  # it is closed
            return False

    def commit(self) -> None:
        """End the transaction, and give the turn on."""
        try:
            super().commit()
        finally:
            self._pass_on()

    def rollback(self) -> None:
        """Undo the transaction, and give the turn on."""
        try:
            super().rollback()
        finally:
            self._pass_on()

    def close(self) -> None:
        """Close, which ends the transaction."""
        try:
            super().close()
        finally:
            self._pass_on()

    def cursor(self, factory: Any = None) -> Any:
        """A cursor that waits for its turn where Python begins a transaction by itself."""
        return super().cursor(factory or Cursor)


def taking_turns() -> Callable[..., Connection]:
    """Makes the connections to one file: they share a queue. For `sqlite3.connect(factory=...)`."""
    queue = Queue()

    def connect(*arguments: Any, **named: Any) -> Connection:
        made = Connection(*arguments, **named)
        made.queue = queue
        return made

    return connect


class Cursor(sqlite3.Cursor):
    """Python begins a transaction by itself before a statement that writes, unless told not to."""

    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        """Run a statement."""
        connection = self.connection
        if (
            isinstance(connection, Connection)
            and connection.isolation_level is not None
            and not connection.in_transaction
            and sql.lstrip()[:7].upper().startswith(("INSERT", "UPDATE", "DELETE", "REPLACE"))
        ):
            connection.wait_for_turn()
            try:
                return super().execute(sql, parameters)
            except BaseException:
                connection._pass_on()
                raise
        return super().execute(sql, parameters)
