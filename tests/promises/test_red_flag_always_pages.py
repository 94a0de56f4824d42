from __future__ import annotations

import pytest

from bot import clock
from bot.channels.base import CarrierError
from bot.clinic.models import Clinic, Staff
from bot.db.engine import transaction
from bot.durable import sweep
from bot.escalation import service
from bot.escalation.models import AlertStatus, EventKind, Outcome
from bot.messaging import reading
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, Status
from bot.messaging.segments import segments
from bot.records.models import AssessmentRecord, StaffTask, TaskKind
from bot.triage.types import Tier
from tests.support.desk import ANA, DOCTOR, NURSE, PAT, STRANGER, Desk

WHITE_LIP = "my top lip has gone white on one side and it rlly hurts"
BLIND = "cant see out my left eye"


def kinds(desk: Desk) -> list[EventKind]:
    return [event.kind for event in desk.alerts()[0].events]


def test_the_sender_is_answered_and_the_nurse_is_paged_at_once(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()

    (alert,) = desk.alerts()
    assert (alert.tier, alert.flag, alert.status) == (Tier.T1, "VO", AlertStatus.OPEN)
    first = desk.texts_to(PAT)[0]
    assert "clinician must speak to you now" in first
    (page,) = desk.texts_to(NURSE)
    assert f"ACK {alert.code}" in page
    assert desk.texts_to(DOCTOR) == []


def test_pages_to_one_phone_wait_for_each_other_only_when_they_say_the_same(desk: Desk) -> None:
    desk.text(PAT, BLIND)
    desk.text(ANA, WHITE_LIP)
    desk.text(NURSE, "hello")
    desk.text(NURSE, "hello")

    works = [work for work in sweep.due(clock.now()) if work.task == "page"]
    to_nurse = [work for work in works if desk.message(work.row_id).kind is Kind.PAGE]
    first, second, help_text, the_same = (work.partition for work in to_nurse)
    assert len({first, second, help_text}) == 3
    assert help_text == the_same, "the carrier knows equal texts by their words only"
    assert {work.queue for work in to_nurse} == {None}, "a page queues behind nothing"


def test_the_emergency_number_stands_in_the_first_segment_in_either_language(desk: Desk) -> None:
    desk.text(PAT, BLIND)
    desk.text(ANA, "no veo bien con el ojo derecho desde ayer y me duele")
    desk.settle()

    english, spanish = desk.texts_to(PAT)[0], desk.texts_to(ANA)[0]
    assert "911" in english[:150]
    assert "911" in spanish[:150]
    assert "Llame" in spanish
    assert segments(english) <= 3
    assert segments(spanish) <= 3


def test_a_page_carries_no_name_and_no_words_of_the_patient(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()

    (page,) = desk.texts_to(NURSE)
    assert "PS" in page
    for secret in ("Pat ", "Sample", "lip", PAT, "HArmonyCA"):
        assert secret not in page


def test_nobody_answers_so_the_next_person_is_paged_and_then_everybody_again_and_again(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()

    desk.advance(minutes=14)
    assert desk.texts_to(DOCTOR) == []
    desk.advance(minutes=1.1)
    assert len(desk.texts_to(DOCTOR)) == 1
    assert len(desk.texts_to(NURSE)) == 1
    for round_number in range(1, 11):
        desk.advance(minutes=15.1)
        assert len(desk.texts_to(NURSE)) == 1 + round_number
        assert len(desk.texts_to(DOCTOR)) == 1 + round_number
    assert desk.alerts()[0].status is AlertStatus.OPEN


def test_an_emergency_waits_five_minutes_only(desk: Desk) -> None:
    desk.text(PAT, BLIND)
    desk.settle()
    desk.advance(minutes=4.9)
    assert desk.texts_to(DOCTOR) == []
    desk.advance(minutes=0.2)
    assert len(desk.texts_to(DOCTOR)) == 1


@pytest.mark.parametrize("form", ["ACK {}", "ack {}.", " {} ", "Ack #{}", "ack"])
def test_a_reply_code_acknowledges_and_the_paging_stops(desk: Desk, form: str) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    (alert,) = desk.alerts()

    desk.text(NURSE, form.format(alert.code))
    desk.advance(minutes=20)

    (alert,) = desk.alerts()
    assert alert.status is AlertStatus.ACKNOWLEDGED
    assert alert.acknowledged_by.name == "Nurse Demo"
    assert desk.texts_to(DOCTOR) == []
    assert "You have taken" in desk.texts_to(NURSE)[-1]


def test_whoever_else_was_paged_hears_that_somebody_has_it(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    desk.advance(minutes=16)
    code = desk.alerts()[0].code

    desk.text(DOCTOR, f"ack {code}")
    desk.settle()
    desk.text(NURSE, f"ack {code}")
    desk.settle()

    assert "Dr Demo has acknowledged" in desk.texts_to(NURSE)[-2]
    assert "already taken by Dr Demo" in desk.texts_to(NURSE)[-1]


def test_an_acknowledged_alert_is_not_forgotten_until_a_person_closes_it(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    (alert,) = desk.alerts()
    nurse = desk.rows(Staff, phone=NURSE)[0]
    service.acknowledge(alert.id, nurse.id, "console")

    desk.advance(minutes=61)
    assert "still open" in desk.texts_to(NURSE)[-1]
    service.close(alert.id, nurse.id, Outcome.SEEN_IN_CLINIC, "Seen, refill brisk, photos taken.")
    before = len(desk.texts_to(NURSE))
    desk.advance(days=1)

    assert len(desk.texts_to(NURSE)) == before
    (alert,) = desk.alerts()
    assert (alert.status, alert.outcome) == (AlertStatus.CLOSED, Outcome.SEEN_IN_CLINIC)
    assert kinds(desk)[-1] is EventKind.CLOSED


def test_closing_needs_words_and_happens_once(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    (alert,) = desk.alerts()
    nurse = desk.rows(Staff, phone=NURSE)[0]

    with pytest.raises(service.CloseRefused, match="what was done"):
        service.close(alert.id, nurse.id, Outcome.FALSE_ALARM, "  ")
    service.close(alert.id, nurse.id, Outcome.FALSE_ALARM, "Spoke to her.")
    with pytest.raises(service.CloseRefused, match="closed already"):
        service.close(alert.id, nurse.id, Outcome.FALSE_ALARM, "again")


@pytest.mark.parametrize("words", ["lol never mind", "nvm its fine", "thanks", "👍"])
def test_the_patients_never_mind_closes_nothing(desk: Desk, words: str) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.text(PAT, words)
    desk.advance(minutes=16)

    (alert,) = desk.alerts()
    assert alert.status is AlertStatus.OPEN
    assert len(desk.texts_to(DOCTOR)) == 1


def test_stop_after_a_red_flag_stops_texts_but_not_the_alert(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    desk.text(PAT, "STOP")
    desk.advance(minutes=16)

    assert len(desk.texts_to(DOCTOR)) == 1
    assert [task.kind for task in desk.rows(StaffTask)] == [TaskKind.OPTED_OUT_PHONE]


def test_an_unknown_number_gets_the_safety_words_and_pages(desk: Desk) -> None:
    desk.text(STRANGER, "my throat feels tight")
    desk.settle()

    (alert,) = desk.alerts()
    assert (alert.tier, alert.patient_id) == (Tier.T0, None)
    assert "911" in desk.texts_to(STRANGER)[0][:150]
    assert len(desk.texts_to(NURSE)) == 1


def test_several_signs_of_one_patient_are_one_alert_that_rises_to_the_worst(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    desk.text(NURSE, "ack")
    desk.settle()
    desk.text(PAT, "blurry")
    desk.text(PAT, WHITE_LIP)
    desk.settle()

    (alert,) = desk.alerts()
    assert (alert.tier, alert.flag) == (Tier.T0, "VIS")
    assert EventKind.RAISED in kinds(desk)
    # raised: it is open again, and paged again
    assert alert.status is AlertStatus.OPEN
    assert "T0" in desk.texts_to(NURSE)[-1]


def test_a_new_sign_after_acknowledgement_reaches_the_person_who_has_it(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    desk.text(NURSE, "ack")
    desk.settle()
    before = len(desk.texts_to(NURSE))
    desk.text(PAT, "its gone grey and cold now")
    desk.settle()
    assert len(desk.texts_to(NURSE)) == before + 1


def test_a_page_that_cannot_be_delivered_does_not_cost_its_waiting_time(desk: Desk) -> None:
    desk.carrier.faults = [None, CarrierError("landline", code="30006", permanent=True)]
    desk.text(PAT, WHITE_LIP)
    desk.settle()

    assert desk.texts_to(NURSE) == []
    assert len(desk.texts_to(DOCTOR)) == 1
    assert EventKind.PAGE_FAILED in kinds(desk)


def test_nobody_on_call_is_an_alarm_of_its_own_and_ends_when_somebody_is(desk: Desk) -> None:
    with transaction() as session:
        for staff in session.query(Staff):
            staff.on_call_order = None
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert EventKind.NOBODY_ON_CALL in kinds(desk)

    with transaction() as session:
        session.query(Staff).filter_by(phone=DOCTOR).one().on_call_order = 1
    desk.advance(minutes=15.1)
    desk.advance(minutes=15.1)
    assert len(desk.texts_to(DOCTOR)) >= 1


def test_a_message_that_triage_cannot_read_is_kept_and_read_by_a_person(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("no rules")

    monkeypatch.setattr(reading.triage, "assess", broken)
    receipt = desk.text(PAT, WHITE_LIP)
    assert desk.message(receipt.message_id).assessed is False
    desk.settle()

    (alert,) = desk.alerts()
    assert alert.tier is Tier.T2
    assert len(desk.texts_to(NURSE)) == 1
    assert desk.rows(AssessmentRecord)[0].reasons == ["triage failed"]


def test_the_dialogue_has_no_part_in_it(desk: Desk) -> None:
    desk.dialogue = None
    desk.text(PAT, WHITE_LIP)
    desk.settle()

    assert len(desk.texts_to(NURSE)) == 1
    assert len(desk.texts_to(PAT)) == 1
    (safety,) = desk.rows(Message, kind=Kind.SAFETY)
    assert safety.content_id == "safety.t1"


NEWCOMER = "+15550100123"


def enrol_staff(desk: Desk, phone: str) -> None:
    """A member of staff is treated at her own clinic, as happens everywhere."""
    first_name, last_name = desk.rows(Staff, phone=phone)[0].name.split()
    desk.enrol(first_name, last_name, phone)


def dismiss(*phones: str) -> None:
    with transaction() as session:
        for phone in phones:
            session.query(Staff).filter_by(phone=phone).one().active = False


def hire(phone: str) -> None:
    with transaction() as session:
        session.add(
            Staff(
                clinic_id=session.query(Clinic).one().id,
                name="New Demo",
                email="new@demo.example",
                password_hash="x",
                role="nurse",
                phone=phone,
                on_call_order=1,
            )
        )


def test_a_nurse_who_is_also_a_patient_is_triaged_like_one(desk: Desk) -> None:
    desk.text(DOCTOR, "hello")  # known as staff before being a patient
    enrol_staff(desk, DOCTOR)
    desk.text(DOCTOR, WHITE_LIP)
    desk.settle()

    (alert,) = desk.alerts()
    assert (alert.tier, alert.patient_id is None) == (Tier.T1, False)
    assert any("clinician must speak to you now" in words for words in desk.texts_to(DOCTOR))
    assert len(desk.texts_to(NURSE)) == 1


def test_a_nurse_who_is_also_a_patient_can_still_acknowledge(desk: Desk) -> None:
    enrol_staff(desk, NURSE)
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    desk.text(NURSE, f"ACK {desk.alerts()[0].code}")
    desk.settle()

    (alert,) = desk.alerts()
    assert alert.status is AlertStatus.ACKNOWLEDGED
    assert alert.acknowledged_by.phone == NURSE


def test_a_paged_nurse_who_becomes_a_patient_is_not_taken_for_staff_alone(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    enrol_staff(desk, NURSE)
    desk.text(NURSE, WHITE_LIP)
    desk.settle()
    assert len(desk.alerts()) == 2


def test_a_dismissed_nurse_can_acknowledge_nothing(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    dismiss(NURSE)
    for words in (f"ACK {desk.alerts()[0].code}", "ack"):
        desk.text(NURSE, words)
        desk.settle()
    assert desk.alerts()[0].status is AlertStatus.OPEN


def test_when_the_rota_changes_during_an_alert_those_on_call_now_are_paged_and_no_others(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    paged = len(desk.texts_to(NURSE))
    dismiss(NURSE, DOCTOR)
    hire(NEWCOMER)
    for _ in range(3):
        desk.advance(minutes=15.1)

    assert len(desk.texts_to(NEWCOMER)) == 3
    assert len(desk.texts_to(NURSE)) == paged
    assert desk.texts_to(DOCTOR) == []
    desk.text(NEWCOMER, "ack")
    desk.settle()
    assert desk.alerts()[0].acknowledged_by.name == "New Demo"


def test_somebody_who_left_does_not_hear_who_took_an_alert(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    heard = len(desk.texts_to(NURSE))
    dismiss(NURSE)
    desk.advance(minutes=15.1)
    desk.text(DOCTOR, "ack")
    desk.settle()
    assert desk.alerts()[0].status is AlertStatus.ACKNOWLEDGED
    assert len(desk.texts_to(NURSE)) == heard


def test_when_whoever_took_an_alert_leaves_it_is_open_again_and_others_are_paged(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    desk.text(NURSE, "ack")
    desk.settle()
    heard = len(desk.texts_to(NURSE))
    dismiss(NURSE)
    desk.advance(minutes=61)  # when the holder would have been reminded

    (alert,) = desk.alerts()
    assert (alert.status, alert.acknowledged_by_id) == (AlertStatus.OPEN, None)
    assert EventKind.REOPENED in kinds(desk)
    assert len(desk.texts_to(DOCTOR)) == 1
    assert len(desk.texts_to(NURSE)) == heard


def test_a_new_sign_pages_somebody_even_when_whoever_took_the_alert_has_left(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    desk.text(NURSE, "ack")
    desk.settle()
    heard = len(desk.texts_to(NURSE))
    dismiss(NURSE)
    desk.text(PAT, "its gone grey and cold now")
    desk.settle()

    assert len(desk.texts_to(NURSE)) == heard
    assert len(desk.texts_to(DOCTOR)) == 1


def test_pages_and_safety_words_overtake_hundreds_of_other_texts(desk: Desk) -> None:
    with transaction() as session:
        thread = session.query(Conversation).filter_by(address=ANA).one()
        for _ in range(600):
            session.add(
                Message(
                    clinic_id=thread.clinic_id,
                    conversation_id=thread.id,
                    direction=Direction.OUT,
                    kind=Kind.CHECK_IN,
                    channel=Channel.SMS,
                    body="x",
                    status=Status.QUEUED,
                    send_after=clock.now(),
                )
            )
    desk.text(PAT, BLIND)

    urgent = {row.id for kind in (Kind.PAGE, Kind.SAFETY) for row in desk.rows(Message, kind=kind)}
    assert len(urgent) == 2
    works = [work for work in sweep.due(clock.now()) if work.task in ("page", "deliver")]
    assert {work.row_id for work in works[:2]} == urgent
    assert [work.queue for work in works[:3]] == [None, None, "carrier"]
