"""Reading the answers of a check-in; each is stored as it arrives."""
# ruff: noqa: ARG002  (Rasa calls every action with the same arguments)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rasa_sdk import FormValidationAction, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import record
from actions.common import slot, turn_of
from actions.symptom_form import ask_once_more
from bot.dialogue.reading import is_none, read_pair, read_scale, read_signs


class ValidateCheckInForm(FormValidationAction):  # type: ignore[misc]
    """Two scores, the numbered signs, and the patient's own words."""

    def name(self) -> str:
        return "validate_check_in_form"

    def validate_checkin_pain(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        """A number from 0 to 10; two of them also answer the next question."""
        pair = read_pair(str(value or ""))
        if pair is None:
            return _keep(tracker, "checkin_pain", read_scale, value)
        swelling = _keep(tracker, "checkin_swelling", lambda _words: pair[1], value)
        return {**_keep(tracker, "checkin_pain", lambda _words: pair[0], value), **swelling}

    def validate_checkin_swelling(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        """A number from 0 to 10."""
        return _keep(tracker, "checkin_swelling", read_scale, value)

    def validate_checkin_red_flags(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        """The numbers of the signs, an empty list for none."""
        return _keep(tracker, "checkin_red_flags", read_signs, value)

    def validate_checkin_other(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        """Anything, or nothing."""
        return _keep(tracker, "checkin_other", lambda words: "" if is_none(words) else words, value)


def _keep(tracker: Tracker, name: str, reader: Callable[[str], Any], said: Any) -> dict[str, Any]:
    question = name.replace("checkin_", "checkin.")
    kept = ask_once_more(tracker, name, question, reader, said)
    if kept[name] is not None:
        record.record_answer(turn_of(tracker), slot(tracker, "check_in_id"), question, kept[name], str(said))
    return kept
