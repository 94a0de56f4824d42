"""The labelled messages nearest to a new one: the reader's reason, in words that a clinician can judge."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A labelled training message and its cosine to the one that was read, -1 to 1."""

    id: str
    text: str
    tier: str
    flag: str
    day: int | None
    likeness: float


class Neighbours:
    """Vectors of the training messages, one byte a number."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as saved:
            self._vectors: NDArray[np.int8] = saved["vectors"]
            self._lengths: NDArray[np.float32] = np.linalg.norm(self._vectors.astype(np.float32), axis=1)
            self._labels = json.loads(bytes(saved["labels"]).decode())

    def nearest(self, vector: NDArray[np.float32], count: int = 3) -> list[Neighbour]:
        """The `count` training messages nearest to `vector`, nearest first."""
        cosines = (self._vectors @ vector) / (self._lengths * np.linalg.norm(vector) + 1e-9)
        best = np.argsort(-cosines)[:count]
        return [_neighbour(self._labels[at], float(cosines[at])) for at in best]


def _neighbour(label: list[Any], likeness: float) -> Neighbour:
    key, text, tier, flag, day = label
    return Neighbour(key, text, tier, flag, day, round(likeness, 3))


def save(
    path: Path, vectors: NDArray[np.float32], labels: list[tuple[str, str, str, str, int | None]]
) -> None:
    """Write vectors (rows, width) and their labels (id, text, tier, flag, day)."""
    scale = np.abs(vectors).max(axis=1, keepdims=True) / 127
    packed = json.dumps(labels, ensure_ascii=False).encode()
    np.savez_compressed(
        path,
        vectors=np.round(vectors / scale).astype(np.int8),
        labels=np.frombuffer(packed, np.uint8),
    )
