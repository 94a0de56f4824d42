"""`ask`: many questions in one start. And how well questions are read that the model never saw."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.dialogue import evaluation
from bot.dialogue.agent import Dialogue
from bot.dialogue.ask import ask_lines
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
    unclear = {"text": "is it ok if I do it", "day": 2}
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


def test_unseen_questions_are_read_well_enough(dialogue: Dialogue) -> None:
    reads = evaluation.read_all(dialogue, evaluation.held_out(), with_phase=True)
    assert len(reads) > 500
    assert evaluation.share(read.first for read in reads) >= 0.58
    for language in ("en", "es"):
        assert evaluation.share(r.among_three for r in reads if r.lang == language) >= 0.76
