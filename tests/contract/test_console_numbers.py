"""Phone numbers in the console's forms: what is wrong with one, and one that two people have."""

from __future__ import annotations

import html

import pytest
from fastapi.testclient import TestClient

from bot.clinic.models import Patient, Staff
from bot.db.engine import transaction
from bot.messaging.threads import patients_at
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World
from tests.support.contacts import reach

NURSE = "+15550100121"
FORM = {
    "first_name": "Ana", "last_name": "Ejemplo", "phone": NURSE, "language": "es", "time_zone": "",
    "product": "harmonyca", "lot": "DEMO-0042", "expiry": "2099-01-31", "treated_at": "2026-11-20T10:00",
    "areas": "cheeks", "consent_aftercare_texts": "yes",
}  # fmt: skip


def said(client: TestClient, **fields: str) -> str:
    return html.unescape(post(client, "/console/enrol", **(FORM | fields)).text)


def edited(client: TestClient, world: World, **fields: str) -> str:
    form = {"first_name": "Pat", "last_name": "Sample", "language": "en", "time_zone": "America/New_York"}
    return html.unescape(
        post(client, f"/console/patients/{world.patients['pat']}/edit", **form, **fields).text
    )


# --- what is wrong with it ---


@pytest.mark.parametrize(
    ("who", "no_number", "belongs", "shared"),
    [
        (
            "nurse",
            "This is not a phone number we can text.",
            "This number belongs to Pat Sample. Check the number, or the name.",
            "This number belongs to Ana Ejemplo. Two patients cannot share one number.",
        ),
        (
            "spanish",
            "No es un número de teléfono al que se puedan enviar mensajes.",
            "Este número es de Pat Sample. Revise el número o el nombre.",
            "Este número es de Ana Ejemplo. Dos pacientes no pueden compartir un número.",
        ),
    ],
)
def test_a_number_that_cannot_be_taken_says_why_in_the_visitors_language(
    world: World, who: str, no_number: str, belongs: str, shared: str
) -> None:
    client = client_for(who)
    wrong, another = said(client, phone="12"), said(client, phone="+15550100112")
    assert no_number in wrong
    assert "Pat Sample" not in wrong
    assert belongs in another
    assert no_number not in another
    assert no_number in edited(client, world, phone="12")
    assert shared in edited(client, world, phone="+15550100111")


# --- one number, two people ---


def test_enrolling_a_member_of_staffs_number_says_what_happens_to_its_texts(world: World) -> None:
    nurse = client_for("nurse")
    page = said(nurse)
    assert "Enrolled." in page
    assert "Texts from it are read as the patient's" in page
    assert "“ACK 47”, “47” or “on it”" in page
    assert "STOP from it ends the patient's texts" in page
    assert "read as the patient's" not in said(nurse, phone="+15550100150", first_name="Rae")


def test_a_number_corrected_to_one_of_staff_warns_and_in_spanish_too(world: World) -> None:
    page = edited(client_for("spanish"), world, phone=NURSE)
    assert "Los mensajes que llegan de él se leen como del paciente" in page


def test_the_staff_pages_say_that_a_phone_is_also_a_patients_and_not_whose(
    world: World, admin: TestClient
) -> None:
    person = f"/console/staff/{world.staff['nurse']}"
    assert "also a patient's" not in admin.get("/console/staff").text
    with transaction() as session:
        session.get_one(Patient, world.patients["pat"]).phone = NURSE
    listed, page = (html.unescape(admin.get(path).text) for path in ("/console/staff", person))
    assert listed.count("Phone is also a patient's") == 1
    assert "This phone is also the number of a patient of the clinic." in page
    assert "Sample" not in listed + page
    assert "also a patient's" not in html.unescape(admin.get(f"/console/staff/{world.staff['spanish']}").text)


def test_a_phone_given_to_a_new_colleague_that_is_a_patients_is_said_at_once(
    world: World, admin: TestClient
) -> None:
    fields = {"name": "Rae Demo", "email": "rae@demo.example", "role": "nurse", "language": "en"}
    page = html.unescape(post(admin, "/console/staff", **fields, phone="+15550100112").text)
    assert "Phone is also a patient's" in page


def test_numbers_to_be_texted_at_count_and_those_of_people_who_left_do_not(world: World) -> None:
    reach(NURSE, ("sms", "+15550100112", 0))
    with transaction() as session:
        nurse = session.get_one(Staff, world.staff["nurse"])
        assert patients_at(session, [nurse]) == {nurse.id: world.patients["pat"]}
        nurse.active = False
        assert patients_at(session, [nurse]) == {}
    with transaction() as session:  # another clinic's patient is somebody else's affair
        stranger = session.get_one(Staff, world.staff["stranger"])
        stranger.phone = "+15550100113"
        session.flush()
        assert patients_at(session, [stranger]) == {}
