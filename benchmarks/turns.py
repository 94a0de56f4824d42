"""`make bench`: turn latency, throughput and memory of this pipeline beside a stock Rasa 3.6 server.

Both run as processes of their own on this machine, one after the other, in the same run. Stock is what
`rasa init` makes, with its default pipeline and policies, on its REST channel. Ours is the whole desk: a
signed Twilio webhook, record, triage, durable queue, dialogue, reply stored.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table
from twilio.request_validator import RequestValidator

from bot.clinic.demo import TEXT_NUMBER

SEQUENTIAL = 60
CONCURRENT_SENDERS = 10
TURNS_EACH = 12
TOKEN = "bench-token"
STOCK_TEXTS = ("hello", "i am very sad", "yes", "are you a bot?", "bye")
OUR_TEXTS = (
    "when can i go to the gym",
    "puedo tomar alcohol?",
    "how long does it last",
    "is it normal to feel lumps",
    "thanks",
)
out = Console()


@dataclass(frozen=True)
class Measured:
    """Milliseconds a turn takes one after the other, turns a second with ten senders, and memory in MB."""

    name: str
    p50_ms: float
    p95_ms: float
    per_s: float
    rss_mb: float
    start_s: float


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _quantiles(milliseconds: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(milliseconds)
    return statistics.median(ordered), ordered[int(len(ordered) * 0.95) - 1]


def _rss_mb(pid: int) -> float:
    """Resident memory of the process and its children, now."""
    total = 0.0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        if int(status.parent.name) == pid or int(fields["PPid"]) == pid:
            total += int(fields.get("VmRSS", "0 kB").split()[0]) / 1024
    return total


@contextmanager
def _process(
    command: list[str], cwd: Path, env: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **env}, stdout=sink, stderr=sink, start_new_session=True
        )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, limit: float) -> float:
    begun = time.monotonic()
    while time.monotonic() - begun < limit:
        if process.poll() is not None:
            raise SystemExit(f"the server ended by itself:\n{log.read_text()[-2000:]}")
        try:
            if ready():
                return time.monotonic() - begun
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"not ready after {limit:.0f} s:\n{log.read_text()[-2000:]}")


def _in_parallel(send: Callable[[str, str], object], texts: Sequence[str]) -> float:
    """Ten senders, each writing its texts one after the other. Returns wall seconds."""

    def one(sender: int) -> None:
        for turn in range(TURNS_EACH):
            send(f"+1555010{5000 + sender}", texts[turn % len(texts)])

    begun = time.perf_counter()
    with ThreadPoolExecutor(CONCURRENT_SENDERS) as pool:
        list(pool.map(one, range(CONCURRENT_SENDERS)))
    return time.perf_counter() - begun


def stock(folder: Path) -> Measured:
    """Train (once, kept in `folder`) and measure the bot of `rasa init`."""
    rasa = str(Path(sys.executable).with_name("rasa"))
    quiet = {"RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
    project = folder / "stock"
    if not list(project.glob("models/*.tar.gz")):
        out.print("Training the stock bot (rasa init, default pipeline; once, about 2 minutes) ...")
        project.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [rasa, "init", "--no-prompt", "--init-dir", str(project)],
            env={**os.environ, **quiet},
            check=True,
            capture_output=True,
        )
    out.print("Measuring the stock server ...")
    port, log = _free_port(), folder / "stock.log"
    url = f"http://127.0.0.1:{port}"
    (project / "credentials.yml").write_text("rest:\n")
    client = httpx.Client(timeout=60)

    def send(sender: str, text: str) -> float:
        begun = time.perf_counter()
        client.post(
            f"{url}/webhooks/rest/webhook", json={"sender": sender, "message": text}
        ).raise_for_status()
        return (time.perf_counter() - begun) * 1000

    with _process([rasa, "run", "--port", str(port), "-i", "127.0.0.1"], project, quiet, log) as process:
        started = _wait(lambda: client.get(url).status_code == 200, process, log, 240)
        send("warm", "hello")
        times = [send("one", STOCK_TEXTS[n % len(STOCK_TEXTS)]) for n in range(SEQUENTIAL)]
        wall = _in_parallel(send, STOCK_TEXTS)
        return Measured(
            "stock Rasa 3.6 (rasa init)",
            *_quantiles(times),
            CONCURRENT_SENDERS * TURNS_EACH / wall,
            _rss_mb(process.pid),
            started,
        )


class Ours:
    """The whole desk behind Twilio's webhook, and its record to read the times from."""

    def __init__(self, folder: Path) -> None:
        self.var = Path(tempfile.mkdtemp(prefix="ours-", dir=folder))
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._client = httpx.Client(timeout=60)
        self._count = 0

    def post(self, sender: str, text: str) -> str:
        """Deliver a text as Twilio would. Returns its id."""
        self._count += 1
        sid = f"SM{time.time_ns():032x}"
        form = {"MessageSid": sid, "From": sender, "To": TEXT_NUMBER, "Body": text, "NumMedia": "0"}
        signature = RequestValidator(TOKEN).compute_signature(f"{self.url}/twilio/sms", form)
        answer = self._client.post(
            f"{self.url}/twilio/sms", data=form, headers={"X-Twilio-Signature": signature}
        )
        answer.raise_for_status()
        return sid

    def turn_ms(self, sid: str, limit: float = 60.0) -> float:
        """From stored to answered, as the record says."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            with sqlite3.connect(self.var / "afterglow.db") as record:
                row = record.execute(
                    "SELECT i.created_at, min(r.created_at) FROM messages i JOIN messages r"
                    " ON r.in_reply_to_id = i.id WHERE i.provider_id = ? AND i.turn = 'answered'",
                    (sid,),
                ).fetchone()
            if row and row[1]:
                asked, answered = (datetime.fromisoformat(stamp) for stamp in row)
                return (answered - asked).total_seconds() * 1000
            time.sleep(0.005)
        raise SystemExit("a message was not answered")

    def measure(self, folder: Path) -> Measured:
        """Start, warm up, measure."""
        out.print("Measuring this desk ...")
        log = folder / "ours.log"
        env = {
            "AFTERGLOW_VAR_DIR": str(self.var),
            "AFTERGLOW_TWILIO_AUTH_TOKEN": TOKEN,
            "AFTERGLOW_CARRIER_RATE_PER_S": "200",
        }
        command = [
            str(Path(sys.executable).with_name("afterglow")),
            "serve",
            "--demo",
            "--port",
            str(self.port),
        ]
        with _process(command, Path.cwd(), env, log) as process:
            started = _wait(self._ready, process, log, 240)
            self.turn_ms(self.post("+15550104999", "hello"))
            times = []
            for number in range(SEQUENTIAL):
                times.append(self.turn_ms(self.post("+15550104998", OUR_TEXTS[number % len(OUR_TEXTS)])))

            def send(sender: str, text: str) -> None:
                self.turn_ms(self.post(sender, text))

            wall = _in_parallel(send, OUR_TEXTS)
            return Measured(
                "Afterglow (whole desk)",
                *_quantiles(times),
                CONCURRENT_SENDERS * TURNS_EACH / wall,
                _rss_mb(process.pid),
                started,
            )

    def _ready(self) -> bool:
        return self._client.get(f"{self.url}/readyz").status_code == 200


def main() -> None:
    """Measure both, print a table and keep the numbers in var/bench/turns.json."""
    folder = Path("var/bench").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    results = [stock(folder), Ours(folder).measure(folder)]
    table = Table("", "p50 ms", "p95 ms", f"turns/s, {CONCURRENT_SENDERS} senders", "memory MB", "start s")
    for each in results:
        table.add_row(
            each.name,
            f"{each.p50_ms:.0f}",
            f"{each.p95_ms:.0f}",
            f"{each.per_s:.1f}",
            f"{each.rss_mb:.0f}",
            f"{each.start_s:.1f}",
        )
    out.print(table)
    out.print(f"{SEQUENTIAL} turns one after the other; {os.cpu_count()} cores.")
    (folder / "turns.json").write_text(json.dumps([each.__dict__ for each in results], indent=1))


if __name__ == "__main__":
    main()
