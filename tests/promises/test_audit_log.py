"""Every view and change of patient data by people, systems and commands is in a log that nobody can alter."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from bot import clock, events
from bot.api.router import router as api
from bot.audit import chain, search, trail
from bot.audit.chain import Entry, append
from bot.audit.models import INSTALLATION, AuditEntry
from bot.clinic import api_keys, demo
from bot.clinic.models import Clinic, Patient, Staff
from bot.console import queue, sessions
from bot.db.engine import reading, transaction
from bot.escalation import service
from bot.escalation.models import Alert, AlertEvent, AlertStatus, EventKind, Notification, Outcome
from bot.notify import links
from bot.web.take import router as take_link
from tests.contract import console_clinic
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World
from tests.support.audit_log import logged, whole
from tests.support.desk import NURSE, PAT, Desk

# --- the chain on both databases ---


def a_clinic() -> str:
    demo.seed(patients=False)
    with reading() as session:
        return session.scalars(select(Clinic.id)).one()


def test_entries_written_at_once_form_one_chain(either_record: str) -> None:
    clinic = a_clinic()

    def write(name: str) -> None:
        for number in range(8):
            with transaction() as session:
                append(session, Entry(f"test.{name}", clinic_id=clinic, detail={"n": number}))

    writers = [threading.Thread(target=write, args=(f"w{number}",)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with reading() as session:
        rows = list(chain.entries(session, clinic))
    assert [row.seq for row in rows] == list(range(1, 33))
    assert whole(clinic)


def test_entries_are_found_by_person_patient_action_and_day(either_record: str) -> None:
    clinic = a_clinic()
    for number in range(6):
        seen = {"patients": ["p-one", f"p-{number}"]} if number % 2 else {}
        subject = ("patient", "p-two") if number == 4 else ("", "")
        with transaction() as session:
            append(session, Entry(f"test.{number % 3}", "staff", f"s{number % 2}", subject, clinic, seen))

    def found(**wanted: Any) -> list[int]:
        with reading() as session:
            rows, _more = search.page(session, clinic, search.Wanted(**wanted), size=50)
            return [row.seq for row in rows]

    assert found() == [6, 5, 4, 3, 2, 1]
    assert found(patient_id="p-one") == [6, 4, 2]
    assert found(patient_id="p-two") == [5]
    assert found(patient_id="p-one", actor="s0") == []
    assert found(action="test.1") == [5, 2]
    with reading() as session:
        at = session.scalars(select(AuditEntry.at).filter_by(seq=4)).one()
    day = timedelta(days=1)
    assert found(start=at - day, end=at) == [3, 2, 1]
    assert found(start=at, end=at + day, patient_id="p-one") == [6, 4]
    assert found(start=at + day, end=at + day) == []
    with reading() as session:
        first, more = search.page(session, clinic, search.Wanted(actor="s1"), size=2)
        rest, no_more = search.page(session, clinic, search.Wanted(actor="s1"), before=first[-1].seq, size=2)
        assert ([row.seq for row in first + rest], more, no_more) == ([6, 4, 2], True, False)
        assert search.actions(session, clinic) == ["test.0", "test.1", "test.2"]


def test_the_database_refuses_to_change_or_delete_an_entry(either_record: str) -> None:
    clinic = a_clinic()
    with transaction() as session:
        append(session, Entry("test.one", clinic_id=clinic))
    statements = ["UPDATE audit_entries SET actor_id = 'x'", "DELETE FROM audit_entries"]
    if either_record == "postgres":
        statements.append("TRUNCATE audit_entries CASCADE")
    for statement in statements:
        with pytest.raises(DatabaseError, match="never changed or deleted"), transaction() as session:
            session.execute(text(statement))
    assert whole(clinic)


def test_a_change_that_is_rolled_back_leaves_no_entry_and_no_gap(either_record: str) -> None:
    clinic = a_clinic()

    class Stop(Exception):
        pass

    def stopped() -> None:
        with trail.command("test.change", clinic), transaction() as session:
            session.get_one(Clinic, clinic).name = "Renamed"
            session.flush()
            raise Stop

    with pytest.raises(Stop):
        stopped()
    with trail.command("test.change", clinic), transaction() as session:
        session.get_one(Clinic, clinic).name = "Renamed"
    (entry,) = logged("test.change")
    assert (entry.seq, entry.outcome, entry.actor_kind) == (1, "done", "command")
    assert whole(clinic)


def test_an_entry_that_cannot_be_written_takes_its_change_with_it(
    either_record: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic = a_clinic()

    def broken(_session: Session, _entry: Entry) -> AuditEntry:
        raise OSError("disk full")

    monkeypatch.setattr(trail, "append", broken)
    with (
        pytest.raises(OSError, match="disk full"),
        trail.command("test.change", clinic),
        transaction() as session,
    ):
        session.get_one(Clinic, clinic).name = "Renamed"
    with reading() as session:
        assert session.get_one(Clinic, clinic).name != "Renamed"


def test_work_that_nobody_asked_for_is_not_in_the_log(record: None) -> None:
    demo.seed()
    desk = Desk()
    desk.settle()
    desk.text(PAT, "my lip has gone white")
    desk.settle()
    assert logged() == []


def test_an_alert_taken_by_text_is_in_the_log(desk: Desk) -> None:
    desk.text(PAT, "my lip has gone white and it hurts")
    desk.settle()
    desk.text(NURSE, "ack")
    desk.settle()
    (entry,) = logged("alert.acknowledge")
    (alert,) = desk.alerts()
    assert (entry.subject_id, entry.actor_id, entry.detail) == (
        alert.id,
        alert.acknowledged_by_id,
        {"via": "sms"},
    )


def test_an_alert_looked_at_and_taken_by_its_signed_link_is_in_the_log(desk: Desk) -> None:
    desk.text(PAT, "my lip has gone white and it hurts")
    desk.settle()
    (alert,) = desk.alerts()
    one = next(page for page in alert.notifications if page.purpose == "take")
    app = FastAPI()
    app.include_router(take_link)
    phone = TestClient(app)
    path = links.link_to(one.id).removeprefix("http://127.0.0.1:8000")
    assert phone.get(path).status_code == 200
    assert phone.get("/a/made-up").status_code == 404
    assert phone.post(path).status_code == 200
    look, take = logged()
    assert (look.action, look.subject_id, look.actor_id) == ("alert.look_by_link", alert.id, one.staff_id)
    assert (take.action, take.subject_id, take.detail) == ("alert.acknowledge", alert.id, {"via": "link"})
    assert take.actor_id == one.staff_id


def linked(desk: Desk) -> tuple[TestClient, str, Notification]:
    """A browser without a sign-in, and the path of the link in the nurse's page about Pat."""
    desk.text(PAT, "my lip has gone white and it hurts")
    desk.settle()
    one = next(page for page in desk.alerts()[0].notifications if page.purpose == "take")
    app = FastAPI()
    app.include_router(take_link)
    return TestClient(app), links.link_to(one.id).removeprefix("http://127.0.0.1:8000"), one


def test_who_looked_at_an_alert_by_link_is_found_among_those_who_saw_the_patient(desk: Desk) -> None:
    phone, path, one = linked(desk)
    assert phone.get(path).status_code == 200
    (look,) = logged("alert.look_by_link")
    assert (look.actor_kind, look.actor_id) == ("staff", one.staff_id)
    assert look.detail == {"patients": [desk.alerts()[0].patient_id]}
    assert whole(str(look.clinic_id))


@pytest.mark.parametrize("why", ["taken before", "from another site"])
def test_a_button_that_takes_nothing_shows_the_patient_and_is_a_look(desk: Desk, why: str) -> None:
    phone, path, one = linked(desk)
    headers = {}
    if why == "taken before":
        assert phone.post(path).status_code == 200
    else:
        headers["sec-fetch-site"] = "cross-site"
    phone.post(path, headers=headers)
    (look,) = logged("alert.look_by_link")
    assert (look.actor_id, look.ip) == (one.staff_id, "testclient")
    assert look.detail == {"patients": [desk.alerts()[0].patient_id]}


def test_a_link_that_shows_no_patient_leaves_no_entry_of_a_view(desk: Desk) -> None:
    phone, path, _ = linked(desk)
    clock.advance(timedelta(days=30))
    assert phone.get(path).status_code == 410
    assert phone.post(path).status_code == 410
    assert logged("alert.look_by_link") == []


def test_a_look_by_link_that_cannot_be_written_down_shows_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("disk full")

    phone, path, _ = linked(desk)
    monkeypatch.setattr("bot.audit.trail.append", broken)
    answer = phone.get(path)
    assert answer.status_code == 503
    assert "PS" not in answer.text


# --- the console ---


def test_a_patients_page_is_in_the_log_with_who_when_and_from_where(world: World, nurse: TestClient) -> None:
    pat = world.patients["pat"]
    assert nurse.get(f"/console/patients/{pat}").status_code == 200
    (entry,) = logged("patient.view")
    assert (entry.actor_kind, entry.actor_id) == ("staff", world.staff["nurse"])
    assert (entry.subject_kind, entry.subject_id, entry.outcome) == ("patient", pat, "done")
    assert (entry.clinic_id, entry.ip) == (world.clinic, "testclient")


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("/console/patients/{pat}/chart-note.txt", "patient.chart_note"),
        ("/console/patients/{pat}/chart-note.pdf", "patient.chart_note_pdf"),
        ("/console/patients/{pat}/told", "patient.told"),
        ("/console/alerts/{lip}", "alert.view"),
        ("/console", "alert.list"),
        ("/console/closed", "alert.list_closed"),
        ("/console/tasks", "task.list"),
    ],
)
def test_every_page_about_patients_names_them_in_the_log(
    world: World, nurse: TestClient, path: str, action: str
) -> None:
    assert nurse.get(path.format(**{**world.patients, **world.alerts})).status_code == 200
    entry = logged(action)[-1]
    named = {entry.subject_id, *entry.detail.get("patients", [])}
    if action == "alert.list_closed":
        assert world.patients["lee"] in named
    else:
        assert world.patients["pat"] in named
    assert world.patients["foreign"] not in named


def test_a_search_names_whom_it_listed_and_nobody_else(world: World, nurse: TestClient) -> None:
    nurse.get("/console/patients?q=muestra")
    (entry,) = logged("patient.search")
    assert entry.detail == {"patients": [world.patients["lee"]]}


def test_a_try_at_another_clinics_patient_is_in_the_log(world: World, nurse: TestClient) -> None:
    foreign = world.patients["foreign"]
    assert nurse.get(f"/console/patients/{foreign}").status_code == 404
    (entry,) = logged("patient.view")
    assert (entry.outcome, entry.subject_id, entry.clinic_id) == ("not_found", foreign, world.clinic)
    assert all(entry.chain != world.other_clinic for entry in logged())


def test_no_name_phone_or_word_of_a_patient_is_in_the_log(world: World, nurse: TestClient) -> None:
    nurse.get(f"/console/patients/{world.patients['pat']}")
    nurse.get("/console/patients?q=Sample")
    post(nurse, f"/console/alerts/{world.alerts['lip']}/note", note="Pat Sample says it is cold")
    held = " ".join(chain.canonical(entry).decode() for entry in logged())
    for word in ("Sample", "Ejemplo", "15550100112", "cold"):
        assert word not in held


def test_a_change_and_its_entry_are_one_transaction(
    world: World, nurse: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    lip = world.alerts["lip"]
    post(nurse, f"/console/alerts/{lip}/acknowledge")
    (entry,) = logged("alert.acknowledge")
    assert (entry.outcome, entry.subject_id, entry.detail["patients"]) == (
        "done",
        lip,
        [world.patients["pat"]],
    )

    def broken(*_anything: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(trail, "append", broken)
    with pytest.raises(OSError, match="disk full"):
        post(nurse, f"/console/alerts/{lip}/close", outcome="false_alarm", close_note="x")
    with reading() as session:
        assert session.get_one(Alert, lip).status is AlertStatus.ACKNOWLEDGED
        closed = session.scalars(select(AlertEvent).filter_by(alert_id=lip, kind=EventKind.CLOSED)).all()
    assert not closed


@pytest.mark.parametrize(
    ("form", "outcome"),
    [({}, "invalid"), ({"outcome": "false_alarm", "close_note": "Seen."}, "done")],
)
def test_a_form_is_in_the_log_with_what_became_of_it(
    world: World, nurse: TestClient, form: dict[str, str], outcome: str
) -> None:
    post(nurse, f"/console/alerts/{world.alerts['lip']}/close", **form)
    (entry,) = logged("alert.close")
    assert entry.outcome == outcome


def test_taking_an_alert_that_somebody_has_is_unchanged(world: World, nurse: TestClient) -> None:
    post(nurse, f"/console/alerts/{world.alerts['redness']}/acknowledge")
    (entry,) = logged("alert.acknowledge")
    assert entry.outcome == "unchanged"


def test_a_page_that_cannot_be_written_down_is_not_shown(
    world: World, nurse: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_anything: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(trail, "append", broken)
    reply = nurse.get(f"/console/patients/{world.patients['pat']}")
    assert reply.status_code == 503
    assert "the log cannot be written" in reply.text
    assert "Sample" not in reply.text


def test_a_page_that_refreshes_itself_is_written_down_once(world: World, nurse: TestClient) -> None:
    for _time in range(3):
        assert nurse.get(f"/console/alerts/{world.alerts['lip']}/live").status_code == 200
    assert len(logged("alert.view")) == 1


def test_a_page_that_refreshes_to_show_somebody_new_is_written_down_again(
    world: World, nurse: TestClient
) -> None:
    nurse.get("/console")
    nurse.get("/console/queue")
    with transaction() as session:
        kim = session.get_one(Patient, world.patients["kim"])
        console_clinic.wrote(session, world, "kim", kim, "My lip is white and it hurts", 1)
    for _time in range(2):
        nurse.get("/console/queue")
    opened, refreshed = logged("alert.list")
    assert world.patients["kim"] not in opened.detail["patients"]
    assert world.patients["kim"] in refreshed.detail["patients"]


def test_an_alert_announced_on_an_open_page_is_in_the_log_once(world: World, nurse: TestClient) -> None:
    cookie = nurse.cookies[sessions.COOKIE]
    with reading() as session:
        who = sessions.visitor(session, cookie)
    assert who is not None

    async def listen() -> None:
        stream = queue._pulses(who, cookie, "10.0.0.7")
        await anext(stream)
        for _time in range(2):
            events.publish(f"clinic:{world.clinic}")
            await anext(stream)

    asyncio.run(listen())
    (entry,) = logged("alert.announce")
    assert entry.detail == {
        "alerts": sorted([world.alerts["vision"], world.alerts["lip"]]),
        "patients": sorted([world.patients["ana"], world.patients["pat"]]),
    }
    assert (entry.actor_id, entry.ip) == (world.staff["nurse"], "10.0.0.7")


def test_each_page_that_is_opened_does_not_announce_the_same_alerts_anew(
    world: World, nurse: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = nurse.cookies[sessions.COOKIE]
    with reading() as session:
        who = sessions.visitor(session, cookie)
    assert who is not None

    async def open_a_page() -> None:
        await anext(queue._pulses(who, cookie, "10.0.0.7"))

    def broken(*_anything: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(queue, "append", broken)
        with pytest.raises(OSError, match="disk full"):
            asyncio.run(open_a_page())
    for _page in range(3):
        asyncio.run(open_a_page())
    assert len(logged("alert.announce")) == 1, "what could not be written counts as not shown"
    with transaction() as session:
        kim = session.get_one(Patient, world.patients["kim"])
        console_clinic.wrote(session, world, "kim", kim, "My lip is white and it hurts", 1)
    asyncio.run(open_a_page())
    (_first, second) = logged("alert.announce")
    assert second.detail == {"alerts": [world.alerts["kim"]], "patients": [world.patients["kim"]]}


def test_signing_in_and_out_and_failing_to_are_in_the_log(world: World) -> None:
    nurse = client_for("nurse")
    nurse.post("/console/sign-in", data={"email": "nurse@demo.example", "password": "wrong"})
    nurse.post("/console/sign-in", data={"email": "who@demo.example", "password": "wrong"})
    post(nurse, "/console/sign-out")
    came, wrong, unknown = logged("session.sign_in")
    assert (came.actor_id, came.outcome, came.detail) == (
        world.staff["nurse"],
        "done",
        {"method": "password"},
    )
    assert (wrong.actor_id, wrong.subject_id, wrong.outcome) == ("", world.staff["nurse"], "refused")
    assert (unknown.chain, unknown.subject_id, unknown.outcome) == (INSTALLATION, "", "refused")
    assert "who@" not in chain.canonical(unknown).decode()
    (left,) = logged("session.sign_out")
    assert left.outcome == "done"


def test_another_system_is_in_the_log_by_the_id_of_its_key(world: World) -> None:
    app = FastAPI()
    app.include_router(api)
    client = TestClient(app)
    key = api_keys.create(world.clinic, "Practice system")
    fields = {
        "first_name": "Rae", "last_name": "Sample", "phone": "+15550100161", "product": "harmonyca",
        "lot": "L-1", "expiry": "2099-12-31", "areas": ["jaw angle"],
        "treated_at": "2026-11-01T10:00:00-05:00", "consent_aftercare_texts": True,
    }  # fmt: skip
    made = client.post("/api/v1/treatments", json=fields, headers={"Authorization": f"Bearer {key}"})
    assert made.status_code == 201
    client.post("/api/v1/treatments", json={}, headers={"Authorization": f"Bearer {key}"})
    client.post("/api/v1/treatments", json=fields, headers={"Authorization": "Bearer wrong"})
    done, invalid = logged("patient.enrol")
    (row,) = api_keys.all_of(world.clinic)
    assert (done.actor_kind, done.actor_id, done.outcome) == ("api_key", row.id, "done")
    assert made.json()["patient_id"] in done.detail["patients"]
    assert (invalid.actor_id, invalid.outcome) == (row.id, "invalid")


def test_closing_by_a_service_outside_any_request_still_works(world: World) -> None:
    service.close(world.alerts["lip"], world.staff["nurse"], Outcome.FALSE_ALARM, "Test.")
    with reading() as session:
        assert session.get_one(Staff, world.staff["nurse"]).active
    assert logged() == []
