"""A new session: the history starts afresh, what is still open comes along."""
# ruff: noqa: ARG002  (Rasa calls every action with the same arguments)

from __future__ import annotations

import time
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActionExecuted, ActiveLoop, SessionStarted, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.common import Events, form_of, leave_forms

#: A form waits this long for its next answer: a check-in sent in the morning may be answered at night.
FORM_WAITS_S = 20 * 3600


class ActionSessionStart(Action):  # type: ignore[misc]
    """Carry over the filled slots and a form that is not too old; Rasa's own drops the form."""

    def name(self) -> str:
        return "action_session_start"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        events: Events = [SessionStarted()]
        form = form_of(tracker)
        if form and time.time() - _last_heard(tracker) <= FORM_WAITS_S:
            kept = {
                k: v for k, v in tracker.slots.items() if v is not None and k != "session_started_metadata"
            }
            events += [ActiveLoop(form), *(SlotSet(name, value) for name, value in kept.items())]
        elif form:
            events += leave_forms()
        return [*events, ActionExecuted("action_listen")]


def _last_heard(tracker: Tracker) -> float:
    """When the patient (or the clinic's clock) last spoke, in seconds since 1970."""
    return next((float(e["timestamp"]) for e in reversed(tracker.events) if e.get("event") == "user"), 0.0)
