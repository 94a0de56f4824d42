"""Starting and finishing a check-in."""
# ruff: noqa: ARG002  (Rasa calls every action with the same arguments)

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import record
from actions.common import Events, leave_forms, say, slot, turn_of, understood


class ActionStartCheckIn(Action):  # type: ignore[misc]
    """Greet; the form asks the questions. A form left open from before gives way."""

    def name(self) -> str:
        return "action_start_check_in"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        say(dispatcher, "checkin.intro")
        return [*understood(), *leave_forms(), SlotSet("check_in_id", turn_of(tracker).check_in_id)]


class ActionFinishCheckIn(Action):  # type: ignore[misc]
    """Close the check-in and say what happens next."""

    def name(self) -> str:
        return "action_finish_check_in"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        outcome = record.finish_check_in(turn_of(tracker), slot(tracker, "check_in_id"), tracker.slots)
        say(dispatcher, f"checkin.done_{outcome}")
        return [*understood(), *leave_forms()]
