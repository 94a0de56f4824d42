"""`afterglow evaluate topics`, with a dialogue that knows two things."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.dialogue.agent import ParsedTopic
from bot.dialogue.ask import put
from bot.dialogue.replies import Reply
from bot.dialogue.topics import choices
from bot.dialogue.tracker_store import TRANSIENT

GYM, FLIGHT, HANDOVER = "can I go to the gym", "flying on friday", "PERSON"


class Knowing:
    """Answers about the gym, offers two choices about flights, hands over; everything else it hands back."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def handle(self, conversation_id: str, text: str, metadata: Mapping[str, Any]) -> list[Reply]:
        assert conversation_id.startswith(TRANSIENT)
        self.told.append((text, metadata["phase"]))
        if text == GYM:
            return [Reply("In a day.", "aftercare.exercise", 1)]
        if text == FLIGHT:
            offered = tuple(choices(self.parse(text).ranking, metadata["phase"]))
            return [Reply("Do you mean ...", "dialogue.offer", 1, offered=offered)]
        return [Reply("...", "dialogue.handover" if text == HANDOVER else "dialogue.fallback", 1)]

    def parse(self, text: str, metadata: Mapping[str, Any] | None = None) -> ParsedTopic:
        if text == GYM:
            return ParsedTopic("aftercare.exercise", 0.9, (("aftercare.exercise", 0.9), ("opt_out", 0.02)))
        if text == FLIGHT:
            return ParsedTopic(None, 0.5, (("aftercare.flights", 0.5), ("aftercare.exercise", 0.3)))
        if text == HANDOVER:  # known by its form, whatever the words are likest to
            return ParsedTopic("clinic.human", 0.4, (("clinic.contact", 0.4),))
        return ParsedTopic(None, 0.1, (("aftercare.ice", 0.1),))


@pytest.fixture
def knowing(monkeypatch: pytest.MonkeyPatch) -> Knowing:
    """The dialogue that the command loads."""
    loaded = Knowing()
    monkeypatch.setattr("bot.app.load_dialogue", lambda _progress: loaded)
    return loaded


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Four questions: right, offered, confidently wrong, handed back."""
    rows = [
        {"id": "a", "text": GYM, "topic": "aftercare.exercise", "phase": "after"},
        {"id": "b", "text": FLIGHT, "topic": "aftercare.flights", "lang": "es"},
        {"id": "c", "text": GYM, "topic": "aftercare.massage", "phase": "before"},
        {"id": "d", "text": "hm", "topic": "clinic.hours"},
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def evaluate(file: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["evaluate", "topics", "--file", str(file), *options])


def test_a_person_asked_for_by_the_one_word_is_what_the_question_was_about() -> None:
    asked = put(HANDOVER, {"phase": None}, Knowing(), f"{TRANSIENT}1")  # type: ignore[arg-type]
    assert asked.topic == "clinic.human"


def test_without_options_the_whole_report_is_printed(knowing: Knowing, file: Path) -> None:
    result = evaluate(file)
    assert result.exit_code == 0, result.stderr
    assert "| all | 4 | 25.0% (1) | 50.0% (2) | 25.0% (1) | 25.0% (1/4; 4.6%-69.9%) |" in result.stdout
    assert "`c` en, phase before, 0.90: can I go to the gym — asked about aftercare.massage" in result.stdout
    assert "| 0.4 | 4 | 50.0% (2) |" in result.stdout  # so low, the flight is answered at once


def test_questions_with_a_phase_are_asked_with_it_and_once_more_without(knowing: Knowing, file: Path) -> None:
    evaluate(file)
    assert [phase for text, phase in knowing.told if text == GYM] == ["after", "before", None, None]


def test_json_holds_the_same_and_nothing_else_is_printed(knowing: Knowing, file: Path) -> None:
    data = json.loads(evaluate(file, "--json").stdout)
    assert data["slices"][0]["confidently_wrong"] == {
        "count": 1,
        "total": 4,
        "share": 0.25,
        "interval": [0.04559, 0.69936],
    }
    assert {one["name"] for one in data["topics"]} >= {"aftercare.flights", "clinic.hours"}
    assert [row["id"] for row in data["confidently_wrong"]] == ["c"]


def test_a_folder_gets_report_and_data(knowing: Knowing, file: Path, tmp_path: Path) -> None:
    result = evaluate(file, "--folder", str(tmp_path / "out"))
    assert result.exit_code == 0
    assert (tmp_path / "out" / "questions.md").read_text(encoding="utf-8").startswith("# Topics on questions")
    assert (tmp_path / "out" / "questions.json").is_file()


def test_check_fails_below_a_floor_and_names_it(knowing: Knowing, file: Path) -> None:
    result = evaluate(file, "--check")
    assert result.exit_code == 1
    assert "confidently_wrong is 25.00%" in result.stderr
    assert len(knowing.told) == 4  # no second time without the phase
