"""The candidacy intake: starting it, going on with it, reading it back, correcting it, finishing it."""
# ruff: noqa: ARG002  (Rasa calls every action with the same arguments)

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import record
from actions.common import (
    Events,
    back_to_form,
    leave_forms,
    pause_form,
    say,
    slot,
    turn_of,
    understood,
    words_of,
)
from bot.dialogue.topics import title
from bot.dialogue.turn import Turn
from bot.intake import reading, summary
from bot.intake.holds import is_minor
from bot.intake.items import ADULT, BY_ID, ITEMS
from bot.intake.reading import Answer
from bot.triage.language import asked_for

INTAKE_FORM = "intake_form"
#: What stands behind choice 1 of `intake.offer`.
START = "intake.start"


def answers_of(tracker: Tracker) -> dict[str, Answer]:
    """The answers so far: on record, or in the slots where nothing is recorded."""
    turn = turn_of(tracker)
    if turn.message_id is not None:
        return record.intake_answers(turn)
    held = {item.id: slot(tracker, item.slot) for item in ITEMS}
    return {name: of_slot(value) for name, value in held.items() if isinstance(value, dict)}


def slots_of(answers: Iterable[Answer]) -> dict[str, Any]:
    """The slots that hold `answers`, as plain values."""
    return {BY_ID[answer.item].slot: asdict(answer) for answer in answers}


def of_slot(value: dict[str, Any]) -> Answer:
    """The answer kept in a slot."""
    return Answer(**{**value, "codes": tuple(value["codes"])})


def filled(answers: Mapping[str, Answer]) -> Events:
    """The events that put `answers` into their slots."""
    return [SlotSet(name, value) for name, value in slots_of(answers.values()).items()]


def start(dispatcher: CollectingDispatcher, turn: Turn, *, in_another_language: bool = False) -> Events:
    """Say what the questions are for, and put the answers that are there into the form, which goes on.

    Who said to be under age is told the same again, and asked nothing. Whoever only asked for the other
    language hears the question alone.
    """
    answers = record.begin_intake(turn)
    if is_minor(answers.get("age"), ADULT):
        say(dispatcher, "intake.stop_minor")
        return [*understood(), *leave_forms(), *pause_form()]
    if not (answers and in_another_language):
        say(dispatcher, "intake.resume" if answers else "intake.intro")
    empty = [SlotSet(item.slot, None) for item in ITEMS if item.id not in answers]
    return [*understood(), *leave_forms(), *empty, *filled(answers), FollowupAction(INTAKE_FORM)]


def say_changed(dispatcher: CollectingDispatcher, turn: Turn, changed: Mapping[str, Answer]) -> None:
    """Say the answers that have been put right."""
    for part in summary.read_back(changed, turn.language, limit=200):
        say(dispatcher, "intake.changed", summary=part)


def all_answered(turn: Turn) -> bool:
    """Whether the sender has answered the questions; nothing of them is left to offer."""
    return len(record.intake_answers(turn)) == len(ITEMS)


def offer(dispatcher: CollectingDispatcher, turn: Turn) -> Events:
    """Offer to begin; choice 1 does."""
    begin = {"title": title("intake.intro", turn.language), "payload": "1"}
    buttons = [begin] if turn.channel == "web" else []
    say(dispatcher, "intake.offer", buttons=buttons)
    return [SlotSet("offered", [START])]


class ActionStartIntake(Action):  # type: ignore[misc]
    """Begin, or go on where the patient stopped, days later too."""

    def name(self) -> str:
        return "action_start_intake"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        wished = asked_for(words_of(tracker)) is not None
        return start(dispatcher, turn_of(tracker), in_another_language=wished)


class ActionFinishIntake(Action):  # type: ignore[misc]
    """Close the questions. Nobody under age is asked on, or booked. What was put off stays open."""

    def name(self) -> str:
        return "action_finish_intake"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        answers = answers_of(tracker)
        minor = is_minor(answers.get("age"), ADULT)
        if not minor and len(answers) < len(ITEMS):
            say(dispatcher, "dialogue.cancelled")
            return [*understood(), *leave_forms()]
        record.finish_intake(turn_of(tracker), minor=minor)
        say(dispatcher, "intake.stop_minor" if minor else "intake.done")
        return [*understood(), *leave_forms()]


class ActionReadBackIntake(Action):  # type: ignore[misc]
    """Say the answers so far; a form that is open asks again."""

    def name(self) -> str:
        return "action_read_back_intake"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        parts = summary.read_back(answers_of(tracker), turn_of(tracker).language)
        for part in parts:
            say(dispatcher, "intake.read_back", summary=part)
        if not parts:
            say(dispatcher, "intake.nothing_yet")
        return [*understood(), *back_to_form(tracker)]


class ActionCorrectIntake(Action):  # type: ignore[misc]
    """Take a correction of answers given before: the later one counts, the earlier one stays on record."""

    def name(self) -> str:
        return "action_correct_intake"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        turn = turn_of(tracker)
        held = answers_of(tracker)
        was_minor = is_minor(held.get("age"), ADULT)
        corrected = reading.corrections(words_of(tracker))
        if was_minor:
            corrected = reading.age_after_all(words_of(tracker), ADULT) or corrected
        changed = {answer.item: reading.joined(held.get(answer.item), answer) for answer in corrected}
        record.store_answers(turn, list(changed.values()))
        if is_minor(changed.get("age"), ADULT):
            record.finish_intake(turn, minor=True)
            say(dispatcher, "intake.stop_minor")
            return [*understood(), *leave_forms()]
        say_changed(dispatcher, turn, changed)
        if was_minor and "age" in changed:  # a slip: the questions go on
            return start(dispatcher, turn)
        return [
            *understood(),
            *filled(changed),
            *(SlotSet(BY_ID[name].slot, None) for name in _still_to_ask(tracker, changed)),
            *back_to_form(tracker),
        ]


def _still_to_ask(tracker: Tracker, changed: Mapping[str, Answer]) -> list[str]:
    """Questions still to come of which no more is known than that something is not so: they are asked."""
    order = [item.slot for item in ITEMS]
    asked = slot(tracker, "requested_slot")
    if asked not in order:
        return []
    later = order[order.index(asked) :]
    return [name for name, answer in changed.items() if answer.said == "no" and BY_ID[name].slot in later]
