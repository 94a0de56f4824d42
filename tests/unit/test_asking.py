"""Which questions come next in a check-in, and which answers need a person."""

from __future__ import annotations

import pytest

from bot.followup.asking import in_order, judge
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Branch
from bot.triage.types import Tier

QUESTIONS = catalogue().questions


@pytest.mark.parametrize(
    ("answers", "before", "day", "tier"),
    [
        ({"pain": 3, "swelling": 4}, {}, 1, Tier.T4),
        ({"pain": 7}, {}, 1, Tier.T2),
        ({"swelling": 7}, {}, 10, Tier.T2),
        ({"pain": 4}, {"pain": 2}, 1, Tier.T3),
        ({"pain": 4}, {"pain": 2}, 3, Tier.T2),
        ({"pain": 3}, {"pain": 2}, 3, Tier.T4),
        ({"overall": "unwell"}, {}, 3, Tier.T3),
        ({"overall": "so_so"}, {}, 3, Tier.T4),
        ({"lumps": "yes"}, {}, 7, Tier.T4),
        ({"lumps": "yes"}, {}, 28, Tier.T3),
        ({"satisfaction": 3}, {}, 91, Tier.T3),
        ({"satisfaction": 8}, {}, 91, Tier.T4),
        ({"gais": "worse"}, {}, 91, Tier.T3),
        ({"pain": "quite a lot"}, {"pain": 2}, 3, Tier.T4),  # words are triage's to judge
        ({"red_flags": [4]}, {}, 1, Tier.T4),  # triage has raised it
        ({"unheard_of": 10}, {}, 1, Tier.T4),
        ({"pain": 7, "satisfaction": 0}, {}, 91, Tier.T2),
    ],
)
def test_the_most_urgent_threshold_that_an_answer_crosses_counts(
    answers: dict[str, object], before: dict[str, object], day: int, tier: Tier
) -> None:
    assert judge(answers, before, day, QUESTIONS)[0] is tier  # type: ignore[arg-type]


def test_the_note_says_which_answer_and_what_it_was_before() -> None:
    assert judge({"pain": 5}, {"pain": 2}, 3, QUESTIONS)[1] == "pain 5/10, was 2/10"
    assert judge({"gais": "worse"}, {}, 91, QUESTIONS)[1] == "gais: worse"


MONTH = ["overall", "lumps", "tenderness", "red_flags", "satisfaction", "other"]


@pytest.mark.parametrize(
    ("answers", "day", "left_out"),
    [
        ({}, 91, []),  # still open
        ({"overall": "well", "lumps": "no"}, 91, ["tenderness", "red_flags"]),
        ({"overall": "well", "lumps": "yes"}, 91, ["red_flags"]),
        ({"overall": "so_so", "lumps": "no"}, 91, ["tenderness"]),
        ({"overall": "well", "lumps": "no"}, 28, []),  # in the first weeks everybody is asked
        ({"overall": "well", "lumps": "no"}, 42, ["red_flags"]),
        ({"overall": "well", "lumps": "a sort of knot"}, 91, ["red_flags"]),  # cannot be read: asked
    ],
)
def test_a_question_is_left_out_once_an_earlier_answer_has_made_it_needless(
    answers: dict[str, object], day: int, left_out: list[str]
) -> None:
    assert in_order(MONTH, answers, QUESTIONS, day) == [name for name in MONTH if name not in left_out]


def test_whoever_is_not_well_months_later_is_asked_for_the_danger_signs_at_once() -> None:
    order = in_order(MONTH, {"overall": "unwell"}, QUESTIONS, 182)
    assert order[:2] == ["overall", "red_flags"]


def test_a_scale_decides_too() -> None:
    branching = {
        **QUESTIONS,
        "swelling": QUESTIONS["swelling"].model_copy(update={"only_if": Branch(question="pain", at_least=4)}),
    }
    ask = ["overall", "pain", "swelling", "other"]
    assert in_order(ask, {"pain": 4}, branching, 1) == ask
    assert in_order(ask, {"pain": "quite a lot"}, branching, 1) == ask
    assert in_order(ask, {"pain": 2}, branching, 1) == ["overall", "pain", "other"]


def test_a_painful_lump_months_later_is_for_the_same_day_and_a_painless_one_is_not() -> None:
    assert judge({"lumps": "yes", "tenderness": 4}, {}, 91, QUESTIONS)[0] is Tier.T2
    assert judge({"lumps": "yes", "tenderness": 1}, {}, 91, QUESTIONS)[0] is Tier.T3


def test_lumps_are_asked_about_from_week_2_after_products_with_particles() -> None:
    first = {
        name: next(contact.day for contact in schedule.check_ins if "lumps" in contact.ask)
        for name, schedule in catalogue().schedules.items()
    }
    assert first == {"harmonyca": 14, "radiesse": 14, "sculptra": 14, "ha_filler": 28}
