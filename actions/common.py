"""What every action needs: this turn's facts, saying a piece of content, leaving or going back to a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop, EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.dialogue.reading import question_of_slot
from bot.dialogue.turn import Turn
from bot.protocols.schema import QuestionId
from bot.triage.types import PROBES

Events = list[EventType]

SYMPTOM_SLOTS = tuple(f"symptom_{name}" for name in ("what", "where", "since", "severity", "trend"))
CHECK_IN_SLOTS = tuple(f"checkin_{name}" for name in get_args(QuestionId))
SYMPTOM_FORM, CHECK_IN_FORM = "symptom_form", "check_in_form"


def turn_of(tracker: Tracker) -> Turn:
    """The facts of the message being answered."""
    return Turn.of((tracker.latest_message or {}).get("metadata"))


def words_of(tracker: Tracker) -> str:
    """The patient's words."""
    return str((tracker.latest_message or {}).get("text") or "").strip()


def intent_of(tracker: Tracker) -> str:
    """The intent the message was given."""
    return str(((tracker.latest_message or {}).get("intent") or {}).get("name") or "")


def topics_of(tracker: Tracker) -> list[str]:
    """The topics the message asks about, in order: several when it surely asks for them, else its intent."""
    intent, several = intent_of(tracker), list((tracker.latest_message or {}).get("topics") or ())
    return several if intent in several else [intent]


def asks_more(tracker: Tracker) -> bool:
    """Whether the message asks, beside `topics_of`, something that is not known."""
    return len(topics_of(tracker)) > 1 and bool((tracker.latest_message or {}).get("unknown_too"))


def ranking_of(tracker: Tracker) -> list[tuple[str, float]]:
    """Every intent considered, most likely first."""
    ranking = (tracker.latest_message or {}).get("intent_ranking") or []
    return [(entry["name"], entry["confidence"]) for entry in ranking]


def form_of(tracker: Tracker) -> str | None:
    """The form that is running."""
    return (tracker.active_loop or {}).get("name")


def question_asked(tracker: Tracker) -> str:
    """The question that the running form asked: `symptom_where` asks `symptom.where`."""
    name = str(slot(tracker, "requested_slot") or "")
    return question_of_slot(name) or ""


def say(
    dispatcher: CollectingDispatcher,
    content_id: str,
    *,
    buttons: Sequence[dict[str, str]] = (),
    offered: Sequence[str] = (),
    **values: str,
) -> None:
    """Say the piece `content_id`, its placeholders filled with `values` beside the clinic's."""
    dispatcher.utter_message(
        response="utter_content",
        content=content_id,
        values=values,
        buttons=list(buttons),
        offered=list(offered),
    )


def understood() -> Events:
    """Forget offered choices and what was not understood before."""
    return [SlotSet("missed", None), SlotSet("offered", None)]


def back_to_form(tracker: Tracker) -> Events:
    """Let the running form, if any, ask its question again; not while triage waits for its own answer."""
    form = form_of(tracker)
    if form and turn_of(tracker).question in PROBES:
        return pause_form()
    return [FollowupAction(form)] if form else []


def pause_form() -> Events:
    """Listen without going on with the form, which Rasa would do by itself."""
    return [FollowupAction("action_listen")]


def leave_forms() -> Events:
    """End any form and forget its answers; what was told is with the services by now."""
    slots = (
        *(*SYMPTOM_SLOTS, *CHECK_IN_SLOTS, "check_in_id", "checkin_plan"),
        *("asked_again", "requested_slot", "held_topic"),
    )
    return [ActiveLoop(None), *(SlotSet(slot, None) for slot in slots)]


def slot(tracker: Tracker, name: str) -> Any:
    """The value of a slot, None when it is empty or unknown."""
    return tracker.slots.get(name)
