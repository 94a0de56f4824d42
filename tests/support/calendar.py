"""Every test starts on the same weekday at the same hour, so that none depends on when the suite runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot import clock

TUESDAY, CLINIC_ZONE = 1, ZoneInfo("America/New_York")


def start_on_a_tuesday() -> None:
    """Move the clock to the next Tuesday at 8 of the demo clinic: before its check-ins."""
    clock.keep_in(None)
    local = clock.now().astimezone(CLINIC_ZONE)
    ahead = (TUESDAY - local.weekday()) % 7
    start = datetime.combine(local.date() + timedelta(days=ahead), local.min.time(), CLINIC_ZONE)
    start = start.replace(hour=8)
    if start < local:
        start += timedelta(days=7)
    clock.advance(start - clock.now())
