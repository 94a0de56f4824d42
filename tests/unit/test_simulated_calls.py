"""Calls to simulated phones: they ring until somebody answers, and end like real ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.channels.simulator import calls
from bot.channels.simulator.calls import NoSuchCall, SimulatedCaller
from bot.channels.simulator.carrier import SimulatedCarrier, use_carrier
from bot.channels.simulator.router import router
from bot.escalation.models import AlertStatus
from bot.messaging.models import Status
from bot.notify.base import Notice
from bot.notify.models import ContactKind
from tests.support.contacts import reach
from tests.support.desk import DOCTOR, NURSE, PAT, Desk

BLIND = "cant see out my left eye"


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[SimulatedCaller]:
    mine = SimulatedCaller(tmp_path / "carrier.db", ring_s=None)
    calls.use_caller(mine)
    yield mine
    calls.use_caller(None)
    mine.close()


@pytest.fixture
def desk(desk: Desk, caller: SimulatedCaller) -> Desk:
    """The demo clinic; the nurse's phone rings."""
    desk.notifiers[ContactKind.VOICE] = caller
    reach(NURSE, ("voice", NURSE, 0))
    desk.text(PAT, BLIND)
    desk.settle()
    return desk


@pytest.fixture
def demo(desk: Desk, tmp_path: Path) -> Iterator[TestClient]:
    carrier = SimulatedCarrier(tmp_path / "texts.db", auto_deliver=False)
    use_carrier(carrier)
    app = FastAPI()
    app.include_router(router)
    yield TestClient(app)
    use_carrier(None)
    carrier.close()


def handle(demo: TestClient, do: str, key: str = "") -> int:
    return demo.post(f"/demo/phones/{NURSE}/call", json={"do": do, "key": key}).status_code


def screen(demo: TestClient) -> dict:
    phones = demo.get("/demo/state").json()["phones"]
    return next(phone["call"] for phone in phones if phone["number"] == NURSE)


def test_a_phone_rings_is_answered_and_a_key_takes_the_alert(desk: Desk, demo: TestClient) -> None:
    assert screen(demo)["ringing"] is True
    assert handle(demo, "key", "4") == 409, "nobody has answered yet"
    assert handle(demo, "answer") == 204
    assert "Press 4" in screen(demo)["said"]
    assert handle(demo, "key", "7") == 204
    assert "does nothing here" in screen(demo)["said"]
    assert handle(demo, "key") == 422
    assert handle(demo, "key", "4") == 204
    assert "You have taken it" in screen(demo)["said"]
    assert screen(demo)["listening"] is False
    assert handle(demo, "hang-up") == 204
    assert screen(demo) is None
    assert desk.alerts()[0].acknowledged_by.phone == NURSE


def test_a_declined_call_and_a_voicemail_take_nothing_and_the_next_person_is_paged(
    desk: Desk, demo: TestClient
) -> None:
    assert handle(demo, "hang-up") == 204
    desk.advance(seconds=16)
    assert screen(demo)["ringing"] is True, "once more"
    assert handle(demo, "voicemail") == 204
    desk.settle()
    assert desk.alerts()[0].status is AlertStatus.OPEN
    assert len(desk.texts_to(DOCTOR)) == 1
    assert handle(demo, "answer") == 409


def test_hanging_up_without_a_key_leaves_the_alert_open(desk: Desk, caller: SimulatedCaller) -> None:
    caller.answer(NURSE)
    caller.hang_up(NURSE)
    (alert,) = desk.alerts()
    assert alert.status is AlertStatus.OPEN
    assert alert.notifications[0].state is Status.DELIVERED
    with pytest.raises(NoSuchCall):
        caller.press(NURSE, "4")


def test_what_rang_when_the_carrier_stopped_has_ended_when_it_is_back(
    desk: Desk, caller: SimulatedCaller, tmp_path: Path
) -> None:
    again = SimulatedCaller(tmp_path / "carrier.db", ring_s=None)
    again.end_left_over()
    end = time.monotonic() + 10
    while again.current(NURSE) is not None:
        assert time.monotonic() < end
        time.sleep(0.01)
    again.close()
    assert len(again.made_to(NURSE)) == 1


def test_nobody_answers_a_phone_that_is_off(tmp_path: Path, desk: Desk) -> None:
    quick = SimulatedCaller(tmp_path / "other.db", ring_s=0.02, is_on=lambda _number: False)
    quick.send(Notice("", NURSE, "+15550100100", "s", "A test.", "en"))
    end = time.monotonic() + 10
    while quick.current(NURSE) is not None:
        assert time.monotonic() < end
        time.sleep(0.01)
    quick.close()
