"""Names in texts: a person's as a patient's text may carry it, a product's as patients write it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from difflib import SequenceMatcher

from bot.messaging.segments import foreign
from bot.protocols.catalogue import catalogue
from bot.protocols.phrases import Language

#: Characters of a name in an SMS at most; `lint` measures the texts with a name of this length.
LONGEST_NAME = 32
#: A brand of so many letters may be misspelt, and still be this alike (0 to 1).
MISSPELT_FROM, ALIKE = 7, 0.85
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


def product_named(text: str) -> str | None:
    """The id of the one catalogue product that `text` names; None for none or several, as in a question which
    of two is better."""
    found = products_named(text)
    return found[0] if len(found) == 1 else None


def products_named(text: str) -> list[str]:
    """The ids of the catalogue products that `text` names, also misspelt as patients do, as the catalogue
    orders them."""
    words = _folded(text).split()
    return [
        product.id
        for product in catalogue().products.values()
        if any(_says(words, _folded(name).split()) for name in (product.name, *product.aliases))
    ]


def _says(words: list[str], name: list[str]) -> bool:
    runs = (words[at : at + len(name)] for at in range(len(words) - len(name) + 1))
    return any(all(map(_alike, run, name)) for run in runs)


def _alike(word: str, wanted: str) -> bool:
    """Whether `word` is `wanted`, or a long one nearly so."""
    long = min(len(word), len(wanted)) >= MISSPELT_FROM and word[0] == wanted[0]
    return word == wanted or (long and SequenceMatcher(None, word, wanted).ratio() >= ALIKE)


def _folded(text: str) -> str:
    """Lower case without accents and punctuation."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign if sign.isalnum() else " " for sign in letters if not unicodedata.combining(sign))
