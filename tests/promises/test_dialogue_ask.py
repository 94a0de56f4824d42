"""`ask`: many questions in one start. And how well questions are understood that the model never saw."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.dialogue.agent import Dialogue
from bot.dialogue.ask import ask_lines
from bot.dialogue.evaluation.measures import Judged
from bot.dialogue.evaluation.questions import read_questions
from bot.dialogue.evaluation.report import FLOORS, Evaluation
from bot.dialogue.evaluation.run import judge
from bot.dialogue.evaluation.sweep import configured, held, replay
from bot.triage.evaluation.floors import broken
from tests.support.services import Services

pytestmark = pytest.mark.model


def ask(dialogue: Dialogue, *rows: dict[str, Any] | str) -> list[dict[str, Any]]:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    return [json.loads(line) for line in ask_lines(lines, dialogue)]


def test_each_line_gets_its_topic_and_reply_in_its_language(dialogue: Dialogue, services: Services) -> None:
    english, spanish = ask(
        dialogue,
        {"text": "what are your opening hours", "day": None},
        {"text": "¿puedo ir al gimnasio mañana?", "day": 1, "lang": "es", "product": "harmonyca"},
    )
    assert (english["topic"], english["offered"], english["tier"]) == ("clinic.hours", [], "T4")
    assert spanish["topic"] == "aftercare.exercise"
    assert "24 horas" in spanish["reply"]
    assert 0 < spanish["confidence"] <= 1
    assert services.calls == []


def test_one_line_does_not_change_the_next(dialogue: Dialogue, services: Services) -> None:
    unclear = {"text": "will it show", "day": 2}
    first, second, number = ask(dialogue, unclear, unclear, {"text": "1", "day": 2})
    assert first == second
    assert first["topic"] is None
    assert 1 <= len(first["offered"]) <= 3
    assert number["topic"] != first["offered"][0]


def test_a_red_flag_is_answered_with_the_safety_wording(dialogue: Dialogue, services: Services) -> None:
    (answer,) = ask(dialogue, {"text": "I can't see out of my left eye", "day": 0, "product": "harmonyca"})
    assert answer["tier"] == "T0"
    assert "911" in answer["reply"]


def test_stopping_texts_is_a_topic_also_when_it_is_a_command(dialogue: Dialogue, services: Services) -> None:
    (answer,) = ask(dialogue, {"text": "please stop texting me", "day": 3})
    assert answer["topic"] == "clinic.stop_messages"


def test_bad_lines_say_what_is_wrong_and_the_run_goes_on(dialogue: Dialogue, services: Services) -> None:
    answers = ask(
        dialogue, "not json", {"text": 5}, "", {"text": "hi", "day": "x"}, {"text": "hello", "day": None}
    )
    assert ["error" in answer for answer in answers] == [True, True, True, False]


@pytest.fixture(scope="module")
def unseen(dialogue: Dialogue) -> list[Judged]:
    """The held-out questions, and what the dialogue did with each."""
    return judge(read_questions(), dialogue)


def test_unseen_questions_are_understood_at_least_as_well_as_the_floors_say(unseen: list[Judged]) -> None:
    measured = Evaluation("topics_dev.jsonl", "pytest", "-", unseen, threshold=0, ambiguity=0)
    assert len(unseen) > 500
    assert broken(measured.numbers(), FLOORS) == []


def test_the_sweep_of_thresholds_repeats_what_the_dialogue_did(unseen: list[Judged]) -> None:
    now = configured()
    asked = [one for one in unseen if not held(one, now)]
    assert len(asked) > len(unseen) - 10
    assert [outcome(replay(one, now)) for one in asked] == [outcome(one) for one in asked]


def outcome(one: Judged) -> tuple[object, ...]:
    """What counts; an answer may come with an offer of its own (the intake), which is no choice of topics."""
    return (one.row.text, one.topic, one.topic or one.offered, one.no_question)
