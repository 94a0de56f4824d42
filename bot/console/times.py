"""Times as staff read them: in the clinic's zone, and as an age."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.console.strings import Translate


class Times:
    """Formats moments for one visitor. `now` is the moment the page is made."""

    def __init__(self, t: Translate, time_zone: str, now: datetime) -> None:
        self._t = t
        self.zone = ZoneInfo(time_zone)
        self.now = now

    def day(self, moment: datetime | date) -> str:
        """ "Mon 23 Nov", with the year when it is another one."""
        local = moment.astimezone(self.zone) if isinstance(moment, datetime) else moment
        weekday = self._t("time.weekdays").split()[local.weekday()]
        month = self._t("time.months").split()[local.month - 1]
        year = "" if local.year == self.now.astimezone(self.zone).year else f" {local.year}"
        return f"{weekday} {local.day} {month}{year}"

    def clock(self, moment: datetime) -> str:
        """ "14:05" """
        return f"{moment.astimezone(self.zone):%H:%M}"

    def moment(self, moment: datetime) -> str:
        """ "14:05" today, else "Mon 23 Nov, 14:05"."""
        if moment.astimezone(self.zone).date() == self.now.astimezone(self.zone).date():
            return f"{self._t('time.today')}, {self.clock(moment)}"
        return f"{self.day(moment)}, {self.clock(moment)}"

    def date(self, day: date) -> str:
        """A date with its year, for lots and expiries: "31 Mar 2027"."""
        return f"{day.day} {self._t('time.months').split()[day.month - 1]} {day.year}"

    def span(self, span: timedelta) -> str:
        """A length in its largest unit: "40 s", "3 min", "5 h", "2 d"."""
        seconds = int(abs(span.total_seconds()))
        if seconds < 60:
            return self._t("time.seconds", n=seconds)
        if seconds < 3600:
            return self._t("time.minutes", n=seconds // 60)
        if seconds < 48 * 3600:
            return self._t("time.hours", n=seconds // 3600)
        return self._t("time.days", n=seconds // 86400)

    def ago(self, moment: datetime) -> str:
        """ "3 min ago", "in 2 h", "just now"."""
        span = self.now - moment
        if abs(span) < timedelta(seconds=5):
            return self._t("time.just_now")
        return self._t("time.ago" if span > timedelta() else "time.ahead", span=self.span(span))

    def countdown(self, moment: datetime) -> str:
        """ "4:05" or "1:04:05" until `moment`; "0:00" once it has come."""
        seconds = max(0, int((moment - self.now).total_seconds()))
        hours, minutes = divmod(seconds // 60, 60)
        if hours:
            return f"{hours}:{minutes:02}:{seconds % 60:02}"
        return f"{minutes}:{seconds % 60:02}"
