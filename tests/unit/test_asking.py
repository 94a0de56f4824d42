"""Which questions come next in a check-in, and which answers need a person."""

from __future__ import annotations

import pytest

from bot.followup.asking import in_order, judge
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Question
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


def test_a_question_is_left_out_once_an_earlier_answer_has_made_it_needless() -> None:
    branching = {
        **QUESTIONS,
        "swelling": Question.model_validate(
            QUESTIONS["swelling"].model_dump() | {"only_if": {"question": "pain", "at_least": 4}}
        ),
    }
    ask = ["overall", "pain", "swelling", "other"]
    assert in_order(ask, {}, branching) == ask
    assert in_order(ask, {"pain": 5}, branching) == ask
    assert in_order(ask, {"pain": 2}, branching) == ["overall", "pain", "other"]
