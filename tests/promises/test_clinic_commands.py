"""A real clinic and the people in it are made by command, and the first admin gets in."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select
from typer.testing import CliRunner

from bot.audit.models import AuditEntry
from bot.cli import app as cli
from bot.clinic import demo
from bot.clinic.models import Clinic, Role, Staff
from bot.console.router import router
from bot.db.engine import reading

pytestmark = pytest.mark.usefixtures("record")

CLINIC = {
    "--name": "Placeholder Clinic",
    "--time-zone": "Europe/Madrid",
    "--country": "es",
    "--text-number": "+34 915 55 01 00",
    "--phone": "915 55 01 01",
    "--emergency-phone": "915 55 01 02",
    "--emergency-number": "112",
    "--crisis-line": "024",
    "--admin-name": "Rae Placeholder",
    "--admin-email": "Rae@clinic.example",
    "--hours": "mon-fri 09:00-18:00",
    "--site": "https://clinic.example/",
    "--language": "es",
}
STAFF = {
    "--name": "Lee Placeholder",
    "--email": "lee@clinic.example",
    "--role": "nurse",
    "--phone": "+15550100123",
}


def run(command: str, options: dict[str, str], *more: str) -> tuple[int, str, str]:
    arguments = [part for pair in options.items() for part in pair]
    found = CliRunner().invoke(cli, [command, "add", *arguments, *more])
    return found.exit_code, found.stdout, " ".join(found.stderr.split())


def test_a_clinic_is_made_and_its_first_admin_gets_in(record: None) -> None:
    code, out, err = run("clinic", CLINIC)
    assert code == 0, err
    with reading() as session:
        clinic = session.scalars(select(Clinic)).one()
        admin = session.scalars(select(Staff)).one()
        entry = session.scalars(select(AuditEntry)).one()
    assert (clinic.text_number, clinic.phone, clinic.country) == ("+34915550100", "+34915550101", "ES")
    assert clinic.opening_hours["fri"] == [["09:00", "18:00"]]
    assert clinic.widget_origins == ["https://clinic.example"]
    assert clinic.widget_key in out
    assert (admin.role, admin.language, admin.clinic_id) == (Role.ADMIN, "es", clinic.id)
    assert (entry.action, entry.actor_kind, entry.clinic_id) == ("clinic.add", "command", clinic.id)
    link = re.search(r"http\S+(/console/reset/\S+)", out)
    assert link
    app = FastAPI()
    app.include_router(router)
    browser = TestClient(app, follow_redirects=False)
    password = "stapler ocean velvet nine"
    browser.post(link[1], data={"password": password, "again": password})
    browser.post("/console/sign-in", data={"email": "rae@clinic.example", "password": password})
    assert browser.get("/console/staff").status_code == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"--country": "Spain"}, "--country: write two letters"),
        ({"--time-zone": "Madrid"}, "--time-zone: write an IANA name"),
        ({"--text-number": "12"}, "--text-number: write the number with its country code"),
        ({"--hours": "weekdays"}, '--hours: write "mon-fri 09:00-18:00"'),
        ({"--site": "clinic.example"}, "must begin with https://"),
        ({"--admin-email": "rae"}, "--admin-email: write an e-mail address"),
        ({"--crisis-line": " "}, "must not be empty"),
    ],
)
def test_what_is_wrong_is_named_by_option_and_nothing_is_made(
    record: None, change: dict[str, str], words: str
) -> None:
    code, _out, err = run("clinic", {**CLINIC, **change})
    assert code == 2
    assert words in err
    with reading() as session:
        assert session.scalars(select(Clinic)).all() == []
        assert session.scalars(select(AuditEntry)).all() == []


def test_a_second_clinic_with_the_same_number_is_refused(record: None) -> None:
    assert run("clinic", CLINIC)[0] == 0
    code, _out, err = run("clinic", {**CLINIC, "--admin-email": "other@clinic.example"})
    assert code == 2
    assert "another clinic has this number" in err


def test_staff_are_added_with_a_place_in_the_order_of_paging(record: None) -> None:
    demo.seed(patients=False)
    code, out, err = run("staff", STAFF, "--on-call-order", "3", "--safeguarding-lead")
    assert code == 0, err
    assert "/console/reset/" in out
    with reading() as session:
        lee = session.scalars(select(Staff).filter_by(email="lee@clinic.example")).one()
        entry = session.scalars(select(AuditEntry).filter_by(action="staff.add")).one()
    assert (lee.role, lee.on_call_order, lee.safeguarding_lead) == (Role.NURSE, 3, True)
    assert entry.subject_id == lee.id


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"--role": "owner"}, "--role: choose front_desk, nurse"),
        ({"--email": "nurse@demo.example"}, "--email: somebody signs in with this e-mail already"),
        ({"--phone": "12"}, "--phone: write the number with its country code"),
        ({"--clinic": "nowhere"}, "There is no clinic nowhere"),
    ],
)
def test_staff_that_cannot_be_added_are_named_by_option(
    record: None, change: dict[str, str], words: str
) -> None:
    demo.seed(patients=False)
    code, _out, err = run("staff", {**STAFF, **change})
    assert code == 2
    assert words in err


def test_a_lead_without_a_phone_is_refused(record: None) -> None:
    demo.seed(patients=False)
    code, _out, err = run("staff", {**STAFF, "--phone": ""}, "--safeguarding-lead")
    assert code == 2
    assert "a safeguarding lead needs a phone" in err


def test_staff_need_a_clinic_first(record: None) -> None:
    code, _out, err = run("staff", STAFF)
    assert code == 2
    assert "afterglow clinic add" in err
