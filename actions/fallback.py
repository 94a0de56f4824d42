"""When the words are not understood: ask back with choices, then hand over."""
# ruff: noqa: ARG002  (Rasa calls every action with the same arguments)

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import record
from actions.common import (
    Events,
    back_to_form,
    form_of,
    intent_of,
    question_asked,
    ranking_of,
    say,
    slot,
    turn_of,
    understood,
    words_of,
)
from actions.intake import START, start
from actions.topics import answer
from bot.dialogue.manner import beyond_choices
from bot.dialogue.reading import closes, read_offer
from bot.dialogue.topics import choice_titles, choices
from bot.dialogue.turn import Turn


def ask_back(dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
    """The first time: up to three likely topics, or a plain request. The second time: a person."""
    turn = turn_of(tracker)
    if form_of(tracker):  # a question nobody understood, in the middle: the next words are the answer
        say(dispatcher, "dialogue.fallback")
        return [SlotSet("asked_again", question_asked(tracker)), *back_to_form(tracker)]
    if closes(words_of(tracker)):  # "nope, that's all", after our last question
        say(dispatcher, "smalltalk.thanks")
        return understood()
    if slot(tracker, "missed"):
        say(dispatcher, record.hand_over(turn, record.NOT_UNDERSTOOD))
        return understood()
    offered = choices(ranking_of(tracker), turn.phase)
    matter = beyond_choices(words_of(tracker), offered)
    if matter is not None:
        say(dispatcher, record.hand_over(turn, matter))
        return understood()
    if offered:
        _offer(dispatcher, turn, offered)
    else:
        say(dispatcher, "dialogue.fallback")
    return [SlotSet("missed", 1), SlotSet("offered", offered or None)]


def _offer(dispatcher: CollectingDispatcher, turn: Turn, offered: list[str]) -> None:
    titles = choice_titles(offered, turn.language)
    numbered = " ".join(f"{number} {title}" for number, title in enumerate(titles, 1))
    buttons = [{"title": title, "payload": str(number)} for number, title in enumerate(titles, 1)]
    web = turn.channel == "web"
    say(dispatcher, "dialogue.offer", choices=numbered, offered=offered, buttons=buttons if web else ())


class ActionAskBack(Action):  # type: ignore[misc]
    """Not understood."""

    def name(self) -> str:
        return "action_ask_back"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        return ask_back(dispatcher, tracker)


class ActionTakeAnswer(Action):  # type: ignore[misc]
    """An answer outside a form: a choice that was offered, or one that nothing asked for."""

    def name(self) -> str:
        return "action_take_answer"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        turn, offered = turn_of(tracker), slot(tracker, "offered") or []
        if offered:
            agreed = intent_of(tracker) == "affirm" and len(offered) == 1
            numbers = [1] if agreed else read_offer(words_of(tracker)) or []
            if numbers == [1] and offered == [START]:
                return start(dispatcher, turn)
            taken = [offered[number - 1] for number in numbers if 1 <= number <= len(offered)]
            if taken and offered != [START]:
                return answer(dispatcher, turn, *taken)
            say(dispatcher, "dialogue.fallback")  # none of them: say it another way, then a person
            return [SlotSet("offered", None), SlotSet("missed", 1)]
        return ask_back(dispatcher, tracker)
