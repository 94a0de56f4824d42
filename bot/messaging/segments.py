"""How a text is carried as SMS: its encoding and how many segments the carrier bills and joins.

Alphabet and sizes are those of 3GPP TS 23.038 and TS 23.040: GSM-7 holds 160 characters in one segment and
153 in each part of a longer message; one character outside the alphabet turns the whole text to UCS-2,
70 and 67 UTF-16 code units.
"""

from __future__ import annotations

from typing import Literal

Encoding = Literal["GSM-7", "UCS-2"]

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # each needs an escape, so it counts as two

_SIZES: dict[Encoding, tuple[int, int]] = {"GSM-7": (160, 153), "UCS-2": (70, 67)}


def encoding(text: str) -> Encoding:
    """`GSM-7` when every character is in the GSM alphabet or its extension, otherwise `UCS-2`."""
    return "GSM-7" if all(char in _BASIC or char in _EXTENDED for char in text) else "UCS-2"


def foreign(text: str) -> str:
    """The distinct characters that keep `text` out of GSM-7, in order of appearance."""
    return "".join(dict.fromkeys(char for char in text if char not in _BASIC and char not in _EXTENDED))


def first_segment(text: str) -> str:
    """The part of `text` that arrives in the first segment, which a phone may show before the rest."""
    parts = _split(text)
    return parts[0] if parts else ""


def segments(text: str) -> int:
    """How many SMS segments `text` takes; 0 for an empty text."""
    return len(_split(text))


def _width(char: str, kind: Encoding) -> int:
    """Septets (GSM-7) or UTF-16 code units (UCS-2) of one character."""
    if kind == "GSM-7":
        return 2 if char in _EXTENDED else 1
    return 2 if ord(char) > 0xFFFF else 1


def _split(text: str) -> list[str]:
    """The segments of `text`. An escape pair or a surrogate pair is never cut in two."""
    if not text:
        return []
    kind = encoding(text)
    single, joined = _SIZES[kind]
    widths = [_width(char, kind) for char in text]
    if sum(widths) <= single:
        return [text]
    parts: list[str] = []
    start = used = 0
    for position, width in enumerate(widths):
        if used + width > joined:
            parts.append(text[start:position])
            start, used = position, 0
        used += width
    parts.append(text[start:])
    return parts
