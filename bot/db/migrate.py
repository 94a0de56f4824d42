"""Bring a database to the newest schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from bot.settings import ROOT

_LOCK = 0xAF7E  # any number that nothing else locks


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "bot" / "db" / "migrations"))
    return config


@contextmanager
def altering(engine: Engine) -> Iterator[Connection]:
    """A transaction in which tables may be rebuilt.

    SQLite alters most things by making a table anew, which its foreign keys would refuse halfway: they are
    checked once at the end instead. Raises RuntimeError, and undoes everything, when a row then points
    nowhere.
    """
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        sqlite = engine.dialect.name == "sqlite" and raw is not None
        if sqlite:
            raw.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]  # only outside a transaction
        try:
            with connection.begin():
                yield connection
                if sqlite and (lost := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
                    raise RuntimeError(f"the migration would leave rows that point nowhere: {lost[:3]}")
        finally:
            if sqlite:
                raw.execute("PRAGMA foreign_keys=ON")  # type: ignore[union-attr]


def upgrade(engine: Engine) -> None:
    """Apply every migration that `engine`'s database lacks; does nothing when it has them all."""
    config = _config()
    with altering(engine) as connection:
        if engine.dialect.name == "postgresql":
            # two processes that start at once: the second waits, and finds the work done
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Whether the database has every migration."""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current == ScriptDirectory.from_config(_config()).get_current_head()
