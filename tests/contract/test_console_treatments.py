"""What the console says after an enrolment, of consent to texts, and of where a treatment was."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from bot import clock
from bot.audit.models import AuditEntry
from bot.clinic import consents
from bot.clinic.models import Clinic, ConsentPurpose, Patient, Role, Staff, Treatment
from bot.db.engine import reading, transaction
from bot.escalation.models import Alert
from bot.messaging.consent import AT_THE_CLINIC, WORDING
from bot.oncall.models import RotaRow
from tests.contract.console_browser import client_for, enrolment, post
from tests.contract.console_clinic import World, wrote
from tests.contract.test_console_on_call import director, rota_fields

__all__ = ["director"]


def consented(world: World, name: str, *answers: tuple[bool, str]) -> None:
    """Consent to texts as it was noted, one after the other."""
    for granted, channel in answers:
        with transaction() as session:
            patient = session.get_one(Patient, world.patients[name])
            consents.note(
                session,
                patient,
                ConsentPurpose.AFTERCARE_TEXTS,
                granted=granted,
                wording=WORDING,
                channel=channel,
            )


def page_of(client: TestClient, world: World, name: str) -> str:
    return html.unescape(client.get(f"/console/patients/{world.patients[name]}").text)


def state(page: str) -> str:
    found = re.search(r"<dt>(?:State|Estado)</dt><dd>(.*?)</dd>", page)
    assert found is not None
    return re.sub(r"<[^>]+>", "", found[1]).strip()


# --- consent ---


def test_before_the_y_it_says_that_consent_is_awaited(world: World, nurse: TestClient) -> None:
    page = html.unescape(post(nurse, "/console/enrol", **enrolment()).text)
    assert state(page).startswith("Consent by text awaited")
    assert "Receives texts" not in page
    assert "Enrolled. The patient was asked by text" in page
    assert "go out by themselves" not in page


def test_each_answer_on_consent_is_shown_as_it_stands(world: World, nurse: TestClient) -> None:
    assert state(page_of(nurse, world, "pat")).startswith("Has not agreed to texts")
    consented(world, "pat", (True, AT_THE_CLINIC))
    assert state(page_of(nurse, world, "pat")).startswith("Consent by text awaited")
    consented(world, "pat", (True, "sms"))
    assert state(page_of(nurse, world, "pat")) == "Receives texts"
    consented(world, "pat", (False, "sms"))
    assert state(page_of(nurse, world, "pat")).startswith("Has not agreed to texts")
    assert state(page_of(nurse, world, "lee")).startswith("Opted out of texts")


def test_a_clinic_that_asks_for_no_y_awaits_none(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        session.get_one(Clinic, world.clinic).consent_by_text = False
    page = post(nurse, "/console/enrol", **enrolment()).text
    assert state(page) == "Receives texts"
    assert "go out by themselves" in page


def test_the_awaited_consent_is_said_in_spanish_too(world: World) -> None:
    page = post(client_for("spanish"), "/console/enrol", **enrolment()).text
    assert state(page).startswith("Falta el sí por mensaje")


# --- enrolled already ---


def test_the_same_treatment_again_is_said_to_be_on_record_and_since_when(
    world: World, nurse: TestClient
) -> None:
    form = enrolment()
    post(nurse, "/console/enrol", **form)
    again = html.unescape(post(nurse, "/console/enrol", **form | {"location": "Soho"}).text)
    assert "Nothing was changed: this treatment is on record already" in again
    assert re.search(r"HArmonyCA, [A-Z][a-z]{2} \d+ [A-Z][a-z]{2}[^;]*; entered: [Tt]oday, \d\d:\d\d", again)
    assert "Enrolled." not in again
    with reading() as session:
        on_record = select(Treatment.location).join(Patient).where(Patient.phone == "+15550100177")
        assert session.scalars(on_record).all() == [""]


def test_the_address_of_another_patients_treatment_tells_nothing(world: World, nurse: TestClient) -> None:
    with reading() as session:
        other = session.scalars(select(Treatment.id).filter_by(patient_id=world.patients["foreign"])).one()
    path = f"/console/patients/{world.patients['pat']}"
    page = nurse.get(path, params={"did": "known", "of": other}).text
    assert "on record already" not in page


def test_a_running_series_shows_the_day_of_its_treatment(world: World, nurse: TestClient) -> None:
    treated = clock.now().astimezone(ZoneInfo("America/New_York")) - timedelta(days=3)
    page = post(nurse, "/console/enrol", **enrolment(treated_at=f"{treated:%Y-%m-%dT%H:%M}")).text
    coming = page[page.index('id="coming-h"') :]
    assert re.search(rf"treated on <time[^>]*>{treated:%a} {treated.day} {treated:%b}", coming)


# --- where it was ---


def treatment_of(world: World, name: str) -> Treatment:
    with reading() as session:
        return session.scalars(select(Treatment).filter_by(patient_id=world.patients[name])).one()


def test_the_location_of_a_treatment_is_changed_and_alerts_raised_later_page_there(
    world: World, nurse: TestClient, director: TestClient
) -> None:
    for name in ("Soho", "Chelsea"):
        fields = rota_fields(world, name=name, location=name)
        assert post(director, "/console/rota", **fields).status_code == 303
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(RotaRow)) == 2
    treatment = treatment_of(world, "kim")
    page = nurse.get(f"/console/patients/{world.patients['kim']}").text
    assert f'action="/console/treatments/{treatment.id}/location"' in page
    assert '<option value="Chelsea">' in page
    done = post(nurse, f"/console/treatments/{treatment.id}/location", location="  Chelsea ")
    assert "The location is changed." in done.text
    assert treatment_of(world, "kim").location == "Chelsea"
    with transaction() as session:
        kim = session.get_one(Patient, world.patients["kim"])
        raised = wrote(session, world, "later", kim, "my lip is white and it really hurts", 1)
        assert raised.policy["location"] == "Chelsea"


def test_an_open_alert_keeps_the_location_that_it_was_raised_with(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["lip"])
        alert.policy = alert.policy | {"location": "Soho"}
    treatment = treatment_of(world, "pat")
    post(nurse, f"/console/treatments/{treatment.id}/location", location="Chelsea")
    with reading() as session:
        assert session.get_one(Alert, world.alerts["lip"]).policy["location"] == "Soho"


def test_a_changed_location_is_in_the_audit_log_with_both(world: World, nurse: TestClient) -> None:
    treatment = treatment_of(world, "pat")
    post(nurse, f"/console/treatments/{treatment.id}/location", location="Soho")
    post(nurse, f"/console/treatments/{treatment.id}/location", location="")
    with reading() as session:
        first, second = session.scalars(
            select(AuditEntry).filter_by(action="treatment.relocate").order_by(AuditEntry.seq)
        )
    assert (first.subject_kind, first.subject_id) == ("treatment", treatment.id)
    assert first.actor_id == world.staff["nurse"]
    assert {name: first.detail[name] for name in ("before", "after")} == {"before": "", "after": "Soho"}
    assert (second.detail["before"], second.detail["after"]) == ("Soho", "")
    assert world.patients["pat"] in first.detail["patients"]


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_location_that_is_too_long_is_refused_at_its_field_and_kept(world: World, language: str) -> None:
    with transaction() as session:
        session.get_one(Staff, world.staff["nurse"]).language = language
    treatment = treatment_of(world, "pat")
    refused = post(client_for("nurse"), f"/console/treatments/{treatment.id}/location", location="x" * 81)
    assert refused.status_code == 422
    assert f'id="location-{treatment.id}-error"' in refused.text
    assert f'href="#location-{treatment.id}"' in refused.text
    assert "x" * 81 in refused.text
    assert ("80 characters" if language == "en" else "80 caracteres") in refused.text
    assert treatment_of(world, "pat").location == ""


def test_the_location_of_another_clinics_treatment_is_not_there(world: World, nurse: TestClient) -> None:
    treatment = treatment_of(world, "foreign")
    assert post(nurse, f"/console/treatments/{treatment.id}/location", location="Soho").status_code == 404
    assert treatment_of(world, "foreign").location == ""


def test_everybody_who_enrols_may_correct_where_a_treatment_was(world: World) -> None:
    with transaction() as session:
        session.get_one(Staff, world.staff["nurse"]).role = Role.FRONT_DESK
    treatment = treatment_of(world, "pat")
    post(client_for("nurse"), f"/console/treatments/{treatment.id}/location", location="Soho")
    assert treatment_of(world, "pat").location == "Soho"
