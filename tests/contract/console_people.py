"""People who sign in to the console, with and without a second factor."""

from __future__ import annotations

import re

import pyotp
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.console import sessions
from bot.console.router import router
from tests.contract.console_browser import post
from tests.contract.console_clinic import PASSWORD

EMAIL = "nurse@demo.example"
GOOD = {"email": EMAIL, "password": PASSWORD}
FRESH = "stapler ocean velvet nine"


def another_browser() -> TestClient:
    app = FastAPI()
    app.include_router(router)
    return TestClient(app, follow_redirects=False)


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
