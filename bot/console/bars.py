"""Where things stand in a chart of horizontal bars. Pure geometry, no wording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 640
ROW, BAR = 30, 18  #: heights of a row and of its bar
LEFT, RIGHT = 200, 90  #: room for the labels and for the values
LABEL = 26  #: characters of a label that fit


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it is called, what it says, and where it is drawn."""

    label: str
    value: str
    y: int
    width: float
    middle: float  #: the base line of its texts


@dataclass(frozen=True, slots=True)
class Bars:
    """Everything that a template needs to draw the chart."""

    bars: tuple[Bar, ...]
    height: int


def bars(rows: Sequence[tuple[str, float | None, str]], top: float | None = None) -> Bars | None:
    """The chart of `(label, value, value in words)` rows; None without rows.

    The longest bar is `top`, by default the greatest value. A value that is None has no bar, only its words.
    """
    if not rows:
        return None
    most = top or max((value or 0 for _label, value, _words in rows), default=0) or 1
    room = WIDTH - LEFT - RIGHT
    drawn = tuple(
        Bar(
            label=label if len(label) <= LABEL else label[: LABEL - 1].rstrip() + "…",
            value=words,
            y=number * ROW + (ROW - BAR) // 2,
            width=round(room * min(max(value or 0, 0) / most, 1), 1),
            middle=number * ROW + ROW / 2 + 5,
        )
        for number, (label, value, words) in enumerate(rows)
    )
    return Bars(drawn, len(rows) * ROW)
