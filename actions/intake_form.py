"""Reading the answers of the intake; each is stored as it arrives."""
# ruff: noqa: ARG001  (Rasa calls every validator with the same arguments)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rasa_sdk import FormValidationAction, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import record
from actions.common import slot, turn_of
from actions.intake import of_slot, say_changed, slots_of
from bot.intake import reading
from bot.intake.holds import is_minor
from bot.intake.items import ADULT, BY_ID, ITEMS, Item
from bot.intake.reading import Answer
from bot.intake.talk import jokes, puts_off

Validator = Callable[[Any, Any, CollectingDispatcher, Tracker, dict[str, Any]], dict[str, Any]]
#: Marks a question that waits for "which one, and when" after a bare yes.
DETAIL = ":detail"


class ValidateIntakeForm(FormValidationAction):  # type: ignore[misc]
    """One validator for each question, added below."""

    def name(self) -> str:
        return "validate_intake_form"


def _validator(item: Item) -> Validator:
    def validate(
        self: Any, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        if value is None or isinstance(value, dict):  # emptied, or on record from before
            return {item.slot: value}
        if item.id == "goals_longer" and reading.amends(str(value)):
            return _amend_goals(dispatcher, tracker, str(value))
        return take(tracker, item, str(value))

    return validate


for _item in ITEMS:
    setattr(ValidateIntakeForm, f"validate_{_item.slot}", _validator(_item))


def take(tracker: Tracker, item: Item, text: str) -> dict[str, Any]:
    """The slots that `text` fills in answer to `item`.

    What makes no sense is asked once more, with an example; then the words are kept as they are. A bare yes
    is asked which and when. What was said of other questions is kept for them. The form ends under age, and
    when the rest is put off.
    """
    if puts_off(text):
        return {item.slot: None, "asked_again": None, "requested_slot": None}  # ends the form, answers kept
    minor = reading.under_age(text, ADULT) if item.kind != "age" else None
    if minor is not None:  # said in passing: the form ends here too
        record.store_answers(turn_of(tracker), [minor])
        return {**slots_of([minor]), item.slot: None, "asked_again": None, "requested_slot": None}
    asked = slot(tracker, "asked_again")
    joke = jokes(text)
    answer = None if joke else reading.read(item, text)
    others = _news(tracker, item, text)
    if answer is None:
        if asked != item.question or joke:
            record.store_answers(turn_of(tracker), others)
            return {**slots_of(others), item.slot: None, "asked_again": item.question}
        answer = Answer(item.id, "told", text)
    if answer.bare_yes and item.kind == "history" and asked != item.question + DETAIL:
        record.store_answers(turn_of(tracker), [answer])
        return {item.slot: None, "asked_again": item.question + DETAIL}
    if asked == item.question + DETAIL and answer.said == "told":
        answer = Answer(item.id, "yes", text)
    record.store_answers(turn_of(tracker), [answer, *others])
    slots = slots_of((answer, *others))
    if is_minor(answer, ADULT):
        slots["requested_slot"] = None  # ends the form
    return {**slots, "asked_again": None}


def _amend_goals(dispatcher: CollectingDispatcher, tracker: Tracker, text: str) -> dict[str, Any]:
    """Second thoughts on the goals, right after they were told: both are kept, the question stays open."""
    held = slot(tracker, BY_ID["goals"].slot)
    before = of_slot(held) if isinstance(held, dict) else None
    words = f"{before.words}; {text}" if before is not None else text
    goals = Answer("goals", "told", words, before.codes if before is not None else ())
    record.store_answers(turn_of(tracker), [goals])
    say_changed(dispatcher, turn_of(tracker), {"goals": goals})
    return {**slots_of([goals]), BY_ID["goals_longer"].slot: None}


def _news(tracker: Tracker, item: Item, text: str) -> list[Answer]:
    """What `text` says of other questions than `item` that is news there, beside what they have been told.

    A yes counts after a no: a medicine that comes to mind later must reach the clinician. A no in passing
    takes nothing back that was named, and spares no question that is still to come.
    """
    found = []
    for other in reading.volunteered(item, text):
        held = slot(tracker, BY_ID[other.item].slot)
        before = of_slot(held) if isinstance(held, dict) else None
        told = set(before.codes) if before is not None else set()
        if (before is not None and not told) if other.said == "no" else not set(other.codes) <= told:
            found.append(reading.joined(before, other))
    return found
