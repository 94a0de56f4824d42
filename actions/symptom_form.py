"""Reading the answers of the symptom report."""
# ruff: noqa: ARG002  (Rasa calls every action with the same arguments)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rasa_sdk import FormValidationAction, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.common import slot
from bot.dialogue.reading import read_scale, read_trend


def ask_once_more(
    tracker: Tracker, name: str, question: str, reader: Callable[[str], Any], said: Any
) -> dict[str, Any]:
    """Keep what `reader` reads; ask a second time for what it cannot read; then keep the words.

    A slot that was emptied when the form began comes here too, as None, and stays empty.
    """
    if said is None:
        return {name: None}
    value = reader(str(said))
    if value is None and slot(tracker, "asked_again") != question:
        return {name: None, "asked_again": question}
    return {name: str(said) if value is None else value, "asked_again": None}


class ValidateSymptomForm(FormValidationAction):  # type: ignore[misc]
    """What, where and since are taken as said; how bad and which way are read."""

    def name(self) -> str:
        return "validate_symptom_form"

    def validate_symptom_severity(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        """A number from 0 to 10."""
        return ask_once_more(tracker, "symptom_severity", "symptom.severity", read_scale, value)

    def validate_symptom_trend(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        """Better, the same or worse."""
        return ask_once_more(tracker, "symptom_trend", "symptom.trend", read_trend, value)
