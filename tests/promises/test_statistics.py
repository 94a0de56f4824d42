"""The figures of a clinic are right on both databases, and quick for a busy quarter."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from bot import clock
from bot.cli import app
from bot.clinic import demo
from bot.clinic.models import Clinic, Role, Staff
from bot.console.dashboard_figures import FIGURES, Ask, as_csv
from bot.console.strings import translator
from bot.console.times import Times
from bot.db.engine import reading, transaction
from bot.durable import sweep
from bot.escalation.models import Alert, AlertStatus
from bot.followup.models import CheckIn, CheckInStatus
from bot.judgement.models import Judgement, Verdict
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, Status
from bot.simulation.quarter import QuarterRefused, seed_quarter
from bot.statistics import queries
from bot.statistics.period import Period, PeriodInvalid, between, last_days
from bot.triage.types import Tier
from tests.support.desk import Desk

NEW_YORK = ZoneInfo("America/New_York")
#: Monday morning in New York, in the week in which daylight saving begins there.
MONDAY = datetime(2026, 3, 9, 14, tzinfo=UTC)
PERIOD = Period(date(2026, 3, 2), date(2026, 3, 15), NEW_YORK)


def alert(
    at: datetime, tier: str, flag: str = "VO", *, taken: float | None = None, closed: float | None = None
):
    """An alert that began at `at`, taken and closed that many minutes later."""
    with transaction() as session:
        clinic = session.scalars(select(Clinic)).one()
        number = session.scalar(select(func.count()).select_from(Alert)) or 0
        thread = Conversation(clinic_id=clinic.id, channel=Channel.WEB, address=f"visitor-{number}")
        session.add(thread)
        session.flush()
        message = said(session, thread, at)
        row = Alert(
            clinic_id=clinic.id,
            conversation_id=thread.id,
            message_id=message.id,
            tier=Tier(tier),
            flag=flag,
            code="10",
            status=AlertStatus.OPEN if closed is None else AlertStatus.CLOSED,
            created_at=at,
            acknowledged_at=None if taken is None else at + timedelta(minutes=taken),
            closed_at=None if closed is None else at + timedelta(minutes=closed),
        )
        session.add(row)
        session.flush()
        return row


def said(session, thread, at, direction=Direction.IN, kind=Kind.PATIENT, **more) -> Message:
    row = Message(
        clinic_id=thread.clinic_id, conversation_id=thread.id, direction=direction, kind=kind,
        channel=thread.channel, body="x", status=Status.DELIVERED, assessed=True, created_at=at, **more,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def clinic_id() -> str:
    with reading() as session:
        return session.scalars(select(Clinic.id)).one()


@pytest.fixture
def clinic(either_record: str) -> str:
    """The demo clinic without patients, on each database."""
    demo.seed(patients=False)
    return clinic_id()


def test_alerts_are_counted_by_flag_and_tier_within_the_clinics_own_days(clinic: str) -> None:
    alert(datetime(2026, 3, 2, 4, 59, tzinfo=UTC), "T1")  # still the first of March in New York
    alert(datetime(2026, 3, 2, 5, tzinfo=UTC), "T1")
    alert(MONDAY, "T1", "INF")
    alert(MONDAY, "T2", "INF")
    alert(datetime(2026, 3, 16, 3, 59, tzinfo=UTC), "T0", "VIS")  # one hour earlier since daylight saving
    alert(datetime(2026, 3, 16, 4, tzinfo=UTC), "T0", "VIS")
    with reading() as session:
        assert queries.alerts_by_flag(session, clinic, PERIOD) == {
            ("VO", Tier.T1): 1,
            ("INF", Tier.T1): 1,
            ("INF", Tier.T2): 1,
            ("VIS", Tier.T0): 1,
        }
        assert queries.alerts_by_flag(session, "another clinic", PERIOD) == {}
        assert queries.alerts_by_week(session, clinic, PERIOD) == {
            (date(2026, 3, 2), Tier.T1): 1,
            (date(2026, 3, 9), Tier.T1): 1,
            (date(2026, 3, 9), Tier.T2): 1,
            (date(2026, 3, 9), Tier.T0): 1,
        }


def test_times_are_nearest_ranks_of_those_that_got_so_far(clinic: str) -> None:
    for minutes in range(1, 11):
        alert(MONDAY, "T1", taken=minutes, closed=None if minutes == 10 else minutes * 10)
    alert(MONDAY, "T1")  # nobody took it
    alert(MONDAY, "T0", taken=2.5)
    with reading() as session:
        taken = queries.time_to(session, clinic, PERIOD, Alert.acknowledged_at)
        closed = queries.time_to(session, clinic, PERIOD, Alert.closed_at)
    found = [(one.tier, one.count, one.middle, one.ninth) for one in taken]
    assert found == [
        (Tier.T0, 1, pytest.approx(150, abs=0.1), pytest.approx(150, abs=0.1)),
        (Tier.T1, 10, pytest.approx(300, abs=0.1), pytest.approx(540, abs=0.1)),
    ]
    assert [(one.count, round(one.middle or 0), round(one.ninth or 0)) for one in closed] == [(9, 3000, 5400)]


def test_check_ins_count_by_week_and_by_day_of_the_protocol(clinic: str) -> None:
    Desk().enrol("Sum", "Sample", "+15550100150")
    Desk().enrol("Add", "Sample", "+15550100151")
    with transaction() as session:
        for number, row in enumerate(session.scalars(select(CheckIn).order_by(CheckIn.day, CheckIn.id))):
            row.due_at = MONDAY + timedelta(days=row.day - 3)
            row.status = (CheckInStatus.ANSWERED, CheckInStatus.UNANSWERED)[number % 2]
            if row.day == 7:
                row.status = (CheckInStatus.CANCELLED, CheckInStatus.ANSWERED)[number % 2]
            if row.day == 14:
                row.status = CheckInStatus.PLANNED
    with reading() as session:
        days = queries.check_ins_by_day(session, clinic, PERIOD)
        weeks = queries.check_ins_by_week(session, clinic, PERIOD)
    assert days[1] == queries.Answers(2, 2, 1)
    assert days[7] == queries.Answers(2, 1, 1)
    assert days[7].rate == 1
    assert 14 not in days
    assert sum(one.due for one in weeks.values()) == sum(one.due for one in days.values())
    assert queries.Answers(3, 0, 0).rate is None


def test_only_the_last_judgement_of_an_alert_counts(clinic: str) -> None:
    first, second = alert(MONDAY, "T1", closed=9), alert(MONDAY, "T1", closed=9)
    with transaction() as session:
        person = session.scalars(select(Staff)).first()
        assert person is not None

        def judged(about: Alert, verdict: Verdict, tier: Tier, at: datetime) -> None:
            session.add(
                Judgement(
                    clinic_id=clinic, message_id=about.message_id, alert_id=about.id, verdict=verdict,
                    given=Tier.T1, judged=tier, staff_id=person.id, role=Role.NURSE, created_at=at,
                )
            )  # fmt: skip
            session.flush()

        judged(first, Verdict.CORRECT, Tier.T1, MONDAY)
        judged(first, Verdict.FALSE_ALARM, Tier.T4, MONDAY)
        judged(second, Verdict.MORE_URGENT, Tier.T0, MONDAY)
        judged(second, Verdict.CORRECT, Tier.T1, MONDAY - timedelta(days=60))
    with reading() as session:
        assert queries.judgements(session, clinic, PERIOD) == {
            (Tier.T1, Verdict.FALSE_ALARM): 1,
            (Tier.T1, Verdict.MORE_URGENT): 1,
        }


def test_a_topic_counts_once_for_each_question(clinic: str) -> None:
    with transaction() as session:
        thread = Conversation(clinic_id=clinic, channel=Channel.WEB, address="visitor")
        session.add(thread)
        session.flush()
        for piece, parts in (("recovery.swelling", 2), ("recovery.swelling", 1), ("clinic.hours", 1)):
            asked = said(session, thread, MONDAY)
            for position in range(parts):
                said(
                    session, thread, MONDAY, Direction.OUT, Kind.REPLY,
                    content_id=piece, in_reply_to_id=asked.id, position=position,
                )  # fmt: skip
        asked = said(session, thread, MONDAY)
        said(session, thread, MONDAY, Direction.OUT, Kind.REPLY, content_id="dialogue.fallback",
             in_reply_to_id=asked.id, position=1)  # fmt: skip
    known = ("recovery.swelling", "clinic.hours", "recovery.bruising")
    with reading() as session:
        found = queries.topics(session, clinic, PERIOD, known)
    assert found == [("recovery.swelling", 2), ("clinic.hours", 1)]


@pytest.mark.parametrize(
    ("first", "last", "problem"),
    [
        ("", "2026-03-01", "dates"),
        ("soon", "2026-03-01", "dates"),
        ("2026-03-02", "2026-03-01", "order"),
        ("2024-01-01", "2026-03-01", "too_long"),
        ("0001-01-01", "0001-01-02", "too_long"),
    ],
)
def test_dates_that_make_no_period_are_refused(first: str, last: str, problem: str) -> None:
    with pytest.raises(PeriodInvalid) as invalid:
        between(first, last, NEW_YORK)
    assert invalid.value.problem == problem


def test_a_period_has_every_week_that_it_touches() -> None:
    period = between("2026-03-04", "2026-03-16", NEW_YORK)
    assert [day for day, _start in period.weeks()] == [date(2026, 3, 4), date(2026, 3, 9), date(2026, 3, 16)]
    assert last_days(7, date(2026, 3, 9), NEW_YORK).first == date(2026, 3, 3)
    assert last_days(-5, date(2026, 3, 9), NEW_YORK).days == 1
    assert last_days(10**6, date(2026, 3, 9), NEW_YORK).days == 366


def figures(period: Period) -> dict[str, str]:
    with reading() as session:
        t = translator("en")
        ask = Ask(session, clinic_id(), period, t, "en", Times(t, "America/New_York", clock.now()))
        return {name: as_csv(figure(ask)) for name, figure in FIGURES.items()}


def quarter(now: datetime) -> Period:
    return last_days(91, now.astimezone(NEW_YORK).date(), NEW_YORK)


def test_a_made_up_quarter_is_the_same_for_the_same_seed(record: None, sqlite_records) -> None:
    now = clock.now()
    made = []
    for seed in (7, 7, 8):
        sqlite_records.fresh()
        demo.seed(patients=False)
        seed_quarter(now, seed=seed, patients_per_week=6)
        made.append(figures(quarter(now)))
    assert made[0] == made[1]
    assert made[0] != made[2]
    for name, table in made[0].items():
        assert len(table.splitlines()) > 1, name


def test_a_made_up_quarter_leaves_nothing_to_do_and_pages_nobody(record: None) -> None:
    demo.seed(patients=False)
    counts = seed_quarter(clock.now(), seed=3, patients_per_week=5)
    assert counts["alerts"] > 0
    assert counts["messages"] > 100
    assert sweep.due(clock.now() + timedelta(days=40)) == []


def test_a_made_up_quarter_is_refused_where_it_does_not_belong(record: None) -> None:
    with pytest.raises(QuarterRefused):
        seed_quarter(clock.now())
    demo.seed()
    seed_quarter(clock.now(), patients_per_week=1)
    with pytest.raises(QuarterRefused, match="already"):
        seed_quarter(clock.now(), patients_per_week=1)
    with transaction() as session:
        session.scalars(select(Clinic)).one().name = "A real clinic"
    with pytest.raises(QuarterRefused, match="AFTERGLOW_VAR_DIR"):
        seed_quarter(clock.now(), patients_per_week=1)


def test_the_command_fills_the_demo_clinic_once(record: None) -> None:
    run = CliRunner().invoke(app, ["demo-quarter", "--seed", "5", "--patients-per-week", "1"])
    assert run.exit_code == 0, run.output
    assert "13 patients" in run.output
    again = CliRunner().invoke(app, ["demo-quarter"])
    assert again.exit_code == 2
    assert "made-up quarter already" in " ".join(again.output.split())


def test_the_figures_of_a_busy_quarter_come_quickly(either_record: str) -> None:
    demo.seed(patients=False)
    now = clock.now()
    counts = seed_quarter(now, patients_per_week=150)
    assert counts["messages"] > 20_000
    started = time.monotonic()
    figures(quarter(now))
    assert time.monotonic() - started < 5, "generous: this machine may be busy"
