"""Answering a counselling topic from approved content."""
# ruff: noqa: ARG002  (Rasa calls every action with the same arguments)

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import record
from actions.common import Events, back_to_form, say, topics_of, turn_of, understood
from actions.intake import offer
from bot.dialogue.topics import resolve
from bot.dialogue.turn import Turn

#: Topics whose answer promises that a person will confirm the fact.
CONFIRMED_BY_STAFF = frozenset({"product.regulatory_status"})


def answer(dispatcher: CollectingDispatcher, turn: Turn, topic: str) -> Events:
    """Say the piece that answers `topic` in the patient's phase, and note a mentioned reaction."""
    meant = resolve(topic, turn.phase)
    say(dispatcher, meant)
    if meant.startswith("recovery."):
        record.log_mention(turn, meant)
    if meant in CONFIRMED_BY_STAFF:
        record.ask_to_confirm(turn, meant)
    events: Events = [*understood(), SlotSet("held_topic", None)]
    if meant == "candidacy.suitability" and turn.phase != "after":
        events += offer(dispatcher, turn)
    return events


class ActionAnswerTopic(Action):  # type: ignore[misc]
    """Answer the topic, or both topics, asked about; a form that was interrupted asks again."""

    def name(self) -> str:
        return "action_answer_topic"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        events: Events = []
        for topic in topics_of(tracker):
            events = answer(dispatcher, turn_of(tracker), topic)
        return events + back_to_form(tracker)
