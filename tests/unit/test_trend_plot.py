"""The charts of how a treatment went, and the console's other pure parts: strings, times, highlights."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.console import strings
from bot.console.highlight import split
from bot.console.strings import StringsError, catalogue, flatten, preferred, translator
from bot.console.times import Times
from bot.console.wording import AREAS
from bot.escalation.models import EventKind, Outcome
from bot.followup.models import CheckInStatus
from bot.followup.shading import shaded as windows_of
from bot.messaging.models import Status
from bot.outcomes.plot import BOTTOM, HEIGHT, LEFT, MEASURES, RIGHT, TOP, WIDTH, draw
from bot.outcomes.trend import GAIS, scale, series_of
from bot.protocols.catalogue import catalogue as content_catalogue
from bot.protocols.schema import ANSWERS, QuestionId
from bot.records.models import TaskKind, Trend
from bot.triage.types import Tier

NOW = datetime(2026, 3, 8, 15, 0, tzinfo=UTC)


def test_nothing_reported_is_no_plot() -> None:
    assert draw([]) is None
    assert draw([(-1, "pain", 3), (1, "itching", 3), (1, "pain", 11)], {"pain": (0, 2)}) is None


def test_the_worst_report_of_a_day_counts() -> None:
    drawn = draw([(1, "pain", 3), (1, "pain", 7), (1, "satisfaction", 9), (1, "satisfaction", 2)])
    assert drawn is not None
    assert drawn.rows == ((1, (7, 2)),)


def test_zero_is_a_report_and_a_missing_day_is_not() -> None:
    drawn = draw([(0, "pain", 0), (3, "swelling", 0)])
    assert drawn is not None
    assert drawn.rows == ((0, (0, None)), (3, (None, 0)))
    assert [(chart.measure, chart.line) for chart in drawn.charts] == [("pain", ""), ("swelling", "")]


def test_more_pain_stands_higher_and_later_stands_further_right() -> None:
    drawn = draw([(0, "pain", 2), (1, "pain", 8), (2, "pain", 0)])
    assert drawn is not None
    first, second, third = drawn.charts[0].marks
    assert second.y < first.y < third.y
    assert first.x < second.x < third.x
    assert (first.x, third.x, third.y) == (LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM)


def test_the_window_is_shaded_whole_even_before_its_end_is_reached() -> None:
    drawn = draw([(1, "swelling", 4), (1, "pain", 2)], {"swelling": (0, 7), "bruising": (0, 14)})
    assert drawn is not None
    pain, swelling = drawn.charts
    assert pain.window is None
    assert swelling.window is not None
    assert (swelling.window.x, swelling.window.width) == (LEFT, WIDTH - LEFT - RIGHT)
    assert drawn.days[-1][0] == 7, "a measure without reports makes no room for its window"


def test_every_product_has_a_window_with_sources_and_pain_is_not_shown_to_patients() -> None:
    content = content_catalogue()
    assert {one.product for one in content.expected.values()} == set(content.products)
    for product in content.products:
        assert "pain" not in windows_of(product, for_patients=True)
    assert windows_of("harmonyca")["pain"] == (0, 2)


@given(
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from(MEASURES), st.integers(0, 10)), min_size=1),
    st.dictionaries(st.sampled_from(MEASURES), st.tuples(st.integers(0, 5), st.integers(6, 90))),
)
def test_every_mark_and_window_stands_inside_the_frame_and_every_mark_in_the_table(
    reports: list[tuple[int, str, int]], windows: dict[str, tuple[int, int]]
) -> None:
    drawn = draw(reports, windows)
    assert drawn is not None
    for place, chart in enumerate(drawn.charts):
        for mark in chart.marks:
            assert LEFT <= mark.x <= WIDTH - RIGHT
            assert TOP <= mark.y <= HEIGHT - BOTTOM
            row = next(row for row in drawn.rows if row[0] == mark.day)
            assert row[1][place] == mark.score
        if chart.window:
            assert LEFT <= chart.window.x < chart.window.x + chart.window.width <= WIDTH - RIGHT + 0.1
    assert len(drawn.days) <= 9


@pytest.mark.parametrize(
    ("what", "series"),
    [
        ("pain", "pain"),
        ("Dolor en la mejilla", "pain"),
        ("swelling", "swelling"),
        ("hinchazón", "swelling"),
        ("inflamación", "swelling"),
        ("moratón", "bruising"),
        ("itching", None),
    ],
)
def test_symptoms_find_their_line_in_both_languages(what: str, series: str | None) -> None:
    assert series_of(what) == series


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        (4, 4),
        ({"value": 0, "words": "none"}, 0),
        ({"value": None}, None),
        ("4", None),
        (True, None),
        (11, None),
    ],
)
def test_only_a_number_from_0_to_10_is_a_score(answer: object, score: int | None) -> None:
    assert scale(answer) == score


# strings


def test_every_string_exists_in_both_languages_with_the_same_values() -> None:
    for key, texts in catalogue().items():
        assert set(texts) == set(strings.LANGUAGES), key
        values = {language: sorted(re.findall(r"{(\w+)}", text)) for language, text in texts.items()}
        assert values["en"] == values["es"], key


def test_a_string_in_one_language_only_is_refused() -> None:
    with pytest.raises(StringsError, match=r"a\.b"):
        flatten({"a": {"b": {"en": "only English"}}})


def test_every_key_that_a_template_or_module_names_exists() -> None:
    folder = Path(strings.__file__).parent
    named: set[str] = set()
    for file in [*folder.rglob("*.html"), *folder.glob("*.py")]:
        named |= set(
            re.findall(r"""\bt\(["']([a-z_]+\.[\w.]+)["'],?[^~]*?\)""", file.read_text(encoding="utf-8"))
        )
    assert len(named) > 100
    assert named - set(catalogue()) == set()


def test_every_value_of_the_record_has_words() -> None:
    words = {
        "tier": Tier,
        "outcome": Outcome,
        "event": EventKind,
        "delivery": Status,
        "check_in": CheckInStatus,
        "task": TaskKind,
        "trend": Trend,
        "question": get_args(QuestionId),
        "answer": ANSWERS,
        "area": AREAS,
        "course": MEASURES,
        "rating": GAIS,
    }
    for group, values in words.items():
        for value in values:
            assert f"{group}.{value}" in catalogue(), f"{group}.{value}"


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "en"), ("es", "es"), ("fr, es-MX;q=0.8", "es"), ("en-GB, es", "en"), ("de", "en")],
)
def test_the_browsers_first_language_that_we_have_is_used(header: str, language: str) -> None:
    assert preferred(header) == language


# times


def times(language: str = "en", zone: str = "America/New_York") -> Times:
    """Times as seen on 8 March 2026, 15:00 UTC: the day New York's clocks go forward."""
    return Times(translator(language), zone, NOW)


def test_times_are_told_in_the_clinics_zone_across_a_clock_change() -> None:
    assert times().moment(datetime(2026, 3, 8, 6, 30, tzinfo=UTC)) == "Today, 01:30"
    assert times().moment(datetime(2026, 3, 8, 7, 30, tzinfo=UTC)) == "Today, 03:30"
    assert times().moment(datetime(2026, 3, 8, 4, 30, tzinfo=UTC)) == "Sat 7 Mar, 23:30"
    assert times("es").moment(datetime(2025, 12, 31, 23, 0, tzinfo=UTC)) == "mié 31 dic 2025, 18:00"
    assert times("es").date(date(2028, 3, 31)) == "31 mar 2028"


@pytest.mark.parametrize(
    ("span", "en", "es"),
    [
        (timedelta(seconds=2), "just now", "ahora mismo"),
        (timedelta(seconds=40), "40 s ago", "hace 40 s"),
        (timedelta(minutes=3, seconds=59), "3 min ago", "hace 3 min"),
        (timedelta(hours=47), "47 h ago", "hace 47 h"),
        (timedelta(days=3), "3 days ago", "hace 3 días"),
        (timedelta(hours=-2), "in 2 h", "en 2 h"),
    ],
)
def test_ages_are_told_in_the_largest_unit(span: timedelta, en: str, es: str) -> None:
    assert times("en").ago(NOW - span) == en
    assert times("es").ago(NOW - span) == es


def test_a_countdown_stops_at_zero() -> None:
    assert times().countdown(NOW + timedelta(minutes=4, seconds=5)) == "4:05"
    assert times().countdown(NOW + timedelta(hours=3, minutes=4, seconds=5)) == "3:04:05"
    assert times().countdown(NOW - timedelta(minutes=1)) == "0:00"


# highlights


def test_the_words_that_fired_are_marked_whatever_their_case_and_spacing() -> None:
    pieces = split("My  LIP looks\nwhite today", ["lip", "looks white"])
    assert [piece for piece, marked in pieces if marked] == ["LIP", "looks\nwhite"]


def test_a_quote_with_a_gap_marks_its_parts_and_an_absent_one_marks_nothing() -> None:
    assert [p for p, marked in split("lip went quite white", ["lip … white"]) if marked] == ["lip", "white"]
    assert split("all well", ["lip", "", " "]) == [("all well", False)]
    assert split("", ["lip"]) == []


@given(st.text(), st.lists(st.text()))
def test_marking_never_changes_the_text(text: str, quotes: list[str]) -> None:
    pieces = split(text, quotes)
    assert "".join(piece for piece, _marked in pieces) == text
