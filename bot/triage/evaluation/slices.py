"""The slices in which triage must be as good as over all: who writes, how, and about what."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.triage.labelled import Labelled

_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
_MINIMISED = re.compile(
    r"\b(lol|haha+|lmao|prob(ably)? (nothing|fine)|no biggie|im sure its|silly|jaja\w*|seguro no es nada|"
    r"no ha de ser|no es nada|tonter[ií]a|never ?mind|nvm|not complaining|no worries)\b",
    re.IGNORECASE,
)
_THIRD = re.compile(
    r"\b(she|her|he|his|my (wife|husband|mum|mom|daughter|son|sister|friend|nan|mate)|"
    r"mi (esposa|esposo|mam[aá]|hija|hijo|hermana|amiga|mujer|marido|abuela|suegra)|ella|"
    r"le (puso|pusieron|duele))\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(no|not|n[o']t|without|never|sin|ni|nada|nunca)\b", re.IGNORECASE)


def _words(row: Labelled) -> int:
    return len(row.text.split())


SLICES: dict[str, Callable[[Labelled], bool]] = {
    "English": lambda row: row.lang == "en",
    "Spanish": lambda row: row.lang == "es",
    "1-5 words": lambda row: _words(row) <= 5,
    "6-20 words": lambda row: 6 <= _words(row) <= 20,
    "21 words and more": lambda row: _words(row) >= 21,
    "day unknown": lambda row: row.day is None,
    "days 0-3": lambda row: row.day is not None and row.day <= 3,
    "day 4 and later": lambda row: row.day is not None and row.day > 3,
    "emoji": lambda row: bool(_EMOJI.search(row.text)),
    "played down": lambda row: bool(_MINIMISED.search(row.text)),
    "about somebody else": lambda row: bool(_THIRD.search(row.text)),
    "with a negation": lambda row: bool(_NEGATED.search(row.text)),
    "capitals": lambda row: row.text.isupper(),
    "written for measuring, blind": lambda row: row.blind,
    "given (the rules were written with sight of these)": lambda row: row.source == "given",
    "authored": lambda row: row.source == "authored" and not row.blind,
}
