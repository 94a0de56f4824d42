"""Where things stand in the plot of how pain and swelling went, day by day. Pure geometry, no wording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 24, 16, 36
SERIES = ("swelling", "pain")  #: drawn in this order, so that pain lies on top
TOP_SCORE = 10


@dataclass(frozen=True, slots=True)
class Mark:
    """One report: its day, its score 0-10, and where it is drawn."""

    day: int
    score: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Plot:
    """Everything a template needs to draw the plot and its table."""

    marks: Mapping[str, tuple[Mark, ...]]
    lines: Mapping[str, str]  #: `points` of a polyline; empty for fewer than two marks
    days: tuple[tuple[int, float], ...]  #: day labels with their x
    scores: tuple[tuple[int, float], ...]  #: score labels with their y
    rows: tuple[tuple[int, int | None, int | None], ...]  #: day, pain, swelling


def plot(reports: Iterable[tuple[int, str, int]]) -> Plot | None:
    """The plot of `(day, series, score)` reports; None when there are none.

    Of several reports of a day the highest counts. Reports before the treatment, of other series or with a
    score outside 0-10 are left out.
    """
    highest: dict[str, dict[int, int]] = {name: {} for name in SERIES}
    for day, series, score in reports:
        if series in highest and day >= 0 and 0 <= score <= TOP_SCORE:
            highest[series][day] = max(score, highest[series].get(day, 0))
    reported = sorted({day for scores in highest.values() for day in scores})
    if not reported:
        return None
    last = max(reported[-1], 1)

    def x(day: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * day / last, 1)

    def y(score: int) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * score / TOP_SCORE, 1)

    marks = {
        name: tuple(Mark(day, score, x(day), y(score)) for day, score in sorted(scores.items()))
        for name, scores in highest.items()
    }
    return Plot(
        marks=marks,
        lines={
            name: " ".join(f"{mark.x},{mark.y}" for mark in line) if len(line) > 1 else ""
            for name, line in marks.items()
        },
        days=tuple((day, x(day)) for day in _labels(last)),
        scores=tuple((score, y(score)) for score in (0, 2, 4, 6, 8, 10)),
        rows=tuple((day, highest["pain"].get(day), highest["swelling"].get(day)) for day in reported),
    )


def _labels(last: int) -> list[int]:
    """At most nine day labels, from 0 on, in equal whole steps."""
    step = max(1, -(-last // 8))
    return list(range(0, last + 1, step))
