"""Where Rasa keeps trackers: a cache of the running dialogue, never the record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import event, make_url

from bot import settings as app_settings

#: Conversations whose id starts so are never kept: questions from the command line.
TRANSIENT = "ask:"


class SettingsTrackerStore(SQLTrackerStore):  # type: ignore[misc]
    """Rasa's SQL store at `settings.tracker_database`.

    The URL goes in whole: Rasa's keyword form builds one that SQLAlchemy 2 refuses.
    """

    def __init__(self, domain: Any = None, host: str | None = None, **kwargs: Any) -> None:
        url = host or app_settings.get_settings().tracker_database
        parsed = make_url(url)
        if parsed.drivername.startswith("sqlite") and parsed.database not in (None, "", ":memory:"):
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        super().__init__(domain=domain, host=url, **kwargs)
        if parsed.drivername.startswith("sqlite"):
            event.listen(self.engine, "connect", _fast_sqlite)
            self.engine.dispose()  # connections made above lack the settings

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """The tracker of `sender_id` since its last session started."""
        return None if sender_id.startswith(TRANSIENT) else await super().retrieve(sender_id)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Store the new events of `tracker` in one transaction."""
        if not tracker.sender_id.startswith(TRANSIENT):
            await super().save(tracker)

    def turn_of(self, sender_id: str, message_id: str) -> list[dict[str, Any]] | None:
        """The bot's events that answered `message_id`, or None when that message has had no turn yet."""
        with self.session_scope() as session:
            rows = session.query(self.SQLEvent).filter(self.SQLEvent.sender_id == sender_id)
            asked = rows.filter(
                self.SQLEvent.type_name == "user",
                self.SQLEvent.data.contains(json.dumps(message_id), autoescape=True),
            )
            for row in asked.order_by(self.SQLEvent.id.desc()):
                if (json.loads(row.data).get("metadata") or {}).get("message_id") == message_id:
                    break
            else:
                return None
            replies = []
            for later in rows.filter(self.SQLEvent.id > row.id).order_by(self.SQLEvent.id):
                if later.type_name == "user":
                    break
                if later.type_name == "bot":
                    replies.append(json.loads(later.data))
            return replies


def _fast_sqlite(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")
