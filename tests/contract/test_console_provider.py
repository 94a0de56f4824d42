"""Sign-in with the clinic's own provider: one that runs in the process and signs with a real RSA key."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import requests
from fastapi import FastAPI
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from requests.adapters import BaseAdapter
from sqlalchemy import func, select

from bot.access import oidc
from bot.audit.models import AuditEntry
from bot.clinic.models import Staff, StaffSession
from bot.console.router import router
from bot.db.engine import reading, transaction
from bot.settings import Settings, use_settings
from tests.contract.console_clinic import World

ISSUER = "https://id.clinic.example"
EMAIL = "nurse@demo.example"


@dataclass
class Provider:
    """Answers as an OpenID provider does, and lies where a test tells it to."""

    key: RSAKey
    claims: dict[str, Any] = field(default_factory=dict)  #: laid over the right ones
    sign_with: RSAKey | None = None
    algorithm: str = "RS256"
    metadata: dict[str, Any] = field(default_factory=dict)
    up: bool = True
    asked: dict[str, str] = field(default_factory=dict)

    def authorise(self, address: str) -> dict[str, str]:
        """The person signs in there. Returns what the browser brings back."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        return {"code": "code-1", "state": self.asked["state"]}

    def answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, Any]]:
        if not self.up:
            raise requests.ConnectionError("down")
        match urlsplit(request.url).path:
            case "/.well-known/openid-configuration":
                told = {
                    "issuer": ISSUER,
                    "authorization_endpoint": f"{ISSUER}/authorize",
                    "token_endpoint": f"{ISSUER}/token",
                    "jwks_uri": f"{ISSUER}/keys",
                }
                return 200, told | self.metadata
            case "/keys":
                return 200, {"keys": [self.key.as_dict(private=False)]}
            case "/token":
                return self._token(request)
        return 404, {}

    def _token(self, request: requests.PreparedRequest) -> tuple[int, dict[str, Any]]:
        sent = {name: values[0] for name, values in parse_qs(str(request.body)).items()}
        made = base64.urlsafe_b64encode(hashlib.sha256(sent["code_verifier"].encode()).digest()).decode()
        basic = base64.b64encode(b"desk:provider-secret").decode()
        proven = (
            made.rstrip("=") == self.asked["code_challenge"] and self.asked["code_challenge_method"] == "S256"
        )
        if sent["code"] != "code-1" or not proven or request.headers.get("Authorization") != f"Basic {basic}":
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        right = {
            "iss": ISSUER, "sub": "1", "aud": "desk", "iat": now, "exp": now + 300,
            "nonce": self.asked["nonce"], "email": EMAIL, "email_verified": True,
        }  # fmt: skip
        claims = {name: value for name, value in (right | self.claims).items() if value is not None}
        key = self.sign_with or self.key
        header = {"alg": self.algorithm, "kid": self.key.kid}
        token = jwt.encode(header, claims, key, algorithms=[self.algorithm])
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": token}


class InProcess(BaseAdapter):
    """Hands requests to the provider instead of the network."""

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self._provider = provider

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        status, body = self._provider.answer(request)
        response = requests.Response()
        response.status_code, response.request, response.url = status, request, str(request.url)
        response._content = json.dumps(body).encode()
        return response

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(scope="module")
def rsa() -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture
def provider(
    world: World, settings: Settings, rsa: RSAKey, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Provider]:
    """A provider that the settings name."""
    found = {
        "oidc_issuer": ISSUER,
        "oidc_client_id": "desk",
        "oidc_client_secret": SecretStr("provider-secret"),
        "oidc_button": "Sign in with Clinic ID",
    }
    use_settings(settings.model_copy(update=found))
    mine = Provider(rsa)
    monkeypatch.setattr(oidc, "transport", InProcess(mine))
    return mine


@pytest.fixture
def browser(world: World) -> TestClient:
    app = FastAPI()
    app.include_router(router)
    return TestClient(app, follow_redirects=False)


def come_back(browser: TestClient, provider: Provider, **changes: str) -> httpx.Response:
    """By way of the provider and back."""
    asked = browser.get("/console/sign-in/provider?next=/console/patients")
    assert asked.status_code == 303
    return browser.get(
        "/console/sign-in/provider/callback", params=provider.authorise(asked.headers["location"]) | changes
    )


def why() -> str:
    with reading() as session:
        entry = session.scalars(
            select(AuditEntry).filter_by(action="session.sign_in").order_by(AuditEntry.id)
        ).all()[-1]
    assert entry.outcome == "refused"
    return str(entry.detail["why"])


def test_a_member_of_staff_comes_in_by_the_provider(
    world: World, browser: TestClient, provider: Provider
) -> None:
    assert "Sign in with Clinic ID" in browser.get("/console/sign-in").text
    reply = come_back(browser, provider)
    assert reply.headers["location"] == "/console/patients"
    assert browser.get("/console/patients").status_code == 200
    with reading() as session:
        mine = session.scalars(select(StaffSession)).one()
        entry = session.scalars(select(AuditEntry).filter_by(action="session.sign_in")).one()
    assert (mine.staff_id, mine.method) == (world.staff["nurse"], "provider")
    assert (entry.actor_id, entry.outcome, entry.detail) == (
        world.staff["nurse"],
        "done",
        {"method": "provider"},
    )


def test_what_is_asked_of_the_provider_is_a_code_with_proof(browser: TestClient, provider: Provider) -> None:
    come_back(browser, provider)
    asked = provider.asked
    assert asked["response_type"] == "code"
    assert set(asked["scope"].split()) == {"openid", "email"}
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/console/sign-in/provider/callback"
    assert len(asked["nonce"]) >= 32
    assert "provider-secret" not in json.dumps(asked)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"nonce": "another"}, "InvalidClaimError"),
        ({"nonce": None}, "MissingClaimError"),
        ({"iss": "https://evil.example"}, "InvalidClaimError"),
        ({"aud": "another"}, "InvalidClaimError"),
        ({"exp": 1}, "ExpiredTokenError"),
        ({"email_verified": False}, "unverified_email"),
        ({"email_verified": None}, "unverified_email"),
        ({"email_verified": "true"}, "unverified_email"),
        ({"email": None}, "unverified_email"),
        ({"email": "who@demo.example"}, "unknown_staff"),
    ],
)
def test_whoever_is_not_proven_to_be_staff_stays_out(
    browser: TestClient, provider: Provider, claims: dict[str, Any], reason: str
) -> None:
    provider.claims = claims
    with reading() as session:
        before = session.scalar(select(func.count()).select_from(Staff))
    reply = come_back(browser, provider)
    assert reply.status_code == 401
    assert "did not let you in" in reply.text
    assert browser.get("/console").status_code == 303
    assert why() == f"provider: {reason}"
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Staff)) == before, "nobody is added"
        assert session.scalars(select(StaffSession)).all() == []


def test_a_token_signed_by_somebody_else_lets_nobody_in(browser: TestClient, provider: Provider) -> None:
    provider.sign_with = RSAKey.generate_key(2048)
    assert come_back(browser, provider).status_code == 401
    assert why() == "provider: BadSignatureError"


def test_somebody_who_left_stays_out(world: World, browser: TestClient, provider: Provider) -> None:
    with transaction() as session:
        session.get_one(Staff, world.staff["nurse"]).active = False
    assert come_back(browser, provider).status_code == 401
    assert why() == "provider: unknown_staff"


@pytest.mark.parametrize("changes", [{"state": "another"}, {"state": ""}, {"code": ""}, {"code": "code-2"}])
def test_an_answer_that_was_not_asked_for_lets_nobody_in(
    browser: TestClient, provider: Provider, changes: dict[str, str]
) -> None:
    assert come_back(browser, provider, **changes).status_code == 401
    assert browser.get("/console").status_code == 303


def test_an_answer_is_good_once_and_only_in_the_browser_that_asked(
    world: World, browser: TestClient, provider: Provider
) -> None:
    asked = browser.get("/console/sign-in/provider")
    answer = provider.authorise(asked.headers["location"])
    app = FastAPI()
    app.include_router(router)
    stranger = TestClient(app, follow_redirects=False)
    assert stranger.get("/console/sign-in/provider/callback", params=answer).status_code == 401
    assert browser.get("/console/sign-in/provider/callback", params=answer).status_code == 303
    assert browser.get("/console/sign-in/provider/callback", params=answer).status_code == 401


def test_a_provider_that_is_down_or_somebody_else_leaves_the_password(
    browser: TestClient, provider: Provider
) -> None:
    provider.up = False
    reply = browser.get("/console/sign-in/provider")
    assert reply.status_code == 502
    assert "sign in with your password" in reply.text
    provider.up, provider.metadata = True, {"issuer": "https://evil.example"}
    assert browser.get("/console/sign-in/provider").status_code == 502


def test_without_settings_there_is_no_provider(world: World, browser: TestClient) -> None:
    assert "sign-in/provider" not in browser.get("/console/sign-in").text
    assert browser.get("/console/sign-in/provider").status_code == 404
    assert browser.get("/console/sign-in/provider/callback?code=x&state=y").status_code == 404
