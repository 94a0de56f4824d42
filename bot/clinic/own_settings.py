"""What a clinic may set for itself: facts that texts are filled with, opening hours, aftercare values.

Reading a form is pure and all or nothing; `save` writes it. A problem is the key of the console's words that
say what to do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any
from urllib.parse import urlsplit

from bot import events
from bot.clinic.enrolment import to_e164
from bot.clinic.facts import WEEKDAYS
from bot.clinic.models import Clinic
from bot.db.engine import transaction
from bot.governance import service as governance
from bot.protocols.catalogue import Catalogue, catalogue
from bot.protocols.every_text import HIGH_NUMBER, HIGH_TEXT_LENGTH
from bot.protocols.never_say import breaches
from bot.protocols.schema import Setting

#: What is on or off.
SWITCHES = ("approved_words_only", "consent_by_text", "pages_name_patient", "texts_on_holidays")
_SPAN = re.compile(r"(\d{1,2})[:.](\d{2})\s*(?:-|–|to|a)\s*(\d{1,2})[:.](\d{2})")


@dataclass(frozen=True)
class Changes:
    """Every setting of a clinic as its form says, fit to be written."""

    facts: dict[str, str | None]
    switches: dict[str, bool]
    texting: tuple[int | None, int | None]  #: local hours from and until which patients are texted unasked
    opening_hours: dict[str, list[list[str]]]
    care_settings: dict[str, Any]


@dataclass
class SettingsInvalid(Exception):
    """The form cannot be taken; `problems` names what is wrong by field."""

    problems: dict[str, str] = field(default_factory=dict)


def read(form: Mapping[str, str], clinic: Clinic, content: Catalogue | None = None) -> Changes:
    """The settings that a form carries. Raises SettingsInvalid; a field that is missing is an empty one."""
    problems: dict[str, str] = {}
    given = {name: " ".join(value.split()) for name, value in form.items()}
    facts = _facts(given, clinic, problems)
    hours = {day: _spans(given.get(f"hours_{day}", ""), f"hours_{day}", problems) for day in WEEKDAYS}
    texting = _texting(given, problems)
    care: dict[str, Any] = {}
    known = content or catalogue()
    for setting in known.settings.values():
        for key in (setting.id, *(f"{setting.id}.{product}" for product in known.products)):
            value = _care(setting, key, given, problems)
            if value is not None:
                care[key] = value
    if problems:
        raise SettingsInvalid(problems)
    open_days = {day: spans for day, spans in hours.items() if spans}
    switches = {name: bool(given.get(name)) for name in SWITCHES}
    return Changes(facts, switches, texting, open_days, care)


def _facts(given: Mapping[str, str], clinic: Clinic, problems: dict[str, str]) -> dict[str, str | None]:
    name, booking = given.get("name", ""), given.get("booking_url", "")
    if not 0 < len(name) <= 120:
        problems["name"] = "name"
    facts: dict[str, str | None] = {"name": name, "booking_url": booking or None}
    for phone in ("phone", "emergency_phone"):
        try:
            facts[phone] = to_e164(given.get(phone, ""), clinic.country)
        except ValueError:
            problems[phone] = "phone"
    for number, shape in (("emergency_number", r"[0-9]{2,8}"), ("crisis_line", r"[0-9 +]{2,32}")):
        facts[number] = given.get(number, "")
        if not re.fullmatch(shape, given.get(number, "")):
            problems[number] = number
    if booking and not _is_address(booking):
        problems["booking_url"] = "booking_url"
    return facts


def _texting(given: Mapping[str, str], problems: dict[str, str]) -> tuple[int | None, int | None]:
    """From and until which hour; empty leaves the installation's own in force."""
    hours: list[int | None] = []
    for name in ("texts_from_hour", "texts_until_hour"):
        text = given.get(name, "")
        if text and not re.fullmatch(r"[0-9]{1,2}", text):
            problems[name] = "texting"
            return None, None
        hours.append(int(text) if text else None)
    opens, closes = hours
    both = opens is not None and closes is not None
    if (opens is None) != (closes is None) or (both and not (opens or 0) < (closes or 0) <= 24):
        problems["texts_from_hour"] = "texting"
    return opens, closes


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and "." in parts.netloc and " " not in text and len(text) <= 200


def _spans(text: str, where: str, problems: dict[str, str]) -> list[list[str]]:
    """The opening times of a day: "09:00-13:00, 15:00-18:00"; none when it is closed."""
    spans: list[list[str]] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        match = _SPAN.fullmatch(part)
        try:
            if match is None:
                raise ValueError
            start, end = (time(int(match[n]), int(match[n + 1])) for n in (1, 3))
        except ValueError:
            problems[where] = "hours"
            return []
        if start >= end or (spans and spans[-1][1] > f"{start:%H:%M}"):
            problems[where] = "hours_order"
            return []
        spans.append([f"{start:%H:%M}", f"{end:%H:%M}"])
    return spans


def _care(setting: Setting, key: str, given: Mapping[str, str], problems: dict[str, str]) -> Any:
    """The clinic's value for an aftercare setting; None leaves the shipped one in force."""
    if setting.unit == "text":
        words = {language: given.get(f"care_{key}_{language}", "") for language in ("en", "es")}
        if not any(words.values()):
            return None
        if not all(words.values()):
            problems[f"care_{key}_en"] = "both_languages"
        elif max(map(len, words.values())) > HIGH_TEXT_LENGTH:
            problems[f"care_{key}_en"] = "too_long"
        elif any(True for text in words.values() for _ in breaches(text, "topic")):
            problems[f"care_{key}_en"] = "never_say"
        return words
    text = given.get(f"care_{key}", "")
    if not text:
        return None
    most = HIGH_NUMBER[setting.unit]
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= most:
        problems[f"care_{key}"] = f"number_{setting.unit}"
        return None
    return int(text)


def changed(clinic: Clinic, changes: Changes) -> list[str]:
    """Names of the settings that would not be as they are; of aftercare values and hours the group's."""
    fresh: dict[str, Any] = {**changes.facts, **changes.switches}
    fresh["texts_from_hour"], fresh["texts_until_hour"] = changes.texting
    fresh |= {"opening_hours": changes.opening_hours, "care_settings": changes.care_settings}
    return sorted(name for name, value in fresh.items() if getattr(clinic, name) != value)


def save(clinic_id: str, changes: Changes) -> None:
    """Write the settings, and keep what texts are filled with from now on."""
    with transaction() as session:
        clinic = session.get_one(Clinic, clinic_id, with_for_update=True)
        for name, value in changes.facts.items():
            setattr(clinic, name, value)
        for name, on in changes.switches.items():
            setattr(clinic, name, on)
        clinic.texts_from_hour, clinic.texts_until_hour = changes.texting
        clinic.opening_hours = changes.opening_hours
        clinic.care_settings = changes.care_settings
    governance.keep(catalogue())
    events.committed(clinic_id)
