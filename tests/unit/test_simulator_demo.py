"""The demo's addresses: only in the demo, only its own phones, a clock that only moves forward."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot import clock, triage
from bot import settings as app_settings
from bot.channels.base import MEDIA_LIMIT, CarrierError, Inbound, MediaTooBig, Outbound
from bot.channels.simulator import carrier as simulated
from bot.channels.simulator.router import router
from bot.clinic import demo
from bot.clinic.models import Clinic, Patient
from bot.db import engine as db
from bot.escalation.models import Alert, AlertStatus
from bot.escalation.raising import raise_alert
from bot.followup.models import CheckIn, CheckInStatus
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, Status
from bot.photos.decode import decode
from bot.settings import Settings
from tests.support.records import SqliteRecords

ANA, PAT, NURSE, CLINIC = "+15550100111", "+15550100112", "+15550100121", "+15550100100"


class Desk:
    """The clinic's side of the carrier."""

    def __init__(self) -> None:
        self.messages: list[Inbound] = []

    def take(self, inbound: Inbound) -> None:
        self.messages.append(inbound)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def carrier(tmp_path: Path, desk: Desk) -> Iterator[simulated.SimulatedCarrier]:
    opened = simulated.SimulatedCarrier(
        tmp_path / "carrier.db", auto_deliver=False, on_status=lambda *_: True, on_message=desk.take
    )
    simulated.use_carrier(opened)
    yield opened
    simulated.use_carrier(None)
    opened.close()


@pytest.fixture
def client(
    settings: Settings, sqlite_records: SqliteRecords, carrier: simulated.SimulatedCarrier
) -> TestClient:
    sqlite_records.fresh(demo.seed)
    app = FastAPI()
    app.include_router(router)
    return TestClient(app)


def phone(client: TestClient, number: str) -> dict[str, Any]:
    phones: list[dict[str, Any]] = client.get("/demo/state").json()["phones"]
    return next(one for one in phones if one["number"] == number)


@pytest.mark.parametrize("path", ["", "/clinic", "/state", "/events", "/static/demo.js"])
def test_nothing_of_the_demo_is_served_outside_the_demo(client: TestClient, path: str) -> None:
    before = clock.offset()
    app_settings.use_settings(Settings(demo=False))
    assert client.get("/demo" + path).status_code == 404
    assert client.post("/demo/clock", json={"step": "1-day"}).status_code == 404
    assert clock.offset() == before


def test_two_patients_and_two_staff_have_a_phone(client: TestClient) -> None:
    phones = client.get("/demo/state").json()["phones"]
    assert [(one["owner"], one["role"], one["language"]) for one in phones] == [
        ("Ana Ejemplo", "patient", "es"),
        ("Pat Sample", "patient", "en"),
        ("Nurse Demo", "staff", "en"),
        ("Dr Demo", "staff", "en"),
    ]


def test_patients_of_an_earlier_quarter_do_not_take_the_phones_away(client: TestClient) -> None:
    with db.transaction() as session:
        clinic = session.scalars(select(Clinic)).one()
        earlier = Patient(
            clinic_id=clinic.id,
            first_name="Earlier",
            last_name="Demo",
            phone="+15550120001",
            language="en",
            time_zone="America/New_York",
        )
        earlier.created_at = clock.now() - timedelta(days=90)
        session.add(earlier)
    shown = [phone["number"] for phone in client.get("/demo/state").json()["phones"]]
    assert shown[:2] == [ANA, PAT]


def test_whoever_was_enrolled_last_has_a_phone_too(client: TestClient) -> None:
    with db.transaction() as session:
        clinic = session.scalars(select(Clinic)).one()
        for at in (3, 4, 5):
            session.add(
                Patient(
                    clinic_id=clinic.id, first_name=f"New{at}", last_name="Sample", phone=f"+1555010014{at}",
                    language="en", time_zone=clinic.time_zone,
                )
            )  # fmt: skip
            session.flush()
    phones = client.get("/demo/state").json()["phones"]
    patients = [one["number"] for one in phones if one["role"] == "patient"]
    assert patients == [ANA, PAT, "+15550100144", "+15550100145"]


def test_a_text_shows_its_state_encoding_and_segments(
    client: TestClient, carrier: simulated.SimulatedCarrier
) -> None:
    sent = carrier.send(Outbound("m", CLINIC, ANA, "¿Cómo está? " * 10))
    (text,) = phone(client, ANA)["texts"]
    assert (text["state"], text["encoding"], text["segments"]) == ("sent", "UCS-2", 2)
    carrier.deliver(sent.provider_id)
    assert phone(client, ANA)["texts"][0]["state"] == "delivered"


def test_a_phone_texts_the_clinic_and_can_attach_a_photo(client: TestClient, desk: Desk) -> None:
    answer = client.post(f"/demo/phones/{PAT}/texts", json={"body": "look", "photo": True})
    assert answer.status_code == 201
    (message,) = desk.messages
    assert (message.sender, message.to, message.body) == (PAT, CLINIC, "look")
    assert message.media[0]["content_type"] == "image/jpeg"


def test_each_demo_photo_is_another_picture_that_the_carrier_gives(
    client: TestClient, desk: Desk, carrier: simulated.SimulatedCarrier
) -> None:
    for _ in range(2):
        client.post(f"/demo/phones/{PAT}/texts", json={"body": "", "photo": True})
    first, second = (decode(carrier.fetch_media(message.media[0]["url"])) for message in desk.messages)
    assert first.jpeg != second.jpeg
    assert first.taken is not None, "like a camera it says when"


def test_a_file_of_this_computer_goes_through_the_carrier_as_it_is(
    client: TestClient, desk: Desk, carrier: simulated.SimulatedCarrier
) -> None:
    headers = {"Content-Type": "application/pdf"}
    assert client.post(f"/demo/phones/{PAT}/photo", content=b"%PDF-1.7", headers=headers).status_code == 201
    (message,) = desk.messages
    assert (message.sender, message.to, message.body) == (PAT, CLINIC, "")
    assert message.media[0]["content_type"] == "application/pdf"
    assert carrier.fetch_media(message.media[0]["url"]) == b"%PDF-1.7"
    assert client.post("/demo/phones/+15550109999/photo", content=b"x").status_code == 404


@pytest.mark.parametrize(
    "url", ["demo:file/../carrier.db", "demo:file/" + "0" * 32, "https://x", "demo:photo/no"]
)
def test_the_carrier_gives_no_other_files(carrier: simulated.SimulatedCarrier, url: str) -> None:
    with pytest.raises(CarrierError) as refused:
        carrier.fetch_media(url)
    assert refused.value.permanent


def test_the_carrier_says_when_a_file_is_too_big(carrier: simulated.SimulatedCarrier) -> None:
    with pytest.raises(MediaTooBig):
        carrier.fetch_media(carrier.files.keep(b"\0" * (MEDIA_LIMIT + 1)))


@pytest.mark.parametrize(
    ("number", "body", "status"), [("+15550109999", "hello", 404), (PAT, "   ", 422), ("x", "hello", 404)]
)
def test_strange_numbers_and_empty_texts_are_refused(
    client: TestClient, desk: Desk, number: str, body: str, status: int
) -> None:
    assert client.post(f"/demo/phones/{number}/texts", json={"body": body}).status_code == status
    assert desk.messages == []


def test_a_phone_that_is_off_cannot_send(client: TestClient, desk: Desk) -> None:
    assert client.post(f"/demo/phones/{PAT}/power", json={"on": False}).status_code == 204
    assert not phone(client, PAT)["on"]
    assert client.post(f"/demo/phones/{PAT}/texts", json={"body": "hello"}).status_code == 409
    assert desk.messages == []


def alert(number: str) -> str:
    """An alert about the patient with this number, which nobody has taken. Returns its code."""
    words = "my lip is white and it hurts"
    with db.transaction() as session:
        clinic = session.scalars(select(Clinic)).one()
        patient = session.scalars(select(Patient).where(Patient.phone == number)).one()
        thread = session.scalars(select(Conversation).where(Conversation.patient_id == patient.id)).one()
        message = Message(
            clinic_id=clinic.id,
            conversation_id=thread.id,
            patient_id=patient.id,
            direction=Direction.IN,
            kind=Kind.PATIENT,
            channel=Channel.SMS,
            body=words,
            status=Status.RECEIVED,
        )
        session.add(message)
        session.flush()
        return raise_alert(session, message, triage.assess(words)).code


def page(carrier: simulated.SimulatedCarrier, code: str) -> None:
    """The nurse's phone gets the page."""
    carrier.send(Outbound("m", CLINIC, NURSE, f"AFTERGLOW T1. Patient PS. Reply ACK {code} to take it."))


def test_a_page_waits_on_the_staff_phone_until_it_is_answered(
    client: TestClient, carrier: simulated.SimulatedCarrier
) -> None:
    code = alert(PAT)
    page(carrier, code)
    waiting = phone(client, NURSE)
    assert waiting["ack_code"] == code
    assert waiting["texts"][0]["page"] is True
    client.post(f"/demo/phones/{NURSE}/texts", json={"body": f"ack {code}"})
    assert phone(client, NURSE)["ack_code"] is None


@pytest.mark.parametrize("status", [AlertStatus.ACKNOWLEDGED, AlertStatus.CLOSED])
def test_a_page_no_longer_waits_once_somebody_took_the_alert_elsewhere(
    client: TestClient, carrier: simulated.SimulatedCarrier, status: AlertStatus
) -> None:
    code = alert(PAT)
    page(carrier, code)
    with db.transaction() as session:
        session.scalars(select(Alert)).one().status = status
    assert phone(client, NURSE)["ack_code"] is None


def test_answering_the_newest_page_brings_the_older_one_back(
    client: TestClient, carrier: simulated.SimulatedCarrier
) -> None:
    older, newer = alert(PAT), alert(ANA)
    page(carrier, older)
    page(carrier, newer)
    assert phone(client, NURSE)["ack_code"] == newer
    client.post(f"/demo/phones/{NURSE}/texts", json={"body": f"ACK {newer}"})
    assert phone(client, NURSE)["ack_code"] == older
    carrier.send(Outbound("m", CLINIC, NURSE, "Reply ACK and the code from the page, for example ACK 4711."))
    assert phone(client, NURSE)["ack_code"] == older


def test_the_clock_moves_forward_by_the_steps_on_the_page(client: TestClient) -> None:
    for step, seconds in (("15-minutes", 900), ("1-hour", 3600), ("1-day", 86400)):
        before = clock.offset()
        assert client.post("/demo/clock", json={"step": step}).status_code == 200
        assert (clock.offset() - before).total_seconds() == seconds
    assert client.post("/demo/clock", json={"step": "-1-day"}).status_code == 422


def test_to_the_next_check_in_stops_just_after_the_earliest_planned_one(client: TestClient) -> None:
    due = datetime.fromisoformat(client.get("/demo/state").json()["next_check_in"]["due_at"])
    with db.transaction() as session:
        planned = select(CheckIn).where(CheckIn.status == CheckInStatus.PLANNED)
        assert due == min(check_in.due_at for check_in in session.scalars(planned))
    client.post("/demo/clock", json={"step": "next-check-in"})
    assert timedelta() <= clock.now() - due < timedelta(seconds=30)


def test_without_a_planned_check_in_the_page_says_what_to_do(client: TestClient) -> None:
    with db.transaction() as session:
        for check_in in session.scalars(select(CheckIn)):
            check_in.status = CheckInStatus.CANCELLED
    answer = client.post("/demo/clock", json={"step": "next-check-in"})
    assert answer.status_code == 409
    assert "Enrol a patient" in answer.json()["detail"]


def test_the_sample_clinic_page_carries_the_widget_with_the_clinics_key(client: TestClient) -> None:
    page = client.get("/demo/clinic").text
    assert '<afterglow-chat clinic="blue-heron-demo">' in page
    assert 'src="/widget.js"' in page


def test_only_the_pages_own_files_are_served(client: TestClient) -> None:
    assert client.get("/demo/static/demo.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/demo/static/..%2Frouter.py").status_code == 404
