"""Bring a database to the newest schema."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from bot.settings import ROOT

_LOCK = 0xAF7E  # any number that nothing else locks


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "bot" / "db" / "migrations"))
    return config


def upgrade(engine: Engine) -> None:
    """Apply every migration that `engine`'s database lacks; does nothing when it has them all."""
    config = _config()
    with engine.begin() as connection:
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
