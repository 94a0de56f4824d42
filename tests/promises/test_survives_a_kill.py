from __future__ import annotations

import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx
import pytest

from bot.settings import Settings
from tests.support import server as server_process
from tests.support.desk import NURSE, PAT

WHITE_LIP = "my lip has gone white"


def wait_for(what: Callable[[], bool], seconds: float = 40.0) -> None:
    """Wait until `what` holds; it usually takes a moment."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)


class Server:
    """A server process on a folder that survives it."""

    def __init__(self, var_dir: Path) -> None:
        self.var_dir = var_dir
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._process: BaseProcess | None = None

    def start(self, halt: str, name: str = "afterglow-1") -> None:
        settings = Settings(
            var_dir=self.var_dir,
            database_url=None,
            demo=True,
            port=self.port,
            process_name=name,
            log_level="ERROR",
            _env_file=None,
        )
        self._process = server_process.start(settings, halt)
        wait_for(self._up)

    def _up(self) -> bool:
        assert self._process is not None
        assert self._process.is_alive(), "the server ended by itself"
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def text(self, number: str, body: str, *, photo: bool = False) -> None:
        url = f"http://127.0.0.1:{self.port}/demo/phones/{number}/texts"
        answer = httpx.post(url, json={"body": body, "photo": photo})
        assert answer.status_code < 300, answer.text

    def halted(self) -> bool:
        return (self.var_dir / "halted").exists()

    def record(self, query: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.var_dir / "afterglow.db") as connection:
            return connection.execute(query).fetchall()

    def received(self, number: str, containing: str) -> int:
        """How many texts with these words the carrier handed to this phone."""
        with sqlite3.connect(self.var_dir / "carrier.db") as connection:
            rows = connection.execute(CARRIED, {"number": number, "words": f"%{containing}%"}).fetchone()
        return int(rows[0])

    def calls(self, number: str) -> int:
        """How often this phone rang."""
        with sqlite3.connect(self.var_dir / "carrier.db") as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'calls'").fetchone():
                return 0
            return int(connection.execute(CALLED, {"number": number}).fetchone()[0])


CALLED = "SELECT count(*) FROM calls WHERE recipient = :number"
CARRIED = "SELECT count(*) FROM texts WHERE recipient = :number AND body LIKE :words"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    mine = Server(tmp_path / "var")
    yield mine
    mine.kill()


@pytest.mark.parametrize("moment", ["before-page", "after-page"])
def test_killed_between_storing_a_red_flag_and_paging_there_is_one_alert_and_one_page(
    server: Server, moment: str
) -> None:
    server.start(moment)
    server.text(PAT, WHITE_LIP)
    wait_for(server.halted)
    server.kill()
    assert server.record("SELECT count(*) FROM alerts") == [(1,)]
    assert server.received(NURSE, "AFTERGLOW") == (1 if moment == "after-page" else 0)

    server.start("never")
    sent = "SELECT count(*) FROM messages WHERE kind = 'page' AND status IN ('sent', 'delivered')"
    wait_for(lambda: server.record(sent) == [(1,)])
    time.sleep(1.5)  # long enough for a second page to show itself

    assert server.record("SELECT count(*) FROM alerts") == [(1,)]
    assert server.record("SELECT count(*) FROM notifications") == [(1,)]
    assert server.received(NURSE, "AFTERGLOW") == 1
    assert server.received(PAT, "clinician") == 1


@pytest.mark.parametrize("moment", ["before-call", "after-call"])
def test_killed_while_calling_about_an_emergency_there_is_one_call_and_one_text(
    server: Server, moment: str
) -> None:
    server.start(moment)
    server.text(PAT, "cant see out my left eye")
    wait_for(server.halted)
    server.kill()
    assert server.calls(NURSE) == (1 if moment == "after-call" else 0)

    server.start("never")
    made = "SELECT count(*) FROM notifications WHERE kind = 'voice' AND status IN ('sent', 'queued')"
    wait_for(lambda: server.record(made) == [(1,)])
    time.sleep(1.5)  # long enough for a second call to show itself

    assert server.calls(NURSE) == 1
    assert server.received(NURSE, "AFTERGLOW") == 1


@pytest.mark.parametrize("moment", ["in-turn", "before-reply", "after-reply"])
def test_killed_in_the_middle_of_an_answer_the_patient_is_answered_once(server: Server, moment: str) -> None:
    server.start(moment)
    server.text(PAT, "first question")
    wait_for(server.halted)
    server.kill()

    server.start("never")
    server.text(PAT, "second question")
    wait_for(lambda: server.received(PAT, "You said: second question") == 1)
    time.sleep(1.0)

    assert server.received(PAT, "You said: first question") == 1
    assert server.record("SELECT count(*) FROM messages WHERE turn = 'pending'") == [(0,)]


def test_killed_while_a_photo_is_fetched_it_is_kept_after_the_next_start(server: Server) -> None:
    server.start("before-photo")
    server.text(PAT, "look", photo=True)
    wait_for(server.halted)
    server.kill()
    assert server.record("SELECT status FROM photo_arrivals") == [("waiting",)]

    server.start("never")
    wait_for(lambda: server.record("SELECT status FROM photo_arrivals") == [("kept",)])
    assert server.record("SELECT count(*) FROM photos") == [(1,)]
    assert len(list((server.var_dir / "photos").rglob("*.jpg"))) == 2, "the picture and its thumbnail"


def test_a_process_of_another_name_takes_up_the_work_of_one_that_never_comes_back(server: Server) -> None:
    server.start("before-page")
    server.text(PAT, WHITE_LIP)
    wait_for(server.halted)
    server.kill()

    server.start("never", name="afterglow-2")

    wait_for(lambda: server.received(NURSE, "AFTERGLOW") == 1, seconds=20)
    wait_for(lambda: server.received(PAT, "clinician") == 1, seconds=20)
