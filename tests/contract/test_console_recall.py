"""The console's pages about outcomes and recalls, over real rows."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from bot.clinic.models import Consent, ConsentPurpose, Patient, Role, Staff
from bot.db.engine import transaction
from bot.governance import service as governance
from bot.governance.sentences import digest
from bot.links.models import LinkPurpose, PatientLink
from bot.links.tokens import token_of
from bot.messaging.models import Kind, Message
from bot.outcomes.models import StaffRating
from bot.protocols.catalogue import catalogue
from bot.recall import service
from bot.recall.models import Recall
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World
from tests.support.patient_page import browser


def become(world: World, key: str, role: Role) -> TestClient:
    """The person's browser, once they have that role at the clinic."""
    with transaction() as session:
        session.get_one(Staff, world.staff[key]).role = role
    return client_for(key)


def approved_words(world: World, key: str) -> None:
    with transaction() as session:
        director = session.get_one(Staff, world.staff[key])
        for piece in (service.TEXT, service.PAGE):
            governance.approve(session, director, piece, digest(catalogue().piece(piece)))


def rows(model: type) -> list:
    with transaction() as session:
        return session.query(model).order_by(model.id).all()


def draft(nurse: TestClient) -> str:
    page = post(nurse, "/console/recall", product="harmonyca", lot=" demo-0042", reason="Letter")
    assert page.status_code == 200
    return str(page.url).partition("?")[0].rpartition("/")[2]


# outcomes


def test_the_charts_shade_the_window_and_stand_in_a_table(world: World, nurse: TestClient) -> None:
    page = nurse.get(f"/console/patients/{world.patients['pat']}").text
    assert 'aria-labelledby="trend-swelling-title trend-swelling-desc"' in page
    assert "Swelling, 0 to 10, by day after the treatment. Latest: 5 on day 2." in page
    assert 'fill="url(#stripes-swelling)"' in page
    assert "Striped: days 0 to 7" in page
    assert "Striped: days 0 to 2" in page  # staff see the window of pain too
    assert '<th scope="row">1</th><td>4</td><td>7</td>' in page


def test_staff_rate_a_result_and_the_page_shows_who_and_when(world: World, nurse: TestClient) -> None:
    path = f"/console/patients/{world.patients['pat']}"
    page = post(nurse, f"{path}/rating", gais="much_improved", note="Both sides").text
    assert "The rating is saved." in page
    assert "much better · Both sides" in page
    (rating,) = rows(StaffRating)
    assert (rating.staff_id, rating.gais) == (world.staff["nurse"], "much_improved")


@pytest.mark.parametrize("gais", ["", "excellent", "5"])
def test_a_rating_that_is_no_step_is_refused(world: World, nurse: TestClient, gais: str) -> None:
    page = post(nurse, f"/console/patients/{world.patients['pat']}/rating", gais=gais)
    assert "choose one of the five steps" in page.text
    assert rows(StaffRating) == []


@pytest.mark.parametrize("what", ["rating", "trend-link"])
def test_another_clinics_patient_is_not_there(world: World, nurse: TestClient, what: str) -> None:
    path = f"/console/patients/{world.patients['foreign']}/{what}"
    assert post(nurse, path, gais="improved").status_code == 404
    assert rows(StaffRating) == []
    assert rows(PatientLink) == []


def agree(patient_id: str) -> None:
    with transaction() as session:
        session.add(
            Consent(
                clinic_id=session.get_one(Patient, patient_id).clinic_id, patient_id=patient_id,
                purpose=ConsentPurpose.AFTERCARE_TEXTS, granted=True, wording_version="x", channel="sms",
            )
        )  # fmt: skip


def test_a_patient_is_texted_a_link_to_their_own_charts(world: World, nurse: TestClient) -> None:
    agree(world.patients["pat"])
    page = post(nurse, f"/console/patients/{world.patients['pat']}/trend-link")
    assert "The link goes out" in page.text
    (link,) = rows(PatientLink)
    assert link.purpose is LinkPurpose.TREND
    shown = browser().get(f"/p/{token_of(link.id)}").text
    assert "Swelling, from 0 to 10" in shown
    assert "Striped: days 0 to 7, in which many people report this." in shown
    assert "stripes-pain" not in shown, "pain is never shown to a patient as usual"
    assert "normal" not in shown
    assert '<th scope="row">1</th><td>4</td><td>7</td>' in shown


@pytest.mark.parametrize("key", ["lee", "pat"])
def test_whoever_may_not_be_texted_gets_no_link(world: World, nurse: TestClient, key: str) -> None:
    if key == "lee":
        agree(world.patients[key])  # and opted out since
    page = post(nurse, f"/console/patients/{world.patients[key]}/trend-link")
    assert "Nothing was sent" in page.text
    assert rows(PatientLink) == []


# recalls


def test_a_lot_lists_its_patients_of_this_clinic_only(world: World, nurse: TestClient) -> None:
    page = nurse.get("/console/recall", params={"product": "harmonyca", "lot": "demo - 0042"}).text
    for key in ("pat", "lee"):
        assert world.patients[key] in page
    assert world.patients["foreign"] not in page
    assert "0 treated with" in nurse.get("/console/recall", params={"product": "radiesse", "lot": "x"}).text


def test_a_recall_is_drafted_by_one_and_approved_by_another(world: World, nurse: TestClient) -> None:
    doctor = become(world, "doctor", Role.MEDICAL_DIRECTOR)
    recall_id = draft(nurse)
    page = nurse.get(f"/console/recall/{recall_id}").text
    assert "Approve and tell" not in page
    assert post(nurse, f"/console/recall/{recall_id}/approve").status_code == 403
    refused = post(doctor, f"/console/recall/{recall_id}/approve")
    assert "The words are not approved yet" in refused.text
    approved_words(world, "doctor")
    page = post(doctor, f"/console/recall/{recall_id}/approve")
    assert "Approved. Texts go out" in page.text
    again = post(doctor, f"/console/recall/{recall_id}/approve")
    assert again.status_code == 422
    assert "Nobody is told twice" in again.text
    assert "to be phoned" in again.text


def test_a_recall_as_a_spreadsheet(world: World, nurse: TestClient) -> None:
    recall_id = draft(nurse)
    reply = nurse.get(f"/console/recall/{recall_id}.csv")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in reply.headers["content-disposition"]
    lines = reply.text.lstrip("\ufeff").splitlines()
    assert lines[0] == "Last name,First name,Phone,Treated on,Lot,State,Since"
    assert all("DEMO-0042,not told yet" in line for line in lines[1:])


def test_a_draft_without_a_reason_keeps_what_was_typed(world: World, nurse: TestClient) -> None:
    page = post(nurse, "/console/recall", product="harmonyca", lot="DEMO-0042", reason=" ")
    assert page.status_code == 422
    assert "Say why, in a few words." in page.text
    assert 'value="DEMO-0042"' in page.text
    assert rows(Recall) == []


@pytest.mark.parametrize("what", ["", "/approve", "/withdraw", ".csv"])
def test_another_clinics_recall_is_not_there(world: World, nurse: TestClient, what: str) -> None:
    recall_id = draft(nurse)
    with transaction() as session:
        other = session.get_one(Patient, world.patients["foreign"]).clinic_id
        session.get_one(Recall, recall_id).clinic_id = other
    path = f"/console/recall/{recall_id}{what}"
    who = client_for("doctor") if what == "/approve" else nurse
    reply = post(who, path) if what.startswith("/") else who.get(path)
    assert reply.status_code == 404
    assert recall_id not in nurse.get("/console/recall").text


def test_a_form_without_its_proof_changes_nothing(world: World, nurse: TestClient) -> None:
    recall_id = draft(nurse)
    for path in ("/console/recall", f"/console/recall/{recall_id}/approve"):
        assert nurse.post(path, data={"product": "harmonyca", "lot": "x", "reason": "y"}).status_code == 403
    assert [row for row in rows(Message) if row.kind is Kind.RECALL] == []
    assert [row.status.value for row in rows(Recall)] == ["draft"]
