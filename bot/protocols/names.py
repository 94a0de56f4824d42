"""A person's name as a patient's text may carry it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from bot.messaging.segments import foreign
from bot.protocols.phrases import Language

#: Characters of a name in an SMS at most; `lint` measures the texts with a name of this length.
LONGEST_NAME = 32
#: Who is meant where nobody can be named. It stands in the middle of a sentence, as a name does.
TEAM: Mapping[Language, str] = {"en": "someone from our team", "es": "alguien de nuestro equipo"}

_PLAIN_SIGNS = str.maketrans("‘’‐‑–", "''---")


def person_or_team(name: str | None, language: Language, channel: str) -> str:
    """`name` for a text on `channel`; the team when there is no name, or none that fits an SMS."""
    shown = " ".join((name or "").split())
    return (_for_sms(shown) if channel == "sms" else shown) or TEAM[language]


def _for_sms(name: str) -> str:
    """`name` in the GSM alphabet, in as many words as `LONGEST_NAME` takes; empty when it cannot be.

    One letter outside the alphabet would leave 67 characters to the segment that names whom to call.
    """
    plain = "".join(map(_plain, unicodedata.normalize("NFC", name).translate(_PLAIN_SIGNS)))
    if foreign(plain):
        return ""
    if len(plain) <= LONGEST_NAME:
        return plain
    words = plain.split()
    while words and (len(" ".join(words)) > LONGEST_NAME or words[-1].islower()):
        words.pop()
    return " ".join(words) if len(words) > 1 else ""  # a title alone names nobody


def _plain(letter: str) -> str:
    """`letter`, or the one under its accent when only that is in the GSM alphabet."""
    if not foreign(letter):
        return letter
    return "".join(part for part in unicodedata.normalize("NFD", letter) if not unicodedata.combining(part))
