"""What the console's tests start from."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from bot.clinic.models import Role, Staff
from bot.console import sessions
from bot.db.engine import transaction
from bot.settings import Settings
from tests.contract import console_clinic
from tests.contract.console_browser import client_for
from tests.contract.console_clinic import World
from tests.contract.console_people import another_browser
from tests.support.records import SqliteRecords


@pytest.fixture
def world(settings: Settings, sqlite_records: SqliteRecords) -> World:
    """The busy clinic, and the other one."""
    return sqlite_records.fresh(console_clinic.build)


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


@pytest.fixture
def nurse(world: World) -> TestClient:
    """The nurse's browser."""
    return client_for("nurse")


@pytest.fixture
def doctor(world: World) -> TestClient:
    """The medical director's browser."""
    return client_for("doctor")


@pytest.fixture
def admin(world: World) -> TestClient:
    """The browser of an admin of the clinic."""
    with transaction() as session:
        session.get_one(Staff, world.staff["doctor"]).role = Role.ADMIN
    return client_for("doctor")
