"""While triage asks its probe, topics and forms wait; the answer lets them go on."""
# ruff: noqa: ARG002  (Rasa calls every action with the same arguments)

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import record
from actions.check_in_form import keep
from actions.common import (
    CHECK_IN_FORM,
    CHECK_IN_SLOTS,
    SYMPTOM_FORM,
    Events,
    form_of,
    leave_forms,
    pause_form,
    question_asked,
    ranking_of,
    say,
    slot,
    turn_of,
    understood,
    words_of,
)
from actions.intake import INTAKE_FORM
from actions.intake_form import take
from actions.topics import answer
from bot.dialogue.reading import read
from bot.dialogue.topics import choices
from bot.followup.asking import SIGNS, plain_id
from bot.intake.items import BY_QUESTION
from bot.triage.types import PROBE, PROBE_MIND, PROBE_WHICH
from bot.triage.which import lone_number, score_instead

REPORT = "report_symptom"
SIGNS_SLOT = f"checkin_{SIGNS}"
#: What closes a check-in, by its outcome.
DONE = "checkin.done_"


def _score_told(words: str, number: int | None) -> str:
    """The score that was asked for: the `number` that might have been a sign, or the one told instead."""
    return str(score_instead(words, number or 0) or number)


def keep_answer(tracker: Tracker) -> Events:
    """Take the answer that made triage ask: the form goes on with its next question afterwards."""
    name, question = str(slot(tracker, "requested_slot") or ""), question_asked(tracker)
    words = words_of(tracker)
    turn = turn_of(tracker)
    if turn.question == PROBE_WHICH and turn.number is not None:
        words = _score_told(words, turn.number)
    elif turn.question == PROBE and lone_number(words) is not None:
        return []  # what it means is asked
    if name and form_of(tracker) == INTAKE_FORM:
        taken = take(tracker, BY_QUESTION[question], words)
        return [
            SlotSet(slot_name, held) for slot_name, held in taken.items() if slot_name != "requested_slot"
        ]
    if name and form_of(tracker) == CHECK_IN_FORM:
        kept = keep(tracker, plain_id(question), words)
        return [SlotSet(slot_name, held) for slot_name, held in kept.items()]
    value = read(question, words) if name else None
    return [] if value is None else [SlotSet(name, value)]


def finish_before_probe(tracker: Tracker) -> Events:
    """The last answer made triage ask: the check-in is answered, whether or not the probe will be."""
    keep_answer(tracker)
    outcome = record.finish_check_in(turn_of(tracker), slot(tracker, "check_in_id"), tracker.slots)
    return [*understood(), *leave_forms(), SlotSet("held_topic", f"{DONE}{outcome}")]


class ActionHold(Action):  # type: ignore[misc]
    """Triage has spoken: say nothing over it, and remember what waits."""

    def name(self) -> str:
        return "action_hold"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        if form_of(tracker) == CHECK_IN_FORM and slot(tracker, "requested_slot") == CHECK_IN_SLOTS[-1]:
            return finish_before_probe(tracker)
        if form_of(tracker):
            return [*keep_answer(tracker), *pause_form()]
        turn, ranking = turn_of(tracker), ranking_of(tracker)
        if "PSY" in turn.flags[:1]:  # nothing that we could say of treatments is an answer to distress
            return [*understood(), SlotSet("held_topic", None)]
        if turn.probe and any(intent == REPORT for intent, _ in ranking[:1]):
            return [*understood(), SlotSet("held_topic", REPORT), SlotSet("symptom_what", words_of(tracker))]
        likely = choices(ranking, turn.phase)[:1] if turn.probe else []
        return [*understood(), SlotSet("held_topic", likely[0] if likely else None)]


class ActionAfterProbe(Action):  # type: ignore[misc]
    """Ask the probe once more when a form's patient says something else; then go on with what waited."""

    def name(self) -> str:
        return "action_after_probe"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        turn, form, held = turn_of(tracker), form_of(tracker), slot(tracker, "held_topic")
        words = words_of(tracker)
        if turn.question == PROBE_WHICH:
            if not turn.safety_sent:  # neither sign nor score: all six are asked again
                say(dispatcher, "safety.probe")
                return pause_form()
            words = _score_told(words, turn.number)
        of_the_mind = turn.question == PROBE_MIND
        asked = PROBE_MIND if of_the_mind else PROBE
        answered = read(asked, words)
        if answered is None and slot(tracker, "asked_again") != "probe":
            say(dispatcher, "safety.probe_mind" if of_the_mind else "safety.probe")
            return [SlotSet("asked_again", "probe"), *pause_form()]
        done = [*understood(), SlotSet("asked_again", None), SlotSet("held_topic", None)]
        if of_the_mind and not form:
            if answered is None:  # asked twice, and no clear word: a person, and silence counts
                say(dispatcher, record.hand_over(turn, record.IN_DISTRESS))
            elif not turn.safety_sent:
                say(dispatcher, "dialogue.mind_no")
            return done
        if form == CHECK_IN_FORM and not of_the_mind and slot(tracker, SIGNS_SLOT) is None:
            # the probe asks the very signs that the check-in would ask next
            kept = keep(tracker, SIGNS, words)
            done += [SlotSet(slot_name, value) for slot_name, value in kept.items()]
        if turn.question == PROBE and turn.asked_now == PROBE_MIND:  # distress beside the body: that is next
            return [*done, *pause_form()]
        if form or held == REPORT:
            return [*done, FollowupAction(form or SYMPTOM_FORM)]
        if held and held.startswith(DONE) and turn.tier not in (None, "T4"):
            held = f"{DONE}concern"  # the answer to the probe was not a good one
        if held:
            return [*done, *answer(dispatcher, turn, held)]
        say(dispatcher, "symptom.done_t4" if turn.patient_id else "smalltalk.thanks")
        return done
