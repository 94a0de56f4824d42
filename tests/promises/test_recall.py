"""A recall reaches everybody who was treated with a lot, once, and only after a second person has agreed."""

from __future__ import annotations

import csv
import io
import threading
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bot import clock
from bot.channels.base import CarrierError
from bot.clinic.models import Clinic, Consent, ConsentPurpose, Patient, Role, Staff, Treatment
from bot.db.engine import reading, transaction
from bot.governance import service as governance
from bot.governance.sentences import digest
from bot.messaging.models import Kind, Message, Status
from bot.protocols.catalogue import catalogue
from bot.recall import progress, service
from bot.recall.models import Recall, RecallNotice, RecallStatus
from bot.records import tasks as task_service
from bot.records.models import StaffTask, TaskKind
from tests.support.desk import ANA, PAT, Desk
from tests.support.patient_page import browser, path_in
from tests.support.records import SqliteRecords

LOT = "demo-0001"
NEW_YORK = ZoneInfo("America/New_York")


def hire(role: Role, name: str) -> str:
    with transaction() as session:
        clinic = session.query(Clinic).first()
        assert clinic is not None
        staff = Staff(
            clinic_id=clinic.id,
            name=name,
            email=f"{name.lower().replace(' ', '.')}@demo.example",
            password_hash="x",
            role=role,
        )
        session.add(staff)
        session.flush()
        return staff.id


def approve_words(director_id: str) -> None:
    with transaction() as session:
        director = session.get_one(Staff, director_id)
        for piece in (service.TEXT, service.PAGE):
            governance.approve(session, director, piece, digest(catalogue().piece(piece)))


@pytest.fixture
def director(desk: Desk) -> str:
    """The medical director, who has approved the words of a recall. It is noon for the patients."""
    local = clock.now().astimezone(NEW_YORK)
    clock.advance(timedelta(hours=(12 - local.hour) % 24))
    with transaction() as session:  # whoever else could approve has left
        for staff in session.query(Staff).filter(Staff.role.in_(service.APPROVERS)):
            staff.role = Role.INJECTOR
    director_id = hire(Role.MEDICAL_DIRECTOR, "Example Director")
    approve_words(director_id)
    return director_id


@pytest.fixture
def nurse(director: str) -> str:
    return hire(Role.NURSE, "Example Nurse Two")


@pytest.fixture
def drafted(desk: Desk, nurse: str) -> str:
    return service.draft(nurse, "harmonyca", LOT, "The maker's letter of today")


def states(recall_id: str) -> dict[str, str]:
    with reading() as session:
        lines = progress.lines(session, session.get_one(Recall, recall_id))
        return {line.patient.phone: line.state for line in lines}


def refusal(call: object, *args: object) -> str:
    with pytest.raises(service.Refused) as refused:
        call(*args)  # type: ignore[operator]
    return refused.value.code


@pytest.mark.parametrize("written", ["DEMO-0001", "demo-0001", " Demo - 0001 ", "DEMO-\u00a00001"])
def test_a_lot_is_found_however_it_is_spaced_and_cased(desk: Desk, written: str) -> None:
    with reading() as session:
        clinic_id = session.query(Clinic.id).scalar()
        found = service.treated_with(session, clinic_id, "harmonyca", written)
        assert {one.patient.phone for one in found} == {ANA, PAT}
        assert service.treated_with(session, clinic_id, "radiesse", written) == []
        assert service.treated_with(session, "another", "harmonyca", written) == []


def test_a_patient_treated_twice_with_a_lot_is_told_once(desk: Desk, director: str, nurse: str) -> None:
    with transaction() as session:
        pat = session.query(Patient).filter_by(phone=PAT).one()
        first = pat.treatments[0]
        session.add(
            Treatment(
                clinic_id=pat.clinic_id, patient_id=pat.id, product=first.product, lot="DEMO 0001".lower(),
                expiry=first.expiry, treated_at=first.treated_at - timedelta(days=30),
            )
        )  # fmt: skip
        session.add(
            Treatment(
                clinic_id=pat.clinic_id, patient_id=pat.id, product=first.product, lot="Demo-0001 ",
                expiry=first.expiry, treated_at=first.treated_at - timedelta(days=60),
            )
        )  # fmt: skip
    recall_id = service.draft(nurse, "harmonyca", LOT, "letter")
    assert service.approve(director, recall_id) == 2
    desk.settle()
    assert len(desk.rows(RecallNotice)) == 2
    assert len([text for text in desk.texts_to(PAT) if "please phone us" in text]) == 1


def test_nobody_is_told_before_somebody_else_approves(desk: Desk, director: str, nurse: str) -> None:
    recall_id = service.draft(nurse, "harmonyca", LOT, "letter")
    desk.settle()
    assert desk.rows(Message, kind=Kind.RECALL) == []
    assert set(states(recall_id).values()) == {"planned"}
    assert refusal(service.approve, nurse, recall_id) == "role"
    assert service.approve(director, recall_id) == 2


def test_whoever_drafted_it_may_not_approve_it_while_there_is_another(desk: Desk, director: str) -> None:
    recall_id = service.draft(director, "harmonyca", LOT, "letter")
    admin = hire(Role.ADMIN, "Example Admin")
    assert refusal(service.approve, director, recall_id) == "own"
    with transaction() as session:
        session.get_one(Staff, admin).active = False
    assert service.approve(director, recall_id) == 2


def test_words_that_the_clinic_has_not_approved_do_not_go_out(desk: Desk, nurse: str) -> None:
    recall_id = service.draft(nurse, "harmonyca", LOT, "letter")
    director = hire(Role.MEDICAL_DIRECTOR, "Second Director")
    with transaction() as session:
        for version in session.query(governance.ContentVersion):
            version.digest = "0" * 64  # the text was changed since
    assert refusal(service.approve, director, recall_id) == "words"
    assert desk.rows(RecallNotice) == []


def test_the_text_names_no_product_and_its_page_says_everything(
    desk: Desk, director: str, drafted: str
) -> None:
    service.approve(director, drafted)
    desk.settle()
    text = next(text for text in desk.texts_to(PAT) if "please phone us" in text)
    for secret in ("HArmonyCA", "DEMO-0001", LOT, "filler", "treat", "Pat"):
        assert secret not in text
    assert "+1 555-010-0101" in text
    page = browser().get(path_in(text))
    assert page.status_code == 200
    assert "HArmonyCA" in page.text
    assert LOT in page.text
    spanish = next(text for text in desk.texts_to(ANA) if "llámenos" in text)
    assert "Le trataron el" in browser().get(path_in(spanish)).text


def test_a_recall_goes_out_once_however_often_it_is_approved(desk: Desk, director: str, drafted: str) -> None:
    service.approve(director, drafted)
    assert refusal(service.approve, director, drafted) == "sent"
    assert refusal(service.draft, director, "harmonyca", "DEMO-0001 ", "again") == "sent"
    assert refusal(service.withdraw, director, drafted) == "sent"
    desk.settle()
    assert len(desk.rows(Message, kind=Kind.RECALL)) == 2


def test_two_people_who_approve_at_the_same_moment_send_it_once(
    either_record: str, settings: object, sqlite_records: SqliteRecords
) -> None:
    Desk.of_demo_clinic()
    first = hire(Role.MEDICAL_DIRECTOR, "First Director")
    second = hire(Role.MEDICAL_DIRECTOR, "Second Director")
    approve_words(first)
    recall_id = service.draft(hire(Role.NURSE, "Third Nurse"), "harmonyca", LOT, "letter")
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def approve(staff_id: str) -> None:
        start.wait()
        try:
            service.approve(staff_id, recall_id)
            outcomes.append("sent")
        except service.Refused as refused:
            outcomes.append(f"refused: {refused.code}")

    threads = [threading.Thread(target=approve, args=(who,)) for who in (first, second, first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused: sent"] * 3 + ["sent"]
    with reading() as session:
        assert len(session.scalars(select(RecallNotice)).all()) == 2
        assert len(session.scalars(select(Message).where(Message.kind == Kind.RECALL)).all()) == 2


def test_a_withdrawn_draft_tells_nobody_and_can_be_drafted_again(
    desk: Desk, director: str, nurse: str, drafted: str
) -> None:
    assert refusal(service.draft, nurse, "harmonyca", "DEMO-0001", "twice") == "drafted"
    service.withdraw(nurse, drafted)
    assert refusal(service.approve, director, drafted) == "withdrawn"
    assert service.draft(nurse, "harmonyca", LOT, "a new letter") == drafted
    assert desk.rows(Recall)[0].status is RecallStatus.DRAFT


@pytest.mark.parametrize(
    ("product", "lot", "reason", "code"),
    [
        ("harmonyca", "  ", "letter", "lot"),
        ("no such product", LOT, "letter", "lot"),
        ("harmonyca", LOT, "  ", "reason"),
        ("harmonyca", "NOBODY-1", "letter", "nobody"),
    ],
)
def test_a_draft_that_says_too_little_is_refused(
    desk: Desk, nurse: str, product: str, lot: str, reason: str, code: str
) -> None:
    assert refusal(service.draft, nurse, product, lot, reason) == code
    assert desk.rows(Recall) == []


def test_another_clinics_staff_can_neither_approve_nor_withdraw(
    desk: Desk, director: str, drafted: str
) -> None:
    with transaction() as session:
        clinic = session.query(Clinic).one()
        facts = {column.key: getattr(clinic, column.key) for column in Clinic.__table__.columns}
        session.add(Clinic(**facts | {"id": "o" * 32, "text_number": "+15550100901", "widget_key": "other"}))
        session.flush()
        session.get_one(Staff, director).clinic_id = "o" * 32
    for act in (service.approve, service.withdraw):
        with pytest.raises(Exception, match="No row"):
            act(director, drafted)
    assert desk.rows(Recall)[0].status is RecallStatus.DRAFT


# who may be texted


def test_an_opted_out_patient_is_phoned_instead(desk: Desk, director: str, drafted: str) -> None:
    desk.text(PAT, "STOP")
    desk.settle()
    before = desk.texts_to(PAT)
    service.approve(director, drafted)
    desk.settle()
    assert desk.texts_to(PAT) == before
    assert states(drafted) == {ANA: "delivered", PAT: "phone"}
    task = next(task for task in desk.rows(StaffTask) if task.key.startswith("opted_out_phone:recall:"))
    task_service.complete(task.id, director, "Told by phone.")
    assert states(drafted)[PAT] == "phoned"


def test_stop_that_races_a_queued_recall_wins_and_becomes_a_task(
    desk: Desk, director: str, drafted: str
) -> None:
    service.approve(director, drafted)
    desk.text(PAT, "STOP")
    before = len(desk.texts_to(PAT))
    desk.settle()
    assert not any("please phone us on" in text for text in desk.texts_to(PAT)[before:])
    (message,) = desk.rows(Message, kind=Kind.RECALL, status=Status.SUPPRESSED)
    assert [task.message_id for task in desk.rows(StaffTask, kind=TaskKind.OPTED_OUT_PHONE)].count(
        message.id
    ) == 1


def test_without_consent_to_texts_a_person_phones(desk: Desk, director: str, drafted: str) -> None:
    with transaction() as session:
        pat = session.query(Patient).filter_by(phone=PAT).one()
        session.add(
            Consent(
                clinic_id=pat.clinic_id, patient_id=pat.id, purpose=ConsentPurpose.AFTERCARE_TEXTS,
                granted=False, wording_version="x", channel="staff",
            )
        )  # fmt: skip
    service.approve(director, drafted)
    desk.settle()
    assert states(drafted)[PAT] == "phone"
    assert any(task.key.startswith("no_consent:recall:") for task in desk.rows(StaffTask))


def test_a_recall_keeps_to_the_hours_for_texts(desk: Desk, director: str, drafted: str) -> None:
    clock.advance(timedelta(hours=11))
    desk.settle()
    service.approve(director, drafted)
    desk.settle()
    assert states(drafted) == {ANA: "queued", PAT: "queued"}
    desk.advance(hours=11)
    assert states(drafted) == {ANA: "delivered", PAT: "delivered"}


def test_a_recall_that_the_carrier_refuses_becomes_a_task(desk: Desk, director: str, drafted: str) -> None:
    desk.carrier.faults = [CarrierError("landline", code="30006", permanent=True)] * 2
    service.approve(director, drafted)
    desk.settle()
    assert set(states(drafted).values()) == {"failed"}
    assert len(desk.rows(StaffTask, kind=TaskKind.NOT_DELIVERED)) == 2


# how far it got


def test_reading_the_page_and_writing_back_both_count_as_answered(
    desk: Desk, director: str, drafted: str
) -> None:
    service.approve(director, drafted)
    desk.settle()
    path = path_in(next(text for text in desk.texts_to(PAT) if "please phone us" in text))
    phone = browser()
    assert phone.get(path).status_code == 200
    assert states(drafted)[PAT] == "delivered", "opening the page is no answer"
    assert "can see that you have read this" in phone.post(path).text
    assert phone.post(path).status_code == 200
    clock.advance(timedelta(minutes=1))
    desk.text(ANA, "hola, les llamo mañana")
    assert states(drafted) == {ANA: "answered", PAT: "answered"}


def test_somebody_entered_after_the_recall_went_out_is_shown_as_not_told(
    desk: Desk, director: str, drafted: str
) -> None:
    service.approve(director, drafted)
    desk.enrol("Late", "Muster", "+15550100188", lot="demo-0001")
    assert states(drafted)["+15550100188"] == "untold"


def test_the_spreadsheet_has_a_line_for_everybody_and_no_formula(
    desk: Desk, director: str, drafted: str
) -> None:
    with transaction() as session:
        session.query(Patient).filter_by(phone=PAT).one().last_name = "=HYPERLINK(1)"
    service.approve(director, drafted)
    with reading() as session:
        lines = progress.lines(session, session.get_one(Recall, drafted))
        text = progress.as_csv(lines, ["last", "first", "phone", "days", "lot", "state", "at"], str.upper)
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 3
    assert "'=HYPERLINK(1)" in [row[0] for row in rows]
    assert {row[5] for row in rows[1:]} == {"QUEUED"}
