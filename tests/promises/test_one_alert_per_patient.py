"""One patient has one open alert, wherever they write: by text or in the chat, known or by a number left."""

from __future__ import annotations

import pytest

from bot.channels.base import CarrierError
from bot.clinic.models import Patient, Staff
from bot.db.engine import reading, transaction
from bot.escalation import service
from bot.escalation.models import Alert, AlertStatus, EventKind, Notification, Outcome
from bot.messaging import whose
from bot.messaging.models import Conversation, Direction, Message, Status
from bot.messaging.whose import NotIdentified
from bot.notify import taking
from bot.notify.links import link_to
from bot.triage.types import Tier
from tests.support.desk import ANA, DOCTOR, NURSE, PAT, STRANGER, Desk
from tests.support.on_call import BLIND, WHITE_LIP, white_lip
from tests.support.safeguarding import CRISIS

CHAT = "visitor-1"


def chat_of(desk: Desk, address: str = CHAT) -> Conversation:
    found: Conversation = desk.rows(Conversation, address=address)[0]
    return found


def patient(desk: Desk, phone: str = PAT) -> Patient:
    found: Patient = desk.rows(Patient, phone=phone)[0]
    return found


def staff(desk: Desk, phone: str) -> str:
    return str(desk.rows(Staff, phone=phone)[0].id)


def identify(desk: Desk, address: str = CHAT, phone: str = PAT) -> None:
    whose.identify(chat_of(desk, address).id, patient(desk, phone).id)
    desk.settle()


def leave_number(desk: Desk, number: str = "it's Pat, 555 010 0112", address: str = CHAT) -> None:
    desk.web(address, number)
    desk.settle()


def in_the_chat(desk: Desk, words: str, address: str = CHAT) -> Alert:
    desk.web(address, words)
    desk.settle()
    return desk.alerts()[-1]


def standing(desk: Desk) -> list[Alert]:
    return [alert for alert in desk.alerts() if alert.joined_into_id is None]


def the_alert(desk: Desk) -> Alert:
    (alert,) = standing(desk)
    return alert


def kinds(desk: Desk) -> list[EventKind]:
    return [event.kind for event in the_alert(desk).events]


# --- where it is known whose conversation it is -----------------------------------------------------------


def test_a_sign_in_the_chat_of_a_known_patient_joins_the_alert_of_their_texts(desk: Desk) -> None:
    desk.web(CHAT, "hello")
    identify(desk)
    white_lip(desk)
    desk.web(CHAT, BLIND)
    desk.settle()
    alert = the_alert(desk)
    assert len(desk.alerts()) == 1
    assert (alert.tier, alert.status) == (Tier.T0, AlertStatus.OPEN)
    assert "T0" in desk.texts_to(NURSE)[-1]
    assert f"ACK {alert.code}" in desk.texts_to(NURSE)[-1]


def test_never_mind_in_the_chat_is_heard_as_about_the_alert_of_the_texts(desk: Desk) -> None:
    desk.web(CHAT, "hello")
    identify(desk)
    white_lip(desk)
    desk.web(CHAT, "never mind")
    assert the_alert(desk).status is AlertStatus.OPEN
    (said,) = [
        one for one in desk.rows(Message, conversation_id=chat_of(desk).id) if one.content_id is not None
    ][-1:]
    assert said.content_id == "safety.retraction"


def test_two_patients_keep_an_alert_each(desk: Desk) -> None:
    white_lip(desk)
    desk.text(ANA, "tengo el labio blanco y me duele mucho")
    in_the_chat(desk, WHITE_LIP)
    assert len(standing(desk)) == 3


# --- two alerts that turn out to be one patient's ---------------------------------------------------------


def test_two_alerts_become_one_when_the_chat_is_identified(desk: Desk) -> None:
    texts, chat = white_lip(desk), in_the_chat(desk, WHITE_LIP, CHAT)
    identify(desk)
    alert = the_alert(desk)
    assert alert.id == texts.id
    assert alert.patient_id == patient(desk).id
    joined = next(one for one in desk.alerts() if one.id == chat.id)
    assert (joined.status, joined.joined_into_id, joined.next_step_at) == (AlertStatus.CLOSED, texts.id, None)
    assert kinds(desk).count(EventKind.OPENED) == 2, "the timeline of both"
    assert EventKind.JOINED in kinds(desk)
    assert joined.events == []


def test_a_number_left_in_the_chat_tells_whose_alert_it_is_and_nothing_else(desk: Desk) -> None:
    chat = in_the_chat(desk, WHITE_LIP)
    white_lip(desk)
    leave_number(desk)
    alert = the_alert(desk)
    assert (alert.id, alert.patient_id) == (chat.id, patient(desk).id)
    conversation = chat_of(desk)
    assert conversation.patient_id is None, "nobody has checked who writes: nothing personal is said"
    assert conversation.named_patient_id == patient(desk).id
    desk.web(CHAT, BLIND)
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert the_alert(desk).tier is Tier.T0


@pytest.mark.parametrize("number", ["+1 555-010-0112", "(555) 010 0112", "Pat 5550100112 please call"])
def test_a_number_is_known_however_it_is_written(desk: Desk, number: str) -> None:
    white_lip(desk)
    in_the_chat(desk, WHITE_LIP)
    leave_number(desk, number)
    assert len(standing(desk)) == 1


def test_a_number_left_with_the_sign_itself_counts(desk: Desk) -> None:
    white_lip(desk)
    in_the_chat(desk, "cant see out my left eye, call 555 010 0112")
    assert the_alert(desk).tier is Tier.T0


def test_a_number_left_before_the_patient_texts_counts(desk: Desk) -> None:
    in_the_chat(desk, WHITE_LIP)
    leave_number(desk)
    white_lip(desk)
    assert len(desk.alerts()) == 1
    assert the_alert(desk).patient_id == patient(desk).id


def test_a_number_that_is_nobodys_joins_nothing(desk: Desk) -> None:
    white_lip(desk)
    in_the_chat(desk, WHITE_LIP)
    leave_number(desk, "Kim 555 010 0143")
    assert len(standing(desk)) == 2


def test_a_visitor_who_only_names_a_patient_hears_nothing_of_their_alert(desk: Desk) -> None:
    white_lip(desk)
    leave_number(desk)
    desk.web(CHAT, "thanks")
    contents = [one.content_id for one in desk.rows(Message, conversation_id=chat_of(desk).id)]
    assert "safety.retraction" not in contents


def test_the_number_corrected_before_anything_joined_takes_the_alert_along(desk: Desk) -> None:
    in_the_chat(desk, WHITE_LIP)
    leave_number(desk, "555 010 0112")
    leave_number(desk, "sorry, 555 010 0111")
    assert the_alert(desk).patient_id == patient(desk, ANA).id


def test_an_alert_of_a_stranger_is_the_patients_once_the_number_is_enrolled(desk: Desk) -> None:
    desk.text(STRANGER, WHITE_LIP)
    desk.enrol("Kim", "Placeholder", STRANGER)
    assert the_alert(desk).patient_id == patient(desk, STRANGER).id
    in_the_chat(desk, WHITE_LIP)
    identify(desk, phone=STRANGER)
    assert len(standing(desk)) == 1


def test_a_chat_that_is_known_is_not_given_to_somebody_else(desk: Desk) -> None:
    desk.web(CHAT, "hello")
    identify(desk)
    with pytest.raises(NotIdentified):
        whose.identify(chat_of(desk).id, patient(desk, ANA).id)
    with pytest.raises(NotIdentified):
        whose.identify(desk.rows(Conversation, address=PAT)[0].id, patient(desk, ANA).id)


# --- what joining does to pages, people and words ---------------------------------------------------------


def test_an_emergency_that_joins_pages_like_an_alert_that_is_raised(desk: Desk) -> None:
    texts = white_lip(desk)
    desk.text(NURSE, f"ACK {texts.code}")
    desk.settle()
    desk.advance(minutes=1)
    in_the_chat(desk, BLIND)
    calls = len(desk.calls.sent)
    identify(desk)
    alert = the_alert(desk)
    assert (alert.tier, alert.flag, alert.status) == (Tier.T0, "VIS", AlertStatus.OPEN)
    assert EventKind.RAISED in kinds(desk)
    assert f"ACK {alert.code} to take it" in desk.texts_to(NURSE)[-1]
    assert len(desk.calls.sent) == calls + 1
    desk.advance(minutes=5.1)
    assert any("T0" in words for words in desk.texts_to(DOCTOR))


def test_whoever_had_the_lesser_alert_and_is_on_call_no_more_hears_of_the_emergency(desk: Desk) -> None:
    texts = white_lip(desk)
    service.acknowledge(texts.id, staff(desk, DOCTOR), "console")
    in_the_chat(desk, BLIND)
    heard = len(desk.texts_to(DOCTOR))
    identify(desk)
    assert "T0" in desk.texts_to(DOCTOR)[heard]


def test_a_lesser_alert_that_joins_leaves_an_emergency_as_it_is(desk: Desk) -> None:
    desk.text(PAT, BLIND)
    desk.settle()
    before = the_alert(desk)
    in_the_chat(desk, WHITE_LIP)
    heard = len(desk.texts_to(NURSE))
    identify(desk)
    after = the_alert(desk)
    assert (after.tier, after.flag, after.next_step_at) == (Tier.T0, "VIS", before.next_step_at)
    assert len(desk.texts_to(NURSE)) == heard


@pytest.mark.parametrize("taken", ["texts", "chat"])
def test_of_two_as_urgent_the_one_that_is_taken_counts_and_all_who_were_paged_hear(
    desk: Desk, taken: str
) -> None:
    texts = white_lip(desk)
    chat = in_the_chat(desk, WHITE_LIP)
    service.acknowledge({"texts": texts, "chat": chat}[taken].id, staff(desk, DOCTOR), "console")
    desk.settle()
    heard = len(desk.texts_to(NURSE))
    identify(desk)
    alert = the_alert(desk)
    assert (alert.status, alert.acknowledged_by.phone) == (AlertStatus.ACKNOWLEDGED, DOCTOR)
    assert "Dr Demo has acknowledged" in desk.texts_to(NURSE)[heard]
    assert any("NEW SIGN" in words for words in desk.texts_to(DOCTOR)), "there is another sign"
    desk.advance(minutes=61)
    assert "still open" in desk.texts_to(DOCTOR)[-1], "and it is not forgotten"


def test_an_emergency_that_somebody_has_stays_theirs_when_it_joins(desk: Desk) -> None:
    white_lip(desk)
    chat = in_the_chat(desk, BLIND)
    service.acknowledge(chat.id, staff(desk, DOCTOR), "console")
    identify(desk)
    alert = the_alert(desk)
    assert (alert.tier, alert.status) == (Tier.T0, AlertStatus.ACKNOWLEDGED)
    assert alert.acknowledged_by.phone == DOCTOR
    assert "Dr Demo has acknowledged" in desk.texts_to(NURSE)[-1]


def test_a_lesser_alert_that_somebody_had_joins_an_open_emergency_and_they_are_paged(desk: Desk) -> None:
    desk.text(PAT, BLIND)
    desk.settle()
    chat = in_the_chat(desk, WHITE_LIP)
    service.acknowledge(chat.id, staff(desk, DOCTOR), "console")
    heard = len(desk.texts_to(DOCTOR))
    identify(desk)
    alert = the_alert(desk)
    assert (alert.tier, alert.status) == (Tier.T0, AlertStatus.OPEN)
    assert "T0" in desk.texts_to(DOCTOR)[heard]


def test_of_two_who_had_one_each_one_has_it_and_the_other_hears(desk: Desk) -> None:
    texts, chat = white_lip(desk), in_the_chat(desk, WHITE_LIP)
    service.acknowledge(texts.id, staff(desk, NURSE), "console")
    service.acknowledge(chat.id, staff(desk, DOCTOR), "console")
    identify(desk)
    assert the_alert(desk).acknowledged_by.phone == NURSE
    assert "Nurse Demo has acknowledged" in desk.texts_to(DOCTOR)[-1]


@pytest.mark.parametrize("number", [0, 1])
def test_the_reply_codes_of_both_take_the_alert(desk: Desk, number: int) -> None:
    codes = [white_lip(desk).code, in_the_chat(desk, WHITE_LIP).code]
    identify(desk)
    desk.text(NURSE, f"ACK {codes[number]}")
    desk.settle()
    assert the_alert(desk).status is AlertStatus.ACKNOWLEDGED
    assert "You have taken" in desk.texts_to(NURSE)[-1]
    desk.text(DOCTOR, f"ACK {codes[1 - number]}")
    desk.settle()
    assert "already taken by Nurse Demo" in desk.texts_to(DOCTOR)[-1]
    service.close(the_alert(desk).id, staff(desk, NURSE), Outcome.SEEN_IN_CLINIC, "Seen.")
    for code in codes:
        desk.text(DOCTOR, f"ACK {code}")
        desk.settle()
        assert "is closed" in desk.texts_to(DOCTOR)[-1]


def test_a_bare_ack_takes_the_one_alert_that_is_left(desk: Desk) -> None:
    white_lip(desk)
    in_the_chat(desk, WHITE_LIP)
    identify(desk)
    desk.text(NURSE, "ack")
    assert the_alert(desk).status is AlertStatus.ACKNOWLEDGED


def test_the_code_of_a_joined_alert_is_given_to_no_other_until_both_are_closed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.escalation.raising.random.choice", lambda free: free[0])
    codes = {white_lip(desk).code, in_the_chat(desk, WHITE_LIP).code}
    identify(desk)
    assert in_the_chat(desk, WHITE_LIP, "another").code not in codes


def test_whoever_was_paged_with_the_younger_code_is_spoken_to_by_it(desk: Desk) -> None:
    white_lip(desk)
    chat = in_the_chat(desk, WHITE_LIP)
    with transaction() as session:  # nobody but the doctor was paged about the chat
        for one in session.query(Notification).filter_by(alert_id=chat.id):
            one.staff_id = staff(desk, DOCTOR)
    identify(desk)
    desk.text(NURSE, "ack")
    desk.settle()
    assert desk.texts_to(DOCTOR)[-1].startswith(f"Nurse Demo has acknowledged {chat.code}")


def test_the_link_of_a_page_about_the_joined_alert_takes_the_one_that_is_left(desk: Desk) -> None:
    white_lip(desk)
    chat = in_the_chat(desk, BLIND)
    identify(desk)
    token = link_to(chat.notifications[0].id).rpartition("/")[2]
    assert taking.take(token).state == "taken_now"
    assert the_alert(desk).status is AlertStatus.ACKNOWLEDGED
    assert taking.look(token).state == "yours"


def test_a_page_about_the_joined_alert_that_fails_hurries_the_one_that_is_left(desk: Desk) -> None:
    white_lip(desk)
    desk.web(CHAT, WHITE_LIP)  # not handed over yet
    whose.identify(chat_of(desk).id, patient(desk).id)
    desk.carrier.faults = [CarrierError("landline", code="30006", permanent=True)]
    desk.settle()
    assert EventKind.PAGE_FAILED in kinds(desk)
    assert len(desk.texts_to(DOCTOR)) == 1


def test_taking_it_calls_off_what_still_waits_about_either(desk: Desk) -> None:
    white_lip(desk)
    desk.web(CHAT, BLIND)
    whose.identify(chat_of(desk).id, patient(desk).id)
    service.acknowledge(the_alert(desk).id, staff(desk, DOCTOR), "console")
    desk.settle()
    assert desk.calls.sent == []
    waiting = [one for one in desk.rows(Notification) if one.status is Status.QUEUED]
    assert waiting == []


def test_joining_says_nothing_to_the_patient(desk: Desk) -> None:
    white_lip(desk)
    in_the_chat(desk, BLIND)

    def said() -> list[str]:
        ours = {desk.rows(Conversation, address=PAT)[0].id, chat_of(desk).id}
        out = desk.rows(Message, direction=Direction.OUT)
        return [one.body for one in out if one.conversation_id in ours]

    before = said()
    identify(desk)
    assert said() == before


def test_a_crisis_that_joins_reaches_the_lead_once(desk: Desk) -> None:
    white_lip(desk)
    in_the_chat(desk, CRISIS)
    heard = len(desk.texts_to(DOCTOR))
    assert heard
    identify(desk)
    assert the_alert(desk).psych
    assert len(desk.texts_to(DOCTOR)) <= heard + 1


def test_closing_refuses_when_another_alert_has_just_joined(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = white_lip(desk)
    chat = in_the_chat(desk, BLIND)
    real = service._newest_sign

    def joined_meanwhile(*args: object) -> object:
        monkeypatch.setattr(service, "_newest_sign", real)
        seen = real(*args)
        identify(desk)
        return seen

    monkeypatch.setattr(service, "_newest_sign", joined_meanwhile)
    with pytest.raises(service.CloseRefused):
        service.close(texts.id, staff(desk, NURSE), Outcome.FALSE_ALARM, "Nothing.")
    with pytest.raises(service.CloseRefused, match="part of another"):
        service.close(chat.id, staff(desk, NURSE), Outcome.FALSE_ALARM, "Nothing.")
    assert the_alert(desk).status is AlertStatus.OPEN


def test_an_old_address_still_acts_on_the_alert_that_is_left(desk: Desk) -> None:
    white_lip(desk)
    chat = in_the_chat(desk, WHITE_LIP)
    identify(desk)
    service.add_note(chat.id, staff(desk, NURSE), "Phoned her.")
    assert service.acknowledge(chat.id, staff(desk, NURSE), "console")
    assert the_alert(desk).status is AlertStatus.ACKNOWLEDGED
    assert EventKind.NOTE in kinds(desk)


def test_three_alerts_become_one(desk: Desk) -> None:
    white_lip(desk)
    in_the_chat(desk, WHITE_LIP, "first")
    in_the_chat(desk, BLIND, "second")
    identify(desk, "first")
    identify(desk, "second")
    alert = the_alert(desk)
    assert alert.tier is Tier.T0
    with reading() as session:
        assert len(session.get_one(Alert, alert.id).joined) == 2


@pytest.mark.parametrize("either_record", ["sqlite", "postgres"], indirect=True)
def test_joining_is_the_same_on_both_databases(either_record: str) -> None:
    desk = Desk.of_demo_clinic()
    in_the_chat(desk, BLIND)
    white_lip(desk)
    identify(desk)
    alert = the_alert(desk)
    assert (alert.tier, alert.patient_id) == (Tier.T0, patient(desk).id)
    desk.text(NURSE, f"ACK {desk.alerts()[-1].code}")
    desk.settle()
    assert the_alert(desk).status is AlertStatus.ACKNOWLEDGED


def test_another_emergency_beside_one_that_nobody_has_taken_is_told_to_who_was_paged(desk: Desk) -> None:
    desk.text(PAT, BLIND)
    desk.settle()
    heard = {one: len(desk.texts_to(one)) for one in (NURSE, DOCTOR)}
    paged = [one for one in (NURSE, DOCTOR) if heard[one]]
    desk.text(PAT, "now i cant breathe")
    desk.settle()
    assert [one for one in (NURSE, DOCTOR) if len(desk.texts_to(one)) > heard[one]] == paged != []
    assert "NEW SIGN, T0" in desk.texts_to(paged[0])[-1]
    desk.text(PAT, "i cant breathe")  # the same again is on the timeline, and pages nobody anew
    desk.settle()
    assert len(desk.texts_to(paged[0])) == heard[paged[0]] + 1


def test_who_has_the_alert_is_told_of_another_sign_and_not_that_nobody_has_it(desk: Desk) -> None:
    white_lip(desk)
    desk.text(NURSE, "ack")
    desk.settle()
    desk.text(PAT, "my lip has gone grey and cold now")
    desk.settle()
    assert "NEW SIGN" in desk.texts_to(NURSE)[-1]
    assert "Nobody" not in desk.texts_to(NURSE)[-1]
