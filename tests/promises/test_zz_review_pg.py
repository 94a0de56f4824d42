from __future__ import annotations

import threading

import pytest

from bot import log
from bot.clinic import demo
from bot.clinic.models import Staff
from bot.db.engine import connect, make_engine, transaction
from bot.db.migrate import upgrade
from bot.escalation import alerts, service
from bot.escalation.models import AlertStatus, Outcome
from bot.messaging import threads
from bot.settings import use_settings
from tests.support.desk import DOCTOR, NURSE, PAT, STRANGER, Desk

WHITE_LIP = "my top lip has gone white on one side and it rlly hurts"


@pytest.fixture
def pg(settings, postgres_url):
    use_settings(settings.model_copy(update={"database_url": postgres_url}))
    url = postgres_url.replace("postgresql://", "postgresql+psycopg://")
    engine = connect(url)
    with engine.begin() as c:
        c.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    yield url
    engine.dispose()


@pytest.fixture
def desk(pg):
    upgrade(make_engine(pg))
    demo.seed()
    d = Desk()
    d.settle()
    d.carrier.sent.clear()
    return d


def in_thread(action):
    t = threading.Thread(target=action)
    t.start()
    t.join(10)
    assert not t.is_alive()


@pytest.mark.parametrize("words", [WHITE_LIP, "cant see out my left eye"], ids=["same tier", "worse"])
@pytest.mark.parametrize("what", ["close", "ack"])
def test_a_red_flag_while_the_nurse_closes_the_alert(desk, monkeypatch, what, words):
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    (alert,) = desk.alerts()
    nurse = desk.rows(Staff, phone=NURSE)[0].id
    real = alerts._join

    def join(session, a, message, assessment):
        in_thread(
            (lambda: service.close(alert.id, nurse, Outcome.FALSE_ALARM, "spoke to her"))
            if what == "close"
            else (lambda: service.acknowledge(alert.id, nurse, "console"))
        )
        real(session, a, message, assessment)

    monkeypatch.setattr(alerts, "_join", join)
    n = len(desk.texts_to(NURSE)) + len(desk.texts_to(DOCTOR))
    desk.text(PAT, words)
    monkeypatch.undo()
    desk.settle()
    for _ in range(8):
        desk.advance(minutes=15.1)
    rows = desk.alerts()
    print(
        [(a.status.value, a.tier.value) for a in rows],
        "pages:",
        desk.texts_to(NURSE)[1:],
        desk.texts_to(DOCTOR),
    )
    if what == "close":
        assert any(a.status is not AlertStatus.CLOSED for a in rows), (
            "a red flag after closing, and no open alert"
        )
    elif words != WHITE_LIP:
        assert len(desk.texts_to(DOCTOR)) > 0, "T0 raised, acknowledged only as T1"


def test_no_phone_number_in_the_log(desk, monkeypatch, capsys):
    log.configure("INFO")
    real, done = threads.detect, []

    def detect(text, language):
        if not done:
            done.append(1)

            def other():
                with transaction() as s:
                    from bot.clinic.models import Clinic

                    threads.find_or_open(s, s.query(Clinic).one(), threads.Channel.SMS, STRANGER)

            in_thread(other)
        return real(text, language)

    monkeypatch.setattr(threads, "detect", detect)
    desk.text(STRANGER, "hello")
    err = capsys.readouterr().err
    print(err[-900:])
    assert STRANGER not in err


def test_two_processes_start_on_an_empty_postgres(pg):
    errors = []
    gate = threading.Barrier(2)

    def go():
        e = make_engine(pg)
        gate.wait()
        try:
            upgrade(e)
        except Exception as x:
            errors.append(type(x).__name__ + ": " + str(x)[:150])

    ts = [threading.Thread(target=go) for _ in range(2)]
    [t.start() for t in ts]
    [t.join() for t in ts]
    print(errors)
    assert not errors
