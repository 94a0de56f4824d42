"""Engines and sessions: SQLite with WAL and foreign keys on by default, PostgreSQL by `DATABASE_URL`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from bot import settings as app_settings
from bot.db.writers import PATIENCE_S, taking_turns


class RecordSession(Session):
    """A session that may write; the audit log listens to its commits (`bot.audit.trail`)."""


_engine: Engine | None = None
_factory: sessionmaker[RecordSession] | None = None
_readers: sessionmaker[Session] | None = None


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
    global _engine, _factory, _readers
    if _engine is not None:
        _engine.dispose()
    _engine, _factory = chosen, sessionmaker(chosen, class_=RecordSession, expire_on_commit=False)
    _readers = sessionmaker(chosen.execution_options(readonly=True), expire_on_commit=False)
    return _engine


def engine() -> Engine:
    """This process's engine, opened on first use."""
    return _engine if _engine is not None else connect()


@contextmanager
def transaction() -> Iterator[Session]:
    """One transaction: committed when the block ends, rolled back when it raises."""
    engine()
    assert _factory is not None
    with _factory.begin() as session:
        yield session


@contextmanager
def reading() -> Iterator[Session]:
    """A transaction that only reads; on SQLite it does not wait for writers."""
    engine()
    assert _readers is not None
    with _readers() as session:
        yield session
