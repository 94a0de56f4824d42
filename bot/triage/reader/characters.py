"""Character n-grams: what the encoder's word pieces lose to typing errors, these keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import mmh3
import numpy as np
from numpy.typing import NDArray

from bot.triage.normalise import plain

BUCKETS = 2**16
LONGEST = 5  #: letters in a run
#: What each column of scores says: the questions of `calibration`.
COLUMNS = ("red", "emergency", "concern", "review")


def hashed(text: str) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The buckets of the runs of 1 to `LONGEST` letters within words, and how much each weighs (length 1).

    The same numbers as scikit-learn's `HashingVectorizer(analyzer="char_wb")`, which costs 100 MB to import.
    """
    counts = Counter(abs(mmh3.hash(run)) % BUCKETS for run in _runs(plain(text).lower()))
    buckets = np.fromiter(counts.keys(), np.intp, len(counts))
    weights = np.fromiter(counts.values(), np.float32, len(counts))
    return buckets, weights / max(float(np.linalg.norm(weights)), 1e-12)


def _runs(text: str) -> Iterator[str]:
    for word in text.split():
        padded = f" {word} "
        for size in range(1, LONGEST + 1):
            for at in range(max(1, len(padded) - size + 1)):
                yield padded[at : at + size]
            if size >= len(padded):
                break  # the whole word was that run


class Characters:
    """A linear model over the hashed n-grams, one log-odds for each of `COLUMNS`."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as saved:
            self._weights: NDArray[np.float32] = saved["weights"].astype(np.float32)  # (BUCKETS, columns)
            self._bias: NDArray[np.float32] = saved["bias"]

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Log-odds, shape (texts, columns)."""
        rows = []
        for text in texts:
            buckets, weights = hashed(text)
            rows.append(weights @ self._weights[buckets] + self._bias)
        return np.array(rows, np.float32).reshape(len(texts), len(COLUMNS))
