"""When check-ins go out, and what happens when nobody answers. Pure: takes `now`, returns data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.followup.models import CheckInStatus
from bot.protocols.schema import Schedule
from bot.settings import Settings

#: A check-in that could not go out for this long is dropped: its questions were about another day.
TOO_OLD = timedelta(hours=24)
NEVER = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Send:
    """Ask the questions now."""


@dataclass(frozen=True, slots=True)
class Remind:
    """Send the one reminder now."""


@dataclass(frozen=True, slots=True)
class AskStaff:
    """Still no answer: open a staff task."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Too old to send, or overtaken by the next one."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is due before `until`; for a settled check-in that is never."""

    until: datetime


Action = Send | Remind | AskStaff | Drop | Wait


def due_times(
    schedule: Schedule, treated_at: datetime, time_zone: str, settings: Settings
) -> dict[int, datetime]:
    """Day -> moment of each check-in: that many local days after treatment, at the schedule's local hour,
    within the hours in which patients may be texted. Daylight saving moves with the patient's clock."""
    zone = ZoneInfo(time_zone)
    hour = min(max(schedule.hour, settings.quiet_end_hour), settings.quiet_start_hour - 1)
    treated_on = treated_at.astimezone(zone).date()
    return {
        day: datetime.combine(treated_on + timedelta(days=day), time(hour), zone) for day in schedule.days
    }


def allowed_from(moment: datetime, time_zone: str, settings: Settings) -> datetime:
    """The first moment at or after `moment` at which the patient may be texted unasked."""
    zone = ZoneInfo(time_zone)
    local = moment.astimezone(zone)
    opens = datetime.combine(local.date(), time(settings.quiet_end_hour), zone)
    closes = datetime.combine(local.date(), time(settings.quiet_start_hour), zone)
    if local < opens:
        return opens
    if local >= closes:
        return datetime.combine(local.date() + timedelta(days=1), time(settings.quiet_end_hour), zone)
    return moment


def next_action(
    status: CheckInStatus,
    *,
    due_at: datetime,
    sent_at: datetime | None,
    reminded_at: datetime | None,
    next_due_at: datetime | None,
    time_zone: str,
    settings: Settings,
    now: datetime,
) -> Action:
    """What to do at `now` with one check-in. `next_due_at` is when the patient's next one is due, if any:
    a check-in that the next one has overtaken is never sent, and its silence goes to staff at once."""
    if status is CheckInStatus.PLANNED:
        if now < due_at:
            return Wait(due_at)
        if next_due_at is not None and now >= next_due_at:
            return Drop("overtaken by the next check-in")
        if now - due_at > TOO_OLD:
            return Drop("too old to send")
        allowed = allowed_from(now, time_zone, settings)
        return Send() if allowed <= now else Wait(allowed)
    if status is CheckInStatus.SENT and sent_at is not None:
        remind_at = allowed_from(
            sent_at + timedelta(hours=settings.checkin_reminder_hours), time_zone, settings
        )
        if next_due_at is not None and now >= next_due_at:
            return AskStaff()
        if now < remind_at:
            return Wait(min(remind_at, next_due_at or remind_at))
        allowed = allowed_from(now, time_zone, settings)
        return Remind() if allowed <= now else Wait(min(allowed, next_due_at or allowed))
    if status is CheckInStatus.REMINDED and reminded_at is not None:
        ask_at = reminded_at + timedelta(hours=settings.checkin_task_hours)
        if next_due_at is not None:
            ask_at = min(ask_at, next_due_at)
        return AskStaff() if now >= ask_at else Wait(ask_at)
    return Wait(NEVER)
