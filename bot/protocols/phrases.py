"""Amounts of time and dates as words, in both languages."""

from __future__ import annotations

from datetime import date
from typing import Literal

Language = Literal["en", "es"]


def as_language(code: str) -> Language:
    """The language of a stored code; English for anything we do not speak."""
    return "es" if code.startswith("es") else "en"


_UNITS: dict[Language, dict[str, tuple[str, str]]] = {
    "en": {
        "hours": ("hour", "hours"),
        "days": ("day", "days"),
        "nights": ("night", "nights"),
        "weeks": ("week", "weeks"),
    },
    "es": {
        "hours": ("hora", "horas"),
        "days": ("día", "días"),
        "nights": ("noche", "noches"),
        "weeks": ("semana", "semanas"),
    },
}
_MONTHS: dict[Language, tuple[str, ...]] = {
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    "es": (
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ),
}


def amount(number: int, unit: str, language: Language) -> str:
    """`number` of `unit` (hours, days, nights) in words: "24 hours", "2 semanas".

    Whole weeks from two weeks on are said in weeks.
    """
    if unit == "days" and number >= 14 and number % 7 == 0:
        number, unit = number // 7, "weeks"
    one, many = _UNITS[language][unit]
    return f"{number} {one if number == 1 else many}"


def at_time(clock_time: str, language: Language) -> str:
    """A time of today, "14:05", as texts say it: "at 14:05", "a las 14:05"."""
    return (
        f"at {clock_time}"
        if language == "en"
        else f"{'a la' if clock_time.startswith('01') else 'a las'} {clock_time}"
    )


def on_day(day: date | None, language: Language) -> str:
    """The value of `{treated_on_phrase}`: "on 3 May", "el 3 de mayo"; empty when there is no day."""
    if day is None:
        return ""
    month = _MONTHS[language][day.month - 1]
    return f"on {day.day} {month}" if language == "en" else f"el {day.day} de {month}"
