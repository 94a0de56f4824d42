"""What is said beside the answers before a treatment: another language, a joke, a thing taken back."""

from __future__ import annotations

import time

import pytest

from bot.intake.reading import (
    Answer,
    Said,
    beside_before,
    corrections,
)
from bot.intake.talk import greets, jokes
from bot.triage.language import asked_for, detect
from bot.triage.types import Language


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("english please", "en"), ("in English, please", "en"), ("can you speak english?", "en"),
     ("i dont speak spanish", "en"), ("prefiero inglés", "en"), ("en español por favor", "es"),
     ("spanish please", "es"), ("no hablo inglés", "es"), ("¿puede ser en español?", "es"),
     ("no entiendo inglés", "es"), ("english", "en"), ("sorry, only in spanish", "es")],
)  # fmt: skip
def test_who_asks_for_a_language_gets_it(text: str, wanted: Language) -> None:
    other: Language = "es" if wanted == "en" else "en"
    assert (asked_for(text), detect(text, other)) == (wanted, wanted)
    assert greets(text)


@pytest.mark.parametrize(
    "text",
    ["my english teacher said so", "english rose skin", "i want to look spanish", "no spanish please",
     "i can't speak", "no puedo hablar", "español de nacimiento", "i learned english at school"],
)  # fmt: skip
def test_a_language_that_is_only_named_is_not_asked_for(text: str) -> None:
    assert asked_for(text) is None


@pytest.mark.parametrize(
    "text",
    ["my husband is going to kill me", "mi marido me va a matar", "my husband is going to kill me tonight",
     "my husband hits me haha", "i want to kill myself lol", "bigger lips haha",
     "he will kill me he said so"],
)  # fmt: skip
def test_what_may_be_a_threat_or_an_answer_is_no_joke(text: str) -> None:
    assert not jokes(text)


def test_a_denial_after_a_word_by_the_way_is_no_medicine() -> None:
    assert all(answer.said == "no" for answer in corrections("bueno no tomo eliquis"))
    assert corrections("bueno tomo la decisión mañana") == []
    assert corrections("and im on ibuprofen can i have wine") == []
    assert corrections("hi im on ibuprofen since the treatment") == []


@pytest.mark.parametrize(
    ("told", "said", "words"),
    [
        ([("yes", "eliquis", ("anticoagulant",)), ("no", "not any more", ())],
         "told", "eliquis; not any more"),
        ([("yes", "eliquis", ("anticoagulant",)), ("no", "im not on eliquis", ()), ("no", "no", ())],
         "told", "eliquis; im not on eliquis; no"),
        ([("yes", "eliquis", ("anticoagulant",)), ("no", "not any more", ()), ("no", "no", ())],
         "told", "eliquis; no"),
        ([("yes", "eliquis", ("anticoagulant",)), ("yes", "aspirin", ("antiplatelet",))],
         "yes", "eliquis; aspirin"),
        ([("no", "no", ()), ("yes", "aspirin", ("antiplatelet",))], "yes", "aspirin"),
        ([("yes", "aspirin", ("antiplatelet",)),
          ("yes", "aspirin; eliquis", ("antiplatelet", "anticoagulant"))], "yes", "aspirin; eliquis"),
    ],
)  # fmt: skip
def test_what_was_taken_back_stands_beside_what_counts(
    told: list[tuple[Said, str, tuple[str, ...]]], said: Said, words: str
) -> None:
    left = beside_before([Answer("blood", how, typed, codes) for how, typed, codes in told])
    assert (left.said, left.words, left.codes) == (said, words, told[-1][2])


@pytest.mark.parametrize(
    "piece", ["please ", "english ", "can you ", "my husband will kill me if a ", "haha ", "bueno y "]
)
def test_no_text_keeps_the_readers_of_asides_busy(piece: str) -> None:
    began = time.process_time()
    for times in (3, 6, 12, 400):
        for read_aside in (asked_for, jokes, corrections):
            read_aside(piece * times + "x")
    assert time.process_time() - began < 1
