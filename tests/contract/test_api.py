"""The API for practice-management systems: who is let in, what is written, what is said of a wrong field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from bot import clock
from bot.api import router as api
from bot.channels.web.limits import RateLimit
from bot.cli import app as cli
from bot.clinic import api_keys
from bot.clinic.models import ApiKey, Clinic, Patient
from tests.support.desk import Desk

ADDRESS = "/api/v1/treatments"


@pytest.fixture
def client(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(api, "limit", RateLimit(burst=5, per_minute=1))
    app = FastAPI()
    app.include_router(api.router)
    return TestClient(app)


@pytest.fixture
def key(desk: Desk) -> str:
    return api_keys.create(desk.rows(Clinic)[0].id, "Practice system (demo)")


def treatment(**changes: Any) -> dict[str, Any]:
    return {
        "first_name": "Rae",
        "last_name": "Sample",
        "phone": "+15550100161",
        "product": "harmonyca",
        "lot": "L-1",
        "expiry": "2099-12-31",
        "areas": ["jaw angle"],
        "treated_at": clock.now().isoformat(),
        "consent_aftercare_texts": True,
    } | changes


def send(client: TestClient, key: str, body: Any = None) -> Any:
    return client.post(
        ADDRESS, json=treatment() if body is None else body, headers={"Authorization": f"Bearer {key}"}
    )


def test_a_treatment_enrols_once_however_often_it_is_sent(desk: Desk, client: TestClient, key: str) -> None:
    sent = treatment()
    first, again = send(client, key, sent), send(client, key, sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert [p.id for p in desk.rows(Patient) if p.first_name == "Rae"] == [first.json()["patient_id"]]
    assert first.json()["check_ins"]


def test_what_is_wrong_is_told_by_field_and_nothing_is_written(
    desk: Desk, client: TestClient, key: str
) -> None:
    before = len(desk.rows(Patient))
    reply = send(client, key, treatment(phone="12", lot="", consent_aftercare_texts=False))
    assert reply.status_code == 422
    assert set(reply.json()["errors"]) == {"phone", "lot", "consent_aftercare_texts"}
    assert len(desk.rows(Patient)) == before


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer afterglow_wrong", "Basic x", "bearer \u00e9"]
)
def test_nobody_is_let_in_without_a_valid_key(client: TestClient, key: str, header: str) -> None:
    reply = client.post(ADDRESS, json=treatment(), headers={"Authorization": header.encode()})
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 400), (b"[" * 50_000, 400), (b"x" * 70_000, 413), (b"", 400)]
)
def test_a_body_that_is_no_object_is_refused(client: TestClient, key: str, body: bytes, status: int) -> None:
    reply = client.post(ADDRESS, content=body, headers={"Authorization": f"Bearer {key}"})
    assert reply.status_code == status
    assert json.loads(reply.text)["error"]


def test_too_many_requests_are_told_how_long_to_wait(client: TestClient, key: str) -> None:
    replies = [send(client, key) for _ in range(6)]
    assert [reply.status_code for reply in replies[:5]].count(429) == 0
    assert replies[5].status_code == 429
    assert int(replies[5].headers["Retry-After"]) > 0


def test_a_key_is_kept_as_a_hash_and_lets_nobody_in_once_revoked(
    desk: Desk, client: TestClient, key: str
) -> None:
    (row,) = desk.rows(ApiKey)
    assert key not in (row.key_hash, row.name)
    send(client, key)
    assert desk.rows(ApiKey)[0].last_used_at is not None
    assert not api_keys.revoke("another-clinic", row.id)
    assert api_keys.revoke(row.clinic_id, row.id)
    assert not api_keys.revoke(row.clinic_id, row.id)
    assert send(client, key).status_code == 401


def test_keys_are_made_listed_and_revoked_by_command(desk: Desk) -> None:
    run = CliRunner().invoke
    made = run(cli, ["api-key", "add", "Practice system (demo)"])
    key = made.stdout.strip()
    assert api_keys.clinic_of(key) == desk.rows(Clinic)[0].id
    listed = run(cli, ["api-key", "list"]).output
    assert "Practice system (demo)" in listed
    assert key not in listed
    assert run(cli, ["api-key", "revoke", listed.split()[0]]).exit_code == 0
    assert "revoked" in run(cli, ["api-key", "list"]).output
    assert run(cli, ["api-key", "revoke", "nobody"]).exit_code == 2
