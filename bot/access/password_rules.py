"""What a password must be: long, not guessable from the account, and none of the common ones."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal

SHORTEST, LONGEST = 12, 200

Problem = Literal["short", "long", "email", "name", "common", "same"]

#: What the common passwords of twelve letters and more are made from, and words of this trade.
_ROOTS = (
    "password", "passwort", "contrasena", "contraseña", "qwerty", "qwertz", "asdf", "zxcv", "letmein",
    "welcome", "bienvenido", "iloveyou", "tequiero", "administrator", "admin", "monkey", "dragon", "football",
    "baseball", "princess", "superman", "sunshine", "trustno", "changeme", "secret", "clinica", "clinic",
    "afterglow", "botox", "filler", "harmonyca", "summer", "winter", "spring", "autumn", "verano", "invierno",
)  # fmt: skip
_LEFT = {"@": "a", "4": "a", "0": "o", "1": "i", "!": "i", "3": "e", "$": "s", "5": "s", "7": "t"}
#: What must be left of a password once common pieces are taken out.
_OWN_LETTERS = 6


def problem_with(password: str, *, email: str, name: str = "") -> Problem | None:
    """Why `password` cannot be taken, by the key of the words for it; None when it can."""
    if len(password) < SHORTEST:
        return "short"
    if len(password) > LONGEST:
        return "long"
    plain = password.casefold()
    local = email.casefold().partition("@")[0]
    if email.casefold() in plain or (len(local) >= 4 and local in plain):
        return "email"
    if any(len(part) >= 4 and part in plain for part in name.casefold().split()):
        return "name"
    if len(set(plain)) < 5 or _one_run(plain) or _guessable(plain):
        return "common"
    return None


def _guessable(plain: str) -> bool:
    """Whether little is left of it without common words, years and repetition."""
    spelled = "".join(_LEFT.get(sign, sign) for sign in plain)
    left = spelled
    for root in _ROOTS:
        left = left.replace(root, "")
    if left == spelled:
        return False
    left = re.sub(r"[\W\d_]+", "", left)
    return len(set(left)) < _OWN_LETTERS


def _one_run(plain: str) -> bool:
    """Whether most of it goes up or down by one, as 123456789012 and abcdefghijkl do."""
    steps = [ord(b) - ord(a) for a, b in pairwise(plain)]
    return max(steps.count(1), steps.count(-1), steps.count(0)) >= 0.7 * len(steps)
