"""When check-ins go out, and what happens when nobody answers. Pure: takes `now`, returns data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.followup.models import CheckInStatus
from bot.protocols.schema import Schedule

#: A check-in that could not go out for this long is dropped: its questions were about another day.
TOO_OLD = timedelta(hours=24)
#: What falls due within this time counts as promised: a changed protocol leaves it alone.
PROMISED = timedelta(hours=24)
#: Check-ins of several treatments that fall due within this time are asked as one.
TOGETHER = timedelta(hours=8)
NEVER = datetime(9000, 1, 1, tzinfo=UTC)


def _no_holiday(_day: date) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class TextingHours:
    """When a patient may be texted unasked: from `opens` to `closes` (local hours), but not on days that
    `is_closed`. `zone` is the patient's time zone (IANA)."""

    zone: str
    opens: int
    closes: int
    is_closed: Callable[[date], bool] = _no_holiday

    def clamp(self, hour: int) -> int:
        """`hour` moved into the open hours."""
        return min(max(hour, self.opens), self.closes - 1)

    def allowed_from(self, moment: datetime) -> datetime:
        """The first moment at or after `moment` at which the patient may be texted unasked."""
        zone = ZoneInfo(self.zone)
        local = moment.astimezone(zone)
        day = local.date()
        # compared as moments, not as wall times: an hour that the clocks skip or repeat must not confuse us
        if not self.is_closed(day):
            opens = datetime.combine(day, time(self.opens), zone)
            closes = datetime.combine(day, time(self.closes), zone)
            if moment < opens:
                return opens
            if moment < closes:
                return moment
        day += timedelta(days=1)
        while self.is_closed(day):
            day += timedelta(days=1)
        return datetime.combine(day, time(self.opens), zone)


@dataclass(frozen=True, slots=True)
class Send:
    """Ask the questions now."""


@dataclass(frozen=True, slots=True)
class Phone:
    """Somebody must phone instead: the patient gets no texts, and `reason` says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Remind:
    """Send the one reminder now."""


@dataclass(frozen=True, slots=True)
class AskStaff:
    """Still no answer: open a staff task."""


@dataclass(frozen=True, slots=True)
class Escalate:
    """Still no answer, and what was last heard was worrying: page somebody."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Too old to send, or overtaken by the next one."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is due before `until`; for a settled check-in that is never."""

    until: datetime


Action = Send | Phone | Remind | AskStaff | Escalate | Drop | Wait


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decides about one check-in.

    `next_due_at` is when the patient's next one is due, if any. `no_texts` says why the patient must be
    phoned,
    if so. `worried`: what was last heard from the patient crossed a threshold.
    """

    status: CheckInStatus
    due_at: datetime
    hours: TextingHours
    sent_at: datetime | None = None
    reminded_at: datetime | None = None
    next_due_at: datetime | None = None
    paused: bool = False
    no_texts: str | None = None
    worried: bool = False
    reminder_after: timedelta = timedelta(hours=4)
    task_after: timedelta = timedelta(hours=20)


def next_action(facts: Facts, now: datetime) -> Action:
    """What to do at `now` with one check-in. One that the next one has overtaken is never sent, and its
    silence goes to a person at once."""
    silence = Escalate() if facts.worried else AskStaff()
    next_due = facts.next_due_at
    if facts.status is CheckInStatus.PLANNED:
        return _planned(facts, now)
    if facts.status is CheckInStatus.SENT and facts.sent_at is not None:
        remind_at = facts.hours.allowed_from(facts.sent_at + facts.reminder_after)
        if (next_due is not None and now >= next_due) or (facts.no_texts and now >= remind_at):
            return silence
        if now < remind_at:
            return Wait(min(remind_at, next_due or remind_at))
        allowed = facts.hours.allowed_from(now)
        return Remind() if allowed <= now else Wait(min(allowed, next_due or allowed))
    if facts.status is CheckInStatus.REMINDED and facts.reminded_at is not None:
        ask_at = facts.reminded_at + facts.task_after
        if next_due is not None:
            ask_at = min(ask_at, next_due)
        return silence if now >= ask_at else Wait(ask_at)
    return Wait(NEVER)


def _planned(facts: Facts, now: datetime) -> Action:
    if facts.paused:
        return Wait(NEVER)
    if now < facts.due_at:
        return Wait(facts.due_at)
    if facts.next_due_at is not None and now >= facts.next_due_at:
        return Drop("overtaken by the next check-in")
    if now - facts.due_at > TOO_OLD:
        return Drop("too old to send")
    if facts.no_texts:
        return Phone(facts.no_texts)
    allowed = facts.hours.allowed_from(now)
    return Send() if allowed <= now else Wait(allowed)


def spread(key: str, minutes: int) -> timedelta:
    """A delay below `minutes` that is always the same for `key`: a thousand check-ins of 10 o'clock do not go
    out in one second."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return timedelta(seconds=int.from_bytes(digest, "big") % max(1, minutes * 60))


def due_times(
    schedule: Schedule, treated_at: datetime, hours: TextingHours, *, delay: timedelta = timedelta()
) -> dict[int, datetime]:
    """Day -> moment of each check-in: that many local days after treatment, at its local hour and `delay`
    later, within the hours in which the patient may be texted. Daylight saving moves with the patient's
    clock."""
    zone = ZoneInfo(hours.zone)
    treated_on = treated_at.astimezone(zone).date()
    times: dict[int, datetime] = {}
    for contact in schedule.check_ins:
        hour = hours.clamp(schedule.hour if contact.hour is None else contact.hour)
        start = datetime.combine(treated_on + timedelta(days=contact.day), time(hour), zone)
        times[contact.day] = hours.allowed_from(start) + delay
    return times


@dataclass(frozen=True, slots=True)
class Planned:
    """A check-in as it stands."""

    id: str
    day: int
    due_at: datetime
    status: CheckInStatus


@dataclass(frozen=True, slots=True)
class Changes:
    """What a plan changes: check-ins to add (day -> due), to move (id -> due), and to cancel (ids)."""

    add: Mapping[int, datetime]
    move: Mapping[str, datetime]
    cancel: tuple[str, ...]

    @property
    def none(self) -> bool:
        """Whether everything stays as it is."""
        return not (self.add or self.move or self.cancel)


def replan(wanted: Mapping[int, datetime], existing: Sequence[Planned], now: datetime) -> Changes:
    """How the check-ins of a running enrolment follow a changed protocol that `wanted` is the times of.

    What was sent or settled stays, and so does what was promised: whatever falls due within a day. Days that
    are over are never made up for, so no change sends several texts at once.
    """
    soon = now + PROMISED
    by_day = {check_in.day: check_in for check_in in existing}
    add = {day: due for day, due in wanted.items() if day not in by_day and due > now}
    move = {
        check_in.id: wanted[check_in.day]
        for check_in in existing
        if _may_move(check_in, soon)
        and check_in.day in wanted
        and wanted[check_in.day] != check_in.due_at
        and wanted[check_in.day] > now
    }
    cancel = tuple(c.id for c in existing if _may_move(c, soon) and c.day not in wanted)
    return Changes(add, move, cancel)


def _may_move(check_in: Planned, soon: datetime) -> bool:
    return check_in.status is CheckInStatus.PLANNED and check_in.due_at > soon


def questions_of(asks: Iterable[Sequence[str]], order: Sequence[str]) -> tuple[str, ...]:
    """The questions of several check-ins that are asked as one, each once, in `order`."""
    wanted = {question for ask in asks for question in ask}
    return tuple(question for question in order if question in wanted)
