"""When a clinic texts its patients unasked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache

import holidays

from bot import settings as app_settings
from bot.clinic.models import Clinic
from bot.followup.planning import TextingHours


def texting_hours(clinic: Clinic, time_zone: str) -> TextingHours:
    """The hours of `clinic`, or of the installation where it has none of its own, on a patient's clock."""
    settings = app_settings.get_settings()
    opens = settings.quiet_end_hour if clinic.texts_from_hour is None else clinic.texts_from_hour
    closes = settings.quiet_start_hour if clinic.texts_until_hour is None else clinic.texts_until_hour
    if clinic.texts_on_holidays:
        return TextingHours(time_zone, opens, closes)
    return TextingHours(time_zone, opens, closes, _public_holidays(clinic.country))


@lru_cache
def _public_holidays(country: str) -> Callable[[date], bool]:
    """Whether a day is a public holiday of `country` (ISO 3166); of a country unknown to the calendar, none
    is."""
    try:
        days = holidays.country_holidays(country)
    except NotImplementedError:
        return lambda _day: False
    return lambda day: day in days
