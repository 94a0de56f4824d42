from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot import clock
from bot.channels.base import CarrierError
from bot.clinic.models import Patient
from bot.db.engine import reading, transaction
from bot.durable import sweep
from bot.durable.inline import NeverSettles
from bot.followup import answers
from bot.followup.models import CheckIn, CheckInStatus, Enrolment, EnrolmentStatus
from bot.followup.planning import (
    AskStaff,
    Drop,
    Facts,
    Remind,
    Send,
    TextingHours,
    Wait,
    due_times,
    next_action,
)
from bot.protocols.catalogue import catalogue
from bot.records.models import StaffTask, SymptomReport, TaskKind
from bot.triage.types import Tier
from tests.support.desk import ANA, NURSE, PAT, STRANGER, Desk

NEW_YORK = ZoneInfo("America/New_York")
SCHEDULE = catalogue().schedules["harmonyca"]


def move_to(desk: Desk, day: int, hours_later: float = 0.0) -> CheckIn:
    """Move the clock to when Pat's check-in of this day is due, and do what is due."""
    check_in = pats(desk)[day]
    clock.advance(check_in.due_at + timedelta(hours=hours_later, seconds=1) - clock.now())
    desk.settle()
    return pats(desk)[day]


def pats(desk: Desk) -> dict[int, CheckIn]:
    pat = desk.rows(Patient, phone=PAT)[0]
    return {row.day: row for row in desk.rows(CheckIn, patient_id=pat.id)}


def test_a_new_patient_gets_every_day_of_the_protocol_at_ten_in_their_own_time_zone(desk: Desk) -> None:
    planned = pats(desk)
    assert list(planned) == list(SCHEDULE.days)
    assert {row.due_at.astimezone(NEW_YORK).hour for row in planned.values()} == {10}


def test_each_check_in_goes_out_exactly_once(desk: Desk) -> None:
    check_in = move_to(desk, 1)
    for _ in range(3):
        desk.advance(minutes=1)
    assert check_in.status is CheckInStatus.SENT
    assert desk.texts_to(PAT) == ["How are you?", "Pain 0-10?"]


def test_no_answer_brings_one_reminder_and_then_a_staff_task(desk: Desk) -> None:
    move_to(desk, 1)
    desk.advance(hours=4.1)
    assert pats(desk)[1].status is CheckInStatus.REMINDED
    assert len(desk.texts_to(PAT)) == 3

    desk.advance(hours=20.1)

    assert pats(desk)[1].status is CheckInStatus.UNANSWERED
    assert len(desk.texts_to(PAT)) == 3
    tasks = desk.rows(StaffTask, patient_id=pats(desk)[1].patient_id)
    assert [task.kind for task in tasks] == [TaskKind.NO_CHECK_IN_ANSWER]


def test_without_a_dialogue_a_check_in_waits_instead_of_being_lost(desk: Desk) -> None:
    dialogue, desk.dialogue = desk.dialogue, None
    check_in = pats(desk)[1]
    clock.advance(check_in.due_at + timedelta(seconds=1) - clock.now())
    with pytest.raises(NeverSettles):
        desk.settle()
    assert pats(desk)[1].status is CheckInStatus.PLANNED
    desk.dialogue = dialogue
    desk.settle()
    assert pats(desk)[1].status is CheckInStatus.SENT


def test_a_machine_that_slept_for_days_asks_about_today_only(desk: Desk) -> None:
    move_to(desk, 7)
    assert [row.status for row in pats(desk).values()][:4] == [
        CheckInStatus.CANCELLED,
        CheckInStatus.CANCELLED,
        CheckInStatus.SENT,
        CheckInStatus.PLANNED,
    ]
    assert len(desk.texts_to(PAT)) == 2


def answer_all(desk: Desk, day: int, pain: int, swelling: int) -> str:
    receipt = desk.text(PAT, f"{pain}")
    row = pats(desk)[day]
    answers.record(row.id, "pain", pain, words=str(pain), message_id=receipt.message_id)
    receipt = desk.text(PAT, f"{swelling}")
    answers.record(row.id, "swelling", swelling, words=str(swelling), message_id=receipt.message_id)
    return answers.finish(row.id, receipt.message_id)


def test_words_without_a_number_are_kept_as_remarks_and_never_become_one(desk: Desk) -> None:
    move_to(desk, 1)
    row = pats(desk)[1]
    receipt = desk.text(PAT, "bit tight but way less puffy")
    for _ in range(2):  # a turn may run again
        answers.remark(row.id, "checkin.pain", words="bit tight", message_id=receipt.message_id)
    kept = pats(desk)[1].answers["pain"]
    assert (kept["value"], [one["words"] for one in kept["remarks"]]) == (None, ["bit tight"])
    assert answers.values_of(pats(desk)[1].answers) == {}
    assert desk.rows(SymptomReport, check_in_id=row.id) == []

    receipt = desk.text(PAT, "3")
    answers.record(row.id, "checkin.pain", 3, words="3", message_id=receipt.message_id)
    kept = pats(desk)[1].answers["pain"]
    assert (kept["value"], [one["words"] for one in kept["remarks"]]) == (3, ["bit tight"])
    later = desk.text(PAT, "hm, tight still")
    answers.remark(row.id, "checkin.pain", words="hm", message_id=later.message_id)
    assert pats(desk)[1].answers["pain"]["value"] == 3, "a remark takes no answer away"


def test_a_question_with_remarks_alone_leaves_the_number_of_the_day_before_to_compare_with(
    desk: Desk,
) -> None:
    move_to(desk, 1)
    answer_all(desk, 1, pain=2, swelling=2)
    move_to(desk, 3)
    receipt = desk.text(PAT, "a bit")
    answers.remark(pats(desk)[3].id, "pain", words="a bit", message_id=receipt.message_id)
    move_to(desk, 7)
    with reading() as session:
        assert answers.before(session, session.get_one(CheckIn, pats(desk)[7].id))["pain"] == 2


def test_what_triage_finds_in_a_remark_counts_for_the_last_words(desk: Desk) -> None:
    move_to(desk, 1)
    row = pats(desk)[1]
    receipt = desk.text(PAT, "tight, and the skin is white and cold there")
    assert desk.alerts(), "triage comes first"
    answers.remark(row.id, "checkin.pain", words="tight, white, cold", message_id=receipt.message_id)
    fine = desk.text(PAT, "no")
    answers.record(row.id, "checkin.other", "", words="no", message_id=fine.message_id)
    assert answers.finish(row.id, fine.message_id) == "concern"


def test_answers_are_kept_with_the_patients_words_and_become_the_trend(desk: Desk) -> None:
    move_to(desk, 1)
    assert answer_all(desk, 1, pain=3, swelling=4) == "well"

    check_in = pats(desk)[1]
    assert check_in.status is CheckInStatus.ANSWERED
    assert check_in.answers["pain"]["value"] == 3
    reports = desk.rows(SymptomReport, check_in_id=check_in.id)
    assert [(report.what, report.severity, report.day) for report in reports] == [
        ("pain", 3, 1),
        ("swelling", 4, 1),
    ]
    assert desk.rows(StaffTask, patient_id=check_in.patient_id) == []


def test_worse_than_last_time_after_the_second_day_reaches_a_person_the_same_day(desk: Desk) -> None:
    move_to(desk, 1)
    answer_all(desk, 1, pain=2, swelling=2)
    move_to(desk, 3)
    assert answer_all(desk, 3, pain=2, swelling=5) == "concern"
    desk.settle()

    (alert,) = desk.alerts()
    assert alert.tier is Tier.T2
    assert len(desk.texts_to(NURSE)) == 1


def test_finishing_twice_raises_nothing_twice(desk: Desk) -> None:
    move_to(desk, 3)
    answer_all(desk, 3, pain=1, swelling=8)
    row = pats(desk)[3]
    answers.finish(row.id, row.answers["pain"]["message_id"])
    assert len(desk.alerts()) == 1


def test_the_last_answer_finishes_the_enrolment(desk: Desk) -> None:
    move_to(desk, 365)
    answer_all(desk, 365, pain=0, swelling=0)
    patient_id = pats(desk)[365].patient_id
    assert desk.rows(Enrolment, patient_id=patient_id)[0].status is EnrolmentStatus.FINISHED


@pytest.mark.parametrize(
    ("zone", "treated"),
    [
        ("America/New_York", datetime(2026, 3, 6, 23, 30, tzinfo=UTC)),  # clocks go forward on 8 March
        ("America/New_York", datetime(2026, 10, 31, 18, tzinfo=UTC)),  # and back on 1 November
        ("Pacific/Auckland", datetime(2026, 9, 25, 3, tzinfo=UTC)),
        ("America/Phoenix", datetime(2026, 3, 7, 18, tzinfo=UTC)),
    ],
)
def test_ten_in_the_morning_stays_ten_when_the_clocks_change(zone: str, treated: datetime) -> None:
    times = due_times(SCHEDULE, treated, TextingHours(zone, 9, 20))
    local = treated.astimezone(ZoneInfo(zone)).date()
    assert {day: (due.astimezone(ZoneInfo(zone)).date() - local).days for day, due in times.items()} == {
        day: day for day in SCHEDULE.days
    }
    assert {due.astimezone(ZoneInfo(zone)).hour for due in times.values()} == {10}


DUE = datetime(2026, 5, 4, 10, tzinfo=NEW_YORK)
HOURS = TextingHours("America/New_York", 9, 20)


@pytest.mark.parametrize(
    ("status", "hours", "expected"),
    [
        (CheckInStatus.PLANNED, -1, Wait),
        (CheckInStatus.PLANNED, 0, Send),
        (CheckInStatus.PLANNED, 11, Wait),  # 21:00: not at night
        (CheckInStatus.PLANNED, 23.5, Send),  # 9:30 the next morning
        (CheckInStatus.PLANNED, 25, Drop),
        (CheckInStatus.SENT, 3, Wait),
        (CheckInStatus.SENT, 4, Remind),
        (CheckInStatus.REMINDED, 10, Wait),
        (CheckInStatus.REMINDED, 20, AskStaff),
        (CheckInStatus.ANSWERED, 500, Wait),
        (CheckInStatus.CANCELLED, 500, Wait),
    ],
)
def test_what_is_due_follows_from_the_facts_and_the_time(
    status: CheckInStatus, hours: float, expected: type
) -> None:
    facts = Facts(status, DUE, HOURS, sent_at=DUE, reminded_at=DUE)
    action = next_action(facts, DUE + timedelta(hours=hours))
    assert isinstance(action, expected)


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(9.9, Remind), (10, Wait), (13, Wait), (22.9, Wait), (23, Remind)],
    ids=["19:54", "20:00", "23:00", "8:54", "9:00"],
)
def test_a_late_reminder_never_goes_out_at_night(hours: float, expected: type) -> None:
    action = next_action(Facts(CheckInStatus.SENT, DUE, HOURS, sent_at=DUE), DUE + timedelta(hours=hours))
    assert isinstance(action, expected)
    if isinstance(action, Wait):
        assert action.until.astimezone(NEW_YORK).hour == 9


def test_a_desk_that_slept_past_the_evening_reminds_in_the_morning(desk: Desk) -> None:
    move_to(desk, 1)
    desk.advance(hours=13)  # 23:00
    assert len(desk.texts_to(PAT)) == 2
    desk.advance(hours=10.1)
    assert len(desk.texts_to(PAT)) == 3


def test_a_check_in_text_that_is_delayed_into_the_night_waits_for_the_morning(desk: Desk) -> None:
    check_in = pats(desk)[1]
    late = check_in.due_at.astimezone(NEW_YORK).replace(hour=19, minute=50, second=0)
    clock.advance(late - clock.now())
    desk.carrier.faults = [CarrierError("busy")] * 2
    desk.settle()
    assert pats(desk)[1].status is CheckInStatus.SENT
    desk.advance(hours=3)
    assert desk.texts_to(PAT) == []

    desk.advance(hours=8, minutes=30)  # 7:20
    assert desk.texts_to(PAT) == []
    desk.advance(hours=1, minutes=45)  # 9:05
    assert desk.texts_to(PAT)[:2] == ["How are you?", "Pain 0-10?"]


def tasks(desk: Desk, patient_id: str) -> list[tuple[TaskKind, str]]:
    return [(task.kind, task.note) for task in desk.rows(StaffTask, patient_id=patient_id)]


def test_check_ins_that_could_not_be_sent_are_handed_to_staff(desk: Desk) -> None:
    """The machine was off for the first three; nobody may think that the patient was asked."""
    patient_id = move_to(desk, 7).patient_id
    assert [kind for kind, _ in tasks(desk, patient_id)] == [TaskKind.NO_CHECK_IN_ANSWER] * 2
    assert sorted(note[:6] for _, note in tasks(desk, patient_id)) == ["day 1:", "day 3:"]


def test_a_check_in_for_which_there_was_no_dialogue_all_day_is_handed_to_staff(desk: Desk) -> None:
    desk.dialogue = None
    check_in = pats(desk)[1]
    clock.advance(check_in.due_at + timedelta(hours=25) - clock.now())
    desk.sweep_once()
    assert pats(desk)[1].status is CheckInStatus.CANCELLED
    assert tasks(desk, check_in.patient_id) == [
        (TaskKind.NO_CHECK_IN_ANSWER, "day 1: too old to send"),
    ]


def test_the_check_ins_of_somebody_who_opted_out_are_handed_to_staff(desk: Desk) -> None:
    desk.text(STRANGER, "STOP")
    desk.settle()
    before = len(desk.texts_to(STRANGER))
    enrolled = desk.enrol("Sam", "Example", STRANGER)
    for due_at in enrolled.check_ins.values():
        clock.advance(due_at + timedelta(seconds=1) - clock.now())
        desk.settle()

    assert len(desk.texts_to(STRANGER)) == before
    phone = [note for kind, note in tasks(desk, enrolled.patient_id) if kind is TaskKind.OPTED_OUT_PHONE]
    assert phone == [f"day {day}" for day in SCHEDULE.days]


def test_hundreds_of_check_ins_that_wait_for_an_answer_do_not_hold_up_those_that_are_due(desk: Desk) -> None:
    sent = move_to(desk, 1)
    assert sent.next_step_at > clock.now() + timedelta(hours=3), (
        "looked at again for the reminder, not before"
    )
    ana = desk.rows(Patient, phone=ANA)[0]
    (enrolment,) = desk.rows(Enrolment, patient_id=ana.id)
    due = pats(desk)[3]
    with transaction() as session:
        for number in range(sweep.BATCH + 20):
            session.add(
                CheckIn(
                    clinic_id=ana.clinic_id,
                    enrolment_id=enrolment.id,
                    patient_id=ana.id,
                    day=1000 + number,
                    due_at=sent.due_at,
                    sent_at=sent.due_at,
                    next_step_at=due.due_at + timedelta(hours=3),
                    status=CheckInStatus.SENT,
                )
            )
    works = sweep.due(due.due_at)
    assert due.id in {work.row_id for work in works if work.task == "check_in"}


def test_more_check_ins_than_one_sweep_takes_are_started_in_the_order_they_are_due(desk: Desk) -> None:
    waiting = pats(desk)[1]
    ana = desk.rows(Patient, phone=ANA)[0]
    (enrolment,) = desk.rows(Enrolment, patient_id=ana.id)
    with transaction() as session:
        for number in range(sweep.BATCH + 20):
            session.add(
                CheckIn(
                    clinic_id=ana.clinic_id,
                    enrolment_id=enrolment.id,
                    patient_id=ana.id,
                    day=1000 + number,
                    due_at=waiting.due_at,
                    next_step_at=waiting.next_step_at + timedelta(minutes=1),
                    status=CheckInStatus.PLANNED,
                )
            )
    works = [
        work
        for work in sweep.due(waiting.due_at + timedelta(hours=1))
        if work.task == "check_in" and work.partition == waiting.patient_id
    ]
    assert [work.row_id for work in works] == [waiting.id]
