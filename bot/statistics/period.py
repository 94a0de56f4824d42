"""The time a figure is about: whole local days of the clinic. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

#: The longest period, in days.
LONGEST = 366


class PeriodInvalid(ValueError):
    """The dates make no period; `problem` names what is wrong."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Period:
    """From the first local day to the last, both included."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        """The first moment in it."""
        return datetime.combine(self.first, time(), self.zone)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last + timedelta(days=1), time(), self.zone)

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def weeks(self) -> list[tuple[date, datetime]]:
        """The weeks, from Monday on, that it touches: the first day in it of each, and when that begins."""
        starts = [self.first]
        following = self.first + timedelta(days=7 - self.first.weekday())
        while following <= self.last:
            starts.append(following)
            following += timedelta(days=7)
        return [(day, datetime.combine(day, time(), self.zone)) for day in starts]


def last_days(days: int, today: date, zone: ZoneInfo) -> Period:
    """The `days` days that end today, one at least and `LONGEST` at most."""
    days = min(max(days, 1), LONGEST)
    return Period(today - timedelta(days=days - 1), today, zone)


def between(first: str, last: str, zone: ZoneInfo, longest: int | None = LONGEST) -> Period:
    """The period of two dates as a form sends them, `longest` days at most, or however long (None).

    Raises PeriodInvalid: `dates`, `order`, `too_long`.
    """
    try:
        period = Period(date.fromisoformat(first), date.fromisoformat(last), zone)
    except ValueError:
        raise PeriodInvalid("dates") from None
    if period.last < period.first:
        raise PeriodInvalid("order")
    if longest is None:
        if period.first.year < 1970 or period.last.year > 9000:
            raise PeriodInvalid("dates")
    elif period.days > longest or not 1970 <= period.first.year <= 9000:
        raise PeriodInvalid("too_long")
    return period
