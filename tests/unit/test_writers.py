from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from bot.db import writers
from bot.db.engine import make_engine
from bot.db.writers import Queue, taking_turns


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
            pass
    queue.leave()
    for thread in waiting:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


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
        pass
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO things VALUES ('after')"))


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


def test_transactions_that_python_begins_by_itself_take_turns_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "PATIENCE_S", 0.05)
    connect = taking_turns()
    first, second = (
        sqlite3.connect(tmp_path / "own.db", factory=connect, isolation_level="IMMEDIATE", timeout=0)  # type: ignore[arg-type]
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
