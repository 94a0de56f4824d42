"""What the actions hand to the services."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

import bot.records.symptoms
import bot.records.tasks
from actions import record
from actions.check_in_form import ValidateCheckInForm
from actions.symptoms import next_step
from bot.dialogue.turn import Turn
from bot.triage.types import Tier


@pytest.mark.parametrize(
    ("tier", "content"),
    [
        (Tier.T0, "symptom.done_t2"),
        (Tier.T1, "symptom.done_t2"),
        (Tier.T2, "symptom.done_t2"),
        (Tier.T3, "symptom.done_t3"),
        (Tier.T4, "symptom.done_t4"),
    ],
)
def test_the_next_step_is_never_weaker_than_the_tier(tier: Tier, content: str) -> None:
    assert next_step(tier) == content


def test_without_a_stored_message_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> None:
        pytest.fail("wrote without a message")

    monkeypatch.setattr(bot.records.tasks, "hand_over", refuse)
    monkeypatch.setattr(bot.records.symptoms, "log_report", refuse)
    assert record.hand_over(Turn(), record.NOT_UNDERSTOOD) == "dialogue.handover"
    assert record.log_report(Turn(), {"symptom_what": "a rash"}) is Tier.T4
    assert record.finish_check_in(Turn(), None, {"checkin_red_flags": [4]}) == "concern"


def test_long_words_fit_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, Any] = {}

    def keep(_message_id: str, **report: Any) -> Tier:
        kept.update(report)
        return Tier.T4

    monkeypatch.setattr(bot.records.symptoms, "log_report", keep)
    slots = {"symptom_what": "x" * 500, "symptom_where": "y" * 500, "symptom_trend": "who knows"}
    record.log_report(Turn(message_id="m"), slots)
    assert (len(kept["what"]), len(kept["where"]), kept["trend"], kept["severity"]) == (200, 200, None, None)


@pytest.mark.parametrize(
    ("day", "answers", "left_out"),
    [
        (91, {"overall": "well", "lumps": "no"}, {"tenderness", "red_flags"}),
        (91, {"overall": "well", "lumps": "yes"}, {"red_flags"}),
        (28, {"overall": "well", "lumps": "no"}, set()),
    ],
)
def test_a_texted_check_in_asks_what_its_day_and_the_answers_call_for(
    day: int, answers: dict[str, str], left_out: set[str]
) -> None:
    asks = ["overall", "lumps", "tenderness", "red_flags", "satisfaction", "other"]
    slots = {f"checkin_{name}": value for name, value in answers.items()}
    slots |= {"checkin_plan": {"asks": asks, "before": {}, "day": day}}
    tracker = Tracker("me", slots, {}, [], False, None, {}, "action_listen")
    form = ValidateCheckInForm()
    wanted = asyncio.run(form.required_slots([], CollectingDispatcher(), tracker, {}))
    assert wanted == [f"checkin_{name}" for name in asks if name not in left_out]
