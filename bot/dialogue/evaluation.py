"""How well the trained model reads topics it was not trained on: `python -m bot.dialogue.evaluation`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.dialogue.agent import Dialogue, ParsedTopic
from bot.dialogue.topics import TOPIC_OF_INTENT, resolve
from bot.settings import ROOT

HELD_OUT = ROOT / "data" / "evaluation" / "topics_dev.jsonl"
THRESHOLDS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9)


@dataclass(frozen=True, slots=True)
class Read:
    """One held-out question, how it was read, and which topics would have been right."""

    lang: str
    right: frozenset[str]
    ranked: tuple[str, ...]
    confidence: float

    @property
    def first(self) -> bool:
        """Whether the likeliest topic is right."""
        return self.ranked[0] in self.right

    @property
    def among_three(self) -> bool:
        """Whether one of the three likeliest is right."""
        return not self.right.isdisjoint(self.ranked[:3])


def held_out(path: Path = HELD_OUT) -> list[dict[str, Any]]:
    """The held-out rows: text, topic, also_ok, phase, lang."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_all(dialogue: Dialogue, rows: Iterable[Mapping[str, Any]], *, with_phase: bool) -> list[Read]:
    """Read every row, with the patient's phase or as from somebody unknown."""
    reads = []
    for row in rows:
        phase = row["phase"] if with_phase and row["phase"] != "any" else None
        parsed = dialogue.parse(row["text"], {"phase": phase})
        right = frozenset({row["topic"], *row["also_ok"]})
        reads.append(Read(row["lang"], right, _topics(parsed, phase), parsed.confidence))
    return reads


def share(hits: Iterable[bool]) -> float:
    """The share of true values, 0 to 1."""
    counted = list(hits)
    return sum(counted) / len(counted) if counted else 0.0


def summary(reads: Sequence[Read]) -> Iterable[str]:
    """Lines for a person to read."""
    for name, chosen in (("all", reads), *((x, [r for r in reads if r.lang == x]) for x in ("en", "es"))):
        first, three = share(r.first for r in chosen), share(r.among_three for r in chosen)
        yield f"  {name:4} n={len(chosen):4}  first {first:.3f}  among three {three:.3f}"
    for threshold in THRESHOLDS:
        answered = share(r.confidence >= threshold for r in reads)
        wrong = share(r.confidence >= threshold and not r.first for r in reads)
        yield f"  threshold {threshold:.2f}: answers {answered:.2f} at once, {wrong:.3f} of all wrongly"


def _topics(parsed: ParsedTopic, phase: str | None) -> tuple[str, ...]:
    named = (resolve(TOPIC_OF_INTENT.get(intent, intent), phase) for intent, _ in parsed.ranking)
    return tuple(dict.fromkeys(named))


def main() -> None:
    """Print the accuracy on the held-out questions, with and without the patient's phase."""
    import sys

    from bot.dialogue.training import ensure_model

    dialogue = Dialogue.load(ensure_model())
    for with_phase in (True, False):
        sys.stdout.write(f"phase {'known where the row says' if with_phase else 'unknown'}:\n")
        for line in summary(read_all(dialogue, held_out(), with_phase=with_phase)):
            sys.stdout.write(line + "\n")
    dialogue.close()


if __name__ == "__main__":
    main()
