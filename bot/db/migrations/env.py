"""Alembic's entry. Run through `bot.db.migrate`, or by the `alembic` command while writing a migration."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

from bot import settings as app_settings
from bot.db.base import Json
from bot.db.engine import make_engine
from bot.db.models import Base


def _render(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Write our JSON type by its name; its spelled-out variant does not import."""
    return "bot.db.base.Json" if kind == "type" and item is Json else False


def _migrate(connection: Connection) -> None:
    # SQLite cannot alter most things in place, so alterations are written as batches.
    context.configure(
        connection=connection, target_metadata=Base.metadata, render_as_batch=True, render_item=_render
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _migrate(given)
else:
    with make_engine(app_settings.get_settings().database).begin() as connection:
        _migrate(connection)
