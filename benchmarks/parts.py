"""What the escalation benchmarks share: a record full of patients, and the parts of a serving process with a
carrier that notes when it was handed what."""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from bot import clock, triage
from bot import settings as app_settings
from bot.app import auditor_gear
from bot.auditor.loop import Auditor
from bot.channels.base import CarrierError, Inbound, Outbound, Sent
from bot.channels.simulator.callbacks import Later
from bot.clinic import demo
from bot.clinic.models import Clinic, Patient, Treatment
from bot.db.engine import engine, reading
from bot.dialogue.turns import Dialogue
from bot.durable.runtime import Runtime
from bot.ids import new_id
from bot.messaging import delivery, inbox
from bot.messaging.models import Channel, Status
from bot.notify.base import Notice
from bot.notify.models import ContactKind
from bot.settings import Settings
from bot.simulation.population import OneTextReader
from bot.start import open_record, take_content, take_rules

NURSE, DOCTOR = "+15550100121", "+15550100122"
#: Seconds until the carrier reports a text delivered.
REPORT_S = 0.6


def _report(error: Exception) -> None:
    sys.stderr.write(f"a delivery report failed: {error!r}\n")


_numbers = itertools.count(1)


@dataclass
class TimingCarrier:
    """Takes every text, notes when, and reports it delivered a moment later, as a carrier's webhook does."""

    name: str = "timing"
    taken: dict[str, datetime] = field(default_factory=dict)  #: by our message id
    later: Later = field(default_factory=lambda: Later("reports", _report))

    def send(self, message: Outbound) -> Sent:
        """Take it."""
        self.taken.setdefault(message.message_id, clock.now())
        sid = f"SM{message.message_id}"
        self.later.call(REPORT_S, lambda: self._arrived(sid))
        return Sent(sid, Status.SENT)

    @staticmethod
    def _arrived(sid: str) -> None:
        delivery.update_status(sid, Status.DELIVERED, error_code="")

    def find(self, message: Outbound, since: datetime) -> Sent | None:  # noqa: ARG002
        """What became of it; nothing here ever loses an answer."""
        known = message.message_id in self.taken
        return Sent(f"SM{message.message_id}", Status.SENT) if known else None

    def fetch_media(self, url: str) -> bytes:
        """There are no files. Raises CarrierError."""
        raise CarrierError(f"no file at {url}", permanent=True)


@dataclass
class TimingCaller:
    """Takes every call and notes when, by notification id."""

    can_look: bool = False
    taken: dict[str, datetime] = field(default_factory=dict)

    def send(self, notice: Notice) -> Sent:
        """Let it ring."""
        self.taken.setdefault(notice.id, clock.now())
        return Sent(f"CA{notice.id}", Status.SENT)

    def find(self, notice: Notice, since: datetime) -> list[Sent]:  # noqa: ARG002
        """Never asked."""
        return []


@dataclass
class Serving:
    """A process at work."""

    carrier: TimingCarrier
    caller: TimingCaller
    runtime: Runtime


@contextmanager
def serving(url: str | None, load: Callable[[], Dialogue] | None, **settings: Any) -> Iterator[Serving]:
    """The durable work and the auditor of a serving process, on a record of its own."""
    with tempfile.TemporaryDirectory(prefix="afterglow-bench-") as folder:
        chosen = Settings(
            var_dir=Path(folder),
            database_url=url,
            demo=True,
            carrier="simulator",
            log_level="ERROR",
            **settings,
        )
        app_settings.use_settings(chosen)
        clock.keep_in(None)
        open_record(chosen)
        take_rules(chosen)
        take_content(chosen)
        demo.seed(patients=False)
        triage.assess("warm up")
        carrier, caller = TimingCarrier(), TimingCaller()
        runtime = Runtime(chosen, carrier, load or OneTextReader, {ContactKind.VOICE: caller})
        auditor = Auditor(chosen.auditor_interval_s, auditor_gear)
        runtime.start()
        auditor.start()
        try:
            while not runtime.dialogue_loaded and runtime.dialogue_error is None:
                threading.Event().wait(0.2)
            yield Serving(carrier, caller, runtime)
        finally:
            carrier.later.close()
            auditor.stop()
            runtime.stop()
            engine().dispose()


def patients(count: int) -> list[str]:
    """Add patients who were treated within the last days. Returns their numbers."""
    with reading() as session:
        clinic_id = session.scalars(select(Clinic.id)).one()
    rows: dict[Any, list[dict[str, Any]]] = {Patient: [], Treatment: []}
    for number in itertools.islice(_numbers, count):
        treated = clock.now() - timedelta(days=number % 10, hours=3)
        common = {"clinic_id": clinic_id, "created_at": clock.now()}
        who = {"id": new_id(), "first_name": "Sample", "last_name": str(number), "language": "en"}
        rows[Patient].append(common | who | {"phone": f"+1555{number:07d}", "time_zone": "America/New_York"})
        rows[Treatment].append(
            common
            | {"id": new_id(), "patient_id": who["id"], "product": "harmonyca", "lot": "BENCH"}
            | {"expiry": datetime(2099, 1, 1, tzinfo=UTC).date(), "areas": ["chin"], "treated_at": treated}
            | {"technique_note": "", "goals_endpoints": "", "goals_longer": "", "touch_up": False}
        )
    with engine().begin() as connection:
        for model, many in rows.items():
            connection.execute(insert(model), many)
    return [row["phone"] for row in rows[Patient]]


def text(number: str, body: str, provider_id: str) -> None:
    """A phone's text arrives, as a channel hands it in. Raises RuntimeError when it had to be spooled."""
    receipt = inbox.receive(Inbound(Channel.SMS, provider_id, demo.TEXT_NUMBER, number, body))
    if not receipt.message_id:
        raise RuntimeError(f"{provider_id} was spooled: the record fails")


def load_of_machine() -> str:
    """What else the machine is doing, to be read beside every number."""
    return f"load average {os.getloadavg()[0]:.1f} on {len(os.sched_getaffinity(0))} CPUs"
