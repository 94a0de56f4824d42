"""Who gets into the console, and how long they stay."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot import clock, events
from bot.access import lockout
from bot.clinic.models import Staff, StaffSession
from bot.console import queue, sessions
from bot.console.router import router
from bot.db.engine import reading, transaction
from bot.escalation import service
from bot.escalation.models import Alert, AlertStatus, Outcome
from bot.settings import Settings, use_settings
from tests.contract.console_clinic import PASSWORD, World

GOOD = {"email": "nurse@demo.example", "password": PASSWORD}


@pytest.fixture
def browser(world: World) -> TestClient:
    """A browser in which nobody has signed in; it follows no redirects."""
    app = FastAPI()
    app.include_router(router)
    return TestClient(app, follow_redirects=False)


def signed_in(browser: TestClient) -> str:
    """Sign the nurse in. Returns the session's form token."""
    assert browser.post("/console/sign-in", data=GOOD).status_code == 303
    found = re.search(r'name="csrf" value="([^"]+)"', browser.get("/console").text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/queue",
        "/closed",
        "/live",
        "/alerts/x",
        "/alerts/x/live",
        "/patients",
        "/patients/x",
        "/tasks",
        "/enrol",
    ],
)
def test_every_page_asks_to_sign_in_and_comes_back(browser: TestClient, path: str) -> None:
    reply = browser.get(f"/console{path}")
    assert reply.status_code == 303
    assert reply.headers["location"] == f"/console/sign-in?next=/console{path}"


@pytest.mark.parametrize(
    "path",
    ["sign-out", "alerts/x/acknowledge", "alerts/x/note", "alerts/x/close", "tasks/x/complete", "enrol"],
)
def test_every_form_asks_to_sign_in(browser: TestClient, path: str) -> None:
    reply = browser.post(f"/console/{path}")
    assert reply.status_code == 303
    assert reply.headers["location"].startswith("/console/sign-in?next=/console")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "nothing"),
        ("GET", "nothing/at/all?x=1"),
        ("GET", "sign-out"),
        ("GET", "patients?page=many"),
        ("POST", "nothing"),
        ("DELETE", "patients"),
    ],
)
def test_an_address_without_a_page_gets_the_consoles_404_page(
    browser: TestClient, method: str, path: str
) -> None:
    signed_in(browser)
    reply = browser.request(method, f"/console/{path}")
    assert reply.status_code == 404
    assert "There is nothing here" in reply.text
    assert "Sign out" in reply.text
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]


def test_the_404_page_is_there_before_sign_in_too(browser: TestClient) -> None:
    reply = browser.get("/console/nothing", headers={"Accept-Language": "es"})
    assert reply.status_code == 404
    assert "No se ha encontrado" in reply.text
    assert "Salir" not in reply.text


def test_a_slash_too_many_leads_to_the_page(browser: TestClient) -> None:
    signed_in(browser)
    assert browser.get("/console/patients/").headers["location"] == "/console/patients"
    assert browser.get("/console/patients/", follow_redirects=True).status_code == 200


def test_after_sign_in_the_page_asked_for_is_shown(browser: TestClient, world: World) -> None:
    asked = f"/console/patients/{world.patients['pat']}?show=alerts"
    to = browser.get(asked).headers["location"]
    form = browser.get(to).text
    hidden = re.search(r'name="next" value="([^"]+)"', form)
    assert hidden
    reply = browser.post("/console/sign-in", data={**GOOD, "next": hidden[1].replace("&amp;", "&")})
    assert reply.headers["location"] == asked


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/console\\..\\x",
        "/consoleevil",
        "/demo",
        "",
        "\n/console",
    ],
)
def test_sign_in_never_leads_outside_the_console(browser: TestClient, elsewhere: str) -> None:
    reply = browser.post("/console/sign-in", data={**GOOD, "next": elsewhere})
    assert reply.headers["location"] == "/console"


def test_an_unknown_email_and_a_wrong_password_get_the_same_page(browser: TestClient) -> None:
    wrong = browser.post("/console/sign-in", data={**GOOD, "password": "wrong"})
    unknown = browser.post("/console/sign-in", data={"email": "who@demo.example", "password": "wrong"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text == unknown.text.replace("who@demo.example", "nurse@demo.example")
    assert "E-mail or password is not right" in wrong.text
    assert sessions.COOKIE not in browser.cookies


def test_an_unknown_email_costs_a_password_check_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    monkeypatch.setattr(
        sessions.passwords, "verify_password", lambda known, _given: bool(checked.append(known))
    )
    with reading() as session:
        assert sessions.check_password(session, "who@demo.example", "x") is None
    assert checked == [sessions.passwords.NOBODY]


def test_a_person_who_left_cannot_sign_in_and_is_signed_out(browser: TestClient, world: World) -> None:
    signed_in(browser)
    with transaction() as session:
        session.get_one(Staff, world.staff["nurse"]).active = False
    assert browser.get("/console").status_code == 303
    assert browser.post("/console/sign-in", data=GOOD).status_code == 401


def test_the_email_may_be_typed_with_capitals_and_spaces(browser: TestClient) -> None:
    assert browser.post("/console/sign-in", data={**GOOD, "email": " Nurse@Demo.example "}).status_code == 303


def test_after_some_failures_even_the_right_password_must_wait(browser: TestClient) -> None:
    for _try in range(lockout.FREE):
        browser.post("/console/sign-in", data={**GOOD, "password": "wrong"})
    reply = browser.post("/console/sign-in", data=GOOD)
    assert reply.status_code == 429
    assert "Wait 1 min" in reply.text
    other = {"email": "doctor@demo.example", "password": PASSWORD}
    assert browser.post("/console/sign-in", data=other).status_code == 303


def test_a_sign_in_posted_from_another_site_is_refused(browser: TestClient) -> None:
    reply = browser.post("/console/sign-in", data=GOOD, headers={"Sec-Fetch-Site": "cross-site"})
    assert reply.status_code == 403


def test_the_record_holds_only_a_hash_of_the_cookie(browser: TestClient) -> None:
    reply = browser.post("/console/sign-in", data=GOOD)
    token = browser.cookies[sessions.COOKIE]
    with reading() as session:
        row = session.scalars(select(StaffSession)).one()
    assert row.token_hash == sessions.hashed(token)
    assert token not in (row.token_hash, row.csrf_token)
    cookie = reply.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=lax", "path=/console"):
        assert part in cookie
    assert "secure" not in cookie


def test_the_cookie_is_secure_on_an_https_site(browser: TestClient, settings: Settings) -> None:
    use_settings(settings.model_copy(update={"public_url": "https://desk.clinic.example"}))
    assert "secure" in browser.post("/console/sign-in", data=GOOD).headers["set-cookie"].lower()


def test_a_session_ends_after_its_hours(browser: TestClient) -> None:
    signed_in(browser)
    with transaction() as session:
        row = session.scalars(select(StaffSession)).one()
        left = row.expires_at - sessions.real_now()
        assert timedelta(hours=11.9) < left <= timedelta(hours=12)
        row.expires_at = sessions.real_now() - timedelta(seconds=1)
    assert browser.get("/console").status_code == 303
    browser.post("/console/sign-in", data=GOOD)
    with reading() as session:  # the old one was swept away
        assert len(session.scalars(select(StaffSession)).all()) == 1


def test_moving_the_demo_clock_signs_nobody_out(browser: TestClient) -> None:
    signed_in(browser)
    clock.advance(timedelta(days=14))
    assert browser.get("/console").status_code == 200


def test_a_made_up_cookie_opens_nothing(browser: TestClient) -> None:
    assert browser.get("/console", headers={"Cookie": f"{sessions.COOKIE}=made-up"}).status_code == 303
    signed_in(browser)
    with reading() as session:
        assert sessions.visitor(session, "made-up") is None
        assert sessions.visitor(session, None) is None


def test_signing_out_ends_the_session_on_the_server(browser: TestClient) -> None:
    token = signed_in(browser)
    cookie = browser.cookies[sessions.COOKIE]
    assert browser.post("/console/sign-out", data={"csrf": token}).status_code == 303
    with reading() as session:
        assert session.scalars(select(StaffSession)).all() == []
        assert sessions.visitor(session, cookie) is None


@pytest.mark.parametrize("token", [None, "", "wrong", "ñ"])
@pytest.mark.parametrize(
    "path",
    [
        "sign-out",
        "alerts/{lip}/acknowledge",
        "alerts/{lip}/note",
        "alerts/{lip}/close",
        "tasks/{talk}/complete",
        "enrol",
    ],
)
def test_a_form_without_its_sessions_token_changes_nothing(
    browser: TestClient, world: World, path: str, token: str | None
) -> None:
    signed_in(browser)
    fields = {"note": "x", "close_note": "x", "outcome": "false_alarm"}
    if token is not None:
        fields["csrf"] = token
    reply = browser.post(
        f"/console/{path.format(**world.alerts, **{'talk': world.tasks['talk']})}", data=fields
    )
    assert reply.status_code == 403
    assert "nothing was changed" in reply.text
    with reading() as session:
        assert session.get_one(Alert, world.alerts["lip"]).status is AlertStatus.OPEN
    assert browser.get("/console").status_code == 200


def test_the_token_of_another_session_is_wrong_here(browser: TestClient, world: World) -> None:
    theirs = signed_in(browser)
    browser.post("/console/sign-out", data={"csrf": theirs})
    signed_in(browser)
    path = f"/console/alerts/{world.alerts['lip']}/acknowledge"
    assert browser.post(path, data={"csrf": theirs}).status_code == 403


def test_pages_may_not_be_framed_cached_or_scripted_from_elsewhere(browser: TestClient) -> None:
    signed_in(browser)
    headers = browser.get("/console").headers
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'self'" in headers["content-security-policy"]


def test_sign_in_speaks_the_browsers_language(browser: TestClient) -> None:
    page = browser.get("/console/sign-in", headers={"Accept-Language": "fr, es-MX;q=0.8, en;q=0.5"}).text
    assert "Contraseña" in page


@pytest.mark.parametrize("name", ["console.css", "console.js", "mark.svg"])
def test_static_files_are_served_and_nothing_beside_them(browser: TestClient, name: str) -> None:
    assert browser.get(f"/console/static/{name}").status_code == 200
    assert browser.get(f"/console/static/..%2f{name}.py").status_code == 404
    assert browser.get("/console/static/%2e%2e/strings.yml").status_code == 404


def test_an_open_page_hears_of_changes_at_once_and_of_its_sessions_end(
    browser: TestClient, world: World
) -> None:
    signed_in(browser)
    cookie = browser.cookies[sessions.COOKIE]
    with reading() as session:
        who = sessions.visitor(session, cookie)
    assert who is not None

    async def listen() -> list[dict[str, str]]:
        heard = []
        stream = queue._pulses(who, cookie)
        heard.append(await anext(stream))
        following = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        await asyncio.to_thread(
            service.close, world.alerts["lip"], world.staff["nurse"], Outcome.FALSE_ALARM, "Test."
        )
        heard.append(await asyncio.wait_for(following, 5))
        with transaction() as session:
            sessions.close_session(session, who.session_id)
        events.publish(f"clinic:{world.clinic}")
        heard.append(await asyncio.wait_for(anext(stream), 5))
        return heard

    first, second, third = asyncio.run(listen())
    before, after = json.loads(first["data"]), json.loads(second["data"])
    assert (before["alerts"], before["open"], before["tasks"]) == (3, 2, 2)
    assert (after["alerts"], after["open"]) == (2, 1)
    assert {item["id"] for item in before["items"]} == {world.alerts["vision"], world.alerts["lip"]}
    assert "Ana Ejemplo" in before["items"][0]["say"]
    assert third["event"] == "signed_out"
