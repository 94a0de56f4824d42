"""Answering a counselling topic from approved content."""
# ruff: noqa: ARG002  (Rasa calls every action with the same arguments)

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import record
from actions.common import (
    Events,
    asks_more,
    back_to_form,
    form_of,
    say,
    topics_of,
    turn_of,
    understood,
    words_of,
)
from actions.intake import all_answered, offer
from bot.dialogue.manner import matter_for_staff
from bot.dialogue.topics import resolve
from bot.dialogue.turn import Turn

#: Topics whose answer promises that a person will confirm the fact.
CONFIRMED_BY_STAFF = frozenset({"product.regulatory_status"})
BEYOND_US = "out_of_scope"


def answer(dispatcher: CollectingDispatcher, turn: Turn, *topics: str, in_form: bool = False) -> Events:
    """Say the pieces that answer `topics` in the patient's phase, and note a mentioned reaction.

    An offer to begin the intake comes last, so that its number still counts; there is none inside a form, nor
    to whoever has answered the questions.
    """
    meant = [resolve(topic, turn.phase) for topic in topics]
    for topic in meant:
        say(dispatcher, topic)
        if topic.startswith("recovery."):
            record.log_mention(turn, topic)
        if topic in CONFIRMED_BY_STAFF:
            record.ask_to_confirm(turn, topic)
    events: Events = [*understood(), SlotSet("held_topic", None)]
    asks_suitable = "candidacy.suitability" in meant and turn.phase != "after"
    if asks_suitable and not in_form and not all_answered(turn):
        events += offer(dispatcher, turn)
    return events


class ActionAnswerTopic(Action):  # type: ignore[misc]
    """Answer the topic, or the topics, asked about; a form that was interrupted asks again.

    What no text answers and only a person may (the law, a medicine) is handed over.
    """

    def name(self) -> str:
        return "action_answer_topic"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        turn, topics = turn_of(tracker), topics_of(tracker)
        matter = matter_for_staff(words_of(tracker)) if topics == [BEYOND_US] else None
        if matter is not None:
            say(dispatcher, record.hand_over(turn, matter))
            return [*understood(), *back_to_form(tracker)]
        in_form = form_of(tracker) is not None
        events = answer(dispatcher, turn, *topics, in_form=in_form)
        if asks_more(tracker):
            say(dispatcher, "dialogue.one_more")
        return events + back_to_form(tracker)
