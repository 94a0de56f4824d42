from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from bot.db.engine import connect, engine
from bot.db.migrate import is_current
from bot.durable.presence import AlreadyRunning, announce
from bot.settings import ROOT, Settings

#: Another process. It says that it is ready, or why not, and goes on when it is told to.
HOLD = """
import sys
from pathlib import Path
from bot.db.engine import make_engine
from bot.durable.presence import AlreadyRunning, announce
from bot.settings import Settings

url, folder, name = sys.argv[1:]
settings = Settings(database_url=url or None, var_dir=Path(folder), process_name=name, _env_file=None)
try:
    presence = announce(settings, make_engine(settings.database))
except AlreadyRunning as refused:
    print(refused, flush=True)
else:
    print("ready", flush=True)
    sys.stdin.readline()
    presence.leave()
    print("left", flush=True)
    sys.stdin.readline()
"""
MIGRATE = """
import sys
import bot.db.models
from bot.db.engine import make_engine
from bot.db.migrate import upgrade

engine = make_engine(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
upgrade(engine)
print("migrated", flush=True)
"""

Launch = Callable[..., "Process"]


class Process:
    """A Python process of its own that we talk with by lines."""

    def __init__(self, code: str, *arguments: str) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def hear(self) -> str:
        assert self._popen.stdout is not None
        return self._popen.stdout.readline().strip()

    def go_on(self) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.write("\n")
        self._popen.stdin.flush()

    def kill(self) -> None:
        self._popen.kill()
        self._popen.communicate()


@pytest.fixture
def launch() -> Iterator[Launch]:
    started: list[Process] = []

    def start(code: str, *arguments: str) -> Process:
        started.append(Process(code, *arguments))
        return started[-1]

    yield start
    for process in started:
        process.kill()


def holding(launch: Launch, settings: Settings, name: str) -> Process:
    """A process that took the lock of this name, or was refused it."""
    return launch(HOLD, settings.database_url or "", str(settings.var_dir), name)


def test_a_second_process_on_the_same_folder_is_refused_and_told_what_to_do(
    record: None, settings: Settings, launch: Launch
) -> None:
    mine = announce(settings, engine())
    refusal = holding(launch, settings, "afterglow-2").hear()
    for words in (str(settings.var_dir), "already", "AFTERGLOW_VAR_DIR", "DATABASE_URL"):
        assert words in refusal
    mine.leave()
    assert holding(launch, settings, "afterglow-2").hear() == "ready"


def test_a_folder_is_free_again_when_its_process_was_killed(
    record: None, settings: Settings, launch: Launch
) -> None:
    other = holding(launch, settings, "afterglow-1")
    assert other.hear() == "ready"
    with pytest.raises(AlreadyRunning):
        announce(settings, engine())
    other.kill()
    mine = announce(settings, engine())
    assert mine.is_dead("afterglow-2")
    mine.leave()


@pytest.fixture
def on_postgres(settings: Settings, postgres_url: str) -> Iterator[Settings]:
    """Settings for an empty PostgreSQL database, and this process's engine on it."""
    mine = settings.model_copy(update={"database_url": postgres_url})
    opened = connect(mine.database)
    with opened.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    yield mine
    opened.dispose()


def test_on_postgres_a_name_is_taken_once_and_another_name_is_welcome(
    on_postgres: Settings, launch: Launch
) -> None:
    mine = announce(on_postgres, engine())
    refusal = holding(launch, on_postgres, on_postgres.process_name).hear()
    assert on_postgres.process_name in refusal
    assert "AFTERGLOW_PROCESS_NAME" in refusal

    assert holding(launch, on_postgres, "afterglow-2").hear() == "ready"
    mine.leave()


def test_on_postgres_the_living_the_dead_and_the_gone_are_told_apart(
    on_postgres: Settings, launch: Launch
) -> None:
    mine = announce(on_postgres, engine())
    killed, leaving = (holding(launch, on_postgres, name) for name in ("afterglow-2", "afterglow-3"))
    assert (killed.hear(), leaving.hear()) == ("ready", "ready")
    assert not mine.is_dead("afterglow-2")
    assert not mine.is_dead("afterglow-3")
    assert mine.is_dead("afterglow-4"), "there never was one"

    leaving.go_on()
    assert leaving.hear() == "left"
    until(lambda: mine.is_dead("afterglow-3"))
    killed.kill()
    until(lambda: mine.is_dead("afterglow-2"))

    # having looked takes nothing: the name is there for a new process
    assert holding(launch, on_postgres, "afterglow-2").hear() == "ready"
    assert not mine.is_dead("afterglow-2")
    mine.leave()


def until(what: Callable[[], bool]) -> None:
    """PostgreSQL takes a moment to see that a process is gone."""
    end = time.monotonic() + 10
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_two_processes_that_start_on_an_empty_postgres_at_once_both_find_it_migrated(
    on_postgres: Settings, launch: Launch
) -> None:
    both = [launch(MIGRATE, on_postgres.database) for _ in range(2)]
    assert [process.hear() for process in both] == ["ready", "ready"]
    for process in both:
        process.go_on()
    assert [process.hear() for process in both] == ["migrated", "migrated"]
    opened: Engine = engine()
    assert is_current(opened)
