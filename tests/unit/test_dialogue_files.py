"""The dialogue's files agree with each other and with the content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.dialogue import generator, reading, topics, training
from bot.dialogue.components.triage import forced_intent
from bot.dialogue.reading import question_of_slot
from bot.dialogue.turn import NO_CLINIC, Turn
from bot.protocols.catalogue import catalogue
from bot.protocols.placeholders import CLINIC_FACTS
from bot.settings import ROOT


def domain() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    return loaded


def examples() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            lines = [line.removeprefix("- ") for line in block["examples"].splitlines()]
            found.setdefault(block["intent"], []).extend(lines)
    return found


def test_every_topic_that_can_be_read_has_content() -> None:
    asked = [intent for intent in domain()["intents"] if topics.is_topic(intent)]
    assert len(asked) >= 65
    assert sorted(set(asked) - catalogue().pieces.keys()) == []


def test_every_intent_has_examples_and_every_example_an_intent() -> None:
    assert set(domain()["intents"]) == set(examples())


@pytest.mark.parametrize(
    ("name", "at_least"), [("topics_dev", 500), ("topics_blind", 450), ("topics_blind_b", 440)]
)
def test_held_out_questions_are_never_trained_on(name: str, at_least: int) -> None:
    trained = {text for lines in examples().values() for text in lines}
    held_out = (ROOT / "data" / "evaluation" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    shared = [row["text"] for row in map(json.loads, held_out) if row["text"] in trained]
    assert len(held_out) >= at_least
    assert len(shared) <= 5, shared  # "STOP" is "STOP", whoever writes it


def test_the_forms_questions_name_the_content_that_is_said() -> None:
    responses = {name: text[0]["text"] for name, text in domain()["responses"].items()}
    responses.pop("utter_content")
    assert responses == generator.CONTENT_OF
    said = {*generator.CONTENT_OF.values(), *generator.ASKED_AGAIN.values(), *generator.QUESTION_OF}
    assert said <= catalogue().pieces.keys()


def test_every_slot_of_a_form_asks_a_question_with_a_reader() -> None:
    for form in domain()["forms"].values():
        for slot in form["required_slots"]:
            assert question_of_slot(slot) in reading.QUESTIONS


def test_free_text_slots_fill_only_when_their_form_asked_for_them() -> None:
    for form, known in domain()["forms"].items():
        for slot in known["required_slots"]:
            (mapping,) = domain()["slots"][slot]["mappings"]
            assert mapping["conditions"] == [{"active_loop": form, "requested_slot": slot}]


def test_the_stand_in_clinic_has_every_fact() -> None:
    assert set(NO_CLINIC) >= CLINIC_FACTS - {"booking_url"}


@pytest.mark.parametrize("metadata", [None, {}, {"language": "fr", "phase": "never", "flags": None}])
def test_without_metadata_a_turn_is_english_on_the_web_for_nobody(metadata: dict[str, Any] | None) -> None:
    turn = Turn.of(metadata)
    assert (turn.language, turn.channel, turn.phase, turn.treated) == ("en", "web", None, False)


def test_a_change_of_what_the_model_is_made_of_makes_another_model(tmp_path: Path) -> None:
    for name in training.INPUTS:
        path = tmp_path / name
        if path.suffix:
            path.write_text("a")
        else:
            path.mkdir(parents=True)
            (path / "one.yml").write_text("a")
    before = training.content_hash(tmp_path)
    assert training.content_hash(tmp_path) == before
    (tmp_path / "data/nlu/one.yml").write_text("b")
    changed = training.content_hash(tmp_path)
    (tmp_path / "data/nlu/one.yml").rename(tmp_path / "data/nlu/two.yml")
    assert len({before, changed, training.content_hash(tmp_path)}) == 3


@pytest.mark.parametrize(
    ("intent", "facts", "in_form", "forced"),
    [
        ("aftercare.exercise", {"tier": "T0"}, False, "red_flag"),
        ("answer_number", {"tier": "T1"}, True, "red_flag"),
        ("clinic.human", {"tier": "T1"}, False, "red_flag"),
        ("aftercare.exercise", {"tier": "T4"}, False, None),
        ("recovery.lumps", {"tier": "T2", "flags": ["DIR"]}, False, "report_symptom"),
        ("answer_words", {"tier": "T2", "flags": ["DIR"]}, True, None),
        ("recovery.lumps", {"tier": "T4", "probe": True, "safety_sent": True}, False, "safety_spoke"),
        ("answer_words", {"tier": "T4", "probe": True, "safety_sent": True}, True, "safety_spoke"),
        ("clinic.human", {"tier": "T2", "probe": True, "safety_sent": True}, False, None),
        ("aftercare.flights", {"tier": "T2", "flags": ["MED"], "safety_sent": True}, False, None),
        ("smalltalk.thanks", {"tier": "T3", "flags": ["PRG"], "safety_sent": True}, False, "safety_spoke"),
    ],
)
def test_what_triage_found_outranks_what_the_words_ask(
    intent: str, facts: dict[str, Any], in_form: bool, forced: str | None
) -> None:
    assert forced_intent(intent, facts, in_form) == forced


def test_choices_are_three_topics_of_the_patients_phase_without_doubles() -> None:
    ranking = [
        ("prep.alcohol", 0.2),
        ("aftercare.alcohol", 0.19),
        ("report_symptom", 0.18),
        ("smalltalk.thanks", 0.17),
        ("opt_out", 0.16),
        ("clinic.hours", 0.15),
        ("clinic.price", 0.14),
    ]
    plausible = [("prep.alcohol", 0.3), *ranking[1:]]
    assert topics.choices(plausible, "after") == ["aftercare.alcohol", "clinic.hours", "clinic.price"]
    unlikely = [(intent, confidence / 3) for intent, confidence in ranking]
    assert topics.choices(unlikely, "after") == []
    assert topics.choices([("clinic.price", 0.01)], "after") == []
