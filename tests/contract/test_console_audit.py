"""The audit log in the console: who has seen whom, found and paged, checked, taken out, and itself logged."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

import bot
from bot.access.door import declared
from bot.audit import checks, search
from bot.audit.chain import Entry, Fault, append
from bot.audit.models import AuditCheck, AuditEntry
from bot.clinic import api_keys
from bot.clinic.models import Patient, Staff
from bot.console import audit_rows
from bot.console.strings import catalogue, translator
from bot.db import engine as db
from bot.db.engine import reading, transaction
from bot.messaging.models import Conversation, Message
from bot.photos import keep
from bot.records.models import StaffTask
from tests.contract import console_clinic
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World
from tests.contract.test_console_doors import STAFF_ROUTES
from tests.support import pictures
from tests.support.audit_log import FIRST, long_log

TAGS = re.compile(r"<details>.*?</details>|<[^>]+>", re.DOTALL)
ROW = re.compile(r"<tr>\s*<th scope=\"row\">(.*?)</tr>", re.DOTALL)


def lines(client: TestClient, query: str = "") -> list[str]:
    """The log's lines on a page, as they are read."""
    page = client.get(f"/console/audit?{query}")
    assert page.status_code == 200
    read = (" ".join(html.unescape(TAGS.sub(" ", row)).split()) for row in ROW.findall(page.text))
    return [re.sub(r" ([,:])", r"\1", line) for line in read]


def logged(action: str) -> list[AuditEntry]:
    """The entries of an action, oldest first."""
    with reading() as session:
        return list(session.scalars(select(AuditEntry).filter_by(action=action).order_by(AuditEntry.seq)))


def test_it_says_who_saw_and_changed_what_of_whom_in_words(
    world: World, nurse: TestClient, doctor: TestClient
) -> None:
    nurse.get(f"/console/patients/{world.patients['pat']}")
    post(nurse, f"/console/alerts/{world.alerts['lip']}/acknowledge")
    found = lines(doctor)
    assert any("Nurse Demo Viewed a patient Pat Sample" in line for line in found)
    assert any(re.search(r"Nurse Demo Took an alert Alert \w+: Pat Sample", line) for line in found)
    with transaction() as session:
        session.get_one(Staff, world.staff["doctor"]).language = "es"
    assert any("Nurse Demo Vio a un paciente Pat Sample" in line for line in lines(doctor))


def test_it_is_open_to_medical_director_and_admin_alone(world: World, admin: TestClient) -> None:
    nurse = client_for("nurse")
    for path in ("/console/audit", "/console/audit.csv"):
        assert nurse.get(path).status_code == 403
        assert admin.get(path).status_code == 200
    pat = f"/console/patients/{world.patients['pat']}"
    assert "Who has seen this" not in nurse.get(pat).text
    assert f'href="/console/audit?patient_id={world.patients["pat"]}"' in admin.get(pat).text


def test_looking_at_the_log_is_in_it_with_what_was_looked_for(world: World, doctor: TestClient) -> None:
    pat = world.patients["pat"]
    doctor.get(f"/console/audit?patient_id={pat}&action=patient.view")
    doctor.get("/console/audit.csv?from=2026-11-01")
    (looked,) = logged("audit.view")
    assert (looked.actor_id, looked.subject_id) == (world.staff["doctor"], pat)
    assert looked.detail["action"] == "patient.view"
    (taken,) = logged("audit.csv")
    assert taken.detail == {"first": "2026-11-01"}
    assert any("Looked at the audit log" in line for line in lines(doctor))


def test_the_patients_whom_the_log_names_are_seen_by_whoever_reads_it(
    world: World, nurse: TestClient, doctor: TestClient
) -> None:
    nurse.get(f"/console/patients/{world.patients['ana']}")
    doctor.get("/console/audit")
    (looked,) = logged("audit.view")
    assert looked.detail["patients"] == [world.patients["ana"]]


def a_photo(world: World) -> str:
    """A picture that Pat sent: its id."""
    with transaction() as session:
        pat = session.get_one(Patient, world.patients["pat"])
        message = console_clinic.message(session, pat, "", 5)
        return keep.in_record(session, message, keep.on_disk(world.clinic, pictures.jpeg())).id


def test_whatever_of_a_patient_is_opened_is_found_under_the_patient(
    world: World, nurse: TestClient, doctor: TestClient
) -> None:
    pat = world.patients["pat"]
    with reading() as session:
        thread = session.scalars(select(Conversation.id).filter_by(patient_id=pat)).one()
        message = session.scalars(
            select(Message.id).filter_by(conversation_id=thread, kind="patient").limit(1)
        ).one()
        task = session.scalars(select(StaffTask.id).filter_by(patient_id=pat)).one()
    with transaction() as session:  # what a number wrote before it was a patient's is the patient's now
        session.get_one(Message, message).patient_id = None
    paths = {
        f"/console/patients/{pat}": "Viewed a patient",
        f"/console/patients/{pat}/chart-note.txt": "Read a chart note",
        f"/console/patients/{pat}/photos": "Viewed a patient's photos",
        f"/console/alerts/{world.alerts['lip']}": "Viewed an alert",
        f"/console/messages/{thread}": "Read a conversation",
        f"/console/judge/{message}": "Read a message",
        f"/console/photos/{a_photo(world)}.jpg": "Viewed a photo",
        "/console/patients?q=sample": "Viewed the list of patients",
        "/console/tasks": "Viewed the tasks",
        "/console": "Viewed the alerts",
    }
    for path in paths:
        assert nurse.get(path).status_code == 200, path
    post(nurse, f"/console/tasks/{task}/complete", note="Called.")
    found = " ".join(line for line in lines(doctor, f"patient_id={pat}") if "Nurse Demo" in line)
    for words in (*paths.values(), "Completed a task"):
        assert words in found, words
    others = " ".join(lines(doctor, f"patient_id={world.patients['kim']}"))
    assert "Viewed a patient's photos" not in others


def test_the_one_who_is_looked_for_is_named_first_among_many(world: World, nurse: TestClient) -> None:
    nurse.get("/console/patients")
    doctor = client_for("doctor")
    (line,) = [one for one in lines(doctor, f"patient_id={world.patients['kim']}") if "list" in one]
    assert "patients Kim Placeholder, " in line
    assert line.endswith("and 1 more")


def test_it_is_narrowed_by_person_action_and_day(world: World, nurse: TestClient, doctor: TestClient) -> None:
    nurse.get("/console/patients")
    nurse.get(f"/console/patients/{world.patients['pat']}")
    today = (logged("patient.view")[0].at - timedelta(hours=5)).date()  # New York's
    mine = lines(doctor, f"actor={world.staff['doctor']}")
    assert mine
    assert all("Dr Demo" in line for line in mine)
    assert len(lines(doctor, "action=patient.view")) == 1
    before, after = today - timedelta(days=3), today + timedelta(days=3)
    assert len(lines(doctor, f"action=patient.view&from={before}&to={after}")) == 1
    assert lines(doctor, f"from={before - timedelta(days=9)}&to={before}") == []
    assert len(lines(doctor, f"action=patient.view&from={before}&to={after}&actor=command")) == 0


@pytest.mark.parametrize(
    ("days", "says"),
    [
        ("from=2026-11-09&to=2026-11-01", "The last day is before the first"),
        ("from=tomorrow", "Write the days as dates"),
        ("from=0001-01-01&to=9999-12-31", "Write the days as dates"),
    ],
)
def test_days_that_are_none_are_explained(world: World, doctor: TestClient, days: str, says: str) -> None:
    page = doctor.get(f"/console/audit?{days}")
    assert page.status_code == 422
    assert says in page.text
    assert doctor.get(f"/console/audit.csv?{days}").status_code == 404


def test_a_typed_name_finds_the_patient_or_asks_which(world: World, doctor: TestClient) -> None:
    one = doctor.get("/console/audit?patient=sample&action=patient.view", follow_redirects=False)
    assert one.headers["location"] == f"/console/audit?patient_id={world.patients['pat']}&action=patient.view"
    several = doctor.get("/console/audit?patient=l").text
    assert "Several patients fit" in several
    assert "José Lee Muestra" in several
    assert "Kim Placeholder" in several
    assert "No patient fits “nobody”" in doctor.get("/console/audit?patient=nobody").text


def test_another_clinics_patients_and_entries_stay_out_of_sight(world: World, doctor: TestClient) -> None:
    client_for("stranger").get(f"/console/patients/{world.patients['foreign']}")
    assert doctor.get(f"/console/audit?patient_id={world.patients['foreign']}").status_code == 404
    assert not any("Stranger" in line or "Fremd" in line for line in lines(doctor))
    assert "Stranger" not in doctor.get("/console/audit").text


def test_another_system_and_a_command_have_names(world: World, doctor: TestClient) -> None:
    api_keys.create(world.clinic, "Practice system")
    (row,) = api_keys.all_of(world.clinic)
    with transaction() as session:
        append(session, Entry("patient.enrol", "api_key", row.id, clinic_id=world.clinic))
        append(session, Entry("patient.import", "command", "os:root", clinic_id=world.clinic))
    found = lines(doctor)
    assert any("Another system: Practice system Enrolled a patient" in line for line in found)
    assert any("A command on the server Imported patients" in line for line in found)
    assert any("A command on the server" in line for line in lines(doctor, "actor=command"))


# --- long logs ---


def a_long_log(world: World, length: int) -> None:
    people, patients = list(world.staff.values()), list(world.patients.values())

    def entry(seq: int) -> dict[str, Any]:
        return {
            "actor_id": people[seq % 3],
            "action": ("patient.view", "alert.view", "patient.search")[seq % 3],
            "subject_kind": "patient",
            "subject_id": patients[seq % 2],
        }

    long_log(world.clinic, length, entry, every=timedelta(minutes=30))


def steps_of(read: Any) -> int:
    """How much work the database does for a read, in hundreds of its own steps."""
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    with reading() as session:
        connection = session.connection().connection.driver_connection
        assert connection is not None
        connection.set_progress_handler(tick, 100)
        try:
            read(session)
        finally:
            connection.set_progress_handler(None, 0)
    return count


def test_every_page_of_a_long_log_costs_what_its_first_page_costs(world: World) -> None:
    a_long_log(world, 6_000)
    nurse = world.staff["nurse"]

    def page(before: int | None = None, **wanted: Any) -> int:
        return steps_of(
            lambda session: search.page(
                session, world.clinic, search.Wanted(**wanted), before=before, size=50
            )
        )

    first = page()
    whole = steps_of(lambda session: list(session.execute(select(AuditEntry.seq, AuditEntry.detail))))
    assert whole > 20 * first, "a page reads a small part of the log"
    assert page(before=60) <= 2 * first
    assert page(actor=nurse, before=200) <= 2 * first
    assert page(action="patient.search", before=200) <= 2 * first
    assert page(actor="nobody at all") <= 2 * first
    day = FIRST + timedelta(days=2)
    assert page(start=day, end=day + timedelta(days=1)) <= 2 * first


def test_pages_follow_each_other_without_a_gap_or_a_repeat(world: World) -> None:
    a_long_log(world, 130)
    doctor = client_for("doctor")
    seen: list[int] = []
    address = "/console/audit?action=patient.view"
    for _page in range(9):
        page = doctor.get(address).text
        seen += [int(n) for n in re.findall(r"<dt>Entry</dt><dd>(\d+)</dd>", page)]
        older = re.search(r'<a href="([^"]+)#list-h">Older</a>', page)
        if older is None:
            break
        address = html.unescape(older[1])
    assert seen == [seq for seq in range(130, 0, -1) if seq % 3 == 0]


def test_it_is_taken_out_as_csv_with_the_same_filters_and_no_patients_name(world: World) -> None:
    a_long_log(world, 1_200)
    with transaction() as session:
        session.get_one(Staff, world.staff["nurse"]).name = "=Nurse Demo"
    reply = client_for("doctor").get(f"/console/audit.csv?actor={world.staff['nurse']}")
    assert reply.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(reply.text.removeprefix("\ufeff"))))
    assert [int(row["seq"]) for row in rows] == [seq for seq in range(1_200, 0, -1) if seq % 3 == 0]
    assert rows[0]["actor"] == "'=Nurse Demo"
    assert rows[0]["what"] == "Viewed a patient"
    assert {row["subject_id"] for row in rows} <= set(world.patients.values())
    assert "Sample" not in reply.text


# --- is it whole? ---


def tamper(statement: str, kind: str = "update") -> None:
    """As somebody with the database in their hands would."""
    with db.engine().begin() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER audit_entries_stay_{kind}")
        connection.exec_driver_sql(statement)


def test_a_check_goes_on_in_pieces_and_says_how_far_it_has_got(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "PIECE", 40)
    monkeypatch.setattr(checks, "PIECES", 2)
    a_long_log(world, 130)
    doctor = client_for("doctor")
    assert "not been checked" in doctor.get("/console/audit").text
    said = post(doctor, "/console/audit/verify").text
    assert "through entry 80, whole so far" in said
    assert "Go on from entry 81" in said
    said = post(doctor, "/console/audit/verify").text
    assert re.search(r"from the first entry through entry 13\d: whole", said)
    assert "By Dr Demo" in said
    assert "Check from the first entry" in said
    first, second = logged("audit.verify")
    assert first.detail == {"through": 80, "ended": False}
    assert second.detail["ended"]
    with reading() as session:
        assert len(session.scalars(select(AuditCheck)).all()) == 1
    post(doctor, "/console/audit/verify")
    with reading() as session:
        assert len(session.scalars(select(AuditCheck)).all()) == 2, "a new check begins with the first entry"


@pytest.mark.parametrize(
    ("statement", "kind", "says"),
    [
        (
            "UPDATE audit_entries SET actor_id = 'x' WHERE seq = 85",
            "update",
            "Entry 85 is not right: it is not as",
        ),
        ("DELETE FROM audit_entries WHERE seq = 80", "delete", "Entry 80 is not right: it is missing"),
        ("DELETE FROM audit_entries WHERE seq > 90", "delete", "Entry 91 is not right: it is missing"),
    ],
)
def test_a_check_names_the_first_entry_that_is_not_right(
    world: World, monkeypatch: pytest.MonkeyPatch, statement: str, kind: str, says: str
) -> None:
    monkeypatch.setattr(checks, "PIECE", 40)
    a_long_log(world, 130)
    doctor = client_for("doctor")
    tamper(statement, kind)
    assert says in post(doctor, "/console/audit/verify").text
    (entry,) = logged("audit.verify")
    assert entry.detail["fault"]


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("DELETE FROM audit_entries WHERE seq > 90", 91),
        ("UPDATE audit_heads SET seq = 100", 101),
        ("UPDATE audit_heads SET hash = 'x'", 131),
    ],
)
def test_a_log_that_ends_where_it_should_not_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch, statement: str, seq: int
) -> None:
    monkeypatch.setattr(checks, "PIECE", 40)
    a_long_log(world, 130)
    tamper(statement, "delete")
    broken = checks.go_on(world.clinic, world.staff["doctor"]).broken
    assert broken is not None
    assert (broken.fault, broken.seq) == (Fault.WRONG_END, seq)
    with reading() as session:
        check = checks.newest(session, world.clinic)
    assert check is not None
    assert (check.ended, check.fault, check.broken_seq) == (True, "wrong_end", seq)


def test_an_entry_that_is_changed_after_its_piece_was_checked_is_found_by_the_next_check(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_long_log(world, 130)
    doctor = client_for("doctor")
    assert "whole" in post(doctor, "/console/audit/verify").text
    tamper("UPDATE audit_entries SET outcome = 'refused' WHERE seq = 3")
    assert "Entry 3 is not right" in post(doctor, "/console/audit/verify").text


# --- words ---


def every_action() -> set[str]:
    """What the log can name: the doors of the console and the API, the commands, and what comes by text."""
    source = "".join(path.read_text("utf-8") for path in Path(bot.__file__).parent.rglob("*.py"))
    written = re.findall(r'(?:trail\.command|Entry)\(\s*"([a-z_]+\.[a-z_]+)"', source)
    doors = {declared(route.endpoint).action for route in STAFF_ROUTES}
    more = {"patient.import", "patient.check_import", "patient.chart_note_text", "alert.look_by_link"}
    return {*written, *doors, *more} - {""}


def test_every_action_has_its_words_in_both_languages() -> None:
    found = every_action()
    assert {"patient.view", "audit.export", "alert.announce", "conversation.take"} <= found
    for action in sorted(found):
        english, spanish = (
            audit_rows.action_words(translator(language), action) for language in ("en", "es")
        )
        assert english != action, action
        assert english != spanish


def test_no_words_are_kept_for_an_action_that_there_is_not() -> None:
    kept = {key.removeprefix("audit_action.") for key in catalogue() if key.startswith("audit_action.")}
    assert kept == every_action()
