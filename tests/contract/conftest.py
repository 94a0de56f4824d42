"""What the console's tests start from."""

from __future__ import annotations

import pytest

from bot.settings import Settings
from tests.contract import console_clinic
from tests.contract.console_clinic import World
from tests.support.records import SqliteRecords


@pytest.fixture
def world(settings: Settings, sqlite_records: SqliteRecords) -> World:
    """The busy clinic, and the other one."""
    return sqlite_records.fresh(console_clinic.build)
