from __future__ import annotations

import pytest

from bot.clinic.models import Consent, Patient
from bot.dialogue.turns import run_turn
from bot.messaging import optout
from bot.messaging.models import Kind, Message, Status
from bot.records.models import StaffTask, TaskKind
from tests.support.desk import ANA, NURSE, PAT, STRANGER, Desk


@pytest.mark.parametrize(
    "word", ["STOP", "stop", " Stop. ", "UNSUBSCRIBE", "Opt Out", "REVOKE", "parar", "BAJA"]
)
def test_stop_in_any_form_ends_all_texts_with_one_confirmation(desk: Desk, word: str) -> None:
    desk.text(PAT, word)
    desk.settle()
    assert len(desk.texts_to(PAT)) == 1

    desk.advance(days=15)

    assert len(desk.texts_to(PAT)) == 1
    assert desk.rows(Patient, phone=PAT)[0].opted_out_at is not None
    assert desk.rows(Consent, granted=False)[0].channel == "sms"


@pytest.mark.parametrize(
    "words", ["STOP 12345", "please stop the swelling", "the end", "cancel my appointment"]
)
def test_stop_inside_a_sentence_is_not_the_keyword(words: str) -> None:
    assert optout.keyword(words) is None


def test_stop_in_the_middle_of_check_ins_asks_staff_to_phone(desk: Desk) -> None:
    desk.text(PAT, "STOP")
    desk.settle()
    assert [task.kind for task in desk.rows(StaffTask)] == [TaskKind.OPTED_OUT_PHONE]


def test_stop_that_races_a_queued_text_wins(desk: Desk) -> None:
    desk.text(PAT, "hello")
    run_turn(desk.rows(Message, body="hello")[0].id, desk.dialogue)
    desk.text(PAT, "STOP")
    desk.settle()
    (reply,) = desk.rows(Message, kind=Kind.REPLY)
    assert reply.status is Status.SUPPRESSED
    assert len(desk.texts_to(PAT)) == 1


@pytest.mark.parametrize("word", ["START", "unstop", "yes", "sí"])
def test_start_returns(desk: Desk, word: str) -> None:
    desk.text(PAT, "stop")
    desk.text(PAT, word)
    desk.text(PAT, "hello")
    desk.settle()
    assert desk.texts_to(PAT)[-1] == "You said: hello"


def test_yes_is_only_a_keyword_for_somebody_who_is_opted_out() -> None:
    assert optout.keyword("YES") is None
    assert optout.keyword("YES", opted_out=True) == "start"


@pytest.mark.parametrize(("phone", "word"), [(PAT, "help"), (ANA, "AYUDA"), (STRANGER, "Info")])
def test_help_says_who_we_are_and_how_to_stop(desk: Desk, phone: str, word: str) -> None:
    desk.text(phone, word)
    desk.settle()
    # somebody treated today who writes "help" is asked about red flags as well
    text = desk.texts_to(phone)[-1]
    assert "Blue Heron" in text
    assert "STOP" in text


def test_an_emergency_is_answered_even_after_stop(desk: Desk) -> None:
    desk.text(PAT, "stop")
    desk.text(PAT, "cant see out my left eye")
    desk.settle()
    assert any("Call 911" in text for text in desk.texts_to(PAT))
    assert len(desk.texts_to(NURSE)) == 1


def test_an_ordinary_question_after_stop_stays_unanswered_and_is_kept(desk: Desk) -> None:
    desk.text(PAT, "stop")
    desk.settle()
    desk.text(PAT, "when can i go to the gym")
    desk.settle()
    assert len(desk.texts_to(PAT)) == 1
    assert len(desk.rows(Message, body="when can i go to the gym")) == 1


def test_the_carriers_word_that_somebody_opted_out_is_taken_over(desk: Desk) -> None:
    optout.carrier_says_opted_out(PAT, "+15550100100")
    optout.carrier_says_opted_out(PAT, "+19990000000")
    desk.advance(days=2)
    assert desk.texts_to(PAT) == []
