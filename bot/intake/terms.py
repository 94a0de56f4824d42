"""Finding in free text what the clinician must know: medicines, illnesses, products, devices."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bot.intake.items import BY_ID
from bot.protocols.errors import ContentError
from bot.protocols.reading import read_yaml
from bot.protocols.schema import Wording
from bot.triage.normalise import plain

FILE = Path(__file__).parent / "terms.yml"
#: A word of this length is recognised with a slip of the thumb.
FORGIVING_LENGTH = 6
#: How alike the word typed must be, 0 to 1 (two letters swapped in seven).
ALIKE = 0.85
#: A denial reaches this many words forward, within its clause.
REACH = 4
_CLAUSE = re.compile(r"[.,;!?\n()]+|\b(?:but|pero|aunque|though|except|salvo|menos)\b")
_DENIAL = frozenset({
    "no", "not", "none", "never", "nor", "without", "dont", "didnt", "havent", "hasnt", "isnt", "arent",
    "wasnt", "cant", "nope", "nunca", "jamas", "sin", "ni", "tampoco", "ningun", "ninguna", "ninguno",
})  # fmt: skip
#: "not sure which" and "no idea what" deny nothing.
_NO_DENIAL = re.compile(r"\b(?:not sure|no idea|dont know|no se|not only|no solo)\b")


@dataclass(frozen=True, slots=True)
class Term:
    """Something a patient may name. `item`: the question it answers."""

    code: str
    item: str
    label: Wording


@dataclass(frozen=True, slots=True)
class Mention:
    """A term in a text. `denied`: the patient says that it is not so. `words`: the words that name it."""

    term: Term
    words: str
    denied: bool


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All terms, by each of their phrases (a tuple of plain words)."""

    phrases: Mapping[tuple[str, ...], Term]
    by_code: Mapping[str, Term]
    forgiving: tuple[str, ...]
    longest: int

    def mentions(self, text: str) -> list[Mention]:
        """What `text` names, in order, each term once for each way it is meant (said or denied)."""
        found: dict[tuple[str, bool], Mention] = {}
        for clause in _CLAUSE.split(plain(text)):
            words = re.sub(r"['’]", "", clause)
            for mention in self._in_clause(re.findall(r"[\w-]+", words)):
                found.setdefault((mention.term.code, mention.denied), mention)
        return list(found.values())

    def _in_clause(self, words: list[str]) -> Iterator[Mention]:
        excused = bool(_NO_DENIAL.search(" ".join(words)))
        at = 0
        while at < len(words):
            term, length = self._at(words, at)
            if term is None:
                at += 1
                continue
            before = words[max(0, at - REACH) : at]
            denied = not excused and not _DENIAL.isdisjoint(before)
            yield Mention(term, " ".join(words[at : at + length]), denied)
            at += length

    def _at(self, words: list[str], at: int) -> tuple[Term | None, int]:
        for length in range(min(self.longest, len(words) - at), 0, -1):
            term = self.phrases.get(tuple(words[at : at + length]))
            if term is not None:
                return term, length
        word = words[at]
        if len(word) >= FORGIVING_LENGTH:
            close = difflib.get_close_matches(word, self.forgiving, n=1, cutoff=ALIKE)
            if close:
                return self.phrases[(close[0],)], 1
        return None, 0


@cache
def vocabulary() -> Vocabulary:
    """The shipped vocabulary, read once."""
    return load(FILE)


def load(path: Path) -> Vocabulary:
    """Read a vocabulary. Raises `ContentError` naming the file and the code of the first fault."""
    phrases: dict[tuple[str, ...], Term] = {}
    by_code: dict[str, Term] = {}
    for entry in read_yaml(path):
        term = _term(entry, path.name)
        if term.code in by_code:
            raise ContentError(f"{path.name}: {term.code}: the code is used twice; rename one")
        by_code[term.code] = term
        for written in entry["words"]:
            words = tuple(re.findall(r"[\w-]+", plain(str(written))))
            other = phrases.setdefault(words, term)
            if other is not term:
                raise ContentError(f"{path.name}: {term.code}: {written!r} also stands under {other.code}")
    forgiving = tuple(words[0] for words in phrases if len(words) == 1 and len(words[0]) >= FORGIVING_LENGTH)
    return Vocabulary(phrases, by_code, forgiving, max(map(len, phrases)))


def _term(entry: Mapping[str, Any], name: str) -> Term:
    try:
        term = Term(str(entry["code"]), str(entry["item"]), Wording.model_validate(entry["label"]))
        missing = not entry["words"]
    except (KeyError, TypeError, ValueError) as fault:
        raise ContentError(f"{name}: {entry.get('code', entry)}: {fault}") from None
    if missing or term.item not in BY_ID:
        raise ContentError(f"{name}: {term.code}: needs words, and an item of {', '.join(BY_ID)}")
    return term
