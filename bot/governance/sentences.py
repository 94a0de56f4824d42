"""Texts by sentence: what a clinic changes, and how two versions differ. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from hashlib import sha256
from typing import Any, Literal, Self

from bot.protocols.catalogue import Place, texts
from bot.protocols.schema import Piece

#: A sentence ends at . ? or ! before a space, or with its paragraph; in "9.30" or "St.Paul" nothing ends.
_SENTENCE = re.compile(r"\S(?:.*?)(?:(?<=[.?!])(?=\s)|(?=\n\s*\n)|(?=\s*\Z))", re.DOTALL)


def split(text: str) -> list[str]:
    """The sentences of `text`, in order."""
    return _SENTENCE.findall(text)


def replaced(text: str, was: str, to: str) -> str | None:
    """`text` with the sentence `was` said as `to`, or left out; None when it is not there."""
    found = next((match for match in _SENTENCE.finditer(text) if match[0] == was), None)
    if found is None:
        return None
    before, after = text[: found.start()], text[found.end() :]
    return before + to + after if to else (before + after.lstrip(" ")).rstrip()


@dataclass(frozen=True, slots=True)
class Change:
    """One sentence of one text in the clinic's own words. An empty `to` leaves the sentence out."""

    place: Place
    was: str
    to: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """A change as `as_data` wrote it."""
        return cls(Place(*data["place"]), data["was"], data["to"])

    def as_data(self) -> dict[str, Any]:
        """As it is stored."""
        return {"place": list(self.place), "was": self.was, "to": self.to}


def digest(piece: Piece) -> str:
    """Names the exact words and conditions of `piece`; its status does not count."""
    return sha256(piece.model_dump_json(exclude={"status"}).encode()).hexdigest()


def changed(piece: Piece, changes: Iterable[Change]) -> tuple[Piece, list[Change]]:
    """`piece` with `changes`, and those that no longer fit because the sentence is not there."""
    data = piece.model_dump(mode="json")
    lost = []
    for change in changes:
        number, channel, language = change.place
        variants = data["variants"]
        wording = (variants[number - 1].get(channel) if number <= len(variants) else None) or {}
        text = replaced(wording.get(language, ""), change.was, change.to)
        if text is None:
            lost.append(change)
        else:
            wording[language] = text
    return Piece.model_validate(data), lost


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence in a comparison."""

    sign: Literal["same", "gone", "new"]
    text: str


def difference(before: str, after: str) -> list[Line]:
    """What became of the sentences of `before` in `after`."""
    old, new = split(before), split(after)
    lines: list[Line] = []
    for tag, i, j, m, n in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += [Line("same", sentence) for sentence in old[i:j]]
        else:
            lines += [Line("gone", sentence) for sentence in old[i:j]]
            lines += [Line("new", sentence) for sentence in new[m:n]]
    return lines


def differences(before: Piece, after: Piece) -> Iterator[tuple[Place, Sequence[Line]]]:
    """Every text that two versions of a piece do not share, by place."""
    old, new = dict(texts(before)), dict(texts(after))
    for place in sorted({*old, *new}):
        if old.get(place) != new.get(place):
            yield place, difference(old.get(place, ""), new.get(place, ""))
