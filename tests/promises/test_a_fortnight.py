"""A patient's first fortnight on the whole system: real dialogue, triage, queues and pages, clock moved."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from bot.simulation.play import STORIES, play
from bot.simulation.story import load

if TYPE_CHECKING:
    from bot.dialogue.agent import Dialogue

pytestmark = pytest.mark.model


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("story", STORIES)
def test_the_fortnight_ends_as_its_script_says(dialogue: Dialogue, story: str, language: str) -> None:
    out = io.StringIO()
    on_paper = Console(file=out, width=200)
    assert play(story, language, on_paper, lambda _line: None, lambda: dialogue), out.getvalue()


def test_there_are_stories_with_and_without_a_red_flag_in_both_languages() -> None:
    outcomes = {
        (name, language): load(name, language).outcome for name in STORIES for language in ("en", "es")
    }
    assert {bool(outcome.alerts) for outcome in outcomes.values()} == {True, False}
