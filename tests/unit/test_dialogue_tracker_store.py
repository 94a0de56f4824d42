"""Trackers on SQLite and on PostgreSQL: what was said to a message is found again, and only that."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, Event, SessionStarted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.dialogue.tracker_store import TRANSIENT, SettingsTrackerStore
from bot.settings import Settings, use_settings


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SettingsTrackerStore:
    """An empty store where the settings say."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    use_settings(Settings(var_dir=tmp_path / "var", database_url=url, _env_file=None))
    return SettingsTrackerStore(domain=Domain.empty())


def user(message_id: str) -> Event:
    return UserUttered("hi", metadata={"message_id": message_id})


def save(store: SettingsTrackerStore, sender: str, *events: Any) -> None:
    tracker = DialogueStateTracker.from_events(sender, list(events))
    asyncio.run(store.save(tracker))


def said(replies: list[dict[str, Any]] | None) -> list[str] | None:
    return None if replies is None else [reply["text"] for reply in replies]


def test_the_replies_to_a_message_are_found_again(store: SettingsTrackerStore) -> None:
    start = [ActionExecuted("action_session_start"), SessionStarted(), ActionExecuted("action_listen")]
    talk = [user("m_1"), BotUttered("one"), BotUttered("two"), user("m_2"), user("mX1"), BotUttered("three")]
    save(store, "found", *start, *talk)
    assert said(store.turn_of("found", "m_1")) == ["one", "two"]
    assert said(store.turn_of("found", "m_2")) == []
    assert said(store.turn_of("found", "mX1")) == ["three"]
    assert store.turn_of("found", "m_3") is None
    assert store.turn_of("somebody else", "m_1") is None


def test_a_tracker_is_kept_and_a_transient_one_is_not(store: SettingsTrackerStore) -> None:
    for sender in ("kept", f"{TRANSIENT}1"):
        save(store, sender, ActionExecuted("action_listen"), user("m"), BotUttered("one"))
    kept = asyncio.run(store.retrieve("kept"))
    assert kept is not None
    assert [type(event).__name__ for event in kept.events] == ["ActionExecuted", "UserUttered", "BotUttered"]
    assert asyncio.run(store.retrieve(f"{TRANSIENT}1")) is None
    assert store.turn_of(f"{TRANSIENT}1", "m") is None
