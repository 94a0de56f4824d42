"""A number that may be one of the six signs or the score asked for before them: it is asked, once."""

from __future__ import annotations

import time

import pytest

from bot.messaging.models import Conversation, Kind, Message
from bot.records.models import StaffTask
from bot.triage.types import PROBE, PROBE_WHICH, Tier
from bot.triage.which import is_no_sign, lone_number, score_told
from tests.support.desk import PAT, Desk, Say

#: brings the six signs, and gives no number
HEADACHE = "i have a bit of a headache"


def asks(desk: Desk, *questions: str) -> None:
    """The dialogue asks `questions`, one after each text, and then says nothing."""
    assert desk.dialogue is not None
    left = list(questions)
    desk.dialogue.answer = lambda text: [Say(content_id=left[0], question=left.pop(0))] if left else []


def said(desk: Desk) -> list[str]:
    return [row.content_id for row in desk.rows(Message, kind=Kind.SAFETY)]


def question(desk: Desk) -> str | None:
    asked: str | None = desk.rows(Conversation, address=PAT)[0].open_question
    return asked


@pytest.fixture
def doubted(desk: Desk) -> Desk:
    """Pat was asked for the swelling, then for the six signs, and has answered 3."""
    asks(desk, "checkin.swelling")
    for words in ("hi", HEADACHE, "3"):
        desk.text(PAT, words)
        desk.settle()
    return desk


def test_a_number_after_the_six_signs_is_asked_about_where_a_score_was_still_owed(doubted: Desk) -> None:
    assert said(doubted) == ["safety.probe", "safety.probe_which"]
    assert question(doubted) == PROBE_WHICH
    assert doubted.alerts() == []
    assert "sign 3" in doubted.texts_to(PAT)[-1]
    assert "call 911 now" in doubted.texts_to(PAT)[-1]


@pytest.mark.parametrize(
    "answer",
    ["sign", "yes", "3", "3 and 4", "i dont know", "the sign", "sí", "señal", "2", "both", "las dos cosas"],
)
def test_what_is_no_clear_no_counts_as_the_sign(doubted: Desk, answer: str) -> None:
    doubted.text(PAT, answer)
    doubted.settle()
    (alert,) = doubted.alerts()
    assert (alert.tier, question(doubted)) == (Tier.T0, None)


def test_silence_counts_as_the_sign(doubted: Desk) -> None:
    doubted.advance(minutes=14)
    assert doubted.alerts() == []
    doubted.advance(minutes=2)
    (alert,) = doubted.alerts()
    assert (alert.tier, alert.flag) == (Tier.T0, "STR")


def test_silence_counts_also_after_the_first_days(desk: Desk) -> None:
    desk.advance(days=20)
    asks(desk, "checkin.swelling")
    for words in ("hi", "i feel my usual tingle, i get cold sores", "3"):
        desk.text(PAT, words)
        desk.settle()
    assert question(desk) == PROBE_WHICH
    desk.advance(minutes=16)
    assert desk.alerts()[0].tier is Tier.T0


@pytest.mark.parametrize(
    "answer",
    ["score", "no", "swelling", "the swelling", "puntos", "la hinchazón", "no, 3/10", "no the score",
     "not the sign lol just puffy", "no es la señal", "no es ninguna señal jaja, solo la hinchazón",
     "yes the score", "its not a sign, its my swelling", "no era la señal, era la puntuación",
     "sí, los puntos"],
)  # fmt: skip
def test_a_score_raises_nothing_and_the_six_signs_stay_open_without_the_list_anew(
    doubted: Desk, answer: str
) -> None:
    doubted.text(PAT, answer)
    doubted.settle()
    assert doubted.alerts() == []
    assert (said(doubted)[-1], question(doubted)) == ("safety.probe_again", PROBE)
    assert said(doubted).count("safety.probe") == 1
    doubted.text(PAT, "3")  # the score is told, so this is a sign
    doubted.settle()
    assert doubted.alerts()[0].tier is Tier.T0


def test_silence_after_the_score_still_counts_as_it_does_after_the_six_signs(doubted: Desk) -> None:
    doubted.text(PAT, "score")
    doubted.settle()
    assert doubted.alerts() == []
    before = len(doubted.rows(StaffTask))
    doubted.advance(minutes=16)
    assert question(doubted) is None
    assert len(doubted.rows(StaffTask)) == before + 1, "a person looks"


@pytest.mark.parametrize(
    "answer", ["STOP", "please stop texting me", "ya no me escriban más", "BAJA", "parar"]
)
def test_stop_is_honoured_and_the_number_still_counts_as_the_sign(doubted: Desk, answer: str) -> None:
    doubted.text(PAT, answer)
    doubted.settle()
    assert doubted.rows(Conversation, address=PAT)[0].opted_out_at is not None
    assert "safety.probe_again" not in said(doubted)
    doubted.advance(minutes=16)
    (alert,) = doubted.alerts()
    assert alert.tier is Tier.T0


@pytest.mark.parametrize(
    "answer",
    ["no es la señal jaja solo el dolor", "not the sign just pain", "no the pain score", "la puntuación"],
)
def test_a_score_of_pain_that_is_named_as_no_sign_pages_nobody(desk: Desk, answer: str) -> None:
    asks(desk, "checkin.pain")
    for words in ("hi", HEADACHE, "3", answer):
        desk.text(PAT, words)
        desk.settle()
    assert desk.alerts() == []
    assert (said(desk)[-1], question(desk)) == ("safety.probe_again", PROBE)


@pytest.mark.parametrize(
    "answer",
    [
        "not the sign but the pain is unbearable",
        "no es la señal, no puedo hablar",
        "not the sign, lip is white",
    ],
)
def test_a_sign_told_beside_the_score_pages(desk: Desk, answer: str) -> None:
    asks(desk, "checkin.pain")
    for words in ("hi", HEADACHE, "3", answer):
        desk.text(PAT, words)
        desk.settle()
    assert desk.alerts()[0].tier.at_least_as_urgent_as(Tier.T1)


@pytest.mark.parametrize("answer", ["no, 10 pain", "no its a 10", "no, 10/10"])
def test_the_score_that_is_told_instead_is_judged(desk: Desk, answer: str) -> None:
    asks(desk, "checkin.pain")
    for words in ("hi", HEADACHE, "5", answer):
        desk.text(PAT, words)
        desk.settle()
    (alert,) = desk.alerts()
    assert (alert.tier, alert.flag) == (Tier.T1, "VO")


def test_another_question_leaves_it_open(doubted: Desk) -> None:
    doubted.text(PAT, "can i wear make-up?")
    doubted.settle()
    assert question(doubted) == PROBE_WHICH
    doubted.advance(minutes=16)
    assert doubted.alerts()[0].tier is Tier.T0


def test_a_number_that_can_be_no_sign_is_judged_as_the_score(desk: Desk) -> None:
    asks(desk, "checkin.pain")
    for words in ("hi", HEADACHE, "9"):
        desk.text(PAT, words)
        desk.settle()
    (alert,) = desk.alerts()
    assert (alert.tier, alert.flag) == (Tier.T1, "VO")


@pytest.mark.parametrize("before", [("hi", "4 and a bit of a headache"), (HEADACHE,)])
def test_where_no_score_is_owed_a_number_is_the_sign(desk: Desk, before: tuple[str, ...]) -> None:
    asks(desk, *["checkin.swelling"] * (len(before) - 1))
    for words in (*before, "3"):
        desk.text(PAT, words)
        desk.settle()
    assert desk.alerts()[0].tier is Tier.T0


@pytest.mark.parametrize(
    ("words", "number"),
    [("3", 3), ("maybe a 4", 4), ("tres", 3), ("un 2", 2), ("yes 3", None), ("tengo 3", None), ("0", None),
     ("number 3", None), ("3 and 4", None), ("3 speech", None), ("11", None)],
)  # fmt: skip
def test_only_a_number_alone_is_in_doubt(words: str, number: int | None) -> None:
    assert lone_number(words) == number


@pytest.mark.parametrize(
    ("words", "asked", "score"),
    [("swelling 3", "checkin.swelling", 3), ("3 hinchazón", "checkin.swelling", 3),
     ("3/10", "checkin.pain", 3), ("3 sobre 10", "checkin.pain", 3), ("5 pain", "checkin.pain", None),
     ("pain 4", "checkin.swelling", None), ("3 my arm is swollen", "checkin.swelling", None)],
)  # fmt: skip
def test_a_score_is_one_only_where_it_is_named_as_what_was_asked(
    words: str, asked: str, score: int | None
) -> None:
    assert score_told(words, asked) == score


def test_pain_takes_back_no_sign_of_pain() -> None:
    assert is_no_sign("pain", 3, "checkin.pain")
    assert not is_no_sign("pain", 5, "checkin.pain")
    assert is_no_sign("score", 5, "checkin.pain"), "the very word that we ask for"
    assert not is_no_sign("is it the swelling?", 3, "checkin.swelling")


@pytest.mark.parametrize(
    ("words", "number", "asked"),
    [("yes the swelling", 4, "checkin.swelling"), ("sí, la hinchazón", 5, "checkin.swelling"),
     ("yes the score", 1, "checkin.pain"), ("not the sign lol just puffy", 3, "checkin.pain")],
)  # fmt: skip
def test_a_score_named_after_a_yes_is_one_where_the_sign_can_be_no_swelling(
    words: str, number: int, asked: str
) -> None:
    assert is_no_sign(words, number, asked)


@pytest.mark.parametrize(
    ("words", "number", "asked"),
    [("yes the swelling", 2, "checkin.swelling"), ("yes the swelling", 3, "checkin.swelling"),
     ("yes the swelling", 6, "checkin.swelling"), ("yes the pain", 5, "checkin.pain"),
     ("yes the pain", 4, "checkin.pain"), ("yes the bruising", 4, "checkin.bruising"),
     ("yes", 4, "checkin.swelling"), ("not the sign 4, sign 3", 4, "checkin.swelling"),
     ("no its the sign", 3, "checkin.swelling"), ("not the sign but my arm is weak", 3, "checkin.swelling"),
     ("not just the score", 3, "checkin.swelling"), ("sí, la señal", 3, "checkin.swelling"),
     ("no puedo hablar, la puntuación", 3, "checkin.swelling")],
)  # fmt: skip
def test_what_may_be_the_sign_is_taken_for_no_score(words: str, number: int, asked: str) -> None:
    assert not is_no_sign(words, number, asked)


@pytest.mark.parametrize("piece", ["no the ", "not the sign ", "a little puffy ", "one 1 ", "haha ", "yes "])
def test_no_answer_keeps_its_reader_busy(piece: str) -> None:
    began = time.process_time()
    for times in (3, 7, 14, 400):
        is_no_sign(piece * times + "x", 3, "checkin.swelling")
    assert time.process_time() - began < 1
