"""Marks the words that made a rule fire inside what the patient wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_BREAK = re.compile(r"\s*(?:…|\.\.\.)\s*")


def split(text: str, quotes: Iterable[str]) -> Sequence[tuple[str, bool]]:
    """`text` in pieces, each with whether it is quoted by one of `quotes`. The pieces joined are `text`.

    Quotes are found whatever their case and spacing; one that is not in the text marks nothing.
    """
    marked = [False] * len(text)
    for quote in quotes:
        for part in _BREAK.split(quote):
            words = part.split()
            if not words:
                continue
            pattern = r"\s+".join(re.escape(word) for word in words)
            for match in re.finditer(pattern, text, re.IGNORECASE):
                marked[match.start() : match.end()] = [True] * (match.end() - match.start())
    pieces: list[tuple[str, bool]] = []
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or marked[end] != marked[start]:
            pieces.append((text[start:end], marked[start]))
            start = end
    return pieces
