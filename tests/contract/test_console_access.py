"""Second factors, lock-out and sessions, through the console."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot import clock
from bot.access import factors, lockout
from bot.access.models import RecoveryCode, TotpKey
from bot.audit.models import AuditEntry
from bot.clinic.models import StaffSession
from bot.console import sessions
from bot.db.engine import reading
from bot.settings import Settings, use_settings
from tests.contract.console_browser import client_for, csrf, post
from tests.contract.console_clinic import PASSWORD, World
from tests.contract.console_people import (
    EMAIL,
    FRESH,
    GOOD,
    another_browser,
    code_of,
    is_in,
    second,
    set_up_totp,
)

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
