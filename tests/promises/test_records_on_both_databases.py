from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, inspect, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from bot import clock
from bot.clinic import demo
from bot.clinic.models import Clinic, Patient, Treatment
from bot.db import engine as db
from bot.db.migrate import is_current, upgrade
from bot.db.models import Base
from bot.durable import sweep
from bot.escalation.models import Alert, AlertStatus
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, Status
from bot.records.models import ReportSource, SymptomReport
from bot.triage.types import Tier
from tests.support.desk import NURSE, PAT, Desk


def test_migrations_build_exactly_the_tables_that_the_code_describes(either_record: str) -> None:
    with db.engine().connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    assert is_current(db.engine())
    upgrade(db.engine())


def test_every_row_belongs_to_a_clinic(either_record: str) -> None:
    inspector = inspect(db.engine())
    # what was shipped, and the auditor's looks, are every clinic's; before somebody is known a sign-in is no
    # clinic's; all else is one clinic's
    none = {"shipped_texts", "auditor_runs", "sign_in_failures", "sign_in_tickets"}
    none |= {"clinics", "alembic_version", "audit_entries", "audit_heads"}
    for table in set(inspector.get_table_names()) - none:
        columns = {column["name"]: column for column in inspector.get_columns(table)}
        assert columns["clinic_id"]["nullable"] is False, table
        referred = {key["referred_table"] for key in inspector.get_foreign_keys(table)}
        assert "clinics" in referred, table


def test_a_day_at_the_desk_works_the_same(either_record: str) -> None:
    demo.seed()
    desk = Desk()
    desk.settle()
    desk.text(PAT, "my lip has gone white", provider_id="SM1")
    desk.text(PAT, "my lip has gone white", provider_id="SM1")
    desk.settle()
    desk.text(NURSE, "ack")
    desk.advance(days=1, hours=4)

    (alert,) = desk.alerts()
    assert (alert.status, alert.tier) == (AlertStatus.ACKNOWLEDGED, Tier.T1)
    assert desk.texts_to(PAT)


def test_datetimes_come_back_aware_and_equal(either_record: str) -> None:
    demo.seed()
    moment = datetime(2026, 3, 8, 2, 30, 0, 123456, tzinfo=UTC)
    with db.transaction() as session:
        session.query(Patient).filter_by(phone=PAT).one().opted_out_at = moment
    with db.reading() as session:
        assert session.query(Patient).filter_by(phone=PAT).one().opted_out_at == moment


def test_a_naive_datetime_is_refused(either_record: str) -> None:
    demo.seed()
    with pytest.raises(StatementError, match="naive"), db.transaction() as session:
        session.query(Patient).first().opted_out_at = datetime(2026, 3, 8)  # noqa: DTZ001


def refused(session: Session, *rows: object) -> bool:
    session.add_all(rows)
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    return True


def test_the_database_itself_refuses_what_must_not_be(either_record: str) -> None:
    demo.seed()
    with db.reading() as session:
        clinic = session.query(Clinic).one()
        pat = session.query(Patient).filter_by(phone=PAT).one()
        thread = session.query(Conversation).filter_by(address=PAT).one()

    def message(**fields: object) -> Message:
        return Message(
            **{
                "clinic_id": clinic.id,
                "conversation_id": thread.id,
                "direction": Direction.IN,
                "kind": Kind.PATIENT,
                "channel": Channel.SMS,
                "body": "x",
                "status": Status.RECEIVED,
                **fields,
            }
        )

    with Session(db.engine(), expire_on_commit=False) as session:
        known = message(provider_id="SM9")
        session.add(known)
        session.commit()
        assert refused(session, message(provider_id="SM9")), "the same provider id twice"
        assert refused(
            session,
            message(in_reply_to_id=known.id, position=1),
            message(in_reply_to_id=known.id, position=1),
        ), "one reply twice"
        assert refused(session, message(clinic_id="nobody")), "a row of no clinic"
        assert refused(
            session,
            Patient(
                clinic_id=clinic.id, first_name="A", last_name="B", phone=PAT, time_zone="America/New_York"
            ),
        ), "two patients with one number"
        report = {"clinic_id": clinic.id, "conversation_id": thread.id, "source": ReportSource.MENTION}
        assert refused(
            session,
            SymptomReport(message_id=known.id, what="pain", severity=11, tier=Tier.T4, **report),
        ), "a severity of 11"
        alert = {
            "clinic_id": clinic.id,
            "conversation_id": thread.id,
            "message_id": known.id,
            "tier": Tier.T1,
            "flag": "VO",
            "status": AlertStatus.OPEN,
        }
        assert refused(session, Alert(code="11", **alert), Alert(code="12", **alert)), "two open alerts"
        alert["patient_id"] = pat.id
        elsewhere = Conversation(clinic_id=clinic.id, channel=Channel.WEB, address="chat")
        session.add(elsewhere)
        session.commit()
        of_chat = Alert(code="14", **{**alert, "conversation_id": elsewhere.id})
        assert refused(session, Alert(code="13", **alert), of_chat), "two open alerts of one patient"
        treatment = Treatment(
            clinic_id=clinic.id,
            patient_id=pat.id,
            product="harmonyca",
            lot="L",
            expiry=date(2027, 1, 1),
            areas=["chin"],
            treated_at=clock.now() - timedelta(days=400),
        )
        session.add(treatment)
        session.commit()
        assert session.get(Treatment, treatment.id).areas == ["chin"]


def test_sqlite_runs_with_wal_and_foreign_keys(record: None) -> None:
    with db.reading() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def test_no_sweep_reads_a_whole_table(record: str) -> None:
    demo.seed()
    asked: list[tuple[str, object]] = []

    @event.listens_for(db.engine(), "before_cursor_execute")
    def keep(_connection: object, _cursor: object, statement: str, values: object, *_rest: object) -> None:
        asked.append((statement, values))

    sweep.repair()
    sweep.due(clock.now())
    sweep.due_pages(clock.now())
    sweep.next_moment(clock.now())
    event.remove(db.engine(), "before_cursor_execute", keep)
    questions = [one for one in asked if one[0].startswith("SELECT")]
    assert len(questions) >= 4
    with db.reading() as session:
        ask = session.connection().exec_driver_sql
        plan = [step.detail for sql, values in questions for step in ask(f"EXPLAIN QUERY PLAN {sql}", values)]
        # an index over those rows only that wait for something
        partial = set(
            ask("SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'").scalars()
        )
    scans = [step for step in plan if step.startswith("SCAN") and step != "SCAN CONSTANT ROW"]
    assert [scan for scan in scans if scan.split()[-1] not in partial] == []
