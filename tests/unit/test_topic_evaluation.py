"""The measures of understanding mean what the report says, and bad questions are refused by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.dialogue.evaluation.measures import Judged, confusions, line, slice_lines, topic_lines
from bot.dialogue.evaluation.questions import Question, read_questions
from bot.dialogue.evaluation.report import FLOORS, Evaluation, as_data, markdown, write
from bot.triage.evaluation.floors import broken
from bot.triage.labelled import DataError
from tests.support.judged import ALSO, BACK, OFFERED, OFFERED_WRONG, REPORT, RIGHT, WRONG, judged

EACH = [RIGHT, ALSO, WRONG, OFFERED, OFFERED_WRONG, BACK, REPORT]


def test_a_topic_that_the_label_also_accepts_is_right() -> None:
    assert ALSO.right_at_once
    assert not ALSO.confidently_wrong


def test_only_an_answer_at_once_is_confidently_wrong() -> None:
    assert [one for one in EACH if one.confidently_wrong] == [WRONG]


def test_right_or_offered_counts_choices_only_with_a_right_one_among_them() -> None:
    assert [one for one in EACH if one.right_or_offered] == [RIGHT, ALSO, OFFERED]
    assert [one for one in EACH if one.was_offered] == [OFFERED, OFFERED_WRONG]


def test_every_question_is_counted_under_exactly_one_outcome() -> None:
    for one in EACH:
        outcomes = (
            one.right_at_once,
            one.confidently_wrong,
            one.was_offered,
            one.handed_back,
            one.no_question,
        )
        assert sum(outcomes) == 1
    assert BACK.handed_back
    assert REPORT.no_question


def test_shares_are_of_all_questions_of_the_slice_with_wilsons_interval() -> None:
    over_all = line("all", EACH)
    assert (over_all.count, over_all.right_at_once.count, over_all.confidently_wrong.count) == (7, 2, 1)
    assert str(line("all", [RIGHT] * 9 + [WRONG]).right_at_once) == "90.0% (9/10; 59.6%-98.2%)"


@pytest.mark.parametrize(
    ("words", "name"),
    [(1, "1-4 words"), (4, "1-4 words"), (5, "5-12 words"), (12, "5-12 words"), (13, "13 words and more")],
)
def test_every_length_is_in_one_slice(words: int, name: str) -> None:
    lines = slice_lines([judged(None, text=" ".join(["so"] * words))])
    assert [one.name for one in lines if "words" in one.name and one.count] == [name]


def test_languages_and_phases_part_the_questions() -> None:
    counts = {one.name: one.count for one in slice_lines([RIGHT, judged(None, lang="es", phase="after")])}
    assert (counts["all"], counts["English"], counts["Spanish"]) == (2, 1, 1)
    assert (counts["phase known"], counts["phase unknown"]) == (1, 1)


def test_topics_stand_with_the_least_often_right_first() -> None:
    names = [one.name for one in topic_lines([RIGHT, judged("aftercare.ice", topic="clinic.hours")])]
    assert names == ["clinic.hours", "aftercare.exercise"]


def test_confusions_count_what_was_only_offered_and_show_one_that_was_answered() -> None:
    found = confusions([OFFERED_WRONG, WRONG, BACK, RIGHT, OFFERED])
    assert [(one.read_as, one.count, one.at_once) for one in found] == [
        ("aftercare.massage", 2, 1),
        ("aftercare.ice", 1, 0),
    ]
    assert found[0].example == WRONG.row.text


def test_the_phase_decides_which_twin_an_unanswered_question_reads_like() -> None:
    one = judged(None, ranking=(("prep.alcohol", 0.4),), topic="aftercare.alcohol", phase="after")
    assert one.likeliest == "aftercare.alcohol"
    assert confusions([one]) == []


def evaluation(*rows: Judged) -> Evaluation:
    return Evaluation("some.jsonl", "afterglow evaluate topics", "model", rows, 0.85, 0.05)


def test_the_report_shows_every_confidently_wrong_row_whatever_signs_are_in_it(tmp_path: Path) -> None:
    path = write(evaluation(*EACH), tmp_path / "new")
    text = path.read_text(encoding="utf-8")
    assert path.name == "some.md"
    assert "gym \\| or not — asked about aftercare.exercise; answered **aftercare.massage**" in text
    assert "taken for **report_symptom**" in text
    assert text.index("What the words mean") < text.index("Over all")
    data = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert [row["answered"] for row in data["confidently_wrong"]] == ["aftercare.massage"]
    assert data["numbers"]["confidently_wrong"] == round(1 / 7, 5)


def test_a_slice_without_questions_is_no_number_and_breaks_its_floor() -> None:
    measured = evaluation(RIGHT)
    spanish = next(one for one in as_data(measured)["slices"] if one["name"] == "Spanish")
    assert spanish["right_at_once"]["share"] is None
    assert "| Spanish | 0 | - |" in markdown(measured)
    assert any("spanish" in text and "not measured" in text for text in broken(measured.numbers(), FLOORS))


def test_floors_are_set_on_figures_that_are_measured() -> None:
    floors = json.loads(FLOORS.read_text(encoding="utf-8"))
    known = evaluation(RIGHT, judged(None, lang="es")).numbers()
    assert {*floors["at_least"], *floors["at_most"]} <= known.keys()
    assert {"right_at_once", "right_or_offered"} <= floors["at_least"].keys()
    assert "confidently_wrong" in floors["at_most"]


GOOD = {"id": "k-1", "text": "gym?", "topic": "aftercare.exercise"}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("not json", "Expecting value"),
        ("[]", "not a JSON object"),
        ({"text": " "}, "text must be words"),
        ({"text": None}, "text must be words"),
        ({"topic": "aftercare.exercize"}, "aftercare.exercize"),
        ({"topic": "safety.t0"}, "safety.t0"),
        ({"also_ok": "aftercare.ice"}, "also_ok"),
        ({"also_ok": ["nothing"]}, "nothing"),
        ({"phase": "during"}, "during"),
        ({"phase": ["after"]}, "phase must be"),
        ({"lang": "fr"}, "fr"),
        ({"id": "k-1"}, "k-1 stands twice"),
    ],
)
def test_a_wrong_question_is_refused_with_file_and_line(
    tmp_path: Path, bad: dict[str, Any] | str, says: str
) -> None:
    file = tmp_path / "some.jsonl"
    second = bad if isinstance(bad, str) else json.dumps({**GOOD, "id": "k-2", **bad})
    file.write_text(f"{json.dumps(GOOD)}\n{second}\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"some\.jsonl:2: .*{says}"):
        read_questions(file)


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text('{"text": "gym?"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"some\.jsonl:1: 'topic' is missing"):
        read_questions(file)


def test_text_and_topic_are_enough_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text('\n{"text": "gym?", "topic": "aftercare.exercise"}\n\n', encoding="utf-8")
    assert read_questions(file) == [Question("line-2", "gym?", "aftercare.exercise")]


def test_the_held_out_questions_can_be_read() -> None:
    assert len(read_questions()) > 500


@pytest.mark.parametrize("content", [None, "", "\n", "nonsense\n"])
def test_the_command_refuses_bad_questions_before_it_loads_the_dialogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    def loaded(*_: object) -> None:
        raise AssertionError("the dialogue was loaded")

    monkeypatch.setattr("bot.app.load_dialogue", loaded)
    file = tmp_path / "some.jsonl"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    result = CliRunner().invoke(app, ["evaluate", "topics", "--file", str(file)])
    assert result.exit_code == 2
    assert "some.jsonl" in result.output
