"""Why a message was assessed as it was, as far as a person wants to know: for the console and the reports."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.triage import engine, verdict
from bot.triage.reader import served
from bot.triage.reader.neighbours import Neighbour
from bot.triage.reader.reader import Reader
from bot.triage.shelf import shelf
from bot.triage.signs import Sign, hear, signs
from bot.triage.types import Assessment, Context
from bot.triage.verdict import Judgement

MAX_WORDS = (
    60  #: a longer message is not weighed word by word: each weighs next to nothing, and it takes long
)
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Weighed:
    """A word of the message, and how much the reader's probability of T0 or T1 falls without it (-1 to 1)."""

    word: str
    weight: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The assessment and what led to it. Without a reader the last three are empty."""

    assessment: Assessment
    by_rules: Assessment
    signs: tuple[Sign, ...]
    judgement: Judgement | None = None
    neighbours: tuple[Neighbour, ...] = ()
    words: tuple[Weighed, ...] = ()


def explain(text: str, context: Context | None = None) -> Explanation:
    """Assess `text` and say why. Slower than `assess`: the message is read once for each of its words."""
    context = context or Context()
    rules = shelf.book()
    heard = hear(text, rules)
    found = tuple(signs(heard, context, rules))
    assessment = engine.assess(text, context)
    by_rules = verdict.by_rules_alone(found)
    reader = served()
    reading = engine.read(reader, [heard], [context])[0] if reader else None
    if reader is None or reading is None:
        return Explanation(assessment, by_rules, found)
    judged = verdict.judge(reading, found, reader.decision)
    near = tuple(reader.nearest(reading, 5))
    words = _weighed(reader, text, context.day, found, judged.red)
    return Explanation(assessment, by_rules, found, judged, near, words)


def _weighed(
    reader: Reader, text: str, day: int | None, found: tuple[Sign, ...], red: float
) -> tuple[Weighed, ...]:
    spans = [match.span() for match in _WORD.finditer(text)]
    if len(spans) > MAX_WORDS:
        return ()
    without = [text[:start] + text[end:] for start, end in spans]
    readings = reader.read_many(without, [day] * len(without))
    votes = verdict.votes_of(found, reader.decision)
    return tuple(
        Weighed(text[start:end], round(red - reading.probability("red", reader.decision, votes), 3))
        for (start, end), reading in zip(spans, readings, strict=True)
    )
