"""Held-out questions: what was asked, in which phase, and which topics would be a right answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bot.dialogue.topics import is_topic
from bot.protocols.catalogue import catalogue
from bot.settings import ROOT
from bot.triage.labelled import DataError
from bot.triage.types import Phase

HELD_OUT = ROOT / "data" / "evaluation" / "topics_dev.jsonl"
_PHASES: dict[str, Phase | None] = {"any": None, "before": "before", "after": "after"}


@dataclass(frozen=True, slots=True)
class Question:
    """One held-out question. `phase` is None where the sender's is not known."""

    id: str
    text: str
    topic: str
    also_ok: tuple[str, ...] = ()
    phase: Phase | None = None
    lang: Literal["en", "es"] = "en"

    @property
    def right(self) -> frozenset[str]:
        """The topics that answer it."""
        return frozenset({self.topic, *self.also_ok})

    @property
    def words(self) -> int:
        """Its length in words, as spaces part them."""
        return len(self.text.split())


def read_questions(path: Path = HELD_OUT) -> list[Question]:
    """The questions in `path`, JSON lines `{"text", "topic", "id"?, "also_ok"?, "phase"?, "lang"?}`.

    Empty lines are passed over; `phase` is before, after or any. Raises `DataError` with file, line and
    reason, also when there is no question at all.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"{path} cannot be read: {problem}") from problem
    found: dict[str, Question] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            question = _question(json.loads(line), number)
            if question.id in found:
                raise ValueError(f"id {question.id} stands twice")
        except KeyError as missing:
            raise DataError(f"{path.name}:{number}: {missing} is missing") from missing
        except ValueError as problem:
            raise DataError(f"{path.name}:{number}: {problem}") from problem
        found[question.id] = question
    if not found:
        raise DataError(f"{path.name} holds no question")
    return list(found.values())


def _question(raw: Any, number: int) -> Question:
    if not isinstance(raw, dict):
        raise ValueError("not a JSON object")
    text, also_ok = raw["text"], raw.get("also_ok", [])
    if not isinstance(text, str) or not text.strip():
        raise ValueError("text must be words")
    if not isinstance(also_ok, list):
        raise ValueError("also_ok must be a list of topics")
    for topic in (raw["topic"], *also_ok):
        # A misspelt topic would count every answer to it as wrong.
        if not (isinstance(topic, str) and is_topic(topic) and topic in catalogue().pieces):
            raise ValueError(f"unknown topic {topic!r}")
    phase, lang = raw.get("phase", "any"), raw.get("lang", "en")
    if not isinstance(phase, str) or phase not in _PHASES:
        raise ValueError(f"phase must be before, after or any, not {phase!r}")
    if lang not in ("en", "es"):
        raise ValueError(f"lang must be en or es, not {lang!r}")
    return Question(
        str(raw.get("id", f"line-{number}")), text, raw["topic"], tuple(also_ok), _PHASES[phase], lang
    )
