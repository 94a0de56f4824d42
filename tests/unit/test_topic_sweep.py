"""Other thresholds are tried with the dialogue's own components."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.dialogue.evaluation.sweep import Limits, configured, held, replay, sweep
from bot.triage.labelled import DataError
from tests.support.judged import BACK, OFFERED, RIGHT, SURE, UNSURE, judged

NOW = Limits(0.85, 0.05)


def test_a_lower_threshold_answers_what_was_offered_and_a_higher_one_offers_what_was_answered() -> None:
    assert replay(OFFERED, Limits(0.4, 0.05)).topic == "aftercare.exercise"
    higher = replay(RIGHT, Limits(0.97, 0.05))
    assert (higher.topic, higher.offered) == (None, ("aftercare.exercise",))


def test_no_choices_are_offered_when_even_the_best_is_unlikely() -> None:
    assert replay(BACK, NOW).handed_back


def test_two_topics_close_together_are_asked_about_at_any_threshold() -> None:
    close = judged(None, ranking=(("aftercare.exercise", 0.48), ("aftercare.massage", 0.46)))
    assert replay(close, Limits(0.1, 0.05)).offered == ("aftercare.exercise", "aftercare.massage")


def test_two_questions_in_one_message_count_as_the_topic_of_the_whole() -> None:
    both = ("aftercare.massage", "aftercare.exercise")
    asked = judged(None, ranking=UNSURE, both=both, text="gym? and massage?")
    again = replay(asked, NOW)
    assert (again.topic, again.said) == ("aftercare.exercise", both)


def test_a_text_that_is_recognised_by_its_form_is_answered_at_any_threshold() -> None:
    person = judged("clinic.human", text="PERSON", topic="clinic.human", ranking=UNSURE)
    assert replay(person, Limits(0.99, 0.05)).right_at_once


def test_a_report_of_a_symptom_stays_no_question() -> None:
    report = judged(None, said=("symptom.what",), ranking=(("report_symptom", 0.9), *SURE[1:]))
    assert replay(report, NOW).no_question


def test_gibberish_is_asked_back_at_every_threshold() -> None:
    gibberish = judged(None, ranking=(("out_of_scope", 0.9),), text="asdf")
    assert held(gibberish, NOW)
    assert all(one.right_at_once.count == 0 for _, one in sweep([gibberish], NOW))
    assert not held(RIGHT, NOW)


def test_the_sweep_includes_the_threshold_in_force() -> None:
    assert [threshold for threshold, _ in sweep([RIGHT], Limits(0.83, 0.05), (0.5, 0.9))] == [0.5, 0.83, 0.9]


def test_the_limits_are_those_of_the_pipeline(tmp_path: Path) -> None:
    assert 0 < configured().ambiguity < configured().threshold < 1
    file = tmp_path / "config.yml"
    file.write_text("pipeline: [{name: FallbackClassifier, threshold: 0.6}]")
    assert configured(file) == Limits(0.6, 0.1)
    file.write_text("pipeline: [{name: WhitespaceTokenizer}]")
    with pytest.raises(DataError, match="FallbackClassifier"):
        configured(file)
