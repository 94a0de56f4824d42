"""Days since treatment as the reader's heads see them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: First day of each bucket. An unknown day is no bucket: all zeros.
_STARTS = (0, 1, 2, 4, 8, 15, 31)
DAY_BUCKETS = len(_STARTS)


def day_bucket(day: int | None) -> int | None:
    """Which bucket a day falls into, from 0; None when the day is unknown."""
    return None if day is None else sum(max(day, 0) >= start for start in _STARTS) - 1


def day_features(day: int | None) -> NDArray[np.float32]:
    """One-hot over the buckets 0, 1, 2-3, 4-7, 8-14, 15-30, 31 and later; zeros when the day is unknown."""
    features = np.zeros(DAY_BUCKETS, np.float32)
    bucket = day_bucket(day)
    if bucket is not None:
        features[bucket] = 1
    return features
