"""The dialogue: Rasa's agent in this process, on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import re
import threading
from collections.abc import Collection, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar
from weakref import WeakValueDictionary

from rasa.core.channels.channel import UserMessage
from rasa.core.lock_store import InMemoryLockStore
from rasa.shared.core.events import ActiveLoop, SlotSet

from bot import settings as app_settings
from bot.dialogue.action_endpoint import InProcessActions
from bot.dialogue.components.classifier import TOPICS
from bot.dialogue.generator import ContentGenerator
from bot.dialogue.quiet import hush_rasa
from bot.dialogue.replies import DialogueError, Reply, ReplyChannel
from bot.dialogue.strict import StrictAgent
from bot.dialogue.topics import TOPIC_OF_INTENT, is_topic
from bot.dialogue.tracker_store import SettingsTrackerStore

T = TypeVar("T")

CHECK_IN_FORM = "check_in_form"
START_CHECK_IN = "/EXTERNAL_checkin"


@dataclass(frozen=True, slots=True)
class ParsedTopic:
    """How a text was read. `topic` is None below the threshold; `ranking` holds (intent, confidence).

    `both` are the topics of a text that surely asks about two, in the order asked.
    """

    topic: str | None
    confidence: float
    ranking: tuple[tuple[str, float], ...]
    both: tuple[str, ...] = ()


def plain_words(text: str) -> str:
    """`text` without what would make Rasa read it as the name of an intent."""
    return re.sub(r"^[\s/]+", "", text)


class Dialogue:
    """Answers messages. Thread-safe: any thread may call, and messages of one conversation wait in line."""

    def __init__(self, agent: StrictAgent, actions: InProcessActions, store: SettingsTrackerStore) -> None:
        """Use `load`."""
        self._agent, self._actions, self._store = agent, actions, store
        # Rasa's own lock polls once a second; these hand over at once, first come first served.
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="dialogue", daemon=True)
        self._thread.start()

    @classmethod
    def load(cls, model: Path) -> Self:
        """The dialogue of the trained `model` (see `training.ensure_model`)."""
        actions = InProcessActions()
        store = SettingsTrackerStore()
        agent = StrictAgent(
            generator=ContentGenerator(),
            tracker_store=store,
            lock_store=InMemoryLockStore(),
            action_endpoint=actions,
        )
        agent.load_model(model)
        hush_rasa()  # after every part of Rasa that will be used has been imported
        dialogue = cls(agent, actions, store)
        # loads the encoder now, not in the first patient's turn; on a busy machine that takes longer than a
        # turn may, and whoever gave up here would have no dialogue until the next start
        assert agent.processor is not None
        dialogue._await(agent.processor.parse_message(UserMessage("hello")), limit=None)
        return dialogue

    def handle(self, conversation_id: str, text: str, metadata: Mapping[str, Any]) -> list[Reply]:
        """Run the turn of one message and give back what to say; nothing when triage has said it.

        A message whose `metadata["message_id"]` has had its turn is not run again: the same replies come
        back. A leading "/" is taken off, so that a patient cannot name an intent. Raises `DialogueError` when
        the turn fails or takes longer than `settings.turn_timeout_s`.
        """
        return self._turn(conversation_id, plain_words(text), metadata)

    def start_check_in(self, conversation_id: str, metadata: Mapping[str, Any]) -> list[Reply]:
        """Open the check-in `metadata["check_in_id"]`: the greeting and its first question."""
        known = {
            **metadata,
            "message_id": metadata.get("message_id") or f"start:{metadata.get('check_in_id')}",
        }
        return self._turn(conversation_id, START_CHECK_IN, known)

    def parse(self, text: str, metadata: Mapping[str, Any] | None = None) -> ParsedTopic:
        """How `text` is read, without a conversation. Raises `DialogueError` as `handle` does."""
        message = UserMessage(plain_words(text), metadata=dict(metadata or {}))
        assert self._agent.processor is not None
        read = self._await(self._agent.processor.parse_message(message), _longest_turn())
        ranking = tuple(
            (str(entry["name"]), float(entry["confidence"]))
            for entry in read.get("intent_ranking") or ()
            if entry["name"] != "nlu_fallback"
        )
        intent = read["intent"].get("name")
        topic = TOPIC_OF_INTENT.get(intent, intent)
        both = tuple(read.get(TOPICS) or ())
        return ParsedTopic(
            topic if is_topic(topic) else None, ranking[0][1] if ranking else 0.0, ranking, both
        )

    def close(self) -> None:
        """Stop the event loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._actions.close()

    def _turn(self, conversation_id: str, text: str, metadata: Mapping[str, Any]) -> list[Reply]:
        return self._await(self._run(conversation_id, text, dict(metadata)), _longest_turn())

    async def _run(self, conversation_id: str, text: str, metadata: dict[str, Any]) -> list[Reply]:
        channel = ReplyChannel("sms" if metadata.get("channel") == "sms" else "web")
        message = UserMessage(text, channel, conversation_id, input_channel=channel.name(), metadata=metadata)
        assert self._agent.processor is not None
        line = self._lines.setdefault(conversation_id, asyncio.Lock())
        async with line:
            message_id = metadata.get("message_id")
            if message_id is not None:
                earlier = self._store.turn_of(conversation_id, message_id)
                if earlier is not None:
                    return [Reply.of(event) for event in earlier]
            await self._leave_answered(conversation_id, metadata.get("answered_check_ins") or ())
            await self._agent.processor.handle_message(message)
        return channel.replies

    async def _leave_answered(self, conversation_id: str, answered: Collection[str]) -> None:
        """End the form of a check-in that was answered elsewhere, on its page: the next text is no answer
        to it."""
        if not answered:
            return
        tracker = await self._store.retrieve(conversation_id)
        if tracker is None or tracker.active_loop_name != CHECK_IN_FORM:
            return
        if tracker.get_slot("check_in_id") in answered:
            tracker.update(ActiveLoop(None))
            tracker.update(SlotSet("requested_slot", None))
            await self._store.save(tracker)

    def _await(self, work: Coroutine[Any, Any, T], limit: float | None) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(limit)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise DialogueError(f"the turn took longer than {limit:g} s") from None
        except Exception as error:
            raise DialogueError(f"the turn failed: {type(error).__name__}: {error}") from error


def _longest_turn() -> float:
    return app_settings.get_settings().turn_timeout_s


__all__ = ["Dialogue", "DialogueError", "ParsedTopic", "Reply"]
