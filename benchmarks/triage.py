"""`make bench`: how fast triage is with both readers, and how much memory it takes, in its own process."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

MESSAGES = Path(__file__).parents[1] / "data" / "triage"
SINGLES = 1000
BATCH = 10_000


def measure() -> dict[str, Any]:
    """Measure in this process: one message at a time on one core, then a batch on all cores."""
    rows = [
        json.loads(line)
        for path in (MESSAGES / "given.jsonl", *sorted((MESSAGES / "authored").glob("*.jsonl")))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    before = _rss_mb()  # with the messages that it is measured on, which are not triage's
    from bot.triage.engine import assess, assess_many
    from bot.triage.reader import unavailable
    from bot.triage.types import Context

    assess("warm up")
    began = time.perf_counter()
    assess("my lip is fine and the car park was full again. " * 208, Context(day=0))
    longest = (time.perf_counter() - began) * 1000
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    assess("warm up")
    singles = []
    step = max(1, len(rows) // SINGLES)
    for row in rows[::step][:SINGLES]:
        began = time.perf_counter()
        assess(row["text"], Context(day=row["day"]))
        singles.append((time.perf_counter() - began) * 1000)
    os.sched_setaffinity(0, cores)
    many = (rows * (BATCH // len(rows) + 1))[:BATCH]
    began = time.perf_counter()
    assess_many([row["text"] for row in many], [Context(day=row["day"]) for row in many])
    took = time.perf_counter() - began
    return {
        "reader": unavailable() or "served",
        "single_p50_ms": round(statistics.median(singles), 2),
        "single_p95_ms": round(statistics.quantiles(singles, n=20)[-1], 2),
        "10000_characters_ms": round(longest),
        "batch_10000_s": round(took, 1),
        "memory_mb": round(_rss_mb() - before),
    }


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Run the measurement in a fresh process and print it beside its limits."""
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.triage", "--here"], check=True, capture_output=True, text=True
    )
    found = json.loads(ran.stdout)
    limits = {"single_p50_ms": 8, "batch_10000_s": 40, "memory_mb": 300}
    out = Console()
    out.print("[bold]Triage, rules and trained reader[/bold]")
    for name, value in found.items():
        limit = f"  (limit {limits[name]})" if name in limits else ""
        out.print(f"  {name:16} {value}{limit}", highlight=False)


if __name__ == "__main__":
    if "--here" in sys.argv:
        sys.stdout.write(json.dumps(measure()))
    else:
        main()
