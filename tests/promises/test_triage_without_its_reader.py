"""When the trained reader cannot be served, triage goes on by its rules, says so, and asks more."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import doctor, settings
from bot.app import DEGRADED, readiness
from bot.triage import Context, Tier, assess
from bot.triage.health import problems
from bot.triage.reader import reader as served_reader
from bot.triage.shelf import shelf


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process whose reader is not there."""
    monkeypatch.setattr(served_reader, "_SERVED", served_reader._Served())
    monkeypatch.setattr(served_reader.artefact, "HOME", tmp_path / "nothing")
    monkeypatch.setattr(served_reader.Reader.__init__, "__defaults__", (tmp_path / "nothing",))


@pytest.mark.usefixtures("missing")
def test_an_emergency_in_plain_words_is_still_an_emergency() -> None:
    assessment = assess("i cant see out of my left eye since the filler", Context(day=0))
    assert assessment.tier is Tier.T0
    assert "reader" not in assessment.engine


@pytest.mark.usefixtures("missing")
@pytest.mark.parametrize("text", ["my cheek feels strange today", "siento raro el labio"])
def test_an_uncertain_message_of_a_treated_patient_gets_the_probe(text: str) -> None:
    assert assess(text, Context(day=1)).probe


@pytest.mark.usefixtures("missing")
def test_doctor_says_what_is_missing_and_what_to_do() -> None:
    said = [f.text for f in doctor.examine(settings.get_settings()) if f.subject == "triage" and f.level]
    assert any("rules alone" in text and "make train-reader" in text for text in said)


class _Work:
    sweeping = True
    dialogue_loaded = True
    dialogue_error = None


@pytest.mark.usefixtures("missing")
def test_readyz_says_so_and_keeps_serving() -> None:
    state = readiness(_Work())["triage"]  # type: ignore[arg-type]
    assert state.startswith(DEGRADED)
    assert "trained reader" in state


def test_with_both_readers_nothing_is_degraded() -> None:
    assert problems() == []
    assert readiness(_Work())["triage"] == "ok"  # type: ignore[arg-type]


def test_a_refused_rules_file_is_said_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "problem", "vo.yml:3: vo.white: tier: wrong")
    assert "vo.yml:3" in readiness(_Work())["triage"]  # type: ignore[arg-type]
