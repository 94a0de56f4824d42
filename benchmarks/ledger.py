"""The kill test's ledger: what the record and the carrier's own store say, against what policy promises."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from bot.clinic.models import Staff
from bot.db.engine import connect, reading
from bot.escalation.models import FALLBACK, Alert, AlertStatus, EventKind, Notification
from bot.messaging.models import Channel, Direction, Kind, Message, Status
from bot.notify.models import ContactKind
from bot.settings import Settings
from bot.triage.types import Tier

#: Seconds of serving (kills and starts left out) within which what is due must be done.
LATE_S = 10.0
#: Rows of one step are written one after the other.
TOGETHER = timedelta(seconds=1)


@dataclass
class Lives:
    """When the server began to serve, and when it was killed; a life may end before it serves."""

    up: list[datetime] = field(default_factory=list)
    killed: list[datetime] = field(default_factory=list)

    def served(self, begin: datetime, end: datetime) -> float:
        """Seconds of serving between two moments."""
        total = 0.0
        for up in self.up:
            place = bisect_left(self.killed, up)
            down = self.killed[place] if place < len(self.killed) else end
            total += max(0.0, (min(down, end) - max(up, begin)).total_seconds())
        return total


@dataclass
class Books:
    """What was counted and what was wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)
    extra_at: list[datetime] = field(default_factory=list)
    late: list[float] = field(default_factory=list)


def audit(settings: Settings, lives: Lives, patients: int, out: Console) -> bool:
    """Print the ledger. True when it finds no breach. The server must have ended."""
    connect(settings.database)
    books = Books()
    with reading() as session:
        alerts = session.scalars(select(Alert).order_by(Alert.id)).all()
        books.counts["alerts"] = len(alerts)
        writers = Counter(alert.conversation.address for alert in alerts)
        if len(writers) != patients or any(count != 1 for count in writers.values()):
            books.breaches.append(f"{patients} patients wrote once each; alerts per patient: {writers}")
        names = {one.id: one.name.split()[0] for one in session.scalars(select(Staff))}
        for alert in alerts:
            for breach in _timeline(settings, lives, alert, names, books):
                books.breaches.append(f"alert {alert.code} ({alert.tier.value}): {breach}")
        messages = session.scalars(select(Message).where(Message.channel == Channel.SMS)).all()
        notifications = session.scalars(select(Notification)).all()
        _answers(list(messages), books)
        _texts(settings.var_dir / "carrier.db", list(messages), books)
        _calls(settings.var_dir / "carrier.db", list(notifications), books)
    per_kill = Counter(
        max((kill for kill in lives.killed if kill <= at), default=None) for at in books.extra_at
    )
    books.breaches += [
        f"{count} extra pages after the kill at {kill}" for kill, count in per_kill.items() if count > 1
    ]
    table = Table("ledger", "", title=f"{len(lives.killed)} kills, {len(lives.up)} lives that came to serve")
    for name, count in sorted(books.counts.items()):
        table.add_row(name, str(count))
    table.add_row("extra pages (one per kill allowed)", str(len(books.extra_at)))
    table.add_row("latest step, in seconds of serving", f"{max(books.late, default=0):.1f}")
    table.add_row("breaches", str(len(books.breaches)))
    out.print(table)
    for breach in books.breaches:
        out.print(f"[red]breach[/red] {breach}")
    return not books.breaches


def _expected(step: int) -> list[str]:
    """Whom the demo's policy pages in its steps: one after the other, both, then with the fall-back phone."""
    return [["Nurse"], ["Dr"], ["Nurse", "Dr"]][step] if step < 3 else ["Nurse", "Dr", FALLBACK]


def _timeline(
    settings: Settings, lives: Lives, alert: Alert, names: dict[str, str], books: Books
) -> Iterator[str]:
    level = "t0" if alert.tier is Tier.T0 else "t1"
    ack = timedelta(minutes=getattr(settings, f"ack_minutes_{level}"))
    remind = timedelta(minutes=getattr(settings, f"remind_minutes_{level}"))
    paged: list[str] = []  # of the step under way
    step, due, holder, reminders = 0, alert.created_at, None, 0
    began: datetime | None = None
    for event in sorted(alert.events, key=lambda one: one.id):
        at, who = event.created_at, names.get(event.staff_id or "", "")
        match event.kind:
            case EventKind.PAGED:
                books.counts["pages written"] += 1
                if holder is not None:
                    yield f"paged {who} while {holder} had it"
                if not paged:
                    began = at
                    yield from _on_time(f"step {step + 1}", due, at, lives, books)
                elif began is not None and at - began > TOGETHER:
                    yield f"step {step + 1} was taken in pieces"
                paged.append(FALLBACK if event.detail == FALLBACK else who)
                if paged == _expected(step):
                    books.counts["escalation steps"] += 1
                    paged, step, due = [], step + 1, at + ack
                elif paged != _expected(step)[: len(paged)]:
                    yield f"step {step + 1} paged {paged}, not {_expected(step)}"
                    return
            case EventKind.PAGE_FAILED if holder is None:
                due = min(due, at)  # the next step is hurried
            case EventKind.ACKNOWLEDGED:
                books.counts["acknowledged"] += 1
                if holder is not None:
                    yield f"taken by {who} while {holder} had it"
                holder, reminders, due = who, 0, at + remind
            case EventKind.REMINDED:
                books.counts["reminders"] += 1
                reminders += 1
                if who != holder:
                    yield f"reminded {who} of what {holder} has"
                yield from _on_time("a reminder", due, at, lives, books)
                due = at + remind
            case EventKind.REOPENED:
                books.counts["reopened"] += 1
                if reminders != 2:
                    yield f"reopened after {reminders} ignored reminders, not 2"
                yield from _on_time("reopening", due, at, lives, books)
                holder, due = None, at
    if paged:
        yield f"step {step + 1} paged only {paged}"
    if not step:
        yield "nobody was paged"
    if alert.status is not AlertStatus.CLOSED or alert.acknowledged_by_id is None:
        yield f"ended as {alert.status.value}, not acknowledged and closed"


def _on_time(what: str, due: datetime, at: datetime, lives: Lives, books: Books) -> Iterator[str]:
    if at < due - timedelta(milliseconds=100):
        yield f"{what} came {(due - at).total_seconds():.1f} s early"
    late = lives.served(due, at)
    books.late.append(late)
    if late > LATE_S:
        yield f"{what} was {late:.1f} s of serving late"


def _answers(messages: list[Message], books: Books) -> None:
    """Each text of staff was answered exactly once."""
    replies = Counter(one.in_reply_to_id for one in messages if one.in_reply_to_id)
    taken = [one for one in messages if one.direction is Direction.IN and one.kind is Kind.STAFF]
    books.counts["replies of staff"] = len(taken)
    books.breaches += [
        f"{one.body!r} was answered {replies[one.id]} times" for one in taken if replies[one.id] != 1
    ]
    acked = sum(one.content_id == "staff.acked" for one in messages)
    if acked != books.counts["acknowledged"]:
        books.breaches.append(f"{acked} confirmations for {books.counts['acknowledged']} acknowledgements")


def _carried(path: Path, query: str) -> dict[tuple[str, ...], list[datetime]]:
    found: dict[tuple[str, ...], list[datetime]] = defaultdict(list)
    with sqlite3.connect(path) as connection:
        for *key, at in connection.execute(query):
            found[tuple(key)].append(datetime.fromisoformat(at).replace(tzinfo=UTC))
    return found


def _texts(path: Path, messages: list[Message], books: Books) -> None:
    """Each text that we wrote reached the carrier once; copies beyond that are extra."""
    incoming = _carried(path, "SELECT provider_id, at FROM texts WHERE inbound = 1")
    known = {one.provider_id for one in messages if one.direction is Direction.IN}
    lost = [key for (key,) in incoming if key not in known]
    books.breaches += [f"the carrier's text {key} never arrived" for key in lost]
    carried = _carried(path, "SELECT recipient, body, at FROM texts WHERE inbound = 0 ORDER BY seq")
    written: Counter[tuple[str, ...]] = Counter()
    sent: Counter[tuple[str, ...]] = Counter()
    for one in messages:
        if one.direction is Direction.OUT:
            key: tuple[str, ...] = (one.conversation.address, one.body)
            written[key] += 1
            sent[key] += one.status in (Status.SENT, Status.DELIVERED)
            if one.status not in (Status.SENT, Status.DELIVERED, Status.SUPPRESSED):
                books.breaches.append(f"a text of {one.kind.value} ended as {one.status.value}")
    books.counts["texts at the carrier"] = sum(map(len, carried.values()))
    for key in {*carried, *written}:
        copies = carried.get(key, [])
        books.extra_at += copies[written[key] :]
        if len(copies) < sent[key]:
            books.breaches.append(
                f"{sent[key] - len(copies)} texts counted as sent never left: {key[1][:40]!r}"
            )


def _calls(path: Path, notifications: list[Notification], books: Books) -> None:
    """Each call rang as often as attempts were written down."""
    rung = _carried(path, "SELECT notification_id, at FROM calls ORDER BY seq")
    books.counts["calls"] = sum(map(len, rung.values()))
    for one in notifications:
        if one.kind is not ContactKind.VOICE:
            continue
        calls = rung.get((one.id,), [])
        books.extra_at += calls[one.attempts :]
        if one.status in (Status.SENT, Status.DELIVERED) and not calls:
            books.breaches.append(f"a call counted as made never rang ({one.id})")
