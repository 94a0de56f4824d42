"""A patient's first fortnight on the whole system: real dialogue, triage, queues and pages, clock moved."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from bot.simulation.play import STORIES, play
from bot.simulation.story import load

pytestmark = pytest.mark.model


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("story", STORIES)
def test_the_fortnight_ends_as_its_script_says(dialogue_model: Path, story: str, language: str) -> None:
    out = io.StringIO()
    assert play(story, language, Console(file=out, width=200), lambda _line: None), out.getvalue()


def test_there_are_stories_with_and_without_a_red_flag_in_both_languages() -> None:
    outcomes = {
        (name, language): load(name, language).outcome for name in STORIES for language in ("en", "es")
    }
    assert {bool(outcome.alerts) for outcome in outcomes.values()} == {True, False}
