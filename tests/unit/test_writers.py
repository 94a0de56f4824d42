from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import OperationalError

from bot import urgency
from bot.db import engine as engines
from bot.db import writers
from bot.db.engine import connect, make_engine, reading, transaction, writers_for
from bot.db.writers import Queue, taking_turns
from bot.durable.runtime import _for_sqlite
from bot.settings import Settings


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = make_engine(f"sqlite:///{tmp_path / 'some.db'}")
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE things (name TEXT PRIMARY KEY)"))
    yield made
    made.dispose()


def test_the_turn_goes_to_whoever_has_waited_longest() -> None:
    queue, order, waiting = Queue(), [], []
    assert queue.enter(1)
    for number in range(5):

        def run(mine: int = number) -> None:
            queue.enter(10)
            order.append(mine)
            queue.leave()

        waiting.append(threading.Thread(target=run))
        waiting[-1].start()
        while len(queue._waiting) <= number:
            time.sleep(0.01)
    queue.leave()
    for thread in waiting:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_what_is_urgent_goes_before_whoever_has_waited_longer() -> None:
    queue, order, waiting = Queue(), [], []
    assert queue.enter(1)
    for name in ("reply", "reply", "page", "page"):

        def run(mine: str = name) -> None:
            with urgency.urgently() if mine == "page" else nullcontext():
                queue.enter(10)
                order.append(mine)
                queue.leave()

        before = len(queue._waiting) + len(queue._urgent)
        waiting.append(threading.Thread(target=run))
        waiting[-1].start()
        while len(queue._waiting) + len(queue._urgent) == before:
            time.sleep(0.01)
    queue.leave()
    for thread in waiting:
        thread.join()
    assert order == ["page", "page", "reply", "reply"]


def test_who_gave_up_waiting_is_not_given_the_turn() -> None:
    queue = Queue()
    assert queue.enter(1)
    assert not queue.enter(0.01)
    queue.leave()
    assert queue.enter(0.01)


def test_a_second_transaction_inside_the_first_is_told_that_the_database_is_locked(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "PATIENCE_S", 0.05)
    with engine.begin(), pytest.raises(Exception, match="locked"), engine.begin():
        time.sleep(0.01)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO things VALUES ('after')"))


def test_whoever_waits_in_vain_gets_the_error_that_the_rest_of_the_desk_expects(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "PATIENCE_S", 0.05)
    with engine.begin(), pytest.raises(OperationalError, match="locked"), engine.begin():
        time.sleep(0.01)


@pytest.mark.parametrize("ends", ["rolled back", "failed", "closed"])
def test_however_a_transaction_ends_the_next_writer_has_its_turn(
    engine: Engine, ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "PATIENCE_S", 1)
    connection = engine.connect()
    connection.execute(text("INSERT INTO things VALUES ('one')"))
    if ends == "failed":
        with pytest.raises(Exception, match="UNIQUE"):
            connection.execute(text("INSERT INTO things VALUES ('one')"))
    if ends == "closed":
        connection.invalidate()
    connection.close()
    with engine.begin() as other:
        other.execute(text("INSERT INTO things VALUES ('one')"))


def test_readers_wait_for_nobody(engine: Engine) -> None:
    with engine.begin() as writer:
        writer.execute(text("INSERT INTO things VALUES ('one')"))
        with engine.execution_options(readonly=True).connect() as reader:
            assert reader.scalar(text("SELECT count(*) FROM things")) == 0


def test_whoever_writes_can_read_beside_it_however_many_wait_to_write(engine: Engine) -> None:
    def write(number: int) -> None:
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO things VALUES (:name)"), {"name": str(number)})

    waiting = [threading.Thread(target=write, args=(number,)) for number in range(60)]
    with engine.begin():
        for thread in waiting:
            thread.start()
        while engine.pool.checkedout() <= len(waiting):  # type: ignore[attr-defined]
            time.sleep(0.01)
        with engine.execution_options(readonly=True).connect() as reader:
            assert reader.scalar(text("SELECT count(*) FROM things")) == 0
    for thread in waiting:
        thread.join()
    with engine.execution_options(readonly=True).connect() as reader:
        assert reader.scalar(text("SELECT count(*) FROM things")) == 60


def test_transactions_that_python_begins_by_itself_take_turns_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "PATIENCE_S", 0.05)
    connect = taking_turns()
    first, second = (
        sqlite3.connect(tmp_path / "own.db", factory=connect, isolation_level="IMMEDIATE", timeout=0)
        for _ in range(2)
    )
    first.execute("CREATE TABLE things (name TEXT)")
    first.execute("INSERT INTO things VALUES ('one')")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        second.execute("INSERT INTO things VALUES ('two')")
    first.commit()
    second.execute("INSERT INTO things VALUES ('two')")
    second.commit()
    assert first.execute("SELECT count(*) FROM things").fetchone() == (2,)
    first.close()
    second.close()


def test_who_looks_into_the_queues_file_holds_up_no_writer(tmp_path: Path) -> None:
    path = tmp_path / "workflows.db"
    opened = _for_sqlite(f"sqlite:///{path}")["connect_args"]["factory"]
    writer = sqlite3.connect(path, factory=opened, timeout=0)
    writer.execute("CREATE TABLE things (name TEXT)")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM things").fetchone() == (0,)

    writer.execute("INSERT INTO things VALUES ('one')")
    writer.commit()

    reader.close()
    writer.close()


def test_queues_in_postgresql_are_opened_as_ever() -> None:
    assert _for_sqlite("postgresql+psycopg://localhost/afterglow") == {}


@pytest.fixture
def postgres(postgres_url: str, settings: Settings) -> Iterator[None]:
    """This process's engine on PostgreSQL, with the settings' defaults."""
    url = make_url(postgres_url).set(drivername="postgresql+psycopg")
    with connect(url.render_as_string(hide_password=False)).begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS things"))
        connection.execute(text("CREATE TABLE things (number SERIAL, name TEXT)"))
    yield
    connect(settings.database)


@pytest.mark.usefixtures("postgres")
def test_on_postgresql_a_page_is_written_before_the_replies_that_waited_longer() -> None:
    def write(name: str) -> None:
        with urgency.urgently() if name == "page" else nullcontext(), transaction() as session:
            session.execute(text("INSERT INTO things (name) VALUES (:name)"), {"name": name})

    queue = engines._writers
    assert queue is not None
    waiting = [threading.Thread(target=write, args=(name,)) for name in ("reply", "reply", "page")]
    with transaction():
        for number, thread in enumerate(waiting):
            thread.start()
            while len(queue._waiting) + len(queue._urgent) <= number:
                time.sleep(0.01)
        with reading() as session:  # waits for nobody
            assert session.scalar(text("SELECT count(*) FROM things")) == 0
    for thread in waiting:
        thread.join()
    with reading() as session:
        names = session.scalars(text("SELECT name FROM things ORDER BY number")).all()
    assert names == ["page", "reply", "reply"]


@pytest.mark.usefixtures("postgres")
def test_on_postgresql_too_whoever_waits_in_vain_gets_that_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "PATIENCE_S", 0.05)
    failed: list[BaseException | None] = []

    def write() -> None:
        with pytest.raises(OperationalError, match="busy") as caught, transaction():
            pass
        failed.append(caught.value)

    other = threading.Thread(target=write)
    with transaction():
        other.start()
        other.join()
        with transaction() as inner:  # whoever has a place does not wait for itself
            inner.execute(text("INSERT INTO things (name) VALUES ('inner')"))
    assert len(failed) == 1
    with pytest.raises(ValueError, match="thrown"), transaction():
        raise ValueError("thrown")
    with transaction() as session:
        session.execute(text("INSERT INTO things (name) VALUES ('after')"))


@pytest.mark.parametrize(
    ("url", "places"),
    [
        ("postgresql+psycopg://localhost/desk", 1),
        ("postgresql+psycopg:///desk?host=/run/postgresql", 1),
        ("postgresql+psycopg:///desk", 1),
        ("postgresql+psycopg://db.clinic.example/desk", 4),
        ("postgresql+psycopg:///desk?host=db.clinic.example", 4),
    ],
)
def test_a_server_across_a_network_is_written_to_by_several_at_once(url: str, places: int) -> None:
    assert writers_for(make_url(url)) == places
