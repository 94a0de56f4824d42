"""A clinic's own facts, as the values that approved texts are filled with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

import phonenumbers

from bot.clinic.models import Clinic
from bot.protocols.phrases import Language
from bot.protocols.render import clinic_values

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHORT_DAYS: Mapping[str, tuple[str, ...]] = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "es": ("lun", "mar", "mié", "jue", "vie", "sáb", "dom"),
}


@lru_cache(maxsize=1024)
def readable_phone(number: str) -> str:
    """A number as people dial it from abroad: +1 555-010-0100."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def hours_text(clinic: Clinic, language: Language) -> str:
    """Opening hours in a line, equal days joined: "Mon-Fri 09:00-18:00, Sat 09:00-13:00"."""
    names = _SHORT_DAYS[language]
    groups: list[tuple[int, int, str]] = []
    for index, weekday in enumerate(WEEKDAYS):
        spans = ", ".join(f"{start}-{end}" for start, end in clinic.opening_hours.get(weekday, []))
        if groups and groups[-1][2] == spans and groups[-1][1] == index - 1:
            groups[-1] = (groups[-1][0], index, spans)
        else:
            groups.append((index, index, spans))
    open_days = [
        f"{names[first]}{'' if first == last else '-' + names[last]} {spans}"
        for first, last, spans in groups
        if spans
    ]
    return ", ".join(open_days) or clinic.phone


def is_open(clinic: Clinic, now: datetime) -> bool:
    """Whether the front desk is there at `now`, by the clinic's opening hours in its own time zone."""
    local = now.astimezone(ZoneInfo(clinic.time_zone))
    spans = clinic.opening_hours.get(WEEKDAYS[local.weekday()], [])
    return any(time.fromisoformat(start) <= local.time() < time.fromisoformat(end) for start, end in spans)


def content_values(clinic: Clinic, language: Language, product: str | None = None) -> dict[str, str]:
    """Every clinic fact and aftercare setting, for filling approved texts."""
    facts = {
        "clinic_name": clinic.name,
        "clinic_phone": readable_phone(clinic.phone),
        "emergency_phone": readable_phone(clinic.emergency_phone),
        "emergency_number": clinic.emergency_number,
        "crisis_line": clinic.crisis_line,
        "hours_text": hours_text(clinic, language),
        "booking_url": clinic.booking_url,
    }
    return clinic_values(facts, language, product, clinic.care_settings)
