"""Ways out of a form: a person, no more texts, never mind, and a red flag."""
# ruff: noqa: ARG002  (Rasa calls every action with the same arguments)

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction
from rasa_sdk.executor import CollectingDispatcher

from actions import record
from actions.common import (
    CHECK_IN_FORM,
    CHECK_IN_SLOTS,
    SYMPTOM_FORM,
    Events,
    form_of,
    leave_forms,
    question_asked,
    say,
    slot,
    turn_of,
    words_of,
)
from actions.common import understood as _understood
from actions.symptoms import next_step
from bot.dialogue import reading
from bot.dialogue.scores import is_same
from bot.triage.types import PROBES, Tier


def keep_report(tracker: Tracker) -> Tier | None:
    """Store a symptom report that ends early, if it says what it is about."""
    if form_of(tracker) != SYMPTOM_FORM or not slot(tracker, "symptom_what"):
        return None
    return record.log_report(turn_of(tracker), tracker.slots)


def keep_check_in(tracker: Tracker) -> None:
    """Store the words that end a check-in early, and close it: nobody is nagged for the rest."""
    if form_of(tracker) != CHECK_IN_FORM:
        return
    turn, check_in_id, words = turn_of(tracker), slot(tracker, "check_in_id"), words_of(tracker)
    if turn.question not in PROBES:  # the answer to triage's own question is no answer to the form's
        question = question_asked(tracker) or "checkin.other"
        value = reading.read(question, words)
        record.record_answer(turn, check_in_id, question, words if value is None else value, words)
    record.finish_check_in(turn, check_in_id, tracker.slots)


def keep_if_complete(tracker: Tracker) -> None:
    """Close a check-in that is left at "anything else?": all that it measures has been answered."""
    if slot(tracker, "requested_slot") == CHECK_IN_SLOTS[-1]:
        keep_check_in(tracker)


class ActionHandOver(Action):  # type: ignore[misc]
    """A person was asked for, or is needed: the words of a form's patient speak of distress."""

    def name(self) -> str:
        return "action_hand_over"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        turn = turn_of(tracker)
        keep_report(tracker)
        if "PSY" in turn.flags:
            keep_check_in(tracker)
        else:
            keep_if_complete(tracker)
        reason = record.IN_DISTRESS if "PSY" in turn.flags else record.ASKED_FOR_PERSON
        said = record.hand_over(turn, reason)
        if "PSY" not in turn.flags or not turn.safety_sent:  # triage's own words have said it, and better
            say(dispatcher, said)
        return [*_understood(), *leave_forms()]


class ActionOptOut(Action):  # type: ignore[misc]
    """No more texts, in the patient's own words."""

    def name(self) -> str:
        return "action_opt_out"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        keep_report(tracker)
        keep_if_complete(tracker)
        say(dispatcher, record.opt_out(turn_of(tracker)))
        return [*_understood(), *leave_forms()]


class ActionCancel(Action):  # type: ignore[misc]
    """Never mind. What a report told so far is stored, and an urgent one still brings its next step."""

    def name(self) -> str:
        return "action_cancel"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        form, asked = form_of(tracker), reading.QUESTIONS.get(question_asked(tracker) or "")
        if form and asked == "scale" and is_same(words_of(tracker)):
            return [FollowupAction(form)]  # "igual" compares and stops nothing: the form asks again
        tier = keep_report(tracker)
        keep_if_complete(tracker)
        say(dispatcher, "dialogue.cancelled" if tier in (None, Tier.T4) else next_step(Tier(tier)))
        return [*_understood(), *leave_forms()]


class ActionStandDown(Action):  # type: ignore[misc]
    """A red flag: triage has said what matters, so nothing is said over it and every form ends."""

    def name(self) -> str:
        return "action_stand_down"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        keep_report(tracker)
        keep_check_in(tracker)
        return [*_understood(), *leave_forms()]
