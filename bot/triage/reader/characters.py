"""Character n-grams: what the encoder's word pieces lose to typing errors, these keep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import spmatrix
from sklearn.feature_extraction.text import HashingVectorizer

from bot.triage.normalise import plain

BUCKETS = 2**16
#: What each column of scores says: the questions of `calibration`.
COLUMNS = ("red", "emergency", "concern", "review")


def hashed(texts: Sequence[str]) -> spmatrix:
    """Letters in runs of 1 to 5 within words, hashed; shape (texts, BUCKETS)."""
    made = HashingVectorizer(
        analyzer="char_wb", ngram_range=(1, 5), n_features=BUCKETS, alternate_sign=False, dtype=np.float32
    )
    return made.transform([plain(text) for text in texts])


class Characters:
    """A linear model over the hashed n-grams, one log-odds for each of `COLUMNS`."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as saved:
            self._weights: NDArray[np.float32] = saved["weights"].astype(np.float32)  # (BUCKETS, columns)
            self._bias: NDArray[np.float32] = saved["bias"]

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Log-odds, shape (texts, columns)."""
        return np.asarray(hashed(texts) @ self._weights + self._bias, np.float32)
