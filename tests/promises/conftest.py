"""The console's busy clinic, for promises that are kept towards staff."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from bot.settings import Settings
from tests.contract import console_clinic
from tests.contract.console_browser import client_for
from tests.contract.console_clinic import World
from tests.support.records import SqliteRecords


@pytest.fixture
def world(settings: Settings, sqlite_records: SqliteRecords) -> World:
    """A busy clinic, as `console_clinic` builds it."""
    return sqlite_records.fresh(console_clinic.build)


@pytest.fixture
def nurse(world: World) -> TestClient:
    """The nurse's browser."""
    return client_for("nurse")
