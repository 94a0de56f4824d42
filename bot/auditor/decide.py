"""What is neglected, and what to do about it? Pure: takes rows, what is known, and `now`; returns data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.auditor.models import Neglect

#: How long something may be due before it counts as neglected. The sweeper needs a second.
PATIENCE = {
    Neglect.ALERT_STEP: timedelta(minutes=1),
    Neglect.NOT_ASSESSED: timedelta(minutes=1),
    Neglect.NOT_ANSWERED: timedelta(minutes=5),
    Neglect.CHECK_IN: timedelta(minutes=15),
    Neglect.TEXT: timedelta(minutes=10),
    Neglect.NOTIFICATION: timedelta(minutes=2),
    Neglect.NOBODY_ON_CALL: timedelta(minutes=10),  # whoever is just writing a rota may finish it
}
#: Pages and safety words are not allowed to wait.
URGENT_PATIENCE = timedelta(minutes=1)
#: These may be on their way at this very moment: they are touched at the second look, not at the first.
_IN_FLIGHT = (Neglect.TEXT, Neglect.NOTIFICATION)
#: No repair helps here: only people can mend it, and they are told.
_FOR_PEOPLE = (Neglect.NOBODY_ON_CALL,)
#: So many repairs within the hour, and somebody must know even if each of them helped.
RECURRING = 3
RECENT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Due:
    """A row that waits for something since `since`."""

    kind: Neglect
    row_id: str
    clinic_id: str
    since: datetime
    urgent: bool = False

    @property
    def key(self) -> tuple[Neglect, str]:
        """What names it."""
        return self.kind, self.row_id


@dataclass(frozen=True, slots=True)
class Known:
    """An incident on record: open, or resolved within `RECENT`."""

    kind: Neglect
    row_id: str
    clinic_id: str
    found_at: datetime
    repairs: int
    paged_at: datetime | None
    resolved_at: datetime | None

    @property
    def key(self) -> tuple[Neglect, str]:
        """What names it."""
        return self.kind, self.row_id


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: write down the `new`, mend `repair`, tell people about `page`, put away `resolved`."""

    new: tuple[Due, ...]
    repair: tuple[Due, ...]
    page: tuple[Due, ...]
    resolved: tuple[Known, ...]


def decide(due: Iterable[Due], known: Sequence[Known], now: datetime) -> Plan:
    """What the auditor does about `due` at `now`.

    A row is repaired when it is found. One that a repair did not help, in as much time again, is told to
    people, once, and repaired on: after an outage everything is late, and the desk needs its time. What only
    people can mend is told to them when it has lasted as long as that. A clinic whose rows need one repair
    after another is told too: its desk only lives by the auditor.
    """
    open_ones = {one.key: one for one in known if one.resolved_at is None}
    neglected = [row for row in due if now - row.since > _patience(row)]
    keys = {row.key for row in neglected}
    new = tuple(row for row in neglected if row.key not in open_ones)
    ours = [row for row in neglected if row.kind not in _FOR_PEOPLE]
    repair = tuple(row for row in ours if row.key in open_ones or row.kind not in _IN_FLIGHT)
    hopeless = [
        row
        for row in neglected
        if (one := open_ones.get(row.key)) is not None
        and (one.repairs or row.kind in _FOR_PEOPLE)
        and one.paged_at is None
        and now - one.found_at >= _patience(row)
    ]
    lame = _only_live_by_the_auditor(known, now)
    told = {row.key for row in hopeless}
    recurring = [
        row for row in ours if row.key not in open_ones and row.clinic_id in lame and row.key not in told
    ]
    resolved = tuple(one for one in open_ones.values() if one.key not in keys)
    return Plan(new, repair, (*hopeless, *recurring), resolved)


def _patience(row: Due) -> timedelta:
    return min(PATIENCE[row.kind], URGENT_PATIENCE) if row.urgent else PATIENCE[row.kind]


def _only_live_by_the_auditor(known: Sequence[Known], now: datetime) -> set[str]:
    """Clinics with several repairs in the last hour about which nobody was told in that time."""
    repaired: Counter[str] = Counter()
    told = set()
    for one in known:
        if one.paged_at is not None and now - one.paged_at <= RECENT:
            told.add(one.clinic_id)
        if one.repairs and one.resolved_at is not None and now - one.resolved_at <= RECENT:
            repaired[one.clinic_id] += 1
    return {clinic for clinic, count in repaired.items() if count >= RECURRING} - told
