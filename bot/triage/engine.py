"""Triage of messages: both readers read, the verdict puts together what they say.

Pure: no clock, no network, no database. The most urgent finding decides, and nothing else a message says, not
tone, not politeness, not what a relative thinks of it, lowers it (`clinical.md` section 1, rule e).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.triage import answers, settled, verdict
from bot.triage.reader import Reader, Reading, served
from bot.triage.shelf import shelf
from bot.triage.signs import Heard, Sign, hear, signs
from bot.triage.types import Assessment, Context, Readers, Tier

NEIGHBOURS = 2  #: labelled messages quoted as the reader's reason


def assess(text: str, context: Context | None = None, *, by: Readers = "both") -> Assessment:
    """Triage `text` as it came in `context`. Never raises for any text."""
    return assess_many([text], [context or Context()], by=by)[0]


def assess_many(
    texts: Sequence[str], contexts: Sequence[Context], *, by: Readers = "both"
) -> list[Assessment]:
    """Triage messages together: the same answers as one by one, faster. Never raises for any text.

    `by` leaves one of the two readers out, for measuring what each adds.
    """
    rules = shelf.book()
    reader = None if by == "rules" else served()
    heard = [hear(text, rules) for text in texts]
    found = [
        [] if by == "reader" else signs(message, context, rules)
        for message, context in zip(heard, contexts, strict=True)
    ]
    if reader is None:
        return [verdict.by_rules_alone(here) for here in found]
    readings = read(reader, heard, contexts)
    return [
        _both(reader, text, context, here, reading)
        for text, context, here, reading in zip(texts, contexts, found, readings, strict=True)
    ]


def read_ahead(text: str) -> None:
    """Do the long part of reading `text` now, so that `assess` is quick. Never raises for any text."""
    reader = served()
    if reader is not None:
        read(reader, [hear(text, shelf.book())], [Context()])


def read(reader: Reader, heard: Sequence[Heard], contexts: Sequence[Context]) -> list[Reading | None]:
    """What the trained reader says of each message: of the whole, and of its core when that is less.

    None where there is nothing to read: a carrier keyword, a picture without a word.
    """
    jobs: list[tuple[int, str]] = []
    for at, message in enumerate(heard):
        text, context = message.text, contexts[at]
        if not text.strip() or answers.says_nothing_to_read(text, context):
            continue
        if settled.is_settled(text, context, shelf.book()):
            continue
        jobs.append((at, message.text))
        if message.core is not None:
            jobs.append((at, message.core))
        if (beside := settled.beside_nobody_answers(text)) is not None:
            jobs.append((at, beside))
    readings = reader.read_many([text for _at, text in jobs], [contexts[at].day for at, _text in jobs])
    found: list[Reading | None] = [None] * len(heard)
    for (at, _text), reading in zip(jobs, readings, strict=True):
        before = found[at]
        found[at] = reading if before is None else before.raised_by(reading)
    return found


def _both(
    reader: Reader, text: str, context: Context, found: Sequence[Sign], reading: Reading | None
) -> Assessment:
    if reading is None:
        return verdict.by_rules_alone([sign for sign in found if sign.standing != "fallback"])
    assessment = verdict.with_reader(text, context, found, reading, reader.decision, reader.version)
    if assessment.tier is Tier.T4 and not assessment.probe:
        return assessment
    alike = (
        f"like “{near.text}” ({near.tier} {near.flag}, {near.likeness:.2f})"
        for near in reader.nearest(reading, NEIGHBOURS)
    )
    return replace(assessment, reasons=(*assessment.reasons, *alike))
