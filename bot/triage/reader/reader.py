"""Reading messages with the trained reader: evidence, probabilities and neighbours."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.triage.reader import artefact, calibration
from bot.triage.reader.artefact import ReaderUnavailable
from bot.triage.reader.calibration import QUESTIONS, Decision, Votes
from bot.triage.reader.characters import Characters
from bot.triage.reader.neighbours import Neighbour, Neighbours
from bot.triage.reader.network import Network
from bot.triage.reader.text import reader_text
from bot.triage.types import FLAGS

__all__ = ["Reader", "ReaderUnavailable", "Reading", "served", "unavailable"]

FLAG_CODES = tuple(FLAGS)
Floats = NDArray[np.float32]
#: Messages whose vectors are kept in memory: one is read ahead, and again with what the record knows.
REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the networks say of a message, as log-odds: (encoder, characters).

    The encoder's is the higher of two, with the day and without it: a day may add to a sign, never hide one.
    """

    red: tuple[float, float]
    emergency: tuple[float, float]
    concern: tuple[float, float]
    review: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """One message as read. `flags` holds the likeliest flag codes and their share, likeliest first."""

    evidence: Evidence
    flags: tuple[tuple[str, float], ...]
    vector: Floats

    def raised_by(self, other: Reading) -> Reading:
        """This reading with whatever evidence is stronger in `other`, a reading of a part of the message."""
        mine, theirs = self.evidence, other.evidence
        stronger = theirs.red[0] > mine.red[0]
        return Reading(
            Evidence(*(_stronger(getattr(mine, name), getattr(theirs, name)) for name in QUESTIONS)),
            other.flags if stronger else self.flags,
            other.vector if stronger else self.vector,
        )

    def probability(self, question: str, decision: Decision, votes: Votes) -> float:
        """How likely `question` (`calibration.QUESTIONS`) is, together with the rules' votes; 0 to 1."""
        encoder, characters = getattr(self.evidence, question)
        return decision.probability(question, encoder, characters, votes)


def _stronger(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return (max(one[0], other[0]), max(one[1], other[1]))


class Reader:
    """Loads once, reads many. Safe to use from several threads."""

    def __init__(self, home: Path = artefact.HOME) -> None:
        self.version = artefact.check(home)
        self._remembered: dict[str, Floats] = {}
        self._remembering = threading.Lock()
        try:
            self._network = Network(home)
            self._characters = Characters(home / artefact.CHARACTERS)
            self._neighbours = Neighbours(home / artefact.NEIGHBOURS)
            self.decision = calibration.load(home / artefact.DECISION)
        except Exception as broken:  # whatever a library raises over a broken file
            raise ReaderUnavailable(f"the reader in {home.name} does not load: {broken}") from broken

    def read(self, text: str, day: int | None) -> Reading:
        """Read one message. Never raises for any text."""
        return self.read_many([text], [day])[0]

    def read_many(self, texts: Sequence[str], days: Sequence[int | None]) -> list[Reading]:
        """Read messages together, which is faster than one by one; the answers do not depend on the company.

        A message in several windows is as urgent as its most urgent window.
        """
        if not texts:
            return []
        prepared = [reader_text(text) for text in texts]
        windows = self._windows(prepared)
        owner = [at for at, parts in enumerate(windows) for _ in parts]
        vectors = np.concatenate(windows)
        with_day = self._network.heads(vectors, [days[at] for at in owner])
        without = self._network.heads(vectors, [None] * len(owner))
        characters = self._characters.scores(prepared)
        parts_of: list[list[int]] = [[] for _ in texts]
        for part, at in enumerate(owner):
            parts_of[at].append(part)
        odds = np.maximum(_log_odds(with_day[0], with_day[2]), _log_odds(without[0], without[2]))
        return [
            _reading(odds[parts], with_day[1][parts], characters[at], vectors[parts])
            for at, parts in enumerate(parts_of)
        ]

    def _windows(self, prepared: Sequence[str]) -> list[Floats]:
        """The vectors of each message's windows. Those of the last messages are remembered."""
        with self._remembering:
            found = {text: self._remembered[text] for text in prepared if text in self._remembered}
        new = [text for text in dict.fromkeys(prepared) if text not in found]
        parts = [self._network.windows(text) for text in new]
        vectors = self._network.vectors([part for of_text in parts for part in of_text]) if new else ()
        at = 0
        for text, of_text in zip(new, parts, strict=True):
            found[text] = np.asarray(vectors[at : at + len(of_text)])
            at += len(of_text)
        with self._remembering:
            for text in new[-REMEMBERED:]:
                self._remembered[text] = found[text].copy()  # a view would keep the whole batch in memory
            while len(self._remembered) > REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)))
        return [found[text] for text in prepared]

    def nearest(self, reading: Reading, count: int = 3) -> list[Neighbour]:
        """The labelled messages nearest to `reading`."""
        return self._neighbours.nearest(reading.vector, count)


def _log_odds(tier: Floats, probe: Floats) -> Floats:
    """Log-odds of red, emergency, concern and review from tier and probe logits, shape (windows, 4)."""
    red = np.logaddexp.reduce(tier[:, :2], axis=1) - np.logaddexp.reduce(tier[:, 2:], axis=1)
    emergency = tier[:, 0] - np.logaddexp.reduce(tier[:, 1:], axis=1)
    soon = np.logaddexp.reduce(tier[:, :3], axis=1) - np.logaddexp.reduce(tier[:, 3:], axis=1)
    review = np.logaddexp.reduce(tier[:, :4], axis=1) - tier[:, 4]
    return np.stack([red, emergency, np.maximum(soon, probe), review], axis=1)


def _reading(odds: Floats, flags: Floats, characters: Floats, vectors: Floats) -> Reading:
    worst = int(np.argmax(odds[:, 0]))
    pairs = [(float(odds[:, at].max()), float(characters[at])) for at in range(len(QUESTIONS))]
    shares = np.exp(flags[worst] - np.logaddexp.reduce(flags[worst]))
    likely = np.argsort(-shares)[:3]
    return Reading(
        evidence=Evidence(*pairs),
        flags=tuple((FLAG_CODES[at], round(float(shares[at]), 3)) for at in likely),
        vector=vectors[worst],
    )


@dataclass(slots=True)
class _Served:
    """The reader of this process. It is tried once; `why` says why there is none."""

    tried: bool = False
    reader: Reader | None = None
    why: str | None = None


_SERVED = _Served()
_LOCK = threading.Lock()


def served() -> Reader | None:
    """The served reader, loaded on first use, or None when it cannot be (`unavailable` says why)."""
    if not _SERVED.tried:
        with _LOCK:
            if not _SERVED.tried:
                try:
                    _SERVED.reader = Reader()
                except ReaderUnavailable as problem:
                    _SERVED.why = str(problem)
                _SERVED.tried = True
    return _SERVED.reader


def unavailable() -> str | None:
    """Why no reader is served; None when one is."""
    served()
    return _SERVED.why
