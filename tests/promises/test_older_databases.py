"""Databases of the version before are taken up, and the version before can still write."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import inspect

from bot.clinic import demo
from bot.clinic.models import Staff
from bot.db import engine as db
from bot.db.engine import transaction
from bot.db.migrate import altering, is_current, upgrade
from bot.escalation import service
from bot.escalation.models import Alert, AlertStatus, EventKind, Notification
from bot.escalation.splitting import split
from bot.messaging.models import Message
from bot.notify.models import ContactKind
from bot.settings import ROOT
from bot.triage.types import Tier
from tests.support.desk import ANA, DOCTOR, NURSE, PAT, Desk
from tests.support.safeguarding import (
    CRISIS,
    OFF_ROTA,
    hire,
    no_lead,
)


def to(revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "bot" / "db" / "migrations"))
    with altering(db.engine()) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def columns(table: str) -> set[str]:
    return {column["name"] for column in inspect(db.engine()).get_columns(table)}


def test_a_record_of_the_first_schema_keeps_everything_and_its_crisis_goes_on(either_record: str) -> None:
    demo.seed()
    desk = Desk()
    desk.settle()
    no_lead()
    desk.text(PAT, CRISIS)
    desk.text(ANA, "tengo el labio blanco y me duele mucho")
    desk.settle()
    with transaction() as session:  # as the version before wrote it
        for alert in session.query(Alert):
            alert.policy = {key: value for key, value in alert.policy.items() if key != "leads"}
    texts = [one for one in desk.rows(Notification) if one.kind is ContactKind.SMS]
    before = {model: len(desk.rows(model)) for model in (Staff, Alert, Message)}

    to("0001")
    assert "safeguarding_lead" not in columns("staff")
    assert "psych" not in columns("alerts")
    assert not is_current(db.engine())
    upgrade(db.engine())

    assert {model: len(desk.rows(model)) for model in before} == before
    assert [one.id for one in desk.rows(Notification)] == [one.id for one in texts], "calls are newer"
    assert not any(person.safeguarding_lead for person in desk.rows(Staff))
    assert [alert.psych for alert in desk.alerts()] == [True, False]
    hire(OFF_ROTA)
    for _ in range(2):
        desk.advance(minutes=5.1)
    assert len(desk.texts_to(OFF_ROTA)) == 1, "paged with everybody"


def test_two_open_alerts_of_one_patient_become_one_and_its_paging_goes_on(either_record: str) -> None:
    demo.seed()
    desk = Desk()
    desk.settle()
    desk.text(PAT, "my top lip has gone white and it really hurts")
    desk.text(ANA, "tengo el labio blanco y me duele mucho")
    desk.settle()
    older, other = desk.alerts()
    service.acknowledge(older.id, desk.rows(Staff, phone=DOCTOR)[0].id, "console")
    to("0013")
    with db.engine().begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE alerts SET patient_id = '{older.patient_id}', tier = 'T0' WHERE id = '{other.id}'"
        )
    upgrade(db.engine())

    closed, alert = desk.alerts()
    assert (closed.id, closed.joined_into_id, closed.status) == (older.id, other.id, AlertStatus.CLOSED)
    assert (alert.tier, alert.status) == (Tier.T0, AlertStatus.OPEN)
    assert alert.next_step_at == other.next_step_at
    assert [event.kind for event in alert.events].count(EventKind.OPENED) == 2
    desk.advance(minutes=15.1)
    assert any(other.code in words for words in desk.texts_to(DOCTOR)), "paging went on"
    desk.text(NURSE, f"ACK {older.code}")
    assert desk.alerts()[1].status is AlertStatus.ACKNOWLEDGED


def test_the_version_before_can_still_write_to_the_new_schema(either_record: str) -> None:
    demo.seed(patients=False)
    with db.engine().begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO staff"
            " (id, created_at, clinic_id, name, email, password_hash, role, language, active)"
            " SELECT 'old', created_at, clinic_id, name, 'old@demo.example', 'x', role, language, active"
            " FROM staff WHERE phone = '+15550100121'"
        )
    with db.reading() as session:
        assert session.get_one(Staff, "old").safeguarding_lead is False


def test_a_sign_of_before_can_be_taken_out_and_counts_as_urgent_as_its_alert(either_record: str) -> None:
    demo.seed()
    desk = Desk()
    desk.settle()
    desk.text(PAT, "my top lip has gone white and it really hurts")
    desk.text(PAT, "should i stop my xarelto before tmrw?")
    desk.settle()
    (alert,) = desk.alerts()
    to("0019")
    assert "split_from_id" not in columns("alerts")
    upgrade(db.engine())
    split(alert.id, alert.message_id, desk.rows(Staff, phone=DOCTOR)[0].id, "Her lip.")
    desk.settle()
    assert [(one.tier, one.flag) for one in desk.alerts()] == [(Tier.T1, "MED"), (Tier.T1, "VO")]
    assert [one.status for one in desk.alerts()] == [AlertStatus.OPEN] * 2
