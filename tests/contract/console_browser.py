"""A browser in which a member of staff has signed in, and what it sends."""

from __future__ import annotations

import re
from datetime import timedelta

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from bot import clock
from bot.console.router import router
from tests.contract import console_clinic


def client_for(key: str) -> TestClient:
    """A browser in which that member of staff has signed in."""
    app = FastAPI()
    app.include_router(router)
    client = TestClient(app)
    reply = client.post(
        "/console/sign-in",
        data={"email": f"{key}@demo.example", "password": console_clinic.PASSWORD},
        follow_redirects=False,
    )
    assert reply.status_code == 303
    return client


def csrf(client: TestClient) -> str:
    """The token that the client's own pages carry."""
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/console").text)
    assert found
    return found[1]


def post(client: TestClient, path: str, **fields: object) -> Response:
    """Send a form as its own page would."""
    return client.post(path, data={"csrf": csrf(client), **fields})


def enrolment(**changes: object) -> dict[str, object]:
    """The form that enrols a patient, filled in."""
    local = (clock.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    return {
        "first_name": "Robin",
        "last_name": "Beispiel",
        "phone": "(555) 010-0177",
        "language": "es",
        "product": "harmonyca",
        "lot": "DEMO-0099",
        "expiry": "2031-01-31",
        "areas": ["chin", "jaw_angle"],
        "other_area": "earlobe",
        "treated_at": local,
        "consent_aftercare_texts": "yes",
        **changes,
    }
