"""When a clinic texts its patients unasked."""

from __future__ import annotations

from bot import settings as app_settings
from bot.clinic.holidays import public_holidays
from bot.clinic.models import Clinic
from bot.followup.planning import TextingHours


def texting_hours(clinic: Clinic, time_zone: str) -> TextingHours:
    """The hours of `clinic`, or of the installation where it has none of its own, on a patient's clock."""
    settings = app_settings.get_settings()
    opens = settings.quiet_end_hour if clinic.texts_from_hour is None else clinic.texts_from_hour
    closes = settings.quiet_start_hour if clinic.texts_until_hour is None else clinic.texts_until_hour
    if clinic.texts_on_holidays:
        return TextingHours(time_zone, opens, closes)
    country = clinic.country
    return TextingHours(time_zone, opens, closes, lambda day: day in public_holidays(country, day.year))
