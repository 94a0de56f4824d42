"""Ask the dialogue held-out questions, each in a conversation of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.dialogue.agent import Dialogue
from bot.dialogue.ask import put
from bot.dialogue.evaluation.measures import Judged
from bot.dialogue.evaluation.questions import Question
from bot.dialogue.tracker_store import TRANSIENT


def judge(
    questions: Sequence[Question], dialogue: Dialogue, progress: Callable[[], object] = lambda: None
) -> list[Judged]:
    """`questions` with what the dialogue does: whole turns, by the path that `afterglow ask` takes.

    `progress` is called after each. Nothing is written to the record. Raises `DialogueError` when a turn
    fails.
    """
    judged = []
    for number, row in enumerate(questions):
        metadata = {"language": row.lang, "channel": "sms", "phase": row.phase}
        asked = put(row.text, metadata, dialogue, f"{TRANSIENT}{number}")
        judged.append(
            Judged(
                row,
                asked.topic,
                asked.offered,
                tuple(reply.content_id for reply in asked.replies),
                asked.read.ranking,
                asked.read.both,
            )
        )
        progress()
    return judged


def withheld(questions: Sequence[Question]) -> list[Question]:
    """The questions whose phase is known, as if it were not."""
    return [replace(row, phase=None) for row in questions if row.phase is not None]
