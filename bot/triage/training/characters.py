"""Fit the character model: one ridge logistic regression for each question, over hashed n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bot.triage.labelled import Labelled
from bot.triage.reader.characters import BUCKETS, COLUMNS, hashed
from bot.triage.reader.text import reader_text
from bot.triage.training.calibrate import wanted

STRENGTH = 8.0  #: inverse of the ridge


def fit(rows: Sequence[Labelled], chat: Sequence[str], path: Path) -> None:
    """Fit on `rows`, with `chat` as messages that need nobody, and write the weights to `path`."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    texts = [reader_text(text) for text in (*(row.text for row in rows), *chat)]
    pairs = [hashed(text) for text in texts]
    grams = csr_matrix(
        (
            np.concatenate([weights for _buckets, weights in pairs]),
            np.concatenate([buckets for buckets, _weights in pairs]),
            np.cumsum([0, *(len(buckets) for buckets, _weights in pairs)]),
        ),
        shape=(len(texts), BUCKETS),
    )
    weights, biases = [], []
    for column in COLUMNS:
        answers = np.array([wanted(row)[column] for row in rows] + [False] * len(chat))
        model = LogisticRegression(C=STRENGTH, solver="liblinear").fit(grams, answers)
        weights.append(model.coef_[0])
        biases.append(model.intercept_[0])
    np.savez_compressed(
        path, weights=np.stack(weights, axis=1).astype(np.float16), bias=np.array(biases, np.float32)
    )
