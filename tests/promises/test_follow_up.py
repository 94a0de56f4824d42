"""How an enrolment lives: consent first, one series for one day, changes by staff, a changing protocol."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import clock
from bot.channels.base import CarrierError, Outbound, Sent
from bot.clinic import contact
from bot.clinic.models import Clinic, Consent, Patient, Staff
from bot.db.engine import reading, transaction
from bot.followup import answers, changes, protocols
from bot.followup.errors import ChangeRefused, ProtocolRefused
from bot.followup.models import (
    CheckIn,
    CheckInStatus,
    Enrolment,
    EnrolmentEvent,
    EnrolmentStatus,
    Means,
)
from bot.followup.planning import Planned, TextingHours, replan, spread
from bot.messaging.models import Message, Status
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Branch, Threshold, Wording
from bot.records.models import StaffTask, SymptomReport, TaskKind
from bot.triage.types import Tier
from tests.support.desk import NURSE, Desk, Say

SAM = "+15550100131"
NEW_YORK = ZoneInfo("America/New_York")


def check_ins(desk: Desk, patient_id: str) -> dict[int, CheckIn]:
    return {row.day: row for row in desk.rows(CheckIn, patient_id=patient_id)}


def until(desk: Desk, moment: datetime) -> None:
    clock.advance(moment + timedelta(seconds=1) - clock.now())
    desk.settle()


def tasks(desk: Desk, patient_id: str) -> list[TaskKind]:
    return [task.kind for task in desk.rows(StaffTask, patient_id=patient_id)]


def nurse(desk: Desk) -> str:
    return str(desk.rows(Staff, name="Nurse Demo")[0].id)


# --- consent ------------------------------------------------------------------------------------------


def test_the_first_text_names_the_clinic_and_asks_for_a_y(desk: Desk) -> None:
    desk.enrol("Sam", "Example", SAM, agrees=False)
    desk.settle()
    (welcome,) = desk.texts_to(SAM)
    assert "Blue Heron" in welcome
    assert "Reply Y to agree" in welcome


@pytest.mark.parametrize("yes", ["Y", "y", "Yes", "sí", "ok", "Yes please!"])
def test_a_y_is_kept_with_its_wording_and_lets_check_ins_begin(desk: Desk, yes: str) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM, agrees=False)
    receipt = desk.text(SAM, yes)
    desk.settle()
    asked, given = desk.rows(Consent, patient_id=enrolled.patient_id)
    assert (asked.channel, given.channel) == ("staff", "sms")
    assert (given.granted, given.wording_version, given.message_id) == (
        True,
        "enrol.welcome-3",
        receipt.message_id,
    )
    until(desk, enrolled.check_ins[1])
    assert check_ins(desk, enrolled.patient_id)[1].status is CheckInStatus.SENT


def test_without_a_y_nothing_is_asked_by_text_and_staff_phone_once(desk: Desk) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM, agrees=False)
    desk.settle()
    for day in (1, 3, 7):
        until(desk, enrolled.check_ins[day])
    assert len(desk.texts_to(SAM)) == 1
    assert tasks(desk, enrolled.patient_id) == [TaskKind.NO_CONSENT]
    assert check_ins(desk, enrolled.patient_id)[3].reason == "no consent"


def test_a_no_is_kept_confirmed_and_handed_to_staff(desk: Desk) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM, agrees=False)
    desk.text(SAM, "no thanks")
    desk.settle()
    assert [row.granted for row in desk.rows(Consent, patient_id=enrolled.patient_id)] == [True, False]
    assert "will not text you" in desk.texts_to(SAM)[-1]
    assert tasks(desk, enrolled.patient_id) == [TaskKind.NO_CONSENT]


def test_a_clinic_that_has_consent_in_writing_need_not_ask_again(desk: Desk) -> None:
    with transaction() as session:
        session.query(Clinic).one().consent_by_text = False
    enrolled = desk.enrol("Sam", "Example", SAM, agrees=False)
    until(desk, enrolled.check_ins[1])
    assert check_ins(desk, enrolled.patient_id)[1].status is CheckInStatus.SENT


def test_who_agreed_before_is_greeted_and_not_asked_again(desk: Desk) -> None:
    desk.enrol("Sam", "Example", SAM)
    desk.settle()
    desk.advance(days=30)
    before = len(desk.texts_to(SAM))
    desk.enrol("Sam", "Example", SAM, lot="LOT-8", agrees=False)
    desk.settle()
    assert "again" in desk.texts_to(SAM)[before]


@pytest.mark.parametrize("words", ["wrong number", "Sorry, you have the wrong number", "número equivocado"])
def test_a_wrong_number_is_left_alone_and_staff_look_for_the_right_one(desk: Desk, words: str) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM, agrees=False)
    desk.text(SAM, words)
    desk.settle()
    said = len(desk.texts_to(SAM))
    assert TaskKind.WRONG_NUMBER in tasks(desk, enrolled.patient_id)
    until(desk, enrolled.check_ins[3])
    assert len(desk.texts_to(SAM)) == said


def test_a_landline_is_phoned_from_then_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM)
    desk.settle()
    send = desk.carrier.send

    def refuse_sam(message: Outbound) -> Sent:
        if message.to == SAM:
            raise CarrierError("landline", code="30006", permanent=True)
        return send(message)

    monkeypatch.setattr(desk.carrier, "send", refuse_sam)
    until(desk, enrolled.check_ins[1])
    assert desk.rows(Enrolment, id=enrolled.enrolment_id)[0].means is Means.PHONE
    until(desk, enrolled.check_ins[3])
    assert check_ins(desk, enrolled.patient_id)[3].status is CheckInStatus.BY_PHONE
    assert TaskKind.PHONE_CHECK_IN in tasks(desk, enrolled.patient_id)


def move(desk: Desk, patient_id: str, phone: str) -> None:
    (patient,) = desk.rows(Patient, id=patient_id)
    known = {name: getattr(patient, name) for name in ("first_name", "last_name", "language", "time_zone")}
    contact.correct(patient.clinic_id, patient_id, known | {"phone": phone})
    desk.settle()


def test_what_waits_for_a_number_never_reaches_it_once_the_patient_has_another(desk: Desk) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM)
    desk.settle()
    before = len(desk.texts_to(SAM))
    # enough for everybody whose check-in is due by then: all are to be tried again
    desk.carrier.faults = [CarrierError("busy", code="30001")] * 20
    until(desk, enrolled.check_ins[1])
    desk.carrier.faults = []
    move(desk, enrolled.patient_id, "+15550100132")
    desk.advance(days=1)
    assert len(desk.texts_to(SAM)) == before
    assert TaskKind.NO_CHECK_IN_ANSWER in tasks(desk, enrolled.patient_id), "nothing is lost"
    waited = desk.rows(Message, patient_id=enrolled.patient_id, status=Status.SUPPRESSED)
    assert {message.error for message in waited} == {"the number has changed"}


@pytest.mark.parametrize("by_staff", [False, True])
def test_a_new_number_is_texted_again_unless_staff_chose_the_phone(desk: Desk, by_staff: bool) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM)
    desk.settle()
    if by_staff:
        changes.reach_by(enrolled.enrolment_id, Means.PHONE, nurse(desk))
    else:
        with transaction() as session:
            changes.phone_from_now_on(session, enrolled.patient_id, "the number takes no texts")
    move(desk, enrolled.patient_id, "+15550100132")
    means = desk.rows(Enrolment, id=enrolled.enrolment_id)[0].means
    assert means is (Means.PHONE if by_staff else Means.TEXT)


# --- one series for one day ---------------------------------------------------------------------------


def test_two_treatments_on_one_day_are_asked_about_together(desk: Desk) -> None:
    first = desk.enrol("Sam", "Example", SAM)
    second = desk.enrol("Sam", "Example", SAM, product="ha_filler", lot="HA-1", areas=["lips"])
    assert first.check_ins == second.check_ins
    assert len(desk.rows(CheckIn, patient_id=first.patient_id)) == len(first.check_ins)
    desk.settle()
    before = len(desk.texts_to(SAM))
    until(desk, first.check_ins[1])
    assert desk.texts_to(SAM)[before:] == ["How are you?", "Pain 0-10?"]


def test_treatments_on_different_days_that_fall_due_together_are_asked_as_one(desk: Desk) -> None:
    first = desk.enrol("Sam", "Example", SAM)
    desk.advance(days=6)  # day 7 of the first is day 1 of the second
    second = desk.enrol("Sam", "Example", SAM, product="radiesse", lot="R-1", agrees=False)
    desk.settle()
    before = len(desk.texts_to(SAM))
    until(desk, second.check_ins[1])
    rows = {row.id: row for row in desk.rows(CheckIn, patient_id=first.patient_id)}
    combined = [row for row in rows.values() if row.status is CheckInStatus.COMBINED]
    assert [row.day for row in combined] == [7]
    asked = rows[combined[0].combined_into_id]
    assert (asked.enrolment_id, asked.status) == (second.enrolment_id, CheckInStatus.SENT)
    assert "bruising" in asked.asked, "what day 7 asks is asked too"
    assert len(desk.texts_to(SAM)) == before + 2


def test_a_touch_up_starts_the_early_days_anew_and_leaves_the_months_alone(desk: Desk) -> None:
    first = desk.enrol("Sam", "Example", SAM)
    desk.advance(days=5)
    second = desk.enrol("Sam", "Example", SAM, lot="LOT-8", touch_up=True, agrees=False)
    assert [row.day for row in desk.rows(CheckIn, enrolment_id=second.enrolment_id)] == [1, 3, 7, 14]
    mine = {row.day: row.status for row in desk.rows(CheckIn, enrolment_id=first.enrolment_id)}
    assert (mine[7], mine[14]) == (CheckInStatus.CANCELLED, CheckInStatus.CANCELLED)
    assert (mine[28], mine[365]) == (CheckInStatus.PLANNED, CheckInStatus.PLANNED)


def test_a_touch_up_on_the_day_of_another_treatment_keeps_that_days_check_ins(desk: Desk) -> None:
    first = desk.enrol("Sam", "Example", SAM)
    desk.enrol("Sam", "Example", SAM, product="radiesse", lot="R-1", touch_up=True, agrees=False)
    planned = {row.day: row.status for row in desk.rows(CheckIn, patient_id=first.patient_id)}
    assert planned == dict.fromkeys(first.check_ins, CheckInStatus.PLANNED)


def test_a_touch_up_that_is_told_late_leaves_a_newer_treatment_alone(desk: Desk) -> None:
    touched_up = clock.now().isoformat()
    desk.advance(days=2)
    newer = desk.enrol("Sam", "Example", SAM, product="radiesse", lot="R-1")
    desk.enrol("Sam", "Example", SAM, touch_up=True, treated_at=touched_up, agrees=False)
    mine = {row.day: row.status for row in desk.rows(CheckIn, enrolment_id=newer.enrolment_id)}
    assert mine == dict.fromkeys(newer.check_ins, CheckInStatus.PLANNED)


# --- what staff change --------------------------------------------------------------------------------


def test_paused_check_ins_wait_and_what_fell_due_meanwhile_is_left_out(desk: Desk) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM)
    changes.pause(enrolled.enrolment_id, nurse(desk))
    until(desk, enrolled.check_ins[3])
    assert check_ins(desk, enrolled.patient_id)[1].status is CheckInStatus.PLANNED
    changes.resume(enrolled.enrolment_id, nurse(desk))
    desk.settle()
    now = check_ins(desk, enrolled.patient_id)
    assert (now[1].status, now[3].status) == (CheckInStatus.SKIPPED, CheckInStatus.SKIPPED)
    assert tasks(desk, enrolled.patient_id) == []
    until(desk, enrolled.check_ins[7])
    assert check_ins(desk, enrolled.patient_id)[7].status is CheckInStatus.SENT
    assert [event.what for event in desk.rows(EnrolmentEvent)] == ["paused", "resumed"]


def test_check_ins_end_early_with_a_reason_and_not_without(desk: Desk) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM)
    desk.settle()
    with pytest.raises(ChangeRefused, match="why"):
        changes.finish_early(enrolled.enrolment_id, nurse(desk), " ")
    changes.finish_early(enrolled.enrolment_id, nurse(desk), "Moved abroad.")
    assert desk.rows(Enrolment, id=enrolled.enrolment_id)[0].status is EnrolmentStatus.STOPPED
    before = len(desk.texts_to(SAM))
    until(desk, enrolled.check_ins[3])
    assert len(desk.texts_to(SAM)) == before
    with pytest.raises(ChangeRefused, match="ended"):
        changes.finish_early(enrolled.enrolment_id, nurse(desk), "again")


def test_one_check_in_can_be_skipped_but_not_once_it_has_gone_out(desk: Desk) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM)
    changes.skip(check_ins(desk, enrolled.patient_id)[1].id, nurse(desk))
    until(desk, enrolled.check_ins[3])
    sent = check_ins(desk, enrolled.patient_id)
    assert (sent[1].status, sent[3].status) == (CheckInStatus.SKIPPED, CheckInStatus.SENT)
    with pytest.raises(ChangeRefused, match="not gone out"):
        changes.skip(sent[3].id, nurse(desk))


def test_check_ins_by_phone_are_tasks_and_no_texts(desk: Desk) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM)
    desk.settle()
    changes.reach_by(enrolled.enrolment_id, Means.PHONE, nurse(desk))
    before = len(desk.texts_to(SAM))
    until(desk, enrolled.check_ins[1])
    assert len(desk.texts_to(SAM)) == before
    assert tasks(desk, enrolled.patient_id) == [TaskKind.PHONE_CHECK_IN]


# --- silence ------------------------------------------------------------------------------------------


def test_silence_after_a_worrying_answer_pages_somebody(desk: Desk) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM)
    until(desk, enrolled.check_ins[1])
    row = check_ins(desk, enrolled.patient_id)[1]
    receipt = desk.text(SAM, "3")
    answers.record(row.id, "overall", "unwell", words="3", message_id=receipt.message_id)
    desk.settle()
    assert desk.alerts() == []
    desk.advance(hours=4.5)
    desk.advance(hours=20.5)
    (alert,) = desk.alerts()
    assert alert.tier is Tier.T2
    assert len(desk.texts_to(NURSE)) == 1
    assert TaskKind.NO_CHECK_IN_ANSWER not in tasks(desk, enrolled.patient_id)


# --- a protocol that changes --------------------------------------------------------------------------


def edited(days: dict[int, list[str]]) -> list[dict[str, Any]]:
    return [{"day": day, "ask": ask} for day, ask in days.items()]


SHORT = ["overall", "pain", "other"]


def test_running_enrolments_follow_a_changed_protocol_and_keep_what_was_promised(desk: Desk) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM)
    until(desk, enrolled.check_ins[1])  # day 1 is out; day 3 is more than a day away
    clinic_id = desk.rows(Clinic)[0].id
    shipped = catalogue().schedules["harmonyca"]
    wanted = protocols.parse(
        shipped, shipped.version + 1, edited({1: SHORT, 2: SHORT, 5: SHORT, 7: SHORT}), 12
    )
    effect = protocols.effect(clinic_id, wanted)
    assert effect.enrolments >= 1
    protocols.put_in_force(clinic_id, nurse(desk), wanted, "fewer texts")
    assert protocols.follow_changes() >= 1
    now = check_ins(desk, enrolled.patient_id)
    assert now[1].status is CheckInStatus.SENT
    assert now[5].status is CheckInStatus.PLANNED, "a new day that is ahead is added"
    assert now[3].status is CheckInStatus.CANCELLED
    assert now[7].due_at.astimezone(NEW_YORK).hour == 12
    assert protocols.follow_changes() == 0


def test_an_edit_that_is_nonsense_is_refused_with_what_to_do(desk: Desk) -> None:
    shipped = catalogue().schedules["harmonyca"]
    for check_ins_, reason in (
        ([], "empty"),
        (edited({3: SHORT}) + edited({1: SHORT}), "days"),
        (edited({1: ["pain", "other"]}), "ends"),
        (edited({1: ["overall", "pain", "pain", "other"]}), "twice"),
        (edited({2000: SHORT}), "day_range"),
        ([{"day": 1, "ask": SHORT, "hour": 24}], "hour_range"),
        (edited({1: ["overall", "nosuch", "other"]}), "other"),
    ):
        with pytest.raises(ProtocolRefused) as refused:
            protocols.parse(shipped, shipped.version + 1, check_ins_, 10)
        assert refused.value.faults == ((reason, "", ""),)


def test_two_people_cannot_change_one_protocol_over_each_other(desk: Desk) -> None:
    clinic_id, shipped = desk.rows(Clinic)[0].id, catalogue().schedules["harmonyca"]
    wanted = protocols.parse(shipped, shipped.version + 1, edited({1: SHORT}), 10)
    protocols.put_in_force(clinic_id, nurse(desk), wanted, "")
    with pytest.raises(ProtocolRefused, match="Somebody else"):
        protocols.put_in_force(clinic_id, nurse(desk), wanted, "")


def test_an_edit_that_would_send_fourteen_texts_at_once_sends_none_of_them(desk: Desk) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM)
    desk.advance(days=20)
    desk.settle()
    clinic_id, shipped = desk.rows(Clinic)[0].id, catalogue().schedules["harmonyca"]
    every_day = protocols.parse(shipped, shipped.version + 1, edited(dict.fromkeys(range(1, 22), SHORT)), 10)
    protocols.put_in_force(clinic_id, nurse(desk), every_day, "")
    protocols.follow_changes()
    before = len(desk.texts_to(SAM))
    desk.advance(hours=12)
    assert len(desk.texts_to(SAM)) - before <= 2, "the intro and question of at most one check-in"
    assert set(check_ins(desk, enrolled.patient_id)) & set(range(15, 20)) == set()


def test_a_texted_check_in_has_the_conditions_and_the_closing_words_of_the_clinics_protocol(
    desk: Desk,
) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM)
    clinic_id, shipped = desk.rows(Clinic)[0].id, catalogue().schedules["harmonyca"]
    as_they_are = [contact.model_dump(mode="json") for contact in shipped.check_ins]
    call = "{emergency_phone} {emergency_number}"
    own = protocols.Own(
        only_if={"swelling": Branch(question="pain", at_least=3)},
        all_well=Wording(en=f"Lovely. {call}", es=f"Qué bien. {call}"),
        says_all_well=True,
    )
    wanted = protocols.parse(shipped, shipped.version + 1, as_they_are, shipped.hour, own)
    version = protocols.put_in_force(clinic_id, nurse(desk), wanted, "")
    until(desk, enrolled.check_ins[1])
    assert desk.dialogue is not None
    started = [facts for words, facts in desk.dialogue.heard if words == "check-in"][-1]
    assert started["check_in_only_if"] == {
        "swelling": {"question": "pain", "at_least": 3, "among": [], "from_day": 0}
    }
    desk.dialogue.answer = lambda _text: [Say("Lovely.", "checkin.done_well")]
    desk.text(SAM, "no, that is all")
    desk.settle()
    facts = desk.dialogue.heard[-1][1]
    assert facts["own_words"]["checkin.done_well"]["variants"][0]["sms"]["en"] == f"Lovely. {call}"
    (done,) = desk.rows(Message, content_id="checkin.done_well")
    assert done.content_own_version == version


def test_a_clinics_own_threshold_judges_the_answers_of_running_enrolments(desk: Desk) -> None:
    enrolled = desk.enrol("Sam", "Example", SAM)
    until(desk, enrolled.check_ins[1])
    row = check_ins(desk, enrolled.patient_id)[1]
    clinic_id, shipped = desk.rows(Clinic)[0].id, catalogue().schedules["harmonyca"]
    as_they_are = [contact.model_dump(mode="json") for contact in shipped.check_ins]
    own = protocols.Own({"swelling": (Threshold(tier="T2", at_least=4),)})
    wanted = protocols.parse(shipped, shipped.version + 1, as_they_are, shipped.hour, own)
    protocols.put_in_force(clinic_id, nurse(desk), wanted, "")
    receipt = desk.text(SAM, "swelling is 4")
    answers.record(row.id, "swelling", 4, words="4", message_id=receipt.message_id)
    assert desk.rows(SymptomReport, check_in_id=row.id)[0].tier is Tier.T2
    assert answers.finish(row.id, receipt.message_id) == "concern"
    assert [alert.tier for alert in desk.alerts()] == [Tier.T2]


days = st.integers(0, 30)
moments = st.integers(0, 700 * 24 * 60).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n))


@given(moments, st.dictionaries(days, moments, max_size=8), st.dictionaries(days, moments, max_size=8))
def test_a_replan_never_touches_what_is_promised_and_never_plans_the_past(
    now: datetime, wanted: dict[int, datetime], standing: dict[int, datetime]
) -> None:
    existing = [Planned(f"c{day}", day, due, CheckInStatus.PLANNED) for day, due in standing.items()]
    result = replan(wanted, existing, now)
    promised = {row.id for row in existing if row.due_at <= now + timedelta(hours=24)}
    assert not promised & {*result.move, *result.cancel}
    assert all(due > now for due in (*result.add.values(), *result.move.values()))
    assert not set(result.add) & set(standing)


@given(
    moments,
    st.sampled_from(
        ["America/New_York", "Europe/Madrid", "Australia/Lord_Howe", "America/Phoenix", "Asia/Kolkata"]
    ),
    st.integers(6, 10),
    st.integers(17, 22),
    st.sets(st.integers(0, 6), max_size=6),
)
def test_no_text_ever_goes_out_outside_the_clinics_hours(
    moment: datetime, zone: str, opens: int, closes: int, closed_weekdays: set[int]
) -> None:
    hours = TextingHours(zone, opens, closes, lambda day: day.weekday() in closed_weekdays)
    allowed = hours.allowed_from(moment)
    local = allowed.astimezone(ZoneInfo(zone))
    assert allowed >= moment
    assert opens <= local.hour < closes
    assert local.weekday() not in closed_weekdays
    assert hours.allowed_from(allowed) == allowed


def test_a_thousand_check_ins_of_one_hour_are_spread_over_it() -> None:
    delays = [spread(f"patient-{number}", 20) for number in range(1000)]
    assert max(delays) < timedelta(minutes=20)
    busiest = max(delays.count(delay) for delay in set(delays))
    assert busiest < 10
    assert spread("patient-1", 20) == spread("patient-1", 20)


def test_on_a_public_holiday_a_clinic_may_stay_silent(desk: Desk) -> None:
    with transaction() as session:
        session.query(Clinic).one().texts_on_holidays = False
    with reading() as session:
        patient = session.query(Patient).first()
        assert patient is not None
        from bot.followup.hours import texting_hours

        hours = texting_hours(patient.clinic, "America/New_York")
    christmas = datetime(2026, 12, 25, 10, tzinfo=NEW_YORK)
    assert hours.allowed_from(christmas).date().isoformat() == "2026-12-26"
