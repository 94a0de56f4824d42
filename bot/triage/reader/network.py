"""The encoder under onnxruntime and its heads in numpy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tokenizers import Tokenizer

from bot.triage.reader import artefact
from bot.triage.reader.days import day_features

Floats = NDArray[np.float32]

WINDOW = 128  #: tokens that are read together; a longer message is read in overlapping windows
OVERLAP = 32
MAX_WINDOWS = 12  #: of a very long message the first and last half of these; the rules read it whole
TOGETHER = 16  #: windows that run as one batch
_START, _END = 0, 2


class Network:
    """Message -> windows -> mean vectors -> tier, flag and probe logits."""

    def __init__(self, home: Path) -> None:
        self._threads = os.cpu_count() or 1
        # the heads are small: threads that wait for a share of them spin, and took 40 % of the machine
        threadpool_limits(1, user_api="blas")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # many messages run side by side, which shares the cores better
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(home / artefact.ENCODER), options, providers=["CPUExecutionProvider"]
        )
        self._tokens: Tokenizer = Tokenizer.from_file(str(home / artefact.TOKENS))
        with np.load(home / artefact.HEADS) as heads:
            self._heads: dict[str, Floats] = {name: heads[name] for name in heads.files}

    def windows(self, text: str) -> list[list[int]]:
        """Token ids of `text` in windows of at most `WINDOW`, each with its start and end sign."""
        ids = self._tokens.encode(text).ids
        if len(ids) <= WINDOW:
            return [ids]
        inner, room = ids[1:-1], WINDOW - 2
        starts = range(0, max(1, len(inner) - OVERLAP), room - OVERLAP)
        found = [[_START, *inner[at : at + room], _END] for at in starts]
        if len(found) > MAX_WINDOWS:
            found = found[: MAX_WINDOWS // 2] + found[-MAX_WINDOWS // 2 :]
        return found

    def vectors(self, windows: Sequence[Sequence[int]]) -> Floats:
        """Mean vector of each window, shape (windows, width).

        Windows of one length run together: nothing is filled up, so that company changes no reading.
        """
        by_length: dict[int, list[int]] = {}
        for at, window in enumerate(windows):
            by_length.setdefault(len(window), []).append(at)
        groups = [
            group[at : at + TOGETHER] for group in by_length.values() for at in range(0, len(group), TOGETHER)
        ]

        def run(group: list[int]) -> Floats:
            ids = np.array([windows[at] for at in group], np.int64)
            found: Floats = self._session.run(None, {"ids": ids, "mask": np.ones_like(ids)})[0]
            return found

        if len(windows) <= TOGETHER:
            found = [run(group) for group in groups]
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                found = list(pool.map(run, groups))
        order = [at for group in groups for at in group]
        vectors: Floats = np.concatenate(found)[np.argsort(order)]
        return vectors

    def heads(self, vectors: Floats, days: Sequence[int | None]) -> tuple[Floats, Floats, Floats]:
        """Logits of tier (windows, 5), flag (windows, flags) and probe (windows,) on `days`."""
        h = self._heads
        seen = np.concatenate([vectors, np.stack([day_features(day) for day in days])], axis=1)
        hidden = _gelu(seen @ h["hidden.weight"].T + h["hidden.bias"])
        tier, flag, probe = (
            hidden @ h[f"{name}.weight"].T + h[f"{name}.bias"] for name in ("tier", "flag", "probe")
        )
        return tier, flag, probe[:, 0]


def _gelu(x: Floats) -> Floats:
    from scipy.special import erf

    return np.asarray(x * 0.5 * (1 + erf(x / np.sqrt(2))), np.float32)
