"""The symptom report: started with the patient's first words, stored at the end."""
# ruff: noqa: ARG002  (Rasa calls every action with the same arguments)

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import record
from actions.common import SYMPTOM_SLOTS, Events, leave_forms, say, turn_of, understood, words_of
from bot.dialogue.reading import names_no_symptom
from bot.triage.types import Tier


def next_step(tier: Tier) -> str:
    """What to say once a report of `tier` is stored. A red flag has had its own wording before."""
    return f"symptom.done_t{max(tier.urgency, Tier.T2.urgency)}"


class ActionStartSymptom(Action):  # type: ignore[misc]
    """Begin a report. Words that only announce one are asked about; any others are what it is about."""

    def name(self) -> str:
        return "action_start_symptom"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        words = words_of(tracker)
        events = [
            *understood(),
            SlotSet("asked_again", None),
            *(SlotSet(name, None) for name in SYMPTOM_SLOTS),
        ]
        return events if names_no_symptom(words) else [*events, SlotSet("symptom_what", words)]


class ActionLogSymptom(Action):  # type: ignore[misc]
    """Store the finished report and say the right next step."""

    def name(self) -> str:
        return "action_log_symptom"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        say(dispatcher, next_step(record.log_report(turn_of(tracker), tracker.slots)))
        return [*understood(), *leave_forms()]
