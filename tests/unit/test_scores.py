"""0-10 answers as people write them."""

from __future__ import annotations

import pytest

from bot.dialogue.scores import corrects, is_compared, read_list, read_named, read_scale, read_scores


@pytest.mark.parametrize(
    ("text", "before", "score"),
    [
        ("3", None, 3),
        ("three", None, 3),
        ("7/10", None, 7),
        ("about a 3", None, 3),
        ("2/10 and down from 4", None, 2),
        ("was 6 now 3", None, 3),
        ("it went from 5 to 2", None, 2),
        ("from a 7 to a 4", None, 4),
        ("4 yesterday, 2 today", None, 2),
        ("bajó de 5 a 3", None, 3),
        ("ayer 5, hoy 3", None, 3),
        ("6 or 7", None, 7),  # two of today: the worse counts
        ("3 since 2 days", None, 3),
        ("same", 4, 4),
        ("still the same as yesterday", 2, 2),
        ("igual que ayer", 5, 5),
        ("same", None, None),
        ("better than yesterday", 3, None),
        ("40", None, None),
        ("", None, None),
    ],
)
def test_a_score_is_read_as_of_today(text: str, before: int | None, score: int | None) -> None:
    assert read_scale(text, before) == score


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("pain 2 swelling 3", {"pain": 2, "swelling": 3}),
        ("pain is 2, swelling is 3", {"pain": 2, "swelling": 3}),
        ("dolor 2 e hinchazón 3", {"pain": 2, "swelling": 3}),
        ("swelling 3, pain 2/10", {"pain": 2, "swelling": 3}),
        ("2 for pain and 3 for swelling", {"pain": 2, "swelling": 3}),
        ("3 for pain, swelling 2", {"pain": 3, "swelling": 2}),
        ("pain 3 and no bruising", {"pain": 3, "bruising": 0}),
        ("sin dolor, hinchazón 2", {"pain": 0, "swelling": 2}),
        ("my pain was 5 now 2 swelling 3", {"pain": 2, "swelling": 3}),
        ("pain 2 pain 3", {}),
        ("pain and swelling 3", {}),
        ("it hurts for 2 days", {}),
        ("pain 20", {}),
    ],
)
def test_named_scores_are_read_only_when_each_has_one(text: str, named: dict[str, int]) -> None:
    assert read_named(text) == named


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("2 and 3", [2, 3]),
        ("2 y 3", [2, 3]),
        ("2/10 and 3/10", [2, 3]),
        ("3, 4, 0", [3, 4, 0]),
        ("uno y cero", [1, 0]),
        ("2 or 3", []),
        ("between 2 and 3", []),
        ("2 and 30", []),
        ("2,3", []),
        ("2", []),
    ],
)
def test_bare_scores_are_a_list_only_when_there_is_nothing_else(text: str, scores: list[int]) -> None:
    assert read_list(text) == scores


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("3 and swelling 5", {"pain": 3, "swelling": 5}),
        ("2, no swelling", {"pain": 2, "swelling": 0}),
        ("dos y hinchazón 4", {"pain": 2, "swelling": 4}),
    ],
)
def test_a_bare_score_first_is_that_of_the_question_and_the_named_ones_are_theirs(
    text: str, scores: dict[str, int]
) -> None:
    assert read_scores(text, "pain", ["swelling", "bruising"], {}) == scores


def test_an_answer_fills_the_questions_to_come_but_never_more_than_there_are() -> None:
    assert read_scores("3 4", "pain", ("swelling", "red_flags"), {}) == {"pain": 3, "swelling": 4}
    assert read_scores("3 4 0", "pain", ("swelling", "red_flags"), {}) == {"pain": 4}
    assert read_scores("same", "pain", (), {"pain": 6}) == {"pain": 6}
    assert read_scores("swelling 2", "pain", ("swelling",), {}) == {"swelling": 2}


@pytest.mark.parametrize("text", ["sorry I meant 4", "typo, 4", "quise decir 4", "me equivoqué, es 4"])
def test_a_correction_is_known(text: str) -> None:
    assert corrects(text)


@pytest.mark.parametrize(
    ("text", "compared"),
    [
        ("better than yesterday", True),
        ("mejor que ayer", True),
        ("same", True),
        ("bit tight but way less puffy", True),
        ("un poco hinchada pero mejor que ayer", True),
        ("más que ayer", True),
        ("4, better", False),
        ("más o menos", False),
        ("more or less", False),
        ("a bit tight", False),
        ("tirante, nada más", False),
        ("ok", False),
    ],
)
def test_an_answer_that_only_compares_is_known(text: str, compared: bool) -> None:
    assert is_compared(text) is compared
