"""Where things stand in the charts of how a treatment went, day by day. Pure geometry, no wording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 24, 16, 64
#: One chart each, in this order.
MEASURES = ("pain", "swelling", "bruising", "tenderness", "satisfaction")
TOP_SCORE = 10


@dataclass(frozen=True, slots=True)
class Mark:
    """One report: its day, its score 0-10, and where it is drawn."""

    day: int
    score: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Window:
    """The days that are shaded, and where."""

    first: int
    last: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Chart:
    """One measure. `line` holds the points of a polyline; it is empty for fewer than two marks."""

    measure: str
    marks: tuple[Mark, ...]
    line: str
    window: Window | None


@dataclass(frozen=True, slots=True)
class Trend:
    """Charts over the same days, and a table of all that is in them."""

    charts: tuple[Chart, ...]
    days: tuple[tuple[int, float], ...]  #: day labels with their x
    scores: tuple[tuple[int, float], ...]  #: score labels with their y
    rows: tuple[tuple[int, tuple[int | None, ...]], ...]  #: day, then a score for each chart

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a chart."""
        return WIDTH, HEIGHT

    @property
    def frame(self) -> tuple[int, int, int, int]:
        """Left, right, top and bottom of the drawing."""
        return LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM


def draw(
    reports: Iterable[tuple[int, str, int]], windows: Mapping[str, tuple[int, int]] | None = None
) -> Trend | None:
    """Charts of `(day, measure, score)` reports, with `windows` (measure -> first and last day) shaded; None
    when there are no reports.

    Of several reports of a day the highest counts, of satisfaction the lowest. Reports before the treatment,
    of other measures or with a score outside 0-10 are left out. A measure without reports has no chart.
    """
    by_measure: dict[str, dict[int, int]] = {}
    for day, measure, score in reports:
        if measure in MEASURES and day >= 0 and 0 <= score <= TOP_SCORE:
            worst = min if measure == "satisfaction" else max
            scores = by_measure.setdefault(measure, {})
            scores[day] = worst(score, scores.get(day, score))
    if not by_measure:
        return None
    shown = [measure for measure in MEASURES if measure in by_measure]
    reported = sorted({day for scores in by_measure.values() for day in scores})
    shaded = {measure: days for measure, days in (windows or {}).items() if measure in shown}
    last = max(1, reported[-1], *(end for _start, end in shaded.values()))

    def x(day: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * day / last, 1)

    def y(score: int) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * score / TOP_SCORE, 1)

    def chart(measure: str) -> Chart:
        marks = tuple(
            Mark(day, score, x(day), y(score)) for day, score in sorted(by_measure[measure].items())
        )
        days = shaded.get(measure)
        return Chart(
            measure,
            marks,
            " ".join(f"{mark.x},{mark.y}" for mark in marks) if len(marks) > 1 else "",
            Window(*days, x(days[0]), round(x(days[1]) - x(days[0]), 1)) if days else None,
        )

    return Trend(
        charts=tuple(chart(measure) for measure in shown),
        days=tuple((day, x(day)) for day in _labels(last)),
        scores=tuple((score, y(score)) for score in (0, 2, 4, 6, 8, 10)),
        rows=tuple((day, tuple(by_measure[measure].get(day) for measure in shown)) for day in reported),
    )


def _labels(last: int) -> list[int]:
    """At most nine day labels, from 0 on, in equal whole steps."""
    step = max(1, -(-last // 8))
    return list(range(0, last + 1, step))
