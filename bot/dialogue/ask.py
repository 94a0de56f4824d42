"""`afterglow ask`: many questions at once, JSON lines in, JSON lines out, in order, without a database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.dialogue.agent import Dialogue, ParsedTopic
from bot.dialogue.replies import Reply
from bot.dialogue.topics import TOPIC_OF_INTENT, is_topic, resolve
from bot.dialogue.tracker_store import TRANSIENT
from bot.dialogue.turn import Turn
from bot.protocols.names import TEAM
from bot.protocols.render import render
from bot.triage import Assessment, Context, assess
from bot.triage.cli import parse_line
from bot.triage.types import RED, Phase

#: Replies that ask back or hand over: no topic was answered.
NOT_ANSWERED = frozenset({"dialogue.offer", "dialogue.fallback"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What one question got. `topic` was answered or acted on, or is None; `offered` are topics to choose.

    `read` is how the words alone were read.
    """

    topic: str | None
    offered: tuple[str, ...]
    replies: tuple[Reply, ...]
    read: ParsedTopic


def put(text: str, metadata: Mapping[str, Any], dialogue: Dialogue, conversation_id: str) -> Asked:
    """Put one question, the first in its conversation, to the dialogue. Raises `DialogueError`.

    `conversation_id` begins with `TRANSIENT`, or the next question under the same id is not the first.
    """
    replies = tuple(dialogue.handle(conversation_id, text, metadata))
    read = dialogue.parse(text, {"phase": metadata.get("phase")})
    offered = tuple(topic for reply in replies for topic in reply.offered)
    return Asked(_topic(read, replies, metadata.get("phase")), offered, replies, read)


def topic_answered(said: Sequence[str], likeliest: str, phase: str | None) -> str | None:
    """Which topic is answered by the pieces `said`, or None.

    Of two, the one that the whole message is about: that of the `likeliest` intent.
    """
    answered = [content_id for content_id in said if is_topic(content_id)]
    meant = resolve(TOPIC_OF_INTENT.get(likeliest, likeliest), phase)
    return meant if meant in answered else next(iter(answered), None)


def ask_lines(lines: Iterable[str], dialogue: Dialogue) -> Iterator[str]:
    """One JSON line for each line of `{"text", "day", "lang"?, "product"?}`; empty lines are passed over.

    The answer is `{"topic", "confidence", "offered", "reply", "tier"}`: `topic` is null when the dialogue
    asks back or hands over, `offered` lists the topics behind the choices it shows. A line that cannot be
    used gives `{"error": ...}` in its place, and the run goes on.
    """
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            answer = _answer(_parse(line), dialogue, f"{TRANSIENT}{number}")
        except ValueError as problem:
            answer = {"error": str(problem)}
        yield json.dumps(answer, ensure_ascii=False)


def _parse(line: str) -> tuple[str, Context]:
    text, context = parse_line(line)
    day = context.day
    # A day says that the sender was treated; without one we do not know.
    phase: Phase | None = None if day is None else "before" if day < 0 else "after"
    return text, replace(context, phase=phase)


def _answer(line: tuple[str, Context], dialogue: Dialogue, conversation_id: str) -> dict[str, Any]:
    text, context = line
    assessment = assess(text, context)
    metadata = {
        "language": context.language,
        "channel": "sms",
        "phase": context.phase,
        "product": context.product,
        "day": context.day,
        "tier": assessment.tier.value,
        "probe": assessment.probe,
        "flags": list(assessment.flags),
    }
    asked = put(text, metadata, dialogue, conversation_id)
    said = [reply.text for reply in asked.replies] or [_safety(assessment, metadata)]
    return {
        "topic": asked.topic,
        "confidence": round(asked.read.confidence, 4),
        "offered": list(asked.offered),
        "reply": "\n\n".join(said),
        "tier": assessment.tier.value,
    }


def _topic(read: ParsedTopic, replies: Sequence[Reply], phase: str | None) -> str | None:
    """The topic that was answered or acted on; the mentioned one where a red flag or a report came first."""
    if any(reply.content_id in NOT_ANSWERED for reply in replies) or not read.ranking:
        return None
    answered = topic_answered([reply.content_id for reply in replies], read.ranking[0][0], phase)
    if answered is not None:
        return answered
    return resolve(read.topic, phase) if read.topic is not None else None


def _safety(assessment: Assessment, metadata: dict[str, Any]) -> str:
    """The wording that triage sends in place of a reply."""
    crisis = "_crisis" if assessment.of_the_mind and assessment.tier in RED else ""
    turn = Turn.of(metadata)
    values = {"treated_on_phrase": "", "told_at": "", "safeguarding_lead": TEAM[turn.language], **turn.values}
    return render(f"safety.{assessment.tier.value.lower()}{crisis}", turn.situation, values).text
