"""The clinic's settings in the console: who may change them, and what is refused."""

from __future__ import annotations

import html
import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot.audit.models import AuditEntry
from bot.clinic.facts import content_values
from bot.clinic.models import Clinic, Role, Staff
from bot.clinic.own_settings import SettingsInvalid, read
from bot.console.clinic_settings import form_of
from bot.db.engine import transaction
from bot.governance.models import ClinicSnapshot
from bot.protocols.catalogue import catalogue
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World

PATH = "/console/settings"


def clinic(world: World) -> Clinic:
    with transaction() as session:
        return session.get_one(Clinic, world.clinic)


def form(world: World, **changes: str) -> dict[str, str]:
    """The form as the page shows it, with some fields changed."""
    return {**form_of(clinic(world)), **changes}


def test_a_change_counts_for_every_text_from_now_on(world: World, doctor: TestClient) -> None:
    page = post(
        doctor,
        PATH,
        **form(
            world,
            phone="(555) 010-0188",
            emergency_number="112",
            booking_url="https://clinic.example/book",
            hours_mon="9:00-13:00, 15.30-18:00",
            care_exercise_h="48",
            approved_words_only="yes",
            pages_name_patient="yes",
            texts_from_hour="8",
            texts_until_hour="21",
            texts_on_holidays="",
        )
        | {"care_exercise_h.radiesse": "72"},
    )
    assert "The settings are saved." in page.text
    now = clinic(world)
    assert (now.phone, now.emergency_number, now.approved_words_only) == ("+15550100188", "112", True)
    assert (now.texts_from_hour, now.texts_until_hour, now.texts_on_holidays) == (8, 21, False)
    assert now.consent_by_text is True, "as it was"
    assert now.pages_name_patient is True
    assert now.opening_hours == {"mon": [["09:00", "13:00"], ["15:30", "18:00"]]}
    values = content_values(now, "en", "radiesse")
    assert (values["exercise_h"], content_values(now, "en", "harmonyca")["exercise_h"]) == (
        "72 hours",
        "48 hours",
    )
    assert values["booking_url"] == "https://clinic.example/book"
    with transaction() as session:
        kept = session.query(ClinicSnapshot).filter_by(clinic_id=world.clinic).all()
    assert kept[-1].facts["emergency_number"] == "112", "what texts were filled with can be told later"


def test_what_is_saved_is_what_the_form_shows_and_saving_that_changes_nothing(
    world: World, doctor: TestClient
) -> None:
    post(
        doctor,
        PATH,
        **form(world, care_massage_mode_en="ask us first", care_massage_mode_es="pregunte antes"),
    )
    before = form_of(clinic(world))
    assert before["care_massage_mode_es"] == "pregunte antes"
    page = doctor.get(PATH).text
    found = re.findall(r'name="([\w.]+)" type="\w+" value="([^"]*)"', page)
    shown = {name: html.unescape(value) for name, value in found}
    assert {name: shown[name] for name in before if name in shown} == {
        name: value for name, value in before.items() if name in shown
    }
    post(doctor, PATH, **before)
    assert form_of(clinic(world)) == before


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("name", "  ", "Write the clinic's name"),
        ("emergency_phone", "12", "no phone number"),
        ("emergency_phone", "", "no phone number"),
        ("emergency_number", "nine", "2 to 8 digits"),
        ("crisis_line", "call us", "digits and spaces"),
        ("booking_url", "javascript:alert(1)", "whole address"),
        ("booking_url", "http://[", "whole address"),
        ("texts_from_hour", "9", "two whole hours"),
        ("texts_until_hour", "soon", "two whole hours"),
        ("hours_tue", "nine to five", "09:00-13:00, with a comma"),
        ("hours_tue", "25:00-26:00", "09:00-13:00, with a comma"),
        ("hours_tue", "18:00-09:00", "end after it begins"),
        ("hours_tue", "09:00-13:00, 12:00-14:00", "end after it begins"),
        ("care_exercise_h", "0", "1 to 336"),
        ("care_exercise_h", "two", "1 to 336"),
        ("care_exercise_h", "99999999999", "1 to 336"),
        ("care_exercise_h", "²", "1 to 336"),
        ("care_massage_mode_en", "ask us", "both languages"),
    ],
)
def test_a_wrong_field_is_explained_and_nothing_is_saved_or_lost(
    world: World, doctor: TestClient, field: str, value: str, complaint: str
) -> None:
    page = post(doctor, PATH, **form(world, **{field: value, "crisis_line": "988 1"} | {field: value}))
    assert page.status_code == 422
    assert complaint in html.unescape(page.text)
    assert re.search(r'id="\w+"[^>]*aria-invalid="true"', page.text)
    assert re.search(rf'id="{field}"[^>]*value="{re.escape(html.escape(value.strip()))}"', page.text)
    assert 'value="Blue Heron Clinic (demo)"' in page.text or field == "name"
    assert clinic(world).crisis_line == "988", "nothing of a wrong form is written"


@pytest.mark.parametrize(
    ("words", "problem"), [("don't worry, that is normal", "never_say"), ("x" * 76, "too_long")]
)
def test_a_clinics_own_words_are_held_to_the_rules_of_texts(world: World, words: str, problem: str) -> None:
    fields = form(world, care_massage_mode_en=words, care_massage_mode_es="pregunte antes")
    with pytest.raises(SettingsInvalid) as invalid:
        read(fields, clinic(world))
    assert invalid.value.problems == {"care_massage_mode_en": problem}


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.NURSE, Role.INJECTOR])
def test_nobody_else_sees_or_changes_them(world: World, role: Role) -> None:
    with transaction() as session:
        session.get_one(Staff, world.staff["nurse"]).role = role
    client = client_for("nurse")
    assert client.get(PATH).status_code == 403
    assert post(client, PATH, **form(world, name="Hijacked")).status_code == 403
    assert 'href="/console/settings"' not in client.get("/console").text
    assert clinic(world).name == "Blue Heron Clinic (demo)"


def test_the_page_shows_every_setting_with_what_is_published_in_both_languages(
    world: World, doctor: TestClient
) -> None:
    page = html.unescape(doctor.get(PATH).text)
    with transaction() as session:
        session.get_one(Staff, world.staff["spanish"]).role = Role.ADMIN
    spanish = html.unescape(client_for("spanish").get(PATH).text)
    for setting in catalogue().settings.values():
        assert setting.title.en in page
        assert setting.title.es in spanish
        assert setting.found in page


def test_naming_patients_in_pages_is_off_and_says_what_it_means(world: World, doctor: TestClient) -> None:
    assert clinic(world).pages_name_patient is False
    english = html.unescape(doctor.get(PATH).text)
    assert "they stay on phones that are lost, lent or looked at" in english
    box = re.search(r'<input type="checkbox" name="pages_name_patient"[^>]*>', english)
    assert box
    assert "checked" not in box[0]
    assert 'aria-describedby="paging-hint"' in box[0]
    with transaction() as session:
        session.get_one(Staff, world.staff["doctor"]).language = "es"
    assert "quedan en teléfonos que se pierden" in html.unescape(doctor.get(PATH).text)


def test_the_audit_log_says_which_settings_were_changed(world: World, doctor: TestClient) -> None:
    post(doctor, PATH, **form(world, pages_name_patient="yes", crisis_line="116 123", hours_mon="9:00-13:00"))
    post(doctor, PATH, **form(world))
    with transaction() as session:
        entries = session.scalars(
            select(AuditEntry).filter_by(action="settings.clinic").order_by(AuditEntry.seq)
        )
        details = [entry.detail for entry in entries]
    assert details[0] == {"changed": ["crisis_line", "opening_hours", "pages_name_patient"]}
    assert details[-1] == {"changed": []}
