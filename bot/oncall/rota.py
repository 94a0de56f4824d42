"""Whose turn it is. Pure: a rota, its overrides and a moment in, people out.

A hand-over happens at the same wall-clock time all year. Where the clocks go forward over it, it happens as
much later as they jump; where they go back, at the first of the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: How far ahead shifts are worked out at most.
HORIZON = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Rota:
    """Members take turns of `turn_days` days (1: daily, 7: weekly), handed over at `handover` local time.

    The first member's first turn begins on `start`; its weekday is that of every hand-over of a weekly rota.
    Before `start` the rota runs backwards. `hours` limit it to spans of the week; without any it never rests.
    """

    members: tuple[str, ...]
    time_zone: str
    start: date
    handover: time = time(9)
    turn_days: int = 7
    #: weekday (mon..sun) -> ["09:00", "18:00"] spans, local time; "24:00" is the end of the day
    hours: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    #: members who cannot be on call; their turns go to whoever is next, and nobody else's turn moves
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Override:
    """`staff_id` covers from `starts_at` up to `ends_at`, whatever the rota says; the last made counts."""

    staff_id: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Shift:
    """One person on call from `starts_at` up to `ends_at` (UTC)."""

    staff_id: str
    starts_at: datetime
    ends_at: datetime
    covering: bool = False  #: an override, not the rota


def on_call_at(rota: Rota, overrides: Sequence[Override], now: datetime) -> list[str]:
    """Who is on call at `now`, and then who would be next, in the order of the rota, nobody twice.

    Empty when the rota rests (outside its hours) and nobody covers, or when it has no members.
    """
    covering = _cover(overrides, now)
    resting = bool(rota.hours) and not _in_hours(rota, now)
    if covering is None and (resting or not rota.members):
        return []
    order: list[str] = [covering] if covering is not None else []
    if not resting and rota.members:
        first = _turn(rota, now) % len(rota.members)
        order += [*rota.members[first:], *rota.members[:first]]
    return [person for person in dict.fromkeys(order) if person not in rota.absent]


def shifts(rota: Rota, overrides: Sequence[Override], start: datetime, end: datetime) -> list[Shift]:
    """Who is on call when, from `start` to `end`, in order. Raises ValueError beyond a year."""
    if end - start > HORIZON:
        raise ValueError("Shifts are worked out for one year at most: choose a shorter time.")
    found: list[Shift] = []
    moments = sorted({start, end, *_changes(rota, overrides, start, end)})
    for begins, ends in pairwise(moments):
        people = on_call_at(rota, overrides, begins)
        if not people:
            continue
        shift = Shift(people[0], begins, ends, _cover(overrides, begins) is not None)
        last = found[-1] if found else None
        same = last is not None and (last.staff_id, last.covering) == (shift.staff_id, shift.covering)
        if last is not None and same and last.ends_at == begins and not _hands_over(rota, begins):
            found[-1] = Shift(last.staff_id, last.starts_at, ends, last.covering)
        else:
            found.append(shift)
    return found


def gaps(busy: Sequence[Shift], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The spans between `start` and `end` in which none of `busy` (of any rotas) is on call."""
    found, covered = [], start
    for shift in sorted(busy, key=lambda one: one.starts_at):
        if shift.starts_at >= end:
            break
        if shift.starts_at > covered:
            found.append((covered, shift.starts_at))
        covered = max(covered, shift.ends_at)
    if covered < end:
        found.append((covered, end))
    return found


def handover_at(rota: Rota, turn: int) -> datetime:
    """When turn number `turn` (0 is the one that begins on `start`) begins, in UTC."""
    return _wall(rota, rota.start + timedelta(days=turn * rota.turn_days), rota.handover)


def _wall(rota: Rota, day: date, at: time) -> datetime:
    return datetime.combine(day, at, ZoneInfo(rota.time_zone)).astimezone(UTC)


def _turn(rota: Rota, now: datetime) -> int:
    local = now.astimezone(ZoneInfo(rota.time_zone)).date()
    turn = (local - rota.start).days // rota.turn_days
    while handover_at(rota, turn) > now:
        turn -= 1
    while handover_at(rota, turn + 1) <= now:
        turn += 1
    return turn


def _hands_over(rota: Rota, at: datetime) -> bool:
    return bool(rota.members) and handover_at(rota, _turn(rota, at)) == at


def _cover(overrides: Sequence[Override], now: datetime) -> str | None:
    for override in reversed(overrides):
        if override.starts_at <= now < override.ends_at:
            return override.staff_id
    return None


def _spans(rota: Rota, day: date) -> Iterator[tuple[datetime, datetime]]:
    for start, end in rota.hours.get(WEEKDAYS[day.weekday()], ()):
        late = end == "24:00"
        ends = _wall(rota, day + timedelta(days=late), time(0) if late else time.fromisoformat(end))
        yield _wall(rota, day, time.fromisoformat(start)), ends


def _in_hours(rota: Rota, now: datetime) -> bool:
    day = now.astimezone(ZoneInfo(rota.time_zone)).date()
    return any(start <= now < end for start, end in _spans(rota, day))


def _changes(rota: Rota, overrides: Sequence[Override], start: datetime, end: datetime) -> Iterator[datetime]:
    """Every moment between `start` and `end` at which somebody else may be on call."""
    moments: list[datetime] = [at for one in overrides for at in (one.starts_at, one.ends_at)]
    if rota.members:
        turn = _turn(rota, start)
        while (at := handover_at(rota, turn)) < end:
            moments.append(at)
            turn += 1
    if rota.hours:
        day = start.astimezone(ZoneInfo(rota.time_zone)).date()
        while _wall(rota, day, time(0)) < end:
            moments += [at for span in _spans(rota, day) for at in span]
            day += timedelta(days=1)
    return (at for at in moments if start < at < end)
