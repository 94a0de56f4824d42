"""Reading the answers of a check-in; each is stored as it arrives."""
# ruff: noqa: ARG001, ARG002  (Rasa calls every action with the same arguments)

from __future__ import annotations

import re
from typing import Any

from rasa_sdk import FormValidationAction, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import record
from actions.common import CHECK_IN_SLOTS, slot, turn_of
from actions.intake_form import Validator
from bot.dialogue.generator import COMPARED, NOTED
from bot.dialogue.reading import QUESTIONS, is_none, read
from bot.dialogue.scores import corrects, is_compared, read_scores
from bot.dialogue.turn import DEFAULT_CHECK_IN
from bot.followup.asking import in_order
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Branch, Question

#: The value of a slot whose question this check-in does not ask.
NOT_ASKED = "(not asked)"
#: Words, rather than a number that is none of those asked for.
_SAID = re.compile(r"[^\W\d_]{2,}")


class ValidateCheckInForm(FormValidationAction):  # type: ignore[misc]
    """Asks what the protocol asks, in the order that the answers call for. One validator for each question is
    added below."""

    def name(self) -> str:
        return "validate_check_in_form"

    async def required_slots(
        self,
        domain_slots: list[str],
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: dict[str, Any],
    ) -> list[str]:
        """The questions of this check-in, in order."""
        return [f"checkin_{name}" for name in _order(tracker)]


def _validator(name: str) -> Validator:
    def validate(
        self: Any, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        if value is None or value == NOT_ASKED:
            return {f"checkin_{name}": value}
        return take(tracker, name, str(value))

    return validate


for _slot in CHECK_IN_SLOTS:
    setattr(ValidateCheckInForm, f"validate_{_slot}", _validator(_slot.removeprefix("checkin_")))


def take(tracker: Tracker, asked: str, words: str) -> dict[str, Any]:
    """The slots that `words` fill in answer to `asked`, each stored in the record.

    They may answer later questions too, or put an earlier answer right; then `asked` stays open. Words that
    cannot be read are kept as a remark, and the question is asked once more; then it is left unanswered. No
    number is ever made of them.
    """
    question, again = f"checkin.{asked}", slot(tracker, "asked_again")
    earlier = _corrected(tracker, asked, words)
    found = earlier or _read(tracker, asked, words)
    for name, value in found.items():
        _store(tracker, name, value, words)
    slots: dict[str, Any] = {f"checkin_{name}": value for name, value in found.items()}
    if asked in found:
        return {**slots, "asked_again": None}
    if earlier:
        return {**slots, f"checkin_{asked}": None}
    _remark(tracker, asked, words)
    if again in (question, f"{NOTED}{question}") or str(again or "").startswith(COMPARED):
        return {**slots, f"checkin_{asked}": words, "asked_again": None}
    before = _plan(tracker).get("before", {}).get(asked)
    if before is not None and is_compared(words):
        return {**slots, f"checkin_{asked}": None, "asked_again": f"{COMPARED}{before}"}
    noted = f"{NOTED}{question}" if _SAID.search(words) else question
    return {**slots, f"checkin_{asked}": None, "asked_again": noted}


def keep(tracker: Tracker, asked: str, words: str) -> dict[str, Any]:
    """The slots that `words` fill in answer to `asked`, each stored; what cannot be read fills none, and is
    kept as a remark."""
    found = _read(tracker, asked, words)
    if asked not in found:
        _remark(tracker, asked, words)
    for name, value in found.items():
        _store(tracker, name, value, words)
    return {f"checkin_{name}": value for name, value in found.items()}


def _read(tracker: Tracker, asked: str, words: str) -> dict[str, Any]:
    question = f"checkin.{asked}"
    if QUESTIONS[question] == "scale" and not is_none(words):
        order = _order(tracker)
        to_come = order[order.index(asked) + 1 :] if asked in order else []
        scores = read_scores(words, asked, to_come, _plan(tracker).get("before", {}))
        return {name: score for name, score in scores.items() if name in order}
    if asked == "other":
        return {asked: "" if is_none(words) else words}
    value = read(question, words)
    return {} if value is None else {asked: value}


def _corrected(tracker: Tracker, asked: str, words: str) -> dict[str, Any]:
    """The answer to the question before, when `words` put that right: "sorry, I meant 4"."""
    if not corrects(words):
        return {}
    order = _order(tracker)
    before = order[: order.index(asked)] if asked in order else []
    for name in reversed(before):
        if QUESTIONS[f"checkin.{name}"] == "scale":
            scores = read_scores(words, name, (), {})
            return scores if set(scores) <= set(before) else {}
    return {}


def _store(tracker: Tracker, name: str, value: Any, words: str) -> None:
    record.record_answer(turn_of(tracker), slot(tracker, "check_in_id"), f"checkin.{name}", value, words)


def _remark(tracker: Tracker, name: str, words: str) -> None:
    record.record_remark(turn_of(tracker), slot(tracker, "check_in_id"), f"checkin.{name}", words)


def _plan(tracker: Tracker) -> dict[str, Any]:
    return slot(tracker, "checkin_plan") or {}


def _order(tracker: Tracker) -> list[str]:
    """All questions of this check-in, asked or not, in the order that the answers call for."""
    asks = _plan(tracker).get("asks") or DEFAULT_CHECK_IN
    return in_order(asks, _answers(tracker), _questions(tracker), _plan(tracker).get("day", 0))


def _questions(tracker: Tracker) -> dict[str, Question]:
    """Every question, with the conditions that the clinic's protocol had when this check-in was sent."""
    own = _plan(tracker).get("only_if") or {}
    return {
        name: question.asked_if(own[name] and Branch.model_validate(own[name])) if name in own else question
        for name, question in catalogue().questions.items()
    }


def _answers(tracker: Tracker) -> dict[str, Any]:
    """The answers so far, by question."""
    held = {name.removeprefix("checkin_"): slot(tracker, name) for name in CHECK_IN_SLOTS}
    return {name: value for name, value in held.items() if value is not None and value != NOT_ASKED}
