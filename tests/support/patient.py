"""A patient who talks with the dialogue itself."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from bot.dialogue.agent import Dialogue
from bot.dialogue.replies import Reply
from bot.protocols.render import clinic_values

CLINIC = {
    "clinic_name": "Blue Heron Clinic (demo)",
    "clinic_phone": "+15550100100",
    "emergency_phone": "+15550100121",
    "emergency_number": "911",
    "crisis_line": "988",
    "hours_text": {"en": "Monday to Friday, 9 to 17", "es": "lunes a viernes, de 9 a 17"},
}


class Patient:
    """A patient with a phone: every text is a message with an id of its own."""

    def __init__(self, dialogue: Dialogue, conversation_id: str, **known: Any) -> None:
        self.dialogue, self.conversation_id, self.sent = dialogue, conversation_id, 0
        language = known.get("language", "en")
        values = {
            **clinic_values(CLINIC, language, "harmonyca"),
            "first_name": "Pat",
            "url": "https://clinic.example/p/token",
        }
        self.known: dict[str, Any] = {
            "conversation_id": conversation_id,
            "clinic_id": "clinic",
            "patient_id": "pat",
            "language": "en",
            "channel": "sms",
            "phase": "after",
            "product": "harmonyca",
            "day": 1,
            "tier": "T4",
            "probe": False,
            "flags": [],
            "safety_sent": False,
            "question": None,
            "check_in_id": None,
            "values": values,
            **known,
        }

    def text(self, words: str, **facts: Any) -> list[Reply]:
        self.sent += 1
        message_id = facts.pop("message_id", f"{self.conversation_id}-{self.sent}")
        return self.dialogue.handle(
            self.conversation_id, words, {**self.known, "message_id": message_id, **facts}
        )

    def check_in(self, check_in_id: str = "check-in-1") -> list[Reply]:
        return self.dialogue.start_check_in(self.conversation_id, {**self.known, "check_in_id": check_in_id})


def ids(replies: list[Reply]) -> list[str]:
    return [reply.content_id for reply in replies]


def age(dialogue: Dialogue, conversation_id: str, *, hours: float) -> None:
    """Make a conversation's events older, as if the patient had put the phone down."""
    path = dialogue._store.engine.url.database
    assert path is not None
    with sqlite3.connect(path) as connection:
        rows = connection.execute(
            "SELECT id, timestamp, data FROM events WHERE sender_id = ?", (conversation_id,)
        ).fetchall()
        for row_id, timestamp, data in rows:
            event = {**json.loads(data), "timestamp": timestamp - hours * 3600}
            connection.execute(
                "UPDATE events SET timestamp = ?, data = ? WHERE id = ?",
                (event["timestamp"], json.dumps(event), row_id),
            )
