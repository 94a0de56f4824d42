"""A patient confirms that counselling was read, in a word; everything else they write goes on as before."""

from __future__ import annotations

import pytest

from bot.clinic.models import Patient, Staff
from bot.counselling import service
from bot.counselling.models import Acknowledgement
from bot.db.engine import reading, transaction
from bot.messaging.models import Kind, Message
from bot.records.models import StaffTask
from tests.support.desk import NURSE, PAT, Desk, Say


@pytest.fixture
def counselled(desk: Desk) -> Desk:
    """Pat has been told about exercise and sleep, and greeted."""
    said = iter(
        [
            Say("No gym.", "aftercare.exercise"),
            Say("On your back.", "aftercare.sleep"),
            Say("Hello.", "smalltalk.greeting"),
        ]
    )
    assert desk.dialogue is not None
    desk.dialogue.answer = lambda text: [next(said, Say(f"You said: {text}", "dialogue.fallback"))]
    for words in ("gym?", "sleep?", "hi"):
        desk.text(PAT, words)
        desk.settle()
    return desk


def pat(desk: Desk) -> str:
    return next(patient.id for patient in desk.rows(Patient) if patient.phone == PAT)


def ask(desk: Desk) -> None:
    service.ask(next(person.id for person in desk.rows(Staff) if person.phone == NURSE), pat(desk))
    desk.settle()


def test_the_request_names_no_topic_and_the_answer_is_one_digit(counselled: Desk) -> None:
    ask(counselled)
    request = counselled.texts_to(PAT)[-1]
    assert "reply 1" in request
    for word in ("filler", "treatment", "exercise", "sleep"):
        assert word not in request.lower()
    counselled.text(PAT, "1")
    counselled.settle()
    (one,) = counselled.rows(Acknowledgement)
    assert one.acknowledged_at is not None
    confirmed = {m.content_id for m in counselled.rows(Message) if m.id in one.message_ids}
    assert confirmed == {"aftercare.exercise", "aftercare.sleep"}
    assert "noted" in counselled.texts_to(PAT)[-1]
    answer = next(m for m in counselled.rows(Message) if m.id == one.answer_id)
    assert answer.body == "1"
    with reading() as session:
        assert service.unconfirmed(session, pat(counselled)) == []


@pytest.mark.parametrize("words", ["1.", " 1 ", "ok 1", "1 thanks", "1, gracias"])
def test_the_digit_is_read_with_politeness_around_it(counselled: Desk, words: str) -> None:
    ask(counselled)
    counselled.text(PAT, words)
    assert counselled.rows(Acknowledgement)[0].acknowledged_at is not None


@pytest.mark.parametrize("words", ["10", "1 more question", "what about wine?", "2"])
def test_anything_else_is_answered_as_ever_and_the_request_waits(counselled: Desk, words: str) -> None:
    ask(counselled)
    counselled.text(PAT, words)
    counselled.settle()
    assert counselled.texts_to(PAT)[-1] == f"You said: {words}"
    assert counselled.rows(Acknowledgement)[0].acknowledged_at is None
    counselled.text(PAT, "1")
    assert counselled.rows(Acknowledgement)[0].acknowledged_at is not None, "nothing else was asked since"


def test_a_one_that_answers_another_question_confirms_nothing(counselled: Desk) -> None:
    ask(counselled)
    assert counselled.dialogue is not None
    counselled.dialogue.answer = lambda _text: [Say("Pain 0-10?", "checkin.pain", question="checkin.pain")]
    counselled.text(PAT, "hm")
    counselled.settle()
    counselled.text(PAT, "1")
    assert counselled.rows(Acknowledgement)[0].acknowledged_at is None


def test_a_sign_in_the_answer_is_paged_all_the_same(counselled: Desk) -> None:
    ask(counselled)
    counselled.text(PAT, "my lip has gone white")
    counselled.settle()
    assert counselled.alerts()
    assert counselled.rows(Acknowledgement)[0].acknowledged_at is None


def test_a_late_one_confirms_nothing(counselled: Desk) -> None:
    ask(counselled)
    counselled.advance(days=15)
    counselled.text(PAT, "1")
    assert counselled.rows(Acknowledgement)[0].acknowledged_at is None


def test_asking_again_replaces_the_request_and_what_is_confirmed_is_not_asked_again(counselled: Desk) -> None:
    ask(counselled)
    ask(counselled)
    assert len(counselled.rows(Acknowledgement)) == 1
    counselled.text(PAT, "1")
    with pytest.raises(service.NothingToAsk, match="no counselling text"):
        ask(counselled)


def test_nobody_who_opted_out_is_asked(counselled: Desk) -> None:
    counselled.text(PAT, "STOP")
    counselled.settle()
    with pytest.raises(service.NothingToAsk, match="opted out"):
        ask(counselled)
    assert counselled.rows(Acknowledgement) == []
    assert not [m for m in counselled.rows(Message) if m.content_id == "counselling.ask"]


def test_the_digit_opens_no_task_and_no_turn(counselled: Desk) -> None:
    ask(counselled)
    before = len(counselled.rows(StaffTask))
    counselled.text(PAT, "1")
    counselled.settle()
    assert len(counselled.rows(StaffTask)) == before
    assert [m.kind for m in counselled.rows(Message) if m.content_id == "counselling.thanks"] == [Kind.NOTICE]
    with transaction() as session:
        conversation = session.get_one(Message, counselled.rows(Acknowledgement)[0].answer_id).conversation
        assert conversation.open_question is None
