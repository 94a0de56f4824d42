"""The labelled messages nearest to a new one: the reader's reason, in words that a clinician can judge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: Directions that are kept of a vector: the first hold nearly all of what tells two messages apart.
DIRECTIONS = 96


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
    """Vectors of the training messages, in the directions in which these differ most."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as saved:
            self._directions: NDArray[np.float32] = saved["directions"].astype(np.float32)
            self._vectors: NDArray[np.float32] = _unit(saved["vectors"].astype(np.float32))
            self._labels: NDArray[np.uint8] = saved["labels"]
            self._ends: NDArray[np.int64] = saved["ends"]

    def nearest(self, vector: NDArray[np.float32], count: int = 3) -> list[Neighbour]:
        """The `count` training messages nearest to `vector`, nearest first."""
        cosines = self._vectors @ _unit((self._directions @ vector)[None])[0]
        best = np.argpartition(-cosines, min(count, len(cosines) - 1))[:count]
        return [self._neighbour(at, float(cosines[at])) for at in best[np.argsort(-cosines[best])]]

    def _neighbour(self, at: int, likeness: float) -> Neighbour:
        """Labels stay packed until one is quoted: as objects they would take 10 MB."""
        start = int(self._ends[at - 1]) if at else 0
        key, text, tier, flag, day = json.loads(bytes(self._labels[start : int(self._ends[at])]))
        return Neighbour(key, text, tier, flag, day, round(likeness, 3))


def save(
    path: Path, vectors: NDArray[np.float32], labels: Sequence[tuple[str, str, str, str, int | None]]
) -> None:
    """Write vectors (rows, width) and their labels (id, text, tier, flag, day)."""
    directions = np.linalg.svd(vectors.T @ vectors)[0][:, :DIRECTIONS].T
    shown = vectors @ directions.T
    scale = np.maximum(np.abs(shown).max(axis=1, keepdims=True), 1e-9) / 127
    packed = [json.dumps(label, ensure_ascii=False).encode() for label in labels]
    np.savez_compressed(
        path,
        directions=directions.astype(np.float32),
        vectors=np.round(shown / scale).astype(np.int8),
        labels=np.frombuffer(b"".join(packed), np.uint8),
        ends=np.cumsum([len(label) for label in packed]),
    )


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + np.float32(1e-9))
    return unit
