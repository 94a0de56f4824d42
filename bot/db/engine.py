"""Engines and sessions: SQLite with WAL and foreign keys on by default, PostgreSQL by `DATABASE_URL`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from bot import settings as app_settings
from bot.db.writers import PATIENCE_S, Queue, taking_turns

#: Transactions that write at once on PostgreSQL: one where its server is on this machine, whose answers come
#: before another thread has done anything; a few where each answer has a network to cross.
WRITERS_NEAR, WRITERS_FAR = 1, 4


class RecordSession(Session):
    """A session that may write; the audit log listens to its commits (`bot.audit.trail`)."""


_engine: Engine | None = None
_factory: sessionmaker[RecordSession] | None = None
_readers: sessionmaker[Session] | None = None
_writers: Queue | None = None


def make_engine(url: str, *, lasting: bool = True) -> Engine:
    """An engine for `url`. Not `lasting`: a record that is thrown away, for which nobody waits for the disk.

    SQLite: WAL, foreign keys, and every transaction takes the write lock at its start (`BEGIN IMMEDIATE`),
    because a transaction that reads first and writes later fails at once under load instead of waiting.
    """
    parsed = make_url(url)
    if not parsed.drivername.startswith("sqlite"):
        return create_engine(url, pool_size=10, max_overflow=20, pool_pre_ping=True, hide_parameters=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    # parameters are patients' words and numbers: they stay out of error texts and so out of logs
    arguments = {"timeout": PATIENCE_S, "check_same_thread": False, "factory": taking_turns()}
    # as many connections as there are threads: those who wait for their turn to write hold one each, and
    # whoever has the turn may need another to read
    engine = create_engine(url, connect_args=arguments, hide_parameters=True, pool_size=20, max_overflow=-1)

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's `begin` below decides when to begin
        disk = "synchronous=FULL" if lasting else "synchronous=OFF"
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", disk, "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        readonly = connection.get_execution_options().get("readonly", False)
        if readonly:
            connection.exec_driver_sql("BEGIN")
        else:
            try:
                connection.connection.driver_connection.begin_writing()
            except sqlite3.OperationalError as error:  # SQLAlchemy does not translate what a listener raises
                raise OperationalError("BEGIN IMMEDIATE", None, error) from error

    return engine


def connect(url: str | None = None, *, lasting: bool = True) -> Engine:
    """Open (or reopen) this process's engine on `url`, by default the configured database."""
    return use(make_engine(url or app_settings.get_settings().database, lasting=lasting))


def use(chosen: Engine) -> Engine:
    """Make `chosen` this process's engine; whatever the one before it held open is closed."""
    global _engine, _factory, _readers, _writers
    if _engine is not None:
        _engine.dispose()
    _engine, _factory = chosen, sessionmaker(chosen, class_=RecordSession, expire_on_commit=False)
    options: dict[str, Any] = {"readonly": True}
    if chosen.dialect.name == "sqlite":
        _writers = None  # its connections take turns themselves
    else:
        options["isolation_level"] = "AUTOCOMMIT"  # saves a BEGIN and a ROLLBACK for every look
        _writers = Queue(app_settings.get_settings().database_writers or writers_for(chosen.url))
    _readers = sessionmaker(chosen.execution_options(**options), expire_on_commit=False)
    return _engine


def writers_for(url: URL) -> int:
    """How many transactions write at once on the PostgreSQL server at `url`, unless the settings say."""
    host = url.host or url.query.get("host") or "localhost"
    near = host in ("localhost", "127.0.0.1", "::1") or str(host).startswith("/")
    return WRITERS_NEAR if near else WRITERS_FAR


def engine() -> Engine:
    """This process's engine, opened on first use."""
    return _engine if _engine is not None else connect()


@contextmanager
def transaction() -> Iterator[Session]:
    """One transaction: committed when the block ends, rolled back when it raises. It waits for its turn
    (`bot.db.writers`)."""
    engine()
    assert _factory is not None
    with _writers.place() if _writers else nullcontext(), _factory.begin() as session:
        yield session


@contextmanager
def reading() -> Iterator[Session]:
    """A session that only reads and waits for no writer. On PostgreSQL each statement sees what is committed
    by then, and a long result must be asked for page by page: there is no transaction for a cursor."""
    engine()
    assert _readers is not None
    with _readers() as session:
        yield session
