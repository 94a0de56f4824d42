"""From a trained network to the sealed artefact."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bot.triage import engine
from bot.triage.evaluation.run import training_chat
from bot.triage.labelled import EVERYDAY, Labelled
from bot.triage.reader import artefact, calibration, neighbours
from bot.triage.reader.calibration import Decision
from bot.triage.reader.reader import Reader, Reading
from bot.triage.shelf import shelf
from bot.triage.signs import Sign, hear, signs
from bot.triage.training import calibrate, characters, heads
from bot.triage.training.calibrate import Budget, Read
from bot.triage.training.corpus import NOTHING, corpus
from bot.triage.training.export import export
from bot.triage.training.saved import load
from bot.triage.types import Context, Language, Tier
from bot.triage.verdict import votes_of

CHAT_FOR_HEADS = 80_000
CHAT_FOR_CHARACTERS = 6000
CHAT_FOR_CALIBRATION = 6000
QUESTIONS_FOR_HEADS = 6000
_DAYS = (None, 0, 1, 2, 5, 12)


def finish(saved: Path, parts: Mapping[str, Sequence[Labelled]], home: Path = artefact.HOME) -> None:
    """Write and seal the artefact in `home` from the network in `saved`."""
    trained = load(saved)
    width = trained.net.encoder.config.hidden_size
    layers = trained.net.encoder.config.num_hidden_layers
    export(trained.net, trained.tokens, home)
    print("encoder exported")

    chance = random.Random(11)
    chat = training_chat()
    # conversations stay together: a line is easy for whoever has trained on the line before it
    unseen, chat = chat[:CHAT_FOR_CALIBRATION], chat[CHAT_FOR_CALIBRATION:]
    chance.shuffle(chat)
    texts = corpus(parts["train"])
    questions = [
        replace(question, tier=4, flag=NOTHING, probe=0) for question in texts.questions if question.red == 0
    ]
    samples = [
        *texts.labelled,
        *texts.harmless,
        *chance.sample(questions, min(QUESTIONS_FOR_HEADS, len(questions))),
    ]
    heads.refit(home, samples, chat[:CHAT_FOR_HEADS])
    characters.fit(parts["train"], chat[:CHAT_FOR_CHARACTERS], home / artefact.CHARACTERS)
    calibration.save(_UNSET, home / artefact.DECISION)
    neighbours.save(
        home / artefact.NEIGHBOURS, np.ones((1, width), np.float32), [("-", "", "T4", "NEG", None)]
    )
    artefact.seal(home)
    reader = Reader(home)  # reads, but does not decide yet
    train = [row for row in parts["train"] if row.author not in EVERYDAY]
    vectors = np.stack([reading.vector for reading in _read(reader, train)])
    labels = [(row.id, row.text, row.tier.value, row.flag, row.day) for row in train]
    neighbours.save(home / artefact.NEIGHBOURS, vectors, labels)
    print(f"{len(train)} neighbours")

    strong = calibrate.strengths([(row, _signs(row)) for row in parts["train"] if row.source == "authored"])
    reader.decision = replace(_UNSET, strengths=strong)
    reads = [read for part in ("development", "calibration") for read in reads_of(reader, parts[part])]
    reads += everyday_reads(reader, unseen, chance)
    fresh = [read for read in reads if read.everyday or read.row.source == "authored"]
    decision = calibrate.fit_weights(fresh, strong)
    # the budget for benign messages is for those that frighten: the drafted everyday ones would dilute it
    frightening = [read for read in reads if read.everyday or read.row.author not in EVERYDAY]
    decision = calibrate.set_thresholds(decision, frightening, Budget())
    calibration.save(decision, home / artefact.DECISION)
    version = artefact.seal(home, layers=layers, recipe=trained.recipe, topics=list(trained.topics))
    size = sum((home / part).stat().st_size for part in artefact.PARTS) / 1e6
    print(f"sealed {version}, {size:.1f} MB; {decision}")


_UNSET = Decision(
    {question: ((0.0,) * len(calibration.EVIDENCE), 0.0) for question in calibration.QUESTIONS},
    {},
    *([0.5] * len(calibration.THRESHOLDS)),
)


def _signs(row: Labelled) -> list[Sign]:
    rules = shelf.book()
    return signs(hear(row.text, rules), Context(day=row.day, language=_language(row)), rules)


def _read(reader: Reader, rows: Sequence[Labelled]) -> list[Reading]:
    rules = shelf.book()
    heard = [hear(row.text, rules) for row in rows]
    read = engine.read(reader, heard, [Context(day=row.day) for row in rows])
    return [one or reader.read(row.text, row.day) for one, row in zip(read, rows, strict=True)]


def reads_of(reader: Reader, rows: Sequence[Labelled]) -> list[Read]:
    """`rows` as both readers read them."""
    reads = []
    for row, reading in zip(rows, _read(reader, rows), strict=True):
        found = _signs(row)
        sure = any(s.standing == "sure" and s.finding.tier.at_least_as_urgent_as(Tier.T1) for s in found)
        reads.append(Read(row, reading, votes_of(found, reader.decision), sure=sure))
    return reads


def _language(row: Labelled) -> Language:
    return "es" if row.lang == "es" else "en"


def everyday_reads(reader: Reader, lines: Sequence[str], chance: random.Random) -> list[Read]:
    """Lines of ordinary chat, on days drawn by `chance`, as both readers read them."""
    rows = [
        Labelled(f"chat-{at}", text, chance.choice(_DAYS), "en", Tier.T4, "NEG", False, "chat", "chitchat")
        for at, text in enumerate(lines)
    ]
    return [replace(read, everyday=True) for read in reads_of(reader, rows)]
