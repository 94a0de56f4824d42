"""Triage of many messages at once, for the command line: JSON lines in, JSON lines out, in order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from bot.triage.engine import assess_many
from bot.triage.language import detect
from bot.triage.types import Assessment, Context, Language

TOGETHER = 64  #: lines that are read together


def triage_lines(lines: Iterable[str]) -> Iterator[str]:
    """One JSON line for each line of `{"text", "day", "lang"?, "product"?}`; empty lines are passed over.

    A line that cannot be used gives `{"error": ...}` in its place and the run goes on.
    """
    filled = (line for line in lines if line.strip())
    while block := list(islice(filled, TOGETHER)):
        parsed = [_parsed(line) for line in block]
        good = [entry for entry in parsed if not isinstance(entry, str)]
        assessed = iter(assess_many([text for text, _ in good], [context for _, context in good]))
        for entry in parsed:
            answer = {"error": entry} if isinstance(entry, str) else _answer(next(assessed))
            yield json.dumps(answer, ensure_ascii=False)


def _parsed(line: str) -> tuple[str, Context] | str:
    """The message and context of one line, or what is wrong with it."""
    try:
        return parse_line(line)
    except ValueError as problem:
        return str(problem)


def parse_line(line: str) -> tuple[str, Context]:
    """The text of one input line and its context. Raises ValueError saying what is wrong with the line."""
    try:
        row: Any = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as problem:
        raise ValueError(f"not JSON: {problem}") from problem
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise ValueError("a line must be an object with a 'text'")
    day, product, lang = row.get("day"), row.get("product"), row.get("lang")
    if day is not None and (isinstance(day, bool) or not isinstance(day, int)):
        raise ValueError("'day' must be a whole number of days or null")
    if product is not None and not isinstance(product, str):
        raise ValueError("'product' must be text or null")
    if lang not in (None, "en", "es"):
        raise ValueError("'lang' must be 'en' or 'es'")
    language: Language = lang or detect(row["text"])
    return row["text"], Context(day=day, product=product, language=language)


def _answer(assessment: Assessment) -> dict[str, Any]:
    return {
        "tier": assessment.tier.value,
        "probe": assessment.probe,
        "flags": list(assessment.flags),
        "reasons": list(assessment.reasons),
    }
