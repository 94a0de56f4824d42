"""A server is killed at random moments while alerts run; afterwards a ledger says whether anything was lost.

    python -m benchmarks.kills [--kills 200] [--seed 1]

A process of its own serves with short times, the simulated carrier keeps its own store. Patients text red
flags, staff take alerts, heed or ignore reminders and close. SIGKILL strikes while it starts, soon after
something came in, or at any other moment. Exits with 1 when the ledger finds a breach.
"""

from __future__ import annotations

import argparse
import random
import socket
import sqlite3
import tempfile
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from benchmarks import victim
from benchmarks.ledger import Lives, audit
from bot import settings as app_settings
from bot.settings import Settings

out = Console(highlight=False, soft_wrap=True)
STAFF = ("+15550100121", "+15550100122")
RED = ("I cant see out of my left eye", "my lip has gone white")
#: More alerts than this are not open at once.
OPEN_AT_ONCE = 10
ALERTS = (
    "SELECT a.id, a.code, a.status, a.steps_taken, a.acknowledged_by_id, c.address, "
    "(SELECT count(*) FROM alert_events e WHERE e.alert_id = a.id AND e.kind = 'reminded'), "
    "(SELECT count(*) FROM alert_events e WHERE e.alert_id = a.id AND e.kind = 'reopened') "
    "FROM alerts a JOIN conversations c ON c.id = a.conversation_id "
    "WHERE a.status <> 'closed'"
)
WAITING = (
    "SELECT (SELECT count(*) FROM messages WHERE status IN ('queued', 'sending')) + "
    "(SELECT count(*) FROM notifications WHERE status IN ('queued', 'sending'))"
)
CARRIED = "SELECT count(*) FROM texts WHERE inbound = 1 AND sender = ? AND body = ? AND seq > ?"


class Bench:
    """The server's lives, and the people outside, who do not die with it."""

    def __init__(self, folder: Path, seed: int, settings: Settings) -> None:
        self.folder, self.settings, self.chance = folder, settings, random.Random(seed)
        self.lives = Lives()
        self.patients = 0
        self._fate: dict[str, tuple[int, str]] = {}
        self._process: BaseProcess | None = None
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{settings.port}", timeout=30)

    # --- the server ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin a life."""
        self._process = victim.start(self.settings)

    def alive(self) -> bool:
        """Whether nobody has killed it yet."""
        return self._process is not None and self._process.is_alive()

    def ready(self) -> bool:
        """Wait until it serves. False: it was killed before."""
        while self.alive():
            try:
                if self._http.get("/healthz").status_code == 200:
                    self.lives.up.append(datetime.now(UTC))
                    return True
            except httpx.TransportError:
                time.sleep(0.05)
        return False

    def kill(self) -> None:
        """SIGKILL, and remember when."""
        assert self._process is not None
        self._process.kill()
        self._process.join()
        self.lives.killed.append(datetime.now(UTC))

    # --- the people ----------------------------------------------------------------------------------

    def _rows(self, file: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
        path = self.folder / file
        if not path.exists():
            return []
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30) as connection:
            try:
                return connection.execute(query, values).fetchall()
            except sqlite3.OperationalError:
                return []  # not made yet

    def _say(self, sender: str, body: str) -> bool:
        """A phone sends a text. True when the carrier has it, whatever became of the server meanwhile."""
        ((before,),) = self._rows("carrier.db", "SELECT coalesce(max(seq), 0) FROM texts") or [(0,)]
        with suppress(httpx.TransportError):
            self._http.post("/bench/text", params={"sender": sender, "body": body})
        return bool((self._rows("carrier.db", CARRIED, sender, body, before) or [(0,)])[0][0])

    def act(self, *, closing: bool = False) -> None:
        """Somebody does something. `closing`: no new patients; whoever waits is looked after."""
        alerts = self._rows("afterglow.db", ALERTS)
        if not closing and len(alerts) < OPEN_AT_ONCE and self.chance.random() < 0.5:
            number = f"+1555{self.patients + 1:07d}"
            if self._say(number, RED[self.patients % 3 == 2]):
                self.patients += 1
            return
        self.chance.shuffle(alerts)
        for alert, code, status, taken, holder, address, reminded, reopened in alerts:
            steps, manner = self._fate.setdefault(
                address, (self.chance.randint(1, 5), self.chance.choice(("heeds", "ignores", "at once")))
            )
            if status == "open" and (closing or taken >= steps):
                self._say(self.chance.choice(STAFF), f"ACK {code}")
                return
            enough = {"at once": True, "heeds": reminded >= 1, "ignores": reopened >= 1}[manner]
            if status == "acknowledged" and (closing or enough):
                with suppress(httpx.TransportError):
                    self._http.post("/bench/close", params={"alert": alert, "staff": holder})
                return

    def live(self) -> None:
        """One life, which ends at a random moment."""
        self.start()
        kind = self.chance.choice(("start", "event", "event", "any", "any"))
        if kind == "start":
            threading.Timer(self.chance.uniform(0.3, 4.0), self.kill).start()
        if self.ready() and kind != "start":
            threading.Timer(self.chance.uniform(0.5, 8.0), self.kill).start()
        while self.alive():
            self.act()
            time.sleep(self.chance.uniform(0.0, 0.1 if kind == "event" else 0.6))
        assert self._process is not None
        self._process.join()

    def end(self, seconds: float = 300) -> None:
        """A life without a kill, in which all that is left gets done."""
        self.start()
        assert self.ready(), "the server ended by itself"
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            self.act(closing=True)
            done = not self._rows("afterglow.db", ALERTS) and self._rows("afterglow.db", WAITING) == [(0,)]
            if done:
                break
            time.sleep(0.2)
        assert self._process is not None
        self._process.kill()
        self._process.join()


def main() -> None:
    """Kill, and print the ledger."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="afterglow-kills-", ignore_cleanup_errors=True) as name:
        settings = Settings(
            var_dir=Path(name),
            database_url=None,
            demo=True,
            carrier="simulator",
            port=port,
            log_level="ERROR",
            ack_minutes_t0=0.1,
            ack_minutes_t1=0.15,
            remind_minutes_t0=0.12,
            remind_minutes_t1=0.12,
            _env_file=None,
        )
        app_settings.use_settings(settings)
        bench = Bench(Path(name), asked.seed, settings)
        for number in range(asked.kills):
            bench.live()
            if (number + 1) % 10 == 0:
                out.print(f"{number + 1} kills, {bench.patients} patients")
        bench.end()
        raise SystemExit(0 if audit(settings, bench.lives, bench.patients, out) else 1)


if __name__ == "__main__":
    main()
