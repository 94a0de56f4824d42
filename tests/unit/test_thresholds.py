"""A clinic's own thresholds: read from a form, applied beside the shipped ones, and compared with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.followup.asking import judge
from bot.followup.errors import ProtocolRefused
from bot.followup.thresholds import applied, read, weaker
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Schedule, Threshold
from bot.triage.types import Tier

QUESTIONS = catalogue().questions
EMPTY: dict[str, Any] = {
    "tier": "T2", "at_least": "", "at_most": "", "worse_by": "", "among": (), "from_day": "",
}  # fmt: skip


def with_thresholds(**own: list[Threshold]) -> Schedule:
    """The shipped protocol with thresholds of its own."""
    return (
        catalogue()
        .schedules["harmonyca"]
        .model_copy(update={"thresholds": {name: tuple(mine) for name, mine in own.items()}})
    )


@pytest.mark.parametrize(
    ("question", "row", "reason"),
    [
        ("pain", {}, "threshold_empty"),
        ("pain", {"from_day": "3"}, "threshold_empty"),
        ("pain", {"at_least": "11"}, "threshold_numbers"),
        ("pain", {"at_least": "-1"}, "threshold_numbers"),
        ("pain", {"at_least": "seven"}, "threshold_numbers"),
        ("pain", {"at_least": "²"}, "threshold_numbers"),
        ("pain", {"worse_by": "0"}, "threshold_numbers"),
        ("pain", {"at_least": "7", "from_day": "1099"}, "threshold_numbers"),
        ("pain", {"at_least": "7", "at_most": "3"}, "threshold_crossed"),
        ("lumps", {"among": ("perhaps",)}, "threshold_empty"),
        ("lumps", {"at_least": "3"}, "threshold_empty"),
    ],
)
def test_a_threshold_that_means_nothing_is_refused_with_its_question(
    question: str, row: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ProtocolRefused) as refused:
        read(QUESTIONS[question], [EMPTY | row])
    assert refused.value.faults == ((reason, question, ""),)


def test_a_row_for_nobody_with_numbers_that_stand_nowhere_is_refused() -> None:
    with pytest.raises(ProtocolRefused) as refused:
        read(QUESTIONS["pain"], [EMPTY | {"tier": "", "at_least": "1"}])
    assert refused.value.faults[0].reason == "threshold_stray"


def test_rows_are_read_and_a_row_for_nobody_without_numbers_says_nothing() -> None:
    rows = [EMPTY | {"at_least": "6", "from_day": "2"}, EMPTY | {"tier": ""}]
    assert read(QUESTIONS["pain"], rows) == (Threshold(tier="T2", at_least=6, from_day=2),)
    assert read(QUESTIONS["lumps"], [EMPTY | {"among": ("yes",)}]) == (Threshold(tier="T2", among=("yes",)),)


def test_own_thresholds_take_the_place_of_the_shipped_ones_of_that_question_alone() -> None:
    own = with_thresholds(pain=[Threshold(tier="T1", at_least=5)])
    mine = applied(QUESTIONS, [own])
    assert judge({"pain": 5}, {}, 1, mine)[0] is Tier.T1
    assert judge({"pain": 4}, {"pain": 1}, 3, mine)[0] is Tier.T4
    assert judge({"swelling": 7}, {}, 1, mine)[0] is Tier.T2
    assert applied(QUESTIONS, [catalogue().schedules["harmonyca"]]) == QUESTIONS


def test_of_two_protocols_asked_as_one_the_more_urgent_counts() -> None:
    strict = with_thresholds(pain=[Threshold(tier="T1", at_least=5)])
    both = applied(QUESTIONS, [strict, catalogue().schedules["radiesse"]])
    assert judge({"pain": 5}, {}, 1, both)[0] is Tier.T1
    assert judge({"pain": 4}, {"pain": 1}, 3, both)[0] is Tier.T2


def test_what_is_weaker_is_found_by_the_answer_that_loses_most() -> None:
    (lost,) = weaker(QUESTIONS, with_thresholds(pain=[Threshold(tier="T3", at_least=7)]))
    assert (lost.question, lost.shipped, lost.own) == ("pain", Tier.T2, Tier.T4)
    assert lost.before is not None
    assert weaker(QUESTIONS, with_thresholds(lumps=[]))[0].value == "yes"


def test_what_is_as_strict_or_stricter_loses_nothing() -> None:
    stricter = [*QUESTIONS["pain"].thresholds, Threshold(tier="T1", at_least=9)]
    assert weaker(QUESTIONS, with_thresholds(pain=stricter)) == []
    lower = [Threshold(tier="T2", at_least=0)]
    assert weaker(QUESTIONS, with_thresholds(pain=lower)) == []


scores = st.integers(0, 10)
thresholds = st.builds(
    Threshold,
    tier=st.sampled_from(["T1", "T2", "T3"]),
    at_least=scores,
    worse_by=st.none() | st.integers(1, 10),
    from_day=st.integers(0, 100),
)


@given(st.lists(thresholds, max_size=4), scores, st.none() | scores, st.integers(0, 120))
def test_an_answer_that_loses_is_never_overlooked(
    own: list[Threshold], score: int, before: int | None, day: int
) -> None:
    wanted = with_thresholds(pain=own)
    known = {} if before is None else {"pain": before}
    shipped = judge({"pain": score}, known, day, QUESTIONS)[0]
    mine = judge({"pain": score}, known, day, applied(QUESTIONS, [wanted]))[0]
    if mine.urgency > shipped.urgency:
        assert weaker(QUESTIONS, wanted)
