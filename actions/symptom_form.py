"""Reading the answers of the symptom report."""

from __future__ import annotations

from typing import Any

from rasa_sdk import FormValidationAction, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.common import slot
from bot.dialogue.reading import read_scale, read_trend


def ask_once_more(tracker: Tracker, name: str, question: str, value: Any, words: str) -> dict[str, Any]:
    """Keep a read `value`; ask a second time for one that could not be read; then keep the words."""
    if value is None and slot(tracker, "asked_again") != question:
        return {name: None, "asked_again": question}
    return {name: words if value is None else value, "asked_again": None}


class ValidateSymptomForm(FormValidationAction):  # type: ignore[misc]
    """What, where and since are taken as said; how bad and which way are read."""

    def name(self) -> str:
        return "validate_symptom_form"

    def validate_symptom_severity(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        """A number from 0 to 10."""
        words = str(value)
        return ask_once_more(tracker, "symptom_severity", "symptom.severity", read_scale(words), words)

    def validate_symptom_trend(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        """Better, the same or worse."""
        words = str(value)
        return ask_once_more(tracker, "symptom_trend", "symptom.trend", read_trend(words), words)
