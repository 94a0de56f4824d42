from __future__ import annotations

from datetime import timedelta

import pytest

from bot import clock
from bot.channels.base import CarrierError
from bot.clinic.models import Consent, Patient, Staff
from bot.dialogue.turns import run_turn
from bot.followup.models import CheckIn
from bot.handover import service as takeover
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


@pytest.mark.parametrize(
    "words",
    [
        "please stop texting me",
        "Stop sending me these messages!",
        "Don't text me again, please",
        "I don’t want any more texts",
        "no more messages thanks",
        "take my number off your list",
        "ya no me escriban",
        "Por favor, no me manden más mensajes.",
        "Dejen de escribirme, gracias",
        "ya no quiero recibir sus mensajes",
        "ya no quiero más mensajes vuestros",
        "no quiero que me escriban más",
        "denme de baja",
    ],
)
def test_a_plain_sentence_is_a_stop_while_no_dialogue_is_there_to_understand_it(
    desk: Desk, words: str
) -> None:
    desk.dialogue = None
    desk.text(PAT, words)
    desk.settle()
    (stopped,) = desk.rows(Message, content_id="optout.stopped")
    assert desk.texts_to(PAT) == [stopped.body]
    said = len(desk.texts_to(PAT))
    desk.advance(days=15)
    assert len(desk.texts_to(PAT)) == said
    assert desk.rows(Patient, phone=PAT)[0].opted_out_at is not None
    assert desk.rows(Consent, granted=False)[0].channel == "sms"


@pytest.mark.parametrize(
    "words",
    [
        "don't text me at night",
        "stop texting me and call me instead",
        "should I stop texting you?",
        "no quiero que me escriban de noche",
        "no more messages from my lip, it is numb",
        "no me manden al hospital",
    ],
)
def test_a_sentence_that_says_more_is_left_to_be_understood(words: str) -> None:
    assert optout.keyword(words) is None


def test_a_plain_sentence_stops_texts_while_a_person_holds_the_conversation(desk: Desk) -> None:
    receipt = desk.text(PAT, "hello")
    desk.settle()
    nurse = desk.rows(Staff, name="Nurse Demo")[0]
    takeover.take_over(desk.message(receipt.message_id).conversation_id, nurse.id)
    desk.text(PAT, "please stop texting me")
    desk.settle()
    assert desk.rows(Patient, phone=PAT)[0].opted_out_at is not None


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


@pytest.mark.parametrize(
    ("words", "expected"),
    [("cant see out my left eye", "safety.t0"), ("my top lip has gone white", "safety.t1")],
    ids=["T0", "T1"],
)
def test_after_stop_an_urgent_sign_still_gets_its_words(desk: Desk, words: str, expected: str) -> None:
    desk.text(PAT, "stop")
    desk.settle()
    desk.text(PAT, words)
    desk.settle()
    assert len(desk.texts_to(PAT)) == 2
    assert desk.rows(Message, kind=Kind.SAFETY)[-1].content_id == expected


def test_after_stop_what_can_wait_is_for_staff_and_the_patient_is_not_texted(desk: Desk) -> None:
    desk.text(PAT, "stop")
    desk.settle()
    before = len(desk.texts_to(PAT))
    receipt = desk.text(PAT, "i think i might be pregnant, can i have the second syringe")
    desk.settle()

    assert len(desk.texts_to(PAT)) == before
    (task,) = desk.rows(StaffTask, kind=TaskKind.REVIEW)
    assert task.message_id == receipt.message_id


def ask_pat(desk: Desk) -> None:
    """Pat is sent the first check-in, whose question is open from then on."""
    pat = desk.rows(Patient, phone=PAT)[0]
    due = desk.rows(CheckIn, patient_id=pat.id, day=1)[0].due_at
    clock.advance(due + timedelta(seconds=1) - clock.now())
    desk.settle()


def test_baja_is_an_answer_while_a_question_is_open(desk: Desk) -> None:
    ask_pat(desk)
    desk.text(PAT, "baja")
    desk.settle()

    assert desk.rows(Patient, phone=PAT)[0].opted_out_at is None
    assert desk.texts_to(PAT)[-1] == "You said: baja"


def test_stop_is_stop_even_while_a_question_is_open(desk: Desk) -> None:
    ask_pat(desk)
    desk.text(PAT, "stop")
    desk.settle()
    assert desk.rows(Patient, phone=PAT)[0].opted_out_at is not None


def test_a_web_visitor_who_wants_no_texts_still_gets_answers_on_the_page(desk: Desk) -> None:
    asked = desk.web("visitor-1", "please stop texting me")
    optout.opt_out_by_message(asked.message_id)
    desk.settle()
    answered = desk.web("visitor-1", "when can i go to the gym?")
    desk.settle()

    assert [reply.body for reply in desk.rows(Message, in_reply_to_id=answered.message_id)] == [
        "You said: when can i go to the gym?"
    ]


def refuse_opted_out(desk: Desk) -> None:
    desk.carrier.faults = [CarrierError("unsubscribed recipient", code="21610", permanent=True)]


def test_a_confirmation_that_the_carrier_gave_itself_is_no_failure(desk: Desk) -> None:
    desk.text(STRANGER, "stop")
    refuse_opted_out(desk)
    desk.settle()

    (notice,) = [message for message in desk.rows(Message, kind=Kind.NOTICE) if message.in_reply_to_id]
    assert notice.status is Status.FAILED
    assert desk.rows(StaffTask) == []


def test_an_opt_out_that_only_the_carrier_knew_is_taken_over_when_it_refuses_a_text(desk: Desk) -> None:
    enrolled = desk.enrol("Sam", "Example", STRANGER)
    refuse_opted_out(desk)
    desk.settle()

    assert desk.rows(Patient, phone=STRANGER)[0].opted_out_at is not None
    kinds = [task.kind for task in desk.rows(StaffTask, patient_id=enrolled.patient_id)]
    assert kinds == [TaskKind.OPTED_OUT_PHONE], "phone them; the undelivered welcome itself is no task"
    desk.advance(days=2)
    assert desk.texts_to(STRANGER) == []
