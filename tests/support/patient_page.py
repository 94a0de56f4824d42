"""A patient's browser on the pages behind links."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import select

from bot import clock
from bot.clinic.models import Patient
from bot.db.engine import transaction
from bot.followup.models import CheckIn
from bot.links import service as links
from bot.links.models import LinkPurpose
from bot.links.tokens import token_of
from bot.messaging.models import Channel
from bot.messaging.threads import find_or_open
from bot.patient_pages.router import misses, router
from tests.support.desk import PAT, Desk

#: Answers of somebody who is well, to every question of an early check-in.
WELL: dict[str, Any] = {"overall": "1", "pain": "2", "swelling": "3", "bruising": "1", "red_flags": ["0"]}


def browser() -> TestClient:
    """A phone's browser."""
    misses._buckets.clear()
    app = FastAPI()
    app.include_router(router)
    return TestClient(app, raise_server_exceptions=False)


def send_check_in(desk: Desk, day: int = 1, phone: str = PAT) -> CheckIn:
    """Move on to the patient's check-in of `day`, and let it go out."""
    patient = desk.rows(Patient, phone=phone)[0]
    check_in = desk.rows(CheckIn, patient_id=patient.id, day=day)[0]
    clock.advance(max(timedelta(), check_in.due_at - clock.now()) + timedelta(seconds=1))
    desk.settle()
    return check_in


def link_for(
    phone: str = PAT, purpose: LinkPurpose = LinkPurpose.CHECK_IN, subject_id: str | None = None
) -> str:
    """The path of a new link."""
    with transaction() as session:
        patient = session.scalars(select(Patient).where(Patient.phone == phone)).one()
        find_or_open(session, patient.clinic, Channel.SMS, phone)
        return f"/p/{token_of(links.issue(session, patient, purpose, subject_id).id)}"


def path_in(text: str) -> str:
    """The path of the link in a text that a phone received."""
    found = re.search(r"/p/[\w-]+", text)
    assert found, text
    return found[0]


def once_of(page: str) -> str:
    """The name of an opened form."""
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found
    return found[1]


def answer(phone: TestClient, path: str, **changes: Any) -> Response:
    """Open the page, fill it in and send it. A change of None leaves a question open."""
    fields = {"once": once_of(phone.get(path).text), **WELL, **changes}
    return phone.post(path, data={name: value for name, value in fields.items() if value is not None})


def now_of(desk: Desk, check_in: CheckIn) -> CheckIn:
    """The check-in as it is in the record by now."""
    found: CheckIn = desk.rows(CheckIn, id=check_in.id)[0]
    return found
