"""What other thresholds would do, without asking again: the dialogue's own components on what was read.

Only the threshold changes. `tests/promises/test_dialogue_ask.py` compares the replay at the configured one
with what the dialogue did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from rasa.nlu.classifiers.fallback_classifier import FallbackClassifier
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, METADATA, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.dialogue.agent import plain_words
from bot.dialogue.ask import topic_answered
from bot.dialogue.components.answers import AnswerReader
from bot.dialogue.components.classifier import BEYOND_US, TOPICS
from bot.dialogue.evaluation.measures import ASKS_AGAIN, Judged, Line, line
from bot.dialogue.manner import beyond_choices
from bot.dialogue.topics import TOPIC_OF_INTENT, choices, is_topic, resolve
from bot.settings import ROOT
from bot.triage.labelled import DataError

THRESHOLDS = (0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
#: Intents whose rule asks back when nothing was offered (`data/rules`).
_ASKED_BACK = frozenset({"nlu_fallback", "answer_number", "answer_words", "affirm", "deny"})


@dataclass(frozen=True, slots=True)
class Limits:
    """What is sure enough to answer at once, as confidences 0 to 1.

    `threshold` is asked of the likeliest intent, and `ambiguity` of its lead over the second.
    """

    threshold: float
    ambiguity: float


def configured(path: Path = ROOT / "config.yml") -> Limits:
    """The limits of the pipeline in `path`. Raises `DataError` when it has none."""
    pipeline = yaml.safe_load(path.read_text(encoding="utf-8"))["pipeline"]
    own = [step for step in pipeline if step["name"] == "FallbackClassifier"]
    if len(own) != 1:
        raise DataError(f"{path.name}: one FallbackClassifier is expected in the pipeline, not {len(own)}")
    known = {**FallbackClassifier.get_default_config(), **own[0]}
    return Limits(float(known["threshold"]), float(known["ambiguity_threshold"]))


def sweep(
    judged: Sequence[Judged], now: Limits, thresholds: Sequence[float] = THRESHOLDS
) -> list[tuple[float, Line]]:
    """What each of `thresholds`, and that of `now`, would give, lowest first."""
    lines = []
    for threshold in sorted({*thresholds, now.threshold}):
        limits = replace(now, threshold=threshold)
        others = [one if held(one, now) else replay(one, limits) for one in judged]
        lines.append((threshold, line(f"{threshold:g}", others)))
    return lines


def held(one: Judged, now: Limits) -> bool:
    """Whether `one` was asked back although it was sure enough: gibberish, which no threshold lets through.

    The classifier keeps that to itself, so it shows only in what the dialogue did.
    """
    beyond = bool(one.ranking) and one.ranking[0][0] == BEYOND_US
    return beyond and one.topic is None and replay(one, now).topic is not None


def replay(one: Judged, limits: Limits) -> Judged:
    """`one` as the dialogue would treat it under `limits`."""
    if not one.ranking:
        return one
    intent = _intent(one, limits)
    if is_topic(TOPIC_OF_INTENT.get(intent, intent)):
        named = one.both if intent in one.both else (intent,)
        said = tuple(resolve(TOPIC_OF_INTENT.get(name, name), one.row.phase) for name in named)
        topic = topic_answered(said, one.ranking[0][0], one.row.phase)
        return replace(one, topic=topic, offered=(), said=said)
    if intent in _ASKED_BACK:
        offered = tuple(choices(one.ranking, one.row.phase))
        if beyond_choices(one.row.text, offered) is not None:
            return replace(one, topic=None, offered=(), said=("dialogue.handover",))
        return replace(one, topic=None, offered=offered, said=("dialogue.offer" if offered else ASKS_AGAIN,))
    return replace(one, topic=None, offered=(), said=(intent,))


def _intent(one: Judged, limits: Limits) -> str:
    ranking = [{"name": name, "confidence": confidence} for name, confidence in one.ranking]
    message = Message(
        data={
            TEXT: plain_words(one.row.text),
            INTENT: ranking[0],
            INTENT_RANKING_KEY: ranking,
            TOPICS: list(one.both),
            METADATA: {"phase": one.row.phase},
        }
    )
    settings = {"threshold": limits.threshold, "ambiguity_threshold": limits.ambiguity}
    FallbackClassifier(settings).process([message])
    AnswerReader().process([message], DialogueStateTracker("sweep", slots=[]))
    return str(message.get(INTENT)["name"])
