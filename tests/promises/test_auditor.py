"""The sweeper stands still in these tests: only the auditor looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from datetime import time as dt_time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import select
from typer.testing import CliRunner

from bot import clock
from bot.app import readiness
from bot.auditor import check as checking
from bot.auditor import health, look
from bot.auditor.check import check
from bot.auditor.loop import Auditor
from bot.auditor.models import AuditorRun, Incident, Neglect
from bot.auditor.repair import Gear
from bot.channels.base import CarrierError
from bot.cli import app as command
from bot.clinic.models import Role, Staff
from bot.db.engine import transaction
from bot.doctor import FIX, NOTE
from bot.doctor import _auditor as doctor_says
from bot.escalation import service
from bot.escalation.models import Alert, AlertStatus, Outcome
from bot.followup.models import CheckIn, CheckInStatus
from bot.messaging import inbox
from bot.messaging.models import Direction, Message, Turn
from bot.oncall.rota import WEEKDAYS
from bot.oncall.service import end_rota
from bot.settings import Settings, use_settings
from tests.support.contacts import reach
from tests.support.desk import DOCTOR, NURSE, PAT, Desk, SilentCarrier
from tests.support.on_call import clinic_id, rota

WHITE_LIP = "my top lip has gone white on one side and it rlly hurts"
BLIND = "cant see out my left eye"


def gear(desk: Desk) -> Gear:
    return Gear(desk.carrier, desk.notifiers, desk.dialogue)


def looks(desk: Desk, times: int = 1, minutes: float = 1.0) -> list[AuditorRun]:
    """The auditor looks, a minute after the last look each time."""
    runs = []
    for _ in range(times):
        clock.advance(timedelta(minutes=minutes))
        runs.append(check(gear(desk)))
    return runs


def incidents(desk: Desk) -> list[Neglect]:
    return [one.kind for one in desk.rows(Incident)]


def told(desk: Desk, phone: str = DOCTOR) -> list[str]:
    return [text for text in desk.texts_to(phone) if "does not keep up" in text]


# --- what it finds and repairs ----------------------------------------------------------------------------


def test_a_desk_that_does_its_work_gives_it_nothing_to_do(desk: Desk) -> None:
    desk.text(PAT, BLIND)
    for _ in range(30):
        desk.advance(minutes=1)
        run = check(gear(desk))
        assert (run.found, run.paged, run.error) == (0, 0, "")
    assert told(desk) == []


def test_months_of_ordinary_work_are_no_neglect(desk: Desk) -> None:
    for _ in range(90):
        desk.advance(hours=12)
        run = check(gear(desk))
        assert (run.found, run.error) == (0, ""), incidents(desk)


def test_an_overdue_step_is_taken_and_its_page_goes_out(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    clock.advance(timedelta(minutes=15))
    (run,) = looks(desk, minutes=1.1)
    assert (run.found, run.repaired) == (1, 1)
    assert desk.alerts()[0].steps_taken == 2
    looks(desk, 3, minutes=1.1)
    assert len([text for text in desk.texts_to(DOCTOR) if "ACK" in text]) == 1
    assert Neglect.TEXT in incidents(desk)


def test_an_alert_without_a_next_step_does_not_stay_silent(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    with transaction() as session:
        session.scalars(select(Alert)).one().next_step_at = None
    looks(desk, minutes=1.1)
    assert desk.alerts()[0].next_step_at is not None
    assert incidents(desk) == [Neglect.ALERT_STEP]


def test_a_message_that_nobody_assessed_is_assessed_and_pages(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = inbox.handle
    monkeypatch.setattr(inbox, "handle", lambda *_: 1 / 0)
    desk.text(PAT, WHITE_LIP)
    monkeypatch.setattr(inbox, "handle", handle)
    assert desk.alerts() == []
    looks(desk, minutes=1.1)
    assert len(desk.alerts()) == 1
    assert desk.rows(Message, direction=Direction.IN)[-1].assessed


def test_a_message_that_nobody_answered_is_answered_once(desk: Desk) -> None:
    receipt = desk.text(PAT, "when can i go to the gym")
    looks(desk, minutes=4)
    assert desk.message(receipt.message_id).turn is Turn.PENDING
    looks(desk, 3, minutes=1.1)
    assert desk.message(receipt.message_id).turn is Turn.ANSWERED
    assert len(desk.rows(Message, in_reply_to_id=receipt.message_id)) == 1


def test_a_check_in_that_was_not_sent_is_sent(desk: Desk) -> None:
    planned = desk.rows(CheckIn, status=CheckInStatus.PLANNED)
    first = min(planned, key=lambda one: one.due_at)
    clock.advance(first.due_at - clock.now() + timedelta(minutes=16))
    check(gear(desk))
    assert desk.rows(CheckIn, id=first.id)[0].status is CheckInStatus.SENT


def test_a_text_that_hangs_is_touched_at_the_second_look_and_looked_up_first(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)  # the safety words and the page
    looks(desk, minutes=1.1)
    assert desk.carrier.sent == [], "it may be on its way at this moment"
    looks(desk, 3, minutes=1.1)
    assert len([text for text in desk.texts_to(NURSE) if "ACK" in text]) == 1
    assert len(desk.texts_to(PAT)) == 1


def test_a_call_that_hangs_is_made(desk: Desk) -> None:
    desk.text(PAT, BLIND)
    looks(desk, 4, minutes=1.1)
    assert [call.to for call in desk.calls.sent if call.id] == [NURSE]


def test_an_alert_that_was_closed_meanwhile_is_put_away(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    clock.advance(timedelta(minutes=17))
    (alert,) = desk.alerts()
    check(gear(desk))
    service.close(alert.id, desk.rows(Staff, phone=NURSE)[0].id, Outcome.SEEN_IN_CLINIC, "Seen.")
    check(gear(desk))
    assert [one.resolved_at is not None for one in desk.rows(Incident, kind=Neglect.ALERT_STEP)] == [True]
    assert desk.alerts()[0].status is AlertStatus.CLOSED


@pytest.mark.parametrize("either_record", ["sqlite", "postgres"], indirect=True)
def test_it_works_on_both_databases(either_record: str) -> None:
    desk = Desk.of_demo_clinic()
    desk.text(PAT, BLIND)
    looks(desk, 4, minutes=1.1)
    assert len([text for text in desk.texts_to(NURSE) if "ACK" in text]) == 1
    assert desk.rows(AuditorRun)[-1].finished_at is not None
    looks(desk, 2)
    assert desk.rows(AuditorRun)[-1].error == ""


# --- whom it tells ----------------------------------------------------------------------------------------


@pytest.fixture
def hopeless(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Two alerts whose steps can be taken by nobody."""

    def fails(row: Any, _gear: Gear) -> None:
        raise RuntimeError(f"cannot take {row}")

    desk.text(PAT, WHITE_LIP)
    desk.text("+15550100111", "el labio se me ha puesto blanco y me duele")
    desk.settle()
    monkeypatch.setattr(checking, "repair", fails)
    clock.advance(timedelta(minutes=15))
    return desk


def test_what_it_cannot_repair_is_told_to_the_medical_director_once_and_bundled(hopeless: Desk) -> None:
    runs = looks(hopeless, 6, minutes=1.1)
    assert [run.paged for run in runs] == [0, 2, 0, 0, 0, 0]
    (text,) = told(hopeless)
    assert "2 overdue alerts" in text
    assert [call.to for call in hopeless.calls.sent] == [DOCTOR]
    assert told(hopeless, NURSE) == []
    assert all(run.error == "" for run in runs)
    for secret in ("Pat", "Sample", PAT, "lip"):
        assert secret not in text


def test_it_is_told_by_their_contact_methods_in_their_language(hopeless: Desk) -> None:
    reach(DOCTOR, ("email", "dr@home.example", 0), ("apprise", "json://hooks.example/x", 600))
    with transaction() as session:
        session.scalars(select(Staff).where(Staff.phone == DOCTOR)).one().language = "es"
    looks(hopeless, 2, minutes=1.1)
    assert "2 alertas atrasadas" in hopeless.mails.sent[0].text
    assert len(hopeless.chats.sent) == 1, "it does not wait"
    assert told(hopeless) == []


def test_without_a_director_whoever_is_on_call_is_told(hopeless: Desk) -> None:
    with transaction() as session:
        session.scalars(select(Staff).where(Staff.phone == DOCTOR)).one().role = Role.INJECTOR
    looks(hopeless, 2, minutes=1.1)
    assert len(told(hopeless, NURSE)) == len(told(hopeless, DOCTOR)) == 1


def test_when_nobody_can_be_told_it_says_so_and_tries_again(hopeless: Desk) -> None:
    looks(hopeless, minutes=1.1)
    hopeless.carrier.faults = [CarrierError("down")] * 3
    hopeless.calls.faults = [CarrierError("down")] * 3
    (run,) = looks(hopeless)
    assert (run.paged, run.error, run.heartbeat) == (0, "nobody could be told", "withheld")
    hopeless.carrier.faults = []
    assert looks(hopeless)[0].paged == 2
    assert len(told(hopeless)) == 1


def test_a_desk_that_lives_by_repairs_alone_is_told_of_even_though_each_helped(desk: Desk) -> None:
    desk.text(PAT, BLIND)
    looks(desk, 30, minutes=1.1)
    assert len(told(desk)) == 1


def test_a_text_whose_fate_the_carrier_never_tells_is_told_of_by_another_way(desk: Desk) -> None:
    reach(DOCTOR, ("email", "dr@home.example", 0))
    desk.carrier = SilentCarrier()
    desk.text(PAT, WHITE_LIP)
    for _ in range(8):
        clock.advance(timedelta(seconds=20))
        desk.sweep_once()  # the sweeper lives, and asks the carrier again and again
        check(gear(desk))
    (mail,) = desk.mails.sent
    assert "texts not sent" in mail.text


def test_that_nobody_is_on_call_is_told_before_any_alert_comes(desk: Desk) -> None:
    with transaction() as session:
        for one in session.scalars(select(Staff)):
            one.on_call_order = None
    runs = looks(desk, 20, minutes=1.1)
    assert sum(run.paged for run in runs) == 1
    (text,) = [text for text in desk.texts_to(DOCTOR) if "nobody is on call" in text]
    assert "/console/rota" in text
    assert [call.to for call in desk.calls.sent] == [DOCTOR]
    assert (incidents(desk), desk.rows(Incident)[0].repairs) == ([Neglect.NOBODY_ON_CALL], 0)
    assert all(run.error == "" for run in runs)
    with transaction() as session:
        session.scalars(select(Staff).where(Staff.phone == NURSE)).one().on_call_order = 1
    looks(desk, minutes=1.1)
    assert desk.rows(Incident)[0].resolved_at is not None


def test_a_gap_in_the_rota_is_told_a_day_ahead(desk: Desk) -> None:
    nurse = desk.rows(Staff, phone=NURSE)[0].id
    local = clock.now().astimezone(ZoneInfo("America/New_York"))
    day = WEEKDAYS[(local + timedelta(days=3)).weekday()]
    hours = {one: "00:00-24:00" for one in WEEKDAYS if one != day}
    rota(desk, nurse, hours=hours)
    begins = datetime.combine(local.date() + timedelta(days=3), dt_time(), local.tzinfo)
    clock.advance(begins - timedelta(days=1, minutes=5) - clock.now())
    looks(desk, 3, minutes=1.1)
    assert Neglect.NOBODY_ON_CALL not in incidents(desk)
    looks(desk, 20, minutes=2)
    assert len([text for text in desk.texts_to(DOCTOR) if "nobody is on call" in text]) == 1


def test_somebody_who_is_writing_a_rota_is_not_disturbed(desk: Desk) -> None:
    mine = rota(desk, desk.rows(Staff, phone=NURSE)[0].id, hours={"mon": "00:00-00:01"})
    looks(desk, 5, minutes=1.1)
    assert incidents(desk) == [Neglect.NOBODY_ON_CALL]
    end_rota(clinic_id(desk), mine)
    looks(desk, 20, minutes=1.1)
    assert desk.texts_to(DOCTOR) == []


# --- its own death ----------------------------------------------------------------------------------------


class Watcher:
    """Somebody outside who counts heartbeats."""

    def __init__(self) -> None:
        self.beats: list[str] = []
        self.status = 200
        watcher = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                watcher.beats.append(self.path)
                self.send_response(watcher.status)
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/beat-secret"


@pytest.fixture
def watcher(desk: Desk, settings: Settings) -> Iterator[Watcher]:
    mine = Watcher()
    use_settings(settings.model_copy(update={"heartbeat_url": SecretStr(mine.url)}))
    yield mine
    mine.server.shutdown()
    mine.server.server_close()


def test_each_good_look_is_a_heartbeat(desk: Desk, watcher: Watcher) -> None:
    runs = looks(desk, 2)
    assert watcher.beats == ["/beat-secret"] * 2
    assert [run.heartbeat for run in runs] == ["ok", "ok"]
    assert [run.finished_at is not None for run in desk.rows(AuditorRun)] == [True, True]


def test_a_look_that_fails_gives_no_heartbeat(
    desk: Desk, watcher: Watcher, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "due", lambda *_: 1 / 0)
    (run,) = looks(desk)
    assert watcher.beats == []
    assert (run.error, run.heartbeat) == ("the look failed (ZeroDivisionError)", "withheld")
    assert [one.level for one in doctor_says(settings) if one.subject == "auditor"] == [FIX]


def test_a_heartbeat_that_does_not_get_through_is_on_record_without_its_secret(
    desk: Desk, watcher: Watcher, settings: Settings
) -> None:
    watcher.status = 500
    looks(desk)
    assert health.problems(settings) == ["the heartbeat URL answered HTTP 500"]
    use_settings(settings.model_copy(update={"heartbeat_url": SecretStr("http://127.0.0.1:9/beat-secret")}))
    looks(desk)
    (problem,) = health.problems(settings)
    assert "cannot be reached" in problem
    assert "secret" not in problem


class _Work:
    sweeping = dialogue_loaded = True
    dialogue_error = None


def test_readyz_doctor_and_metrics_tell_when_nobody_looks(desk: Desk, settings: Settings) -> None:
    assert readiness(_Work())["auditor"] == "degraded: it has not looked yet"  # type: ignore[arg-type]
    looks(desk)
    assert readiness(_Work())["auditor"] == "ok"  # type: ignore[arg-type]
    assert REGISTRY.get_sample_value("afterglow_auditor_last_ok_seconds") == pytest.approx(
        clock.now().timestamp(), abs=5
    )
    clock.advance(timedelta(minutes=10))
    assert "10 minutes ago" in readiness(_Work())["auditor"]  # type: ignore[arg-type]
    (late,) = [one for one in doctor_says(settings) if one.subject == "auditor"]
    assert (late.level, "10 minutes ago" in late.text) == (NOTE, True), "the desk may be stopped on purpose"
    assert any("AFTERGLOW_HEARTBEAT_URL" in one.text for one in doctor_says(settings))


def test_the_loop_looks_again_after_a_failure_and_ends_when_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def flaky(_gear: Gear) -> None:
        seen.append(1)
        if len(seen) == 1:
            raise RuntimeError("the database is away")

    monkeypatch.setattr("bot.auditor.loop.check", flaky)
    auditor = Auditor(0.01, lambda: gear(desk))
    auditor.start()
    end = time.monotonic() + 10
    while len(seen) < 3:
        assert time.monotonic() < end
        time.sleep(0.01)
    auditor.stop()
    count = len(seen)
    time.sleep(0.05)
    assert len(seen) == count
    idle = Auditor(0, lambda: gear(desk))
    idle.start()
    idle.stop()
    assert len(seen) == count


def test_the_command_looks_once_for_a_timer(
    desk: Desk, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.app.make_carrier", lambda _settings: desk.carrier)
    monkeypatch.setattr("bot.app.make_notifiers", lambda _settings: desk.notifiers)
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    clock.advance(timedelta(minutes=16.5))
    monkeypatch.setattr("bot.start.clock.keep_in", lambda _path: None)
    # it would go on logging to the runner's output, which is closed by then
    monkeypatch.setattr("bot.cli.log.configure", lambda _level: None)
    result = CliRunner().invoke(command, ["auditor"])
    assert result.exit_code == 0, result.output
    assert "Found 1, repaired 1" in result.output
    monkeypatch.setattr(look, "due", lambda *_: 1 / 0)
    assert CliRunner().invoke(command, ["auditor"]).exit_code == 1
