"""Starting and finishing a check-in."""
# ruff: noqa: ARG002  (Rasa calls every action with the same arguments)

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import record
from actions.check_in_form import NOT_ASKED
from actions.common import CHECK_IN_SLOTS, Events, leave_forms, say, slot, turn_of, understood
from bot.followup.asking import FIRST


class ActionStartCheckIn(Action):  # type: ignore[misc]
    """Set out what is asked; the form asks it. A form left open from before gives way."""

    def name(self) -> str:
        return "action_start_check_in"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        turn = turn_of(tracker)
        if turn.check_in_asks[0] != FIRST:  # which greets by itself
            say(dispatcher, "checkin.intro")
        asked = {f"checkin_{name}" for name in turn.check_in_asks}
        plan = {
            "asks": list(turn.check_in_asks),
            "before": dict(turn.check_in_before),
            "day": turn.check_in_day,
            "only_if": dict(turn.check_in_only_if),
        }
        return [
            *understood(),
            *leave_forms(),
            SlotSet("check_in_id", turn.check_in_id),
            SlotSet("checkin_plan", plan),
            *(SlotSet(name, NOT_ASKED) for name in CHECK_IN_SLOTS if name not in asked),
        ]


class ActionFinishCheckIn(Action):  # type: ignore[misc]
    """Close the check-in and say what happens next."""

    def name(self) -> str:
        return "action_finish_check_in"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        outcome = record.finish_check_in(turn_of(tracker), slot(tracker, "check_in_id"), tracker.slots)
        say(dispatcher, f"checkin.done_{outcome}")
        return [*understood(), *leave_forms()]
