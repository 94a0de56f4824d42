"""Patients are asked once whether their photos may be kept for comparison, and never at a bad moment."""

from __future__ import annotations

import pytest

from bot.clinic.models import Consent, ConsentPurpose, Patient, Staff
from bot.console.sessions import open_session
from bot.db.engine import reading, transaction
from bot.escalation import service as escalation
from bot.escalation.models import Outcome
from bot.handover import service as handover
from bot.messaging.models import Message
from bot.photos import consent
from bot.photos.models import Photo
from tests.support import pictures
from tests.support.desk import PAT, STRANGER, Desk
from tests.support.sent_photos import (
    LONG_TREATED,
    URL,
    media,
    treated_long_ago,
)


def consents(desk: Desk) -> list[tuple[bool, str, str]]:
    rows = desk.rows(Consent, purpose=ConsentPurpose.PHOTOS)
    return [(row.granted, row.wording_version, row.channel) for row in rows]


def send_a_photo(desk: Desk, colour: str = "tan") -> None:
    desk.carrier.media[colour] = pictures.jpeg(colour)
    desk.text(LONG_TREATED, "here is my photo", media=media(colour))
    desk.settle()


def state(patient_id: str) -> consent.State:
    with reading() as session:
        return consent.state_of(session, patient_id)


def asked(desk: Desk) -> int:
    return len(desk.rows(Message, content_id="photos.consent"))


@pytest.mark.parametrize(
    ("reply", "granted", "after"),
    [
        ("1", True, consent.State.GIVEN),
        ("Yes.", True, consent.State.GIVEN),
        ("2", False, consent.State.REFUSED),
    ],
)
def test_consent_is_asked_once_and_the_answer_is_recorded_with_its_wording(
    desk: Desk, reply: str, granted: bool, after: consent.State
) -> None:
    patient_id = treated_long_ago(desk)
    desk.advance(hours=3)  # 11 o'clock
    send_a_photo(desk)
    assert (asked(desk), state(patient_id)) == (0, consent.State.MISSING), "not in the middle of the talk"
    desk.advance(minutes=16)
    assert (asked(desk), state(patient_id)) == (1, consent.State.ASKED)
    desk.text(LONG_TREATED, reply)
    desk.settle()
    assert consents(desk) == [(granted, "photos.consent-1", "sms")]
    assert state(patient_id) is after
    assert "noted" in desk.texts_to(LONG_TREATED)[-1].lower()
    send_a_photo(desk, "salmon")
    desk.advance(days=1)
    assert asked(desk) == 1
    assert len(desk.rows(Photo)) == 2, "kept either way: it is the patient's message"


def test_an_answer_that_is_neither_is_a_message_like_any_other(desk: Desk) -> None:
    patient_id = treated_long_ago(desk)
    desk.advance(hours=3)
    send_a_photo(desk)
    desk.advance(minutes=16)
    desk.text(LONG_TREATED, "what for?")
    desk.settle()
    assert consents(desk) == []
    assert desk.texts_to(LONG_TREATED)[-1] == "You said: what for?"
    desk.advance(days=1)
    assert (asked(desk), state(patient_id)) == (1, consent.State.ASKED)


def test_a_bare_number_without_the_question_is_no_consent(desk: Desk) -> None:
    treated_long_ago(desk)
    desk.text(LONG_TREATED, "1")
    desk.settle()
    assert consents(desk) == []


def test_nobody_is_asked_while_an_alert_is_open(desk: Desk) -> None:
    desk.advance(hours=3)
    desk.carrier.media[URL] = pictures.jpeg()
    desk.text(PAT, "", media=media())
    desk.settle()
    (alert,) = desk.alerts()
    desk.advance(hours=2)
    assert asked(desk) == 0
    nurse = desk.rows(Staff)[0]
    escalation.acknowledge(alert.id, nurse.id, via="console")
    escalation.close(alert.id, nurse.id, Outcome.SEEN_IN_CLINIC, "Seen.")
    with transaction() as session:
        conversation = session.get_one(Photo, desk.rows(Photo)[0].id).conversation
        conversation.open_question = None
    desk.advance(minutes=16)
    assert asked(desk) == 1


def test_nobody_is_asked_while_a_person_talks_with_them(desk: Desk) -> None:
    treated_long_ago(desk)
    desk.advance(hours=3)
    send_a_photo(desk)
    with transaction() as session:
        conversation, nurse = (
            session.get_one(Photo, desk.rows(Photo)[0].id).conversation_id,
            desk.rows(Staff)[0],
        )
        open_session(session, nurse)
    handover.take_over(conversation, nurse.id)
    desk.advance(minutes=16)
    assert asked(desk) == 0
    handover.hand_back(conversation, nurse.id)
    desk.advance(minutes=16)
    assert asked(desk) == 1


def test_nobody_is_asked_at_night(desk: Desk) -> None:
    treated_long_ago(desk)
    desk.advance(hours=13)  # 21 o'clock
    send_a_photo(desk)
    desk.advance(hours=1)
    assert asked(desk) == 0
    desk.advance(hours=12)
    assert asked(desk) == 1


def test_who_has_opted_out_is_not_asked(desk: Desk) -> None:
    treated_long_ago(desk)
    desk.advance(hours=3)
    desk.text(LONG_TREATED, "STOP")
    send_a_photo(desk)
    desk.advance(days=1)
    desk.advance(days=14)
    desk.advance(days=1)
    assert asked(desk) == 0
    assert desk.rows(Photo)[0].ask_consent_at is None, "in the end it is left to staff"


def test_the_new_owner_of_a_number_is_not_asked_about_the_old_owners_photo(desk: Desk) -> None:
    old = treated_long_ago(desk)
    desk.advance(hours=3)
    send_a_photo(desk)
    with transaction() as session:
        session.get_one(Patient, old).phone = "+15550100172"
    desk.enrol("New", "Owner", LONG_TREATED)
    desk.text(LONG_TREATED, "hello")
    desk.advance(days=1)
    assert asked(desk) == 0
    assert desk.rows(Photo)[0].ask_consent_at is None


def test_a_stranger_is_not_asked(desk: Desk) -> None:
    desk.carrier.media[URL] = pictures.jpeg()
    desk.text(STRANGER, "hello", media=media())
    desk.advance(hours=4)
    assert len(desk.rows(Photo)) == 1
    assert asked(desk) == 0
