"""Second factors, sessions, lock-out, one-time links and staff management, through the console."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from typing import ClassVar

import pyotp
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot import clock
from bot.access import factors, lockout, resets
from bot.access.models import RecoveryCode, ResetLink, TotpKey
from bot.audit.models import AuditEntry
from bot.channels.base import Sent
from bot.clinic.models import Clinic, Role, Staff, StaffSession
from bot.clinic.passwords import verify_password
from bot.console import reset_mail, sessions
from bot.console.router import router
from bot.db.engine import reading, transaction
from bot.messaging.models import Status
from bot.notify.base import Notice
from bot.settings import Settings, use_settings
from tests.contract.console_clinic import PASSWORD, World
from tests.contract.test_console_pages import client_for, csrf, post

EMAIL = "nurse@demo.example"
GOOD = {"email": EMAIL, "password": PASSWORD}
FRESH = "stapler ocean velvet nine"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[timedelta]:
    """The time outside, moved by what the list holds: sessions do not follow the demo's clock."""
    ahead: list[timedelta] = []
    real = sessions.real_now
    monkeypatch.setattr(sessions, "real_now", lambda: real() + sum(ahead, timedelta()))
    return ahead


@pytest.fixture
def browser(world: World) -> TestClient:
    """A browser in which nobody has signed in; it follows no redirects."""
    return another_browser()


def another_browser() -> TestClient:
    app = FastAPI()
    app.include_router(router)
    return TestClient(app, follow_redirects=False)


@pytest.fixture
def admin(world: World) -> TestClient:
    """The browser of an admin of the clinic."""
    with transaction() as session:
        session.get_one(Staff, world.staff["doctor"]).role = Role.ADMIN
    return client_for("doctor")


def set_up_totp(client: TestClient) -> tuple[str, list[str]]:
    """Switch the app on. Returns its key and the recovery codes."""
    page = client.get("/console/account/totp").text
    secret = re.search(r'class="secret">([^<]+)<', page)
    assert secret
    key = secret[1].replace(" ", "")
    reply = post(client, "/console/account/totp", code=code_of(key))
    assert reply.status_code == 200
    return key, re.findall(r"<code>([a-z0-9-]+)</code>", reply.text)


def code_of(key: str, steps: int = 0) -> str:
    return pyotp.TOTP(key).at(sessions.real_now(), counter_offset=steps)


def second(client: TestClient, code: str):
    page = client.get("/console/sign-in/second").text
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token, "the page asks for the second factor"
    return client.post("/console/sign-in/second", data={"csrf": token[1], "code": code})


def is_in(client: TestClient) -> bool:
    return client.get("/console", follow_redirects=False).status_code == 200


# --- second factors ---


def test_once_the_app_is_on_a_password_alone_opens_nothing(world: World, browser: TestClient) -> None:
    key, _codes = set_up_totp(client_for("nurse"))
    reply = browser.post("/console/sign-in", data={**GOOD, "next": "/console/patients"})
    assert reply.headers["location"] == "/console/sign-in/second?next=/console/patients"
    assert not is_in(browser)
    assert browser.get(f"/console/patients/{world.patients['pat']}").status_code == 303
    reply = second(browser, code_of(key, 1))
    assert reply.headers["location"] == "/console"
    assert is_in(browser)
    assert browser.get("/console/sign-in/second").headers["location"] == "/console", "going back does no harm"
    with reading() as session:
        newest = session.scalars(select(StaffSession).order_by(StaffSession.id.desc())).first()
    assert newest is not None
    assert newest.method == "totp"


def test_the_key_is_shown_as_a_picture_and_in_text_and_is_off_until_a_code_was_right(
    world: World, browser: TestClient
) -> None:
    nurse = client_for("nurse")
    page = nurse.get("/console/account/totp").text
    assert "<svg" in page
    with reading() as session:
        secret = session.scalars(select(TotpKey)).one().secret
    assert " ".join(re.findall("....", secret)) in page
    reply = post(nurse, "/console/account/totp", code="000000")
    assert reply.status_code == 422
    assert "This code is not right" in reply.text
    assert " ".join(re.findall("....", secret)) in reply.text, (
        "the key stays, so the app need not be set up again"
    )
    browser.post("/console/sign-in", data=GOOD)
    assert is_in(browser)


def test_a_code_is_good_once(world: World, browser: TestClient) -> None:
    key, _codes = set_up_totp(client_for("nurse"))
    code = code_of(key, 1)
    browser.post("/console/sign-in", data=GOOD)
    assert second(browser, code).status_code == 303
    other = another_browser()
    other.post("/console/sign-in", data=GOOD)
    reply = second(other, code)
    assert reply.status_code == 401
    assert "used before" in reply.text
    assert not is_in(other)


def test_ten_recovery_codes_are_shown_once_and_each_opens_once(world: World, browser: TestClient) -> None:
    nurse = client_for("nurse")
    _key, codes = set_up_totp(nurse)
    assert len(set(codes)) == factors.CODES == 10
    assert not any(code in nurse.get("/console/account").text for code in codes)
    with reading() as session:
        kept = {row.code_hash for row in session.scalars(select(RecoveryCode))}
    assert not kept & set(codes)
    browser.post("/console/sign-in", data=GOOD)
    assert second(browser, codes[0].upper().replace("-", " ")).status_code == 303
    assert "9 of 10 are left" in browser.get("/console/account").text
    other = another_browser()
    other.post("/console/sign-in", data=GOOD)
    assert second(other, codes[0]).status_code == 401


def test_new_recovery_codes_make_the_old_ones_worthless(world: World, browser: TestClient) -> None:
    nurse = client_for("nurse")
    _key, old = set_up_totp(nurse)
    assert post(nurse, "/console/account/recovery-codes", current="wrong").status_code == 422
    fresh = re.findall(
        r"<code>([a-z0-9-]+)</code>", post(nurse, "/console/account/recovery-codes", current=PASSWORD).text
    )
    browser.post("/console/sign-in", data=GOOD)
    assert second(browser, old[0]).status_code == 401
    assert second(browser, fresh[0]).status_code == 303


def test_guessing_codes_must_wait(world: World, browser: TestClient) -> None:
    key, _codes = set_up_totp(client_for("nurse"))
    browser.post("/console/sign-in", data=GOOD)
    for _try in range(lockout.FREE):
        assert second(browser, "000000").status_code == 401
    assert second(browser, code_of(key, 1)).status_code == 429
    assert not is_in(browser)


def test_a_password_that_waits_too_long_for_its_code_starts_again(
    world: World, browser: TestClient, now: list[timedelta]
) -> None:
    set_up_totp(client_for("nurse"))
    browser.post("/console/sign-in", data=GOOD)
    now.append(sessions.UNVERIFIED + timedelta(seconds=1))
    assert browser.get("/console/sign-in/second").headers["location"].startswith("/console/sign-in?")


def test_the_session_of_the_password_is_not_the_session_of_the_code(
    world: World, browser: TestClient
) -> None:
    key, _codes = set_up_totp(client_for("nurse"))
    browser.post("/console/sign-in", data=GOOD)
    half = browser.cookies[sessions.COOKIE]
    second(browser, code_of(key, 1))
    assert browser.cookies[sessions.COOKIE] != half
    with reading() as session:
        assert sessions.visitor(session, half) is None
        assert sessions.half_in(session, half) is None


def test_switching_the_app_off_needs_the_password(world: World, browser: TestClient) -> None:
    nurse = client_for("nurse")
    set_up_totp(nurse)
    assert post(nurse, "/console/account/totp/remove", current="wrong").status_code == 422
    post(nurse, "/console/account/totp/remove", current=PASSWORD)
    browser.post("/console/sign-in", data=GOOD)
    assert is_in(browser)
    with reading() as session:
        assert session.scalars(select(RecoveryCode)).all() == []


def test_a_clinic_asks_everybody_for_a_second_factor_after_days_of_grace(
    world: World, admin: TestClient, browser: TestClient
) -> None:
    post(admin, "/console/security/second-factor", required="yes", grace="7")
    browser.post("/console/sign-in", data=GOOD)
    assert "Your clinic wants a second factor" in browser.get("/console").text
    clock.advance(timedelta(days=7, minutes=1))
    reply = browser.get(f"/console/patients/{world.patients['pat']}")
    assert (reply.status_code, reply.headers["location"]) == (303, "/console/account?did=needed")
    token = re.search(r'name="csrf" value="([^"]+)"', browser.get("/console/account").text)
    assert token
    lip = world.alerts["lip"]
    assert browser.post(f"/console/alerts/{lip}/acknowledge", data={"csrf": token[1]}).status_code == 303
    with reading() as session:
        assert (
            session.scalars(select(AuditEntry).filter_by(action="alert.acknowledge", outcome="done")).all()
            == []
        )
    page = browser.get("/console/account/totp").text
    secret = re.search(r'class="secret">([^<]+)<', page)
    assert secret
    code = code_of(secret[1].replace(" ", ""))
    assert browser.post("/console/account/totp", data={"csrf": token[1], "code": code}).status_code == 200
    assert is_in(browser)


def test_the_demo_is_entered_with_its_password_alone(world: World, browser: TestClient) -> None:
    assert browser.post("/console/sign-in", data=GOOD).headers["location"] == "/console"
    assert is_in(browser)


# --- lock-out ---


def test_the_wait_grows_with_each_failure_and_ends(browser: TestClient, now: list[timedelta]) -> None:
    wrong = {**GOOD, "password": "wrong"}
    for _try in range(lockout.FREE):
        assert browser.post("/console/sign-in", data=wrong).status_code == 401
    assert "Wait 1 min" in browser.post("/console/sign-in", data=GOOD).text
    now.append(timedelta(seconds=61))
    assert browser.post("/console/sign-in", data=wrong).status_code == 401
    assert "Wait 2 min" in browser.post("/console/sign-in", data=GOOD).text
    now.append(timedelta(seconds=121))
    assert browser.post("/console/sign-in", data=GOOD).status_code == 303


def test_an_account_that_does_not_exist_is_held_up_like_one_that_does(browser: TestClient) -> None:
    pages = {}
    for email in (EMAIL, "who@demo.example"):
        for _try in range(lockout.FREE):
            browser.post("/console/sign-in", data={"email": email, "password": "wrong"})
        reply = browser.post("/console/sign-in", data={"email": email, "password": "wrong"})
        assert reply.status_code == 429
        pages[email] = reply.text.replace(f'value="{email}"', "")
    assert len(set(pages.values())) == 1


def test_guessing_elsewhere_does_not_keep_somebody_out_of_a_browser_they_use(browser: TestClient) -> None:
    browser.post("/console/sign-in", data=GOOD)
    token = csrf(browser)
    browser.post("/console/sign-out", data={"csrf": token})
    stranger = another_browser()
    for _try in range(lockout.FREE + 1):
        stranger.post("/console/sign-in", data={**GOOD, "password": "wrong"})
    assert stranger.post("/console/sign-in", data=GOOD).status_code == 429
    assert browser.post("/console/sign-in", data=GOOD).status_code == 303


def test_one_address_cannot_try_every_account(browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockout, "MOST_PER_ADDRESS", 8)
    for number in range(8):
        browser.post("/console/sign-in", data={"email": f"p{number}@demo.example", "password": "wrong"})
    assert browser.post("/console/sign-in", data={**GOOD, "email": "p99@demo.example"}).status_code == 429


# --- sessions ---


def test_a_session_ends_when_no_page_was_opened_for_a_while(
    browser: TestClient, settings: Settings, now: list[timedelta]
) -> None:
    use_settings(settings.model_copy(update={"session_idle_minutes": 30}))
    browser.post("/console/sign-in", data=GOOD)
    for _time in range(3):
        now.append(timedelta(minutes=20))
        assert is_in(browser), "opening pages keeps it"
    now.append(timedelta(minutes=31))
    assert not is_in(browser)


def test_a_page_that_refreshes_itself_does_not_keep_a_session(
    browser: TestClient, settings: Settings, now: list[timedelta]
) -> None:
    use_settings(settings.model_copy(update={"session_idle_minutes": 30}))
    browser.post("/console/sign-in", data=GOOD)
    now.append(timedelta(minutes=20))
    assert browser.get("/console/queue").status_code == 200
    now.append(timedelta(minutes=11))
    assert browser.get("/console/queue").status_code == 303


def test_a_session_ends_after_its_hours_however_busy(
    browser: TestClient, settings: Settings, now: list[timedelta]
) -> None:
    use_settings(settings.model_copy(update={"session_hours": 1}))
    browser.post("/console/sign-in", data=GOOD)
    for _time in range(2):
        now.append(timedelta(minutes=25))
        assert is_in(browser)
    now.append(timedelta(minutes=11))
    assert not is_in(browser)


def test_one_sees_ones_sessions_and_ends_them(world: World) -> None:
    here, there, third = client_for("nurse"), client_for("nurse"), client_for("nurse")
    stranger = client_for("doctor")
    page = here.get("/console/account").text
    ends = re.findall(r"/console/account/sessions/(\w+)/end", page)
    assert len(ends) == 2, "the other two; this one has Sign out"
    assert post(stranger, f"/console/account/sessions/{ends[0]}/end").status_code == 404
    post(here, f"/console/account/sessions/{ends[0]}/end")
    assert [is_in(client) for client in (here, there, third)].count(True) == 2
    post(here, "/console/account/sign-out-everywhere")
    assert [is_in(client) for client in (here, there, third)] == [True, False, False]
    assert is_in(stranger)


def test_a_changed_password_ends_all_other_sessions(world: World, browser: TestClient) -> None:
    here, there = client_for("nurse"), client_for("nurse")
    reply = post(here, "/console/account/password", current=PASSWORD, password=FRESH, again=FRESH)
    assert "Your password is changed" in reply.text
    assert is_in(here)
    assert not is_in(there)
    assert browser.post("/console/sign-in", data=GOOD).status_code == 401
    assert browser.post("/console/sign-in", data={**GOOD, "password": FRESH}).status_code == 303


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (
            {"current": "wrong", "password": FRESH, "again": FRESH},
            "The password that you have now is not right",
        ),
        ({"current": PASSWORD, "password": FRESH, "again": "other words here"}, "differ"),
        ({"current": PASSWORD, "password": "short", "again": "short"}, "at least 12 characters"),
        ({"current": PASSWORD, "password": EMAIL, "again": EMAIL}, "must not hold your e-mail"),
        ({"current": PASSWORD, "password": PASSWORD, "again": PASSWORD}, "is the old one"),
        ({}, "is not right"),
    ],
)
def test_a_password_that_cannot_be_set_says_why_and_the_old_one_stays(
    world: World, browser: TestClient, form: dict[str, str], words: str
) -> None:
    reply = post(client_for("nurse"), "/console/account/password", **form)
    assert reply.status_code == 422
    assert words in html.unescape(reply.text)
    assert browser.post("/console/sign-in", data=GOOD).status_code == 303


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
