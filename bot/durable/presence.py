"""Which processes live. Each holds a lock of its own name for as long as it does, so that another can tell a
dead one from a slow one, and take up its work at once.

On PostgreSQL the lock is a session's advisory lock; beside SQLite it is a lock on a file, which also keeps a
second process from opening the same record.
"""

from __future__ import annotations

import fcntl
import hashlib
from typing import IO, Protocol

from sqlalchemy import Connection, Engine, text

from bot.settings import Settings


class AlreadyRunning(RuntimeError):
    """Another process has this name; the text says what to do."""


class Presence(Protocol):
    """This process's lock, and a look at the others'."""

    def is_dead(self, name: str, /) -> bool:
        """Whether no process of this name lives."""
        ...

    def leave(self) -> None:
        """Give the lock back."""
        ...


def announce(settings: Settings, engine: Engine) -> Presence:
    """Take the lock of `settings.process_name`. Raises AlreadyRunning when another process holds it."""
    if engine.dialect.name == "postgresql":
        return _OnPostgres(settings.process_name, engine)
    return _OnFile(settings)


class _OnFile:
    """One process a record: whoever else left work behind is dead."""

    def __init__(self, settings: Settings) -> None:
        settings.var_dir.mkdir(parents=True, exist_ok=True)
        path = settings.var_dir / "process.lock"
        self._file: IO[str] = path.open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise AlreadyRunning(
                f"Afterglow is running on {settings.var_dir} already. Stop it first, or give this one a "
                "folder of its own with AFTERGLOW_VAR_DIR. Several processes need PostgreSQL (DATABASE_URL)."
            ) from None

    def is_dead(self, _name: str, /) -> bool:
        return True

    def leave(self) -> None:
        self._file.close()


class _OnPostgres:
    """A session that does nothing but hold the lock."""

    def __init__(self, name: str, engine: Engine) -> None:
        self._connection: Connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if not self._try(name):
            self._connection.close()
            raise AlreadyRunning(
                f"A process called {name!r} is running on this database. "
                "Give each its own AFTERGLOW_PROCESS_NAME."
            )

    def _try(self, name: str) -> bool:
        query = text("SELECT pg_try_advisory_lock(:key)")
        return bool(self._connection.scalar(query, {"key": _key(name)}))

    def is_dead(self, name: str, /) -> bool:
        if not self._try(name):
            return False
        self._connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _key(name)})
        return True

    def leave(self) -> None:
        self._connection.invalidate()  # ends the session, and its locks with it
        self._connection.close()


def _key(name: str) -> int:
    """A 63-bit number for a name."""
    return int.from_bytes(hashlib.sha256(f"afterglow:{name}".encode()).digest()[:8], "big") >> 1
