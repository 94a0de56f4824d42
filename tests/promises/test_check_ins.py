from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot import clock
from bot.clinic.models import Patient
from bot.followup import answers
from bot.followup.models import CheckIn, CheckInStatus, Enrolment, EnrolmentStatus
from bot.followup.planning import AskStaff, Drop, Remind, Send, Wait, due_times, next_action
from bot.protocols.catalogue import catalogue
from bot.records.models import StaffTask, SymptomReport, TaskKind
from bot.settings import Settings
from bot.triage.types import Tier
from tests.support.desk import NURSE, PAT, Desk

NEW_YORK = ZoneInfo("America/New_York")
SCHEDULE = catalogue().schedules["harmonyca_early"]


def move_to(desk: Desk, day: int, hours_later: float = 0.0) -> CheckIn:
    """Move the clock to when Pat's check-in of this day is due, and do what is due."""
    check_in = pats(desk)[day]
    clock.advance(check_in.due_at + timedelta(hours=hours_later, seconds=1) - clock.now())
    desk.settle()
    return pats(desk)[day]


def pats(desk: Desk) -> dict[int, CheckIn]:
    pat = desk.rows(Patient, phone=PAT)[0]
    return {row.day: row for row in desk.rows(CheckIn, patient_id=pat.id)}


def test_a_new_patient_gets_days_1_3_7_and_14_at_ten_in_their_own_time_zone(desk: Desk) -> None:
    planned = pats(desk)
    assert list(planned) == [1, 3, 7, 14]
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
    with pytest.raises(AssertionError, match="never settles"):
        desk.settle()
    assert pats(desk)[1].status is CheckInStatus.PLANNED
    desk.dialogue = dialogue
    desk.settle()
    assert pats(desk)[1].status is CheckInStatus.SENT


def test_a_machine_that_slept_for_days_asks_about_today_only(desk: Desk) -> None:
    move_to(desk, 7)
    assert [row.status for row in pats(desk).values()] == [
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
    move_to(desk, 14)
    answer_all(desk, 14, pain=0, swelling=0)
    patient_id = pats(desk)[14].patient_id
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
    times = due_times(SCHEDULE, treated, zone, Settings(_env_file=None))
    local = treated.astimezone(ZoneInfo(zone)).date()
    assert {day: (due.astimezone(ZoneInfo(zone)).date() - local).days for day, due in times.items()} == {
        day: day for day in SCHEDULE.days
    }
    assert {due.astimezone(ZoneInfo(zone)).hour for due in times.values()} == {10}


DUE = datetime(2026, 5, 4, 10, tzinfo=NEW_YORK)


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
    action = next_action(
        status,
        due_at=DUE,
        sent_at=DUE,
        reminded_at=DUE,
        next_due_at=None,
        time_zone="America/New_York",
        settings=Settings(_env_file=None),
        now=DUE + timedelta(hours=hours),
    )
    assert isinstance(action, expected)
