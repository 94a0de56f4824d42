"""The console's own words, English and Spanish, from `strings.yml`. No patient ever reads them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

LANGUAGES = ("en", "es")
FILE = Path(__file__).with_name("strings.yml")

Translate = Callable[..., str]


class StringsError(ValueError):
    """`strings.yml` cannot be used; the message names the key."""


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, dict[str, str]]:
    """Nested groups as dotted keys. Raises `StringsError` for an entry without exactly both languages."""
    found: dict[str, dict[str, str]] = {}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if not isinstance(value, dict):
            raise StringsError(f"strings.yml: {key}: expected a group or the texts en and es")
        if any(isinstance(text, str) for text in value.values()):
            if set(value) != set(LANGUAGES):
                raise StringsError(f"strings.yml: {key}: must have en and es")
            found[key] = value
        else:
            found |= flatten(value, f"{key}.")
    return found


@functools.cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every key with its texts, read once per process."""
    return flatten(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def translator(language: str) -> Translate:
    """A function from key and values to the text in `language`; English for a language we do not have.

    The function raises KeyError for an unknown key: a page with a hole in it must not pass its tests.
    """
    column = language if language in LANGUAGES else "en"

    def translate(key: str, **values: object) -> str:
        text = catalogue()[key][column]
        return text.format(**values) if values else text

    return translate


def preferred(accept_language: str) -> str:
    """The first of our languages that a browser's `Accept-Language` asks for; English without one."""
    for part in accept_language.lower().split(","):
        language = part.split(";")[0].strip()[:2]
        if language in LANGUAGES:
            return language
    return "en"
