"""Enrolling a patient in the console: the form, what it leaves to the record, and what it refuses."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot import clock
from bot.clinic.models import Clinic, Patient, Treatment
from bot.db.engine import transaction
from bot.followup.models import CheckIn, Enrolment
from tests.contract.console_browser import client_for, enrolment, post
from tests.contract.console_clinic import World


def test_enrolling_writes_patient_treatment_and_check_ins(world: World, nurse: TestClient) -> None:
    page = post(nurse, "/console/enrol", **enrolment(injector_id=world.staff["doctor"]))
    assert page.status_code == 200
    assert "Enrolled." in page.text
    assert "Check-in, day 3" in page.text
    with transaction() as session:
        patient = session.scalars(select(Patient).where(Patient.phone == "+15550100177")).one()
        treatment = session.scalars(select(Treatment).where(Treatment.patient_id == patient.id)).one()
        assert (patient.language, patient.clinic_id) == ("es", world.clinic)
        assert treatment.areas == ["chin", "jaw angle", "earlobe"]
        assert treatment.injector_id == world.staff["doctor"]
        days = session.scalars(select(CheckIn.day).join(Enrolment).where(Enrolment.patient_id == patient.id))
        assert 3 in set(days)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first_name", ""),
        ("phone", "12"),
        ("lot", ""),
        ("expiry", "2019-01-31"),
        ("expiry", "soon"),
        ("product", "snake_oil"),
        ("treated_at", "2099-01-01T10:00"),
        ("time_zone", "Moon/Base"),
    ],
)
def test_a_wrong_field_is_explained_beside_it_and_nothing_typed_is_lost(
    world: World, nurse: TestClient, field: str, value: str
) -> None:
    page = post(nurse, "/console/enrol", **enrolment(**{field: value}))
    assert page.status_code == 422
    assert f'id="{field}-error"' in page.text
    assert f'href="#{field}"' in page.text
    assert re.search(
        rf'id="{field}"[^>]*aria-describedby="[^"]*{field}-error"[^>]*aria-invalid="true"', page.text
    )
    assert 'value="Beispiel"' in page.text
    assert re.search(r'value="jaw_angle"[^>]* checked', page.text)
    with transaction() as session:
        assert session.scalars(select(Patient).where(Patient.last_name == "Beispiel")).first() is None


def chosen_language(page: str) -> str:
    found = re.search(r'<select id="language".*?</select>', page, re.DOTALL)
    assert found is not None
    chosen = re.search(r'value="(\w*)" selected', found[0])
    return chosen[1] if chosen else ""


@pytest.mark.parametrize(("locale", "words"), [("es-ES", "new patient: Spanish"), ("en-US", ": English")])
def test_the_form_leaves_the_language_to_the_record_and_the_clinic(
    world: World, nurse: TestClient, locale: str, words: str
) -> None:
    with transaction() as session:
        session.get_one(Clinic, world.clinic).locale = locale
    page = nurse.get("/console/enrol").text
    assert chosen_language(page) == ""
    assert words in page


def test_another_treatment_starts_with_what_is_known_of_the_patient(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        session.get_one(Patient, world.patients["pat"]).language = "es"
    path = f"/console/patients/{world.patients['pat']}/enrol"
    assert path in nurse.get(f"/console/patients/{world.patients['pat']}").text
    page = nurse.get(path).text
    assert 'value="Pat"' in page
    assert chosen_language(page) == "es"
    assert client_for("stranger").get(path).status_code == 404


def test_a_known_patient_told_by_number_keeps_their_language(world: World, nurse: TestClient) -> None:
    post(nurse, "/console/enrol", **enrolment())
    post(nurse, "/console/enrol", **enrolment(lot="DEMO-0100", language=""))
    with transaction() as session:
        patient = session.scalars(select(Patient).where(Patient.phone == "+15550100177")).one()
        assert patient.language == "es"


def test_who_enters_a_treatment_after_its_last_day_is_told_so(world: World, nurse: TestClient) -> None:
    long_ago = (clock.now() - timedelta(days=400)).strftime("%Y-%m-%dT%H:%M")
    page = post(nurse, "/console/enrol", **enrolment(treated_at=long_ago)).text
    assert "no check-ins are planned and nobody was texted" in page
    assert "will go out by themselves" not in page


def test_consent_and_areas_are_asked_for(world: World, nurse: TestClient) -> None:
    fields = enrolment(other_area="")
    del fields["areas"], fields["consent_aftercare_texts"]
    page = post(nurse, "/console/enrol", **fields).text
    assert 'id="areas-error"' in page
    assert 'id="consent_aftercare_texts-error"' in page


def test_an_injector_of_another_clinic_is_not_recorded(world: World, nurse: TestClient) -> None:
    post(nurse, "/console/enrol", **enrolment(injector_id=world.staff["stranger"]))
    with transaction() as session:
        patient = session.scalars(select(Patient).where(Patient.phone == "+15550100177")).one()
        treatment = session.scalars(select(Treatment).where(Treatment.patient_id == patient.id)).one()
        assert treatment.injector_id is None
