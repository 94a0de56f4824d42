"""What the console shows and does, over real rows and the real services."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot import clock
from bot.clinic.models import Clinic, Patient, Staff
from bot.clinic.passwords import hash_password
from bot.db.engine import transaction
from bot.escalation.models import Alert, AlertEvent, AlertStatus, EventKind, Outcome
from bot.records.models import StaffTask
from tests.contract import console_clinic
from tests.contract.console_browser import client_for, enrolment, post
from tests.contract.console_clinic import World


def test_the_queue_puts_the_most_urgent_first_and_closed_ones_nowhere(
    world: World, nurse: TestClient
) -> None:
    page = nurse.get("/console").text
    keys = re.findall(r'data-key="(\w+)"', page)
    with transaction() as session:
        alerts = [session.get_one(Alert, key) for key in keys]
    assert {a.id for a in alerts} == {world.alerts[k] for k in ("vision", "lip", "redness")}
    assert [a.tier.urgency for a in alerts] == sorted(a.tier.urgency for a in alerts)
    assert alerts[0].id == world.alerts["vision"]


def test_of_alerts_as_urgent_as_each_other_the_oldest_comes_first_and_the_taken_one_last(
    world: World, nurse: TestClient
) -> None:
    with transaction() as session:
        for alert in session.scalars(select(Alert)):
            alert.tier = "T1"
    keys = re.findall(r'data-key="(\w+)"', nurse.get("/console").text)
    assert keys == [world.alerts[k] for k in ("lip", "vision", "redness")]


def test_a_queue_entry_says_in_words_what_where_who_and_when(world: World, nurse: TestClient) -> None:
    page = nurse.get("/console").text
    for words in (
        "Emergency now",
        "Ana Ejemplo",
        "Desde hace diez minutos",
        "Nobody has taken it",
        "paged: Nurse Demo",
        "Taken by Dr Demo",
        "Next page in",
        "4 min ago",
    ):
        assert words in page
    assert re.search(r"data-until>3:[34]\d<", page)


def test_an_unknown_number_is_shown_as_such(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["lip"])
        alert.patient_id = None
    assert "Unknown number" in nurse.get("/console").text
    page = nurse.get(f"/console/alerts/{world.alerts['lip']}").text
    assert 'href="tel:+15550100112"' in page
    assert "No treatment is on record" in page


def test_an_alert_page_shows_words_reasons_treatment_phone_and_pages(world: World, nurse: TestClient) -> None:
    page = nurse.get(f"/console/alerts/{world.alerts['lip']}").text
    assert "Now it is getting worse and feels cold" in page  # what followed
    assert re.search(r"<mark>[^<]*white[^<]*</mark>", page)
    assert "<mark>worse</mark>" not in page  # routine words do not distract from those that fired
    assert re.search(r"<code>\w+\.[\w-]+</code>", page)
    assert 'href="tel:+15550100112"' in page
    for words in ("HArmonyCA", "DEMO-0042", "Lateral cheek", "day 3", "Nurse Demo was paged", "delivered"):
        assert words in page


def crisis(world: World) -> str:
    """The path of an alert in which a patient's life is in danger."""
    with transaction() as session:
        kim = session.get_one(Patient, world.patients["kim"])
        console_clinic.wrote(session, world, "crisis", kim, "I want to kill myself", 2)
    return f"/console/alerts/{world.alerts['crisis']}"


def lead(world: World, key: str, **changes: object) -> None:
    """That member of staff leads on safeguarding, or what `changes` says."""
    with transaction() as session:
        person = session.get_one(Staff, world.staff[key])
        for name, value in {"safeguarding_lead": True, **changes}.items():
            setattr(person, name, value)


@pytest.mark.parametrize(
    ("reader", "named", "paged"),
    [
        ("nurse", "Safeguarding lead: Dr Demo", "Dr Demo was paged as safeguarding lead"),
        ("spanish", "Responsable de protección: Dr Demo", "Aviso a Dr Demo como responsable de protección"),
    ],
)
def test_a_crisis_names_the_safeguarding_lead_and_who_was_paged_as_such(
    world: World, reader: str, named: str, paged: str
) -> None:
    lead(world, "doctor")
    path = crisis(world)
    client = client_for(reader)
    for page in (client.get(path).text, client.get(f"{path}/live").text):
        assert named in page
        assert paged in page
        assert page.count(paged) == 1


@pytest.mark.parametrize(
    ("reader", "note"),
    [
        ("nurse", "Safeguarding lead: none with a phone"),
        ("spanish", "Responsable de protección: nadie con teléfono"),
    ],
)
def test_a_crisis_says_in_words_that_the_clinic_has_no_lead_who_can_be_paged(
    world: World, reader: str, note: str
) -> None:
    lead(world, "doctor", phone=None)
    lead(world, "stranger")  # of the other clinic
    page = client_for(reader).get(crisis(world)).text
    assert note in page
    assert "Stranger Demo" not in page


def test_an_alert_that_is_no_crisis_says_nothing_of_a_lead(world: World, nurse: TestClient) -> None:
    for has_lead in (False, True):
        lead(world, "doctor", safeguarding_lead=has_lead)
        assert "Safeguarding lead" not in nurse.get(f"/console/alerts/{world.alerts['lip']}").text


def test_a_closed_crisis_names_who_was_paged_in_its_time(world: World, nurse: TestClient) -> None:
    lead(world, "doctor")
    path = crisis(world)
    post(nurse, f"{path}/close", outcome="advised_by_phone", close_note="Spoke for an hour.")
    lead(world, "doctor", safeguarding_lead=False)
    lead(world, "nurse")
    assert "Safeguarding lead: Dr Demo" in nurse.get(path).text


def test_the_name_of_a_lead_is_text_and_never_markup(world: World, nurse: TestClient) -> None:
    lead(world, "doctor", name="<b>Dr</b>")
    assert "Safeguarding lead: &lt;b&gt;Dr&lt;/b&gt;" in nurse.get(crisis(world)).text


def test_what_a_patient_writes_is_text_and_never_markup(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["lip"])
        alert.message.body = "<script>alert(1)</script> white lip"
    for path in (
        "/console",
        f"/console/alerts/{world.alerts['lip']}",
        f"/console/patients/{alert.patient_id}",
    ):
        page = nurse.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


def test_acknowledging_takes_the_alert_and_is_written_down(world: World, nurse: TestClient) -> None:
    page = post(nurse, f"/console/alerts/{world.alerts['lip']}/acknowledge")
    assert "You have this alert now" in page.text
    assert "Acknowledge: I have it" not in page.text
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["lip"])
        assert (alert.status, alert.acknowledged_by_id) == (AlertStatus.ACKNOWLEDGED, world.staff["nurse"])
        kinds = [event.kind for event in alert.events]
    assert kinds.count(EventKind.ACKNOWLEDGED) == 1


def test_the_second_to_acknowledge_is_told_who_was_first(world: World, nurse: TestClient) -> None:
    doctor = client_for("doctor")
    post(doctor, f"/console/alerts/{world.alerts['lip']}/acknowledge")
    page = post(nurse, f"/console/alerts/{world.alerts['lip']}/acknowledge").text
    assert "Somebody was faster" in page
    assert "Taken by Dr Demo" in page


def test_a_note_joins_the_timeline_and_an_empty_one_is_refused(world: World, nurse: TestClient) -> None:
    path = f"/console/alerts/{world.alerts['lip']}/note"
    refused = post(nurse, path, note="   ")
    assert refused.status_code == 422
    assert "Write the note first." in refused.text
    page = post(nurse, path, note="Called, no answer yet.").text
    assert "Called, no answer yet." in page
    assert "Note by Nurse Demo" in page


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"close_note": "Seen."}, "Choose how it ended."),
        ({"outcome": "seen_in_clinic"}, "Say in a few words what was done."),
        ({"outcome": "made_up", "close_note": "Seen."}, "Choose how it ended."),
    ],
)
def test_closing_needs_an_outcome_and_a_note(
    world: World, nurse: TestClient, fields: dict[str, str], complaint: str
) -> None:
    page = post(nurse, f"/console/alerts/{world.alerts['lip']}/close", **fields)
    assert page.status_code == 422
    assert complaint in page.text
    assert fields.get("close_note", "") in page.text
    if fields.get("outcome") == "seen_in_clinic":
        assert re.search(r'value="seen_in_clinic"[^>]* checked', page.text)
    with transaction() as session:
        assert session.get_one(Alert, world.alerts["lip"]).status is AlertStatus.OPEN


def test_closing_keeps_outcome_and_note_and_moves_it_to_the_closed_ones(
    world: World, nurse: TestClient
) -> None:
    path = f"/console/alerts/{world.alerts['lip']}/close"
    page = post(nurse, path, outcome="seen_in_clinic", close_note="Seen at once, photos taken.").text
    assert "The alert is closed." in page
    assert "Seen at once, photos taken." in page
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["lip"])
        assert (alert.status, alert.outcome) == (AlertStatus.CLOSED, Outcome.SEEN_IN_CLINIC)
    assert world.alerts["lip"] not in nurse.get("/console").text
    assert world.alerts["lip"] in nurse.get("/console/closed").text
    again = post(nurse, path, outcome="false_alarm", close_note="Changed my mind.").text
    assert "Somebody was faster" in again
    with transaction() as session:
        assert session.get_one(Alert, world.alerts["lip"]).outcome is Outcome.SEEN_IN_CLINIC


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/console/alerts/{alert}"),
        ("GET", "/console/alerts/{alert}/live"),
        ("POST", "/console/alerts/{alert}/acknowledge"),
        ("POST", "/console/alerts/{alert}/note"),
        ("POST", "/console/alerts/{alert}/close"),
        ("GET", "/console/patients/{patient}"),
        ("POST", "/console/tasks/{task}/complete"),
    ],
)
def test_another_clinics_rows_are_not_there(world: World, nurse: TestClient, method: str, path: str) -> None:
    address = path.format(
        alert=world.alerts["foreign"], patient=world.patients["foreign"], task=world.tasks["foreign"]
    )
    fields = {"note": "x", "close_note": "x", "outcome": "false_alarm"}
    reply = nurse.get(address) if method == "GET" else post(nurse, address, **fields)
    assert reply.status_code == 404
    assert "Fremd" not in reply.text
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["foreign"])
        assert alert.status is AlertStatus.OPEN
        events = session.scalars(select(AlertEvent).where(AlertEvent.alert_id == alert.id)).all()
        assert world.staff["nurse"] not in {event.staff_id for event in events}
        assert session.get_one(StaffTask, world.tasks["foreign"]).done_at is None


def test_lists_hold_nothing_of_another_clinic(world: World, nurse: TestClient) -> None:
    for path in (
        "/console",
        "/console/closed",
        "/console/patients",
        "/console/patients?q=Flo",
        "/console/tasks",
    ):
        page = nurse.get(path).text
        assert "Fremd" not in page
        assert "+1 555-010-0211" not in page
    assert "Stranger Demo" not in nurse.get("/console/enrol").text


@pytest.mark.parametrize("q", ["sample", "PAT sam", "0100112", "+1 555-010-0112"])
def test_patients_are_found_by_name_or_phone(world: World, nurse: TestClient, q: str) -> None:
    page = nurse.get("/console/patients", params={"q": q}).text
    assert "Pat Sample" in page
    assert "Ana Ejemplo" not in page


def test_accents_do_not_matter_in_a_search_and_a_miss_says_what_to_try(
    world: World, nurse: TestClient
) -> None:
    assert "José Lee" in nurse.get("/console/patients", params={"q": "jose"}).text
    assert "last digits of the phone" in nurse.get("/console/patients", params={"q": "zzz"}).text


def test_a_patient_page_shows_state_trend_check_ins_and_a_timeline_that_filters(
    world: World, nurse: TestClient
) -> None:
    path = f"/console/patients/{world.patients['pat']}"
    page = nurse.get(path).text
    for words in (
        "Has not agreed to texts",
        "English",
        "Check-in, day 7",
        "3 days with reports",
        "DEMO-0042",
    ):
        assert words in page
    assert re.search(r'<th scope="row">1</th><td>4</td><td>7</td>', page)
    assert "“0 thanks”" in page  # the answers stand with their check-in
    kinds = set(re.findall(r'class="event entry-(\w+)"', page))
    assert kinds == {"messages", "reports", "check_ins", "alerts"}
    moments = re.findall(r'class="event-when"><time datetime="([^"]+)"', page)
    assert moments == sorted(moments, reverse=True)
    only = nurse.get(path, params={"show": "reports"}).text
    assert set(re.findall(r'class="event entry-(\w+)"', only)) == {"reports"}


def test_an_opt_out_is_plain_to_see(world: World, nurse: TestClient) -> None:
    assert "Phone instead" in nurse.get(f"/console/patients/{world.patients['lee']}").text


def test_a_task_is_done_once_with_a_note(world: World, nurse: TestClient) -> None:
    path = f"/console/tasks/{world.tasks['talk']}/complete"
    refused = post(nurse, path, note=" ")
    assert refused.status_code == 422
    assert f'id="note-{world.tasks["talk"]}-error"' in refused.text
    page = post(nurse, path, note="Called back.").text
    assert "The task is done." in page
    assert "Asked to talk to a person" not in page
    post(nurse, path, note="Again.")
    with transaction() as session:
        task = session.get_one(StaffTask, world.tasks["talk"])
        assert (task.done_note, task.done_by_id) == ("Called back.", world.staff["nurse"])


def test_the_console_speaks_the_staff_members_language(world: World, nurse: TestClient) -> None:
    spanish = client_for("spanish")
    paths = [
        "/console",
        "/console/closed",
        f"/console/alerts/{world.alerts['lip']}",
        f"/console/alerts/{world.alerts['done']}",
        f"/console/patients/{world.patients['pat']}",
        "/console/patients",
        "/console/tasks",
        "/console/enrol",
    ]
    for path in paths:
        page = spanish.get(path).text
        assert '<html lang="es">' in page
        assert "Alertas" in page
        for english in ("Patients", "Raised", "Same day", "Enrol ", "Timeline", "Nobody has taken"):
            assert english not in page, path
    page = post(spanish, "/console/enrol", **enrolment(expiry="2019-01-31")).text
    assert "Revise la fecha de caducidad" in page
    assert "expired" not in page


def test_times_are_the_clinics_and_not_the_servers(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        session.get_one(Clinic, world.clinic).time_zone = "Asia/Tokyo"
        alert = session.get_one(Alert, world.alerts["lip"])
        alert.events[0].created_at = clock.now().replace(year=2025, month=1, day=5, hour=20, minute=7)
    assert "Mon 6 Jan 2025, 05:07" in nurse.get(f"/console/alerts/{world.alerts['lip']}").text


def test_empty_lists_say_what_will_appear_there(world: World, record: None) -> None:
    with transaction() as session:
        empty = Clinic(
            name="Empty Clinic (demo)", time_zone="UTC", locale="en-US", country="US", phone="+15550100301",
            emergency_phone="+15550100302", emergency_number="911", crisis_line="988",
            text_number="+15550100300", widget_key="demo-empty",
        )  # fmt: skip
        session.add(empty)
        session.flush()
        session.add(
            Staff(
                clinic_id=empty.id,
                name="Solo Demo",
                email="solo@demo.example",
                role="nurse",
                password_hash=hash_password(console_clinic.PASSWORD),
            )
        )
    solo = client_for("solo")
    assert "No alerts are waiting" in solo.get("/console").text
    assert "No patients yet" in solo.get("/console/patients").text
    assert "Nothing is waiting" in solo.get("/console/tasks").text
    assert "No alert has been closed yet" in solo.get("/console/closed").text
