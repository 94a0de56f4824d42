"""The never-say list (`never_say.yml`) as rules that read a text sentence by sentence."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from bot.protocols.errors import ContentError
from bot.protocols.reading import read_yaml
from bot.protocols.schema import Kind

NEVER_SAY = Path(__file__).with_name("never_say.yml")

_SENTENCE = re.compile(r"[^.!?\n]+(?:[.](?=\d)[^.!?\n]*)*[.!?]?")
_DENIAL = re.compile(
    r"\b(no|not|cannot|never|nobody|none|neither|without|nadie|nunca|ningun[oa]?|ningún|tampoco|sin)\b|n't\b",
    re.IGNORECASE,
)


class Rule(BaseModel):
    """One thing never to say. The fields are explained at the head of `never_say.yml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    why: str
    pattern: tuple[str, ...] = Field(min_length=1)
    needs: str | None = None
    unless: str | None = None
    negatable: bool = False
    questions: bool = True
    kinds: tuple[Kind, ...] = ()
    catches: tuple[str, ...] = Field(min_length=1)
    allows: tuple[str, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Breach:
    """A forbidden phrase that was found, and why it is forbidden."""

    rule: str
    words: str
    why: str


@functools.cache
def rules() -> tuple[Rule, ...]:
    """The rules, read once per process. Raises `ContentError` when the file is not usable."""
    try:
        return tuple(Rule.model_validate(item) for item in read_yaml(NEVER_SAY))
    except (ValueError, TypeError) as error:
        raise ContentError(f"{NEVER_SAY.name}: {error}") from None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def breaches(text: str, kind: Kind) -> Iterator[Breach]:
    """Every forbidden phrase in `text`, at most one for each rule and sentence."""
    for sentence in sentences(text):
        yield from breaches_in(sentence, kind)


def sentences(text: str) -> Iterator[str]:
    """The sentences of `text`, as the rules read them."""
    # Curly apostrophes must not hide "don't".
    for match in _SENTENCE.finditer(text.replace("’", "'")):
        yield match.group().strip()


@functools.lru_cache(maxsize=16_384)  # texts share many sentences
def breaches_in(sentence: str, kind: Kind) -> tuple[Breach, ...]:
    """Every forbidden phrase in one of the `sentences`, at most one for each rule."""
    applying = (rule for rule in rules() if not rule.kinds or kind in rule.kinds)
    found = ((rule, _found(rule, sentence)) for rule in applying)
    return tuple(Breach(rule.id, words, rule.why) for rule, words in found if words)


def _found(rule: Rule, sentence: str) -> str | None:
    if not rule.questions and sentence.endswith("?"):
        return None
    if rule.needs and not _compiled(rule.needs).search(sentence):
        return None
    if rule.unless and _compiled(rule.unless).search(sentence):
        return None
    for pattern in rule.pattern:
        for match in _compiled(pattern).finditer(sentence):
            if not (rule.negatable and _denied(sentence, match)):
                return match.group().strip()
    return None


def _denied(sentence: str, match: re.Match[str]) -> bool:
    """Whether a denial stands before the phrase in the same clause; one in another clause denies nothing."""
    clause = re.split(r"[,;:]", sentence[: match.start()])[-1]
    return bool(_DENIAL.search(clause))
