"""Assess the labelled messages of a split, and ordinary chat, as the served triage does."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence

from bot.triage.engine import assess_many
from bot.triage.evaluation.measures import Judged
from bot.triage.labelled import Labelled, read, read_splits
from bot.triage.types import Context, Readers, Tier

TOGETHER = 256
#: Days under which ordinary chat is read; unknown as often as in the labelled messages.
_DAYS = (None, None, 0, 1, 2, 3, 6, 10, 30)


def labelled_rows(split: str) -> list[Labelled]:
    """The rows of `split`, or all. Raises `DataError`, or KeyError for a row that no split holds."""
    splits = read_splits()
    return [row for row in read() if split in ("all", splits[row.id])]


def judge(
    rows: Sequence[Labelled], by: Readers = "both", progress: Callable[[int], None] | None = None
) -> list[Judged]:
    """`rows` with their assessments. `progress` is told how many more are done."""
    judged: list[Judged] = []
    for at in range(0, len(rows), TOGETHER):
        block = rows[at : at + TOGETHER]
        contexts = [Context(day=row.day, language="es" if row.lang == "es" else "en") for row in block]
        assessed = assess_many([row.text for row in block], contexts, by=by)
        judged += [Judged(row, assessment) for row, assessment in zip(block, assessed, strict=True)]
        if progress:
            progress(len(block))
    return judged


def everyday_rows(count: int) -> list[Labelled]:
    """`count` lines of ordinary chat that no training has seen, the same ones every time.

    Empty when the package that carries them is not installed (it is a tool of development).
    """
    try:
        lines = list(_chat("measure"))
    except ImportError:
        return []
    chance = random.Random(23)
    return [
        Labelled(f"chat-{at}", text, chance.choice(_DAYS), "en", Tier.T4, "NEG", False, "chat", "chitchat")
        for at, text in enumerate(chance.sample(lines, min(count, len(lines))))
    ]


def _chat(half: str) -> Iterator[str]:
    """Lines of `chitchat-dataset` between 4 and 400 characters; a conversation is in one half as a whole."""
    import chitchat_dataset

    conversations = chitchat_dataset.Dataset()
    for key in sorted(conversations):
        if (int(hashlib.sha256(key.encode()).hexdigest()[:2], 16) < 128) != (half == "train"):
            continue
        for turns in conversations[key]["messages"]:
            yield from (turn["text"] for turn in turns if 4 <= len(turn["text"]) < 400)


def training_chat() -> list[str]:
    """The half of the ordinary chat that may be trained on."""
    return list(_chat("train"))
