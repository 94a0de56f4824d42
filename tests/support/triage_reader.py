"""A stand-in for the trained reader: a handful of words, fixed neighbours, thresholds of its own.

It weighs no votes, so whatever it does not know sets the rules' votes aside.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace

from bot.triage.reader import reader as served
from bot.triage.reader.neighbours import Neighbour

_WORDS = {"white": 4.0, "cold": 3.0, "hurts": 1.5, "lip": 1.0, "blanco": 4.0, "labio": 1.0, "coffee": -2.0}
_SHIFTS = {"red": 0.0, "emergency": -3.0, "concern": 0.5, "review": 1.0}
_NEAR = (
    ("n1", "top lip has gone white and it is sore, day 1", "T1", "VO", 1, 0.962),
    ("n2", "mi labio está blanco y frío <b>", "T1", "VO", 0, 0.914),
    ("n3", "lips a bit swollen, is that normal?", "T4", "NEG", None, 0.641),
)


@dataclass(frozen=True)
class WordReading:
    """A message as the sum of its words."""

    log_odds: float

    @property
    def flags(self) -> tuple[tuple[str, float], ...]:
        """The likeliest first."""
        return (("VO", 0.8), ("COS", 0.1)) if self.log_odds > -2 else (("NEG", 0.9), ("COS", 0.1))

    def raised_by(self, other: WordReading) -> WordReading:
        """The more urgent of the two."""
        return max(self, other, key=lambda reading: reading.log_odds)

    def probability(self, question: str, _decision: object, _votes: object) -> float:
        """Of what triage asks, without the votes."""
        return 1 / (1 + math.exp(-self.log_odds - _SHIFTS[question]))


class WordReader:
    """Reads the words above and nothing else."""

    version = "stand-in"
    decision = SimpleNamespace(
        strengths={}, page=0.12, ambulance=0.5, probe_red=0.03, probe_concern=0.3, same_day=0.6, next_day=0.5
    )

    def read(self, text: str, day: int | None) -> WordReading:
        """One message."""
        return self.read_many([text], [day])[0]

    def read_many(self, texts: Sequence[str], days: Sequence[int | None]) -> list[WordReading]:
        """Each message by itself."""
        words = [[word.strip(".,!?").lower() for word in text.split()] for text in texts]
        return [WordReading(-4.0 + sum(_WORDS.get(word, 0.0) for word in some)) for some in words]

    def nearest(self, reading: WordReading, count: int = 3) -> list[Neighbour]:
        """The same labelled messages for everything."""
        return [Neighbour(*near) for near in _NEAR[:count]]


@contextmanager
def serving(reader: WordReader | None) -> Iterator[None]:
    """This process's reader is `reader` meanwhile; None is a machine without the trained model."""
    before = served._SERVED
    why = None if reader else "triage-reader/manifest.json is missing: restore it, or run `make train-reader`"
    served._SERVED = served._Served(tried=True, reader=reader, why=why)  # type: ignore[arg-type]
    try:
        yield
    finally:
        served._SERVED = before
