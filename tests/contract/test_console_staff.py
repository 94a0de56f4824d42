"""One-time links and staff management, through the console."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import ClassVar

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot.access import lockout, resets
from bot.access.models import ResetLink
from bot.audit.models import AuditEntry
from bot.channels.base import Sent
from bot.clinic.models import Clinic, Role, Staff
from bot.clinic.passwords import verify_password
from bot.console import reset_mail
from bot.db.engine import reading
from bot.messaging.models import Status
from bot.notify.base import Notice
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import PASSWORD, World
from tests.contract.console_people import (
    EMAIL,
    FRESH,
    GOOD,
    is_in,
    set_up_totp,
)

# --- one-time links ---


def link_in(page: str) -> str:
    found = re.search(r'id="link" value="http://127\.0\.0\.1:8000([^"]+)"', page)
    assert found
    return found[1]


def test_an_admins_link_lets_somebody_choose_a_password_once(
    world: World, admin: TestClient, browser: TestClient
) -> None:
    before = client_for("nurse")
    link = link_in(post(admin, f"/console/staff/{world.staff['nurse']}/link").text)
    assert "Choose a password" in browser.get(link).text
    bad = browser.post(link, data={"password": "short", "again": "short"})
    assert (bad.status_code, "at least 12" in bad.text) == (422, True)
    assert (
        browser.post(link, data={"password": FRESH, "again": FRESH}).headers["location"].endswith("did=reset")
    )
    assert not is_in(before), "whoever was in is out"
    again = browser.post(link, data={"password": "another four odd words", "again": "another four odd words"})
    assert again.status_code == 404
    assert "no longer works" in again.text
    assert browser.post("/console/sign-in", data={**GOOD, "password": FRESH}).status_code == 303


def test_a_newer_link_an_old_link_and_a_made_up_one_do_not_work(
    world: World, admin: TestClient, browser: TestClient, now: list[timedelta]
) -> None:
    first = link_in(post(admin, f"/console/staff/{world.staff['nurse']}/link").text)
    newer = link_in(post(admin, f"/console/staff/{world.staff['nurse']}/link").text)
    assert browser.get(first).status_code == 404
    assert browser.get(newer).status_code == 200
    assert browser.get("/console/reset/made-up").status_code == 404
    now.append(resets.ADMIN_LASTS + timedelta(seconds=1))
    assert browser.get(newer).status_code == 404


def test_a_link_does_not_get_around_the_second_factor(
    world: World, admin: TestClient, browser: TestClient
) -> None:
    set_up_totp(client_for("nurse"))
    link = link_in(post(admin, f"/console/staff/{world.staff['nurse']}/link").text)
    browser.post(link, data={"password": FRESH, "again": FRESH})
    reply = browser.post("/console/sign-in", data={**GOOD, "password": FRESH})
    assert "/sign-in/second" in reply.headers["location"]


def test_without_mail_nothing_offers_to_send_a_link(browser: TestClient) -> None:
    assert "/console/forgot" not in browser.get("/console/sign-in").text
    assert browser.get("/console/forgot").status_code == 404
    assert browser.post("/console/forgot", data={"email": EMAIL}).status_code == 404


def test_with_mail_a_link_is_sent_and_strangers_learn_nothing(browser: TestClient) -> None:
    sent: list[tuple[str, str, str]] = []
    resets.use_mail(lambda *letter: sent.append(letter))
    try:
        assert "/console/forgot" in browser.get("/console/sign-in").text
        known = browser.post("/console/forgot", data={"email": EMAIL})
        unknown = browser.post("/console/forgot", data={"email": "who@demo.example"})
        for _try in range(10):
            browser.post("/console/forgot", data={"email": EMAIL})
    finally:
        resets.use_mail(None)
    assert known.text == unknown.text
    assert {(to, language) for to, language, _link in sent} == {(EMAIL, "en")}
    assert len(sent) <= lockout.FREE, "nobody's mailbox is flooded"
    path = sent[-1][2].removeprefix("http://127.0.0.1:8000")
    assert browser.post(path, data={"password": FRESH, "again": FRESH}).status_code == 303


@pytest.mark.parametrize(("language", "words"), [("en", "choose a new password"), ("es", "nueva contraseña")])
def test_the_mail_says_what_it_is_for_in_the_persons_language(language: str, words: str) -> None:
    class Post:
        can_look = False
        sent: ClassVar[list[Notice]] = []

        def send(self, notice: Notice) -> Sent:
            self.sent.append(notice)
            return Sent("1", Status.SENT)

        def find(self, _notice: Notice, _since: datetime) -> list[Sent]:
            return []

    reset_mail.by(Post())(EMAIL, language, "https://desk.example/console/reset/x")
    (notice,) = Post.sent
    assert notice.to == EMAIL
    assert words in notice.subject
    assert notice.text.endswith("https://desk.example/console/reset/x")


def test_mail_that_fails_gives_the_same_answer(browser: TestClient) -> None:
    def broken(*_letter: str) -> None:
        raise OSError("no mail server")

    resets.use_mail(broken)
    try:
        assert browser.post("/console/forgot", data={"email": EMAIL}).status_code == 200
    finally:
        resets.use_mail(None)


# --- staff ---

RAE = {
    "name": "Rae Placeholder",
    "email": "Rae@Demo.example",
    "role": "injector",
    "phone": "555 010 0199",
    "language": "es",
}


def test_an_admin_adds_somebody_who_then_signs_in(
    world: World, admin: TestClient, browser: TestClient
) -> None:
    link = link_in(post(admin, "/console/staff", **RAE).text)
    browser.post(link, data={"password": FRESH, "again": FRESH})
    assert (
        browser.post("/console/sign-in", data={"email": "rae@demo.example", "password": FRESH}).status_code
        == 303
    )
    with reading() as session:
        rae = session.scalars(select(Staff).filter_by(email="rae@demo.example")).one()
        entry = session.scalars(select(AuditEntry).filter_by(action="staff.add")).one()
    assert (rae.clinic_id, rae.role, rae.phone, rae.language) == (
        world.clinic,
        Role.INJECTOR,
        "+15550100199",
        "es",
    )
    assert (entry.subject_id, entry.detail["role"]) == (rae.id, "injector")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": " "}, "Fill this in."),
        ({"email": "nobody"}, "Write an e-mail address"),
        ({"email": EMAIL}, "Somebody signs in with this e-mail already"),
        ({"role": "owner"}, "Choose a role"),
        ({"language": "fr"}, "Choose a language"),
        ({"phone": "12"}, "with its country code"),
    ],
)
def test_what_is_wrong_with_a_new_person_is_said_and_what_was_typed_stays(
    world: World, admin: TestClient, change: dict[str, str], words: str
) -> None:
    reply = post(admin, "/console/staff", **{**RAE, **change})
    assert reply.status_code == 422
    assert words in reply.text
    if "name" not in change:
        assert 'value="Rae Placeholder"' in reply.text
    with reading() as session:
        assert session.scalars(select(Staff).filter_by(email="rae@demo.example")).first() is None


def test_somebody_who_leaves_is_out_at_once(world: World, admin: TestClient) -> None:
    nurse = client_for("nurse")
    post(admin, f"/console/staff/{world.staff['nurse']}", role="nurse", language="en", phone="")
    assert not is_in(nurse)
    with reading() as session:
        entry = session.scalars(select(AuditEntry).filter_by(action="staff.change")).one()
    assert entry.detail["changed"]["active"] == ["True", "False"]


def test_a_changed_role_counts_at_once(world: World, admin: TestClient) -> None:
    post(
        admin,
        f"/console/staff/{world.staff['nurse']}",
        role="front_desk",
        language="en",
        phone="",
        active="yes",
    )
    reply = post(client_for("nurse"), f"/console/alerts/{world.alerts['lip']}/close", outcome="false_alarm")
    assert reply.status_code == 403


def test_the_last_admin_stays_admin(world: World, admin: TestClient) -> None:
    reply = post(admin, f"/console/staff/{world.staff['doctor']}", role="nurse", language="en", active="yes")
    assert reply.status_code == 422
    assert "at least one admin" in reply.text
    assert is_in(admin)


def test_another_clinics_staff_are_not_there(world: World, admin: TestClient) -> None:
    stranger = world.staff["stranger"]
    assert "stranger@" not in admin.get("/console/staff").text
    assert admin.get(f"/console/staff/{stranger}").status_code == 404
    for tail in ("", "/link", "/sign-out", "/factors/remove"):
        assert post(admin, f"/console/staff/{stranger}{tail}", role="nurse").status_code == 404
    with reading() as session:
        assert session.get_one(Staff, stranger).active
        assert session.scalars(select(ResetLink)).all() == []


def test_an_admin_lets_in_somebody_who_lost_the_phone(
    world: World, admin: TestClient, browser: TestClient
) -> None:
    nurse = client_for("nurse")
    set_up_totp(nurse)
    post(admin, f"/console/staff/{world.staff['nurse']}/factors/remove")
    assert not is_in(nurse)
    browser.post("/console/sign-in", data=GOOD)
    assert is_in(browser)


def test_the_password_of_somebody_new_is_known_to_nobody(world: World, admin: TestClient) -> None:
    post(admin, "/console/staff", **RAE)
    with reading() as session:
        rae = session.scalars(select(Staff).filter_by(email="rae@demo.example")).one()
        clinic = session.get_one(Clinic, world.clinic)
    assert not any(
        verify_password(rae.password_hash, guess) for guess in ("", PASSWORD, clinic.name, rae.email)
    )
