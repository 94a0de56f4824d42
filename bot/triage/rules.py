"""Read the YAML rules: what a rule may hold, and an error that names file and rule when one is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.triage.matcher import Index, Phrase, PhraseError, parse
from bot.triage.types import FLAGS, Context, Phase, Tier

#: What a rule may give way to or ignore (`modifiers.py` says how each is recognised).
Modifier = Literal["negated", "hypothetical", "history", "resolved", "improving", "media", "pet", "relative"]
IDIOMS = "@idiom"
ASIDES = "@aside"


class RuleError(ValueError):
    """The rules cannot be used; the message names the file and the rule."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Strict):
    """Conditions on the context. A missing day satisfies every condition on days: it never hides a sign."""

    day_min: int | None = None
    day_max: int | None = None
    #: not for somebody who is known to be untreated and says nothing else; a stranger may have been treated
    treated: bool = False
    untreated: bool = False  #: only when there is no sign of a treatment, in the record or in the message
    known_day: bool = False  #: only when the day is known, or the message speaks of a treatment
    phase: Phase | None = None
    product: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    question: tuple[str, ...] = ()

    def holds(self, context: Context, mentions_treatment: bool) -> bool:
        """Whether the rule may apply in `context`."""
        day = context.day
        known = day is not None or mentions_treatment
        perhaps = known or context.phase is None
        return not (
            (self.known_day and not known)
            or (day is not None and self.day_min is not None and day < self.day_min)
            or (day is not None and self.day_max is not None and day > self.day_max)
            or (self.treated and not perhaps)
            or (self.untreated and known)
            or (self.phase is not None and context.phase != self.phase)
            or (self.product and (context.product or "").lower() not in self.product)
            or (self.areas and not set(self.areas) & set(context.areas))
            or (self.question and context.question not in self.question)
        )


class Rule(_Strict):
    """One sign: the words that show it, when it counts, how urgent it is, and why."""

    id: str = Field(pattern=r"^[a-z]+\.[a-z0-9-]+$")
    tier: Tier
    source: str = Field(min_length=2)
    why: str = Field(min_length=10, max_length=200)
    flag: str | None = None
    probe: bool = False
    psych: bool = False
    hold: bool = False
    any: tuple[str, ...] | dict[Literal["en", "es", "both"], tuple[str, ...]] = ()
    #: a combination: one of each of these, near one another; `|` parts whole phrases here ("ice pick|twinge")
    all: tuple[str, ...] = ()
    within: int = Field(14, ge=1, le=400)
    scope: Literal["sentence", "message"] = "sentence"
    unless: tuple[str, ...] = ()  #: in the same sentence
    when: When = When()
    yields_to: tuple[Modifier, ...] = ()
    ignores: tuple[Modifier, ...] = ()

    @property
    def phrases(self) -> tuple[str, ...]:
        """All patterns that are each enough on their own, whatever their language."""
        if isinstance(self.any, dict):
            return tuple(phrase for phrases in self.any.values() for phrase in phrases)
        return self.any


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules with everything compiled."""

    rules: tuple[Rule, ...]
    flags: Mapping[str, str]  #: rule id -> flag
    index: Index
    asides: Index  #: what is said by the way, found before anything else
    parts: Mapping[str, tuple[str, ...]]  #: rule id -> group names of its `all` patterns
    places: frozenset[str]  #: groups that name a body part or a circumstance, never denied themselves


def _load(file: Traversable | Path) -> Any:
    try:
        return yaml.load(
            file.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        )
    except yaml.YAMLError as problem:
        raise RuleError(f"{file.name}: not readable as YAML: {problem}") from problem


def _phrases(file: str, owner: str, texts: tuple[str, ...] | list[str]) -> list[Phrase]:
    try:
        return [parse(str(text)) for text in texts]
    except PhraseError as problem:
        raise RuleError(f"{file}: {owner}: {problem}") from problem


def _groups(file: Traversable | Path) -> tuple[dict[str, list[Phrase]], set[str], set[str]]:
    """The groups of `file`, which of them name places, and the words that only Spanish has."""
    groups: dict[str, list[Phrase]] = {}
    words: dict[str, set[str]] = {"es": set(), "en": set(), "both": set()}
    places: set[str] = set()
    for name, entry in (_load(file) or {}).items():
        if not isinstance(entry, dict) or not set(entry) <= {"note", "place", "en", "es", "both"}:
            raise RuleError(f"{file.name}: {name}: a group holds note, place, en, es, both")
        groups[f"@{name}"] = []
        for key, known in words.items():
            phrases = _phrases(file.name, name, [str(text) for text in entry.get(key) or ()])
            groups[f"@{name}"] += phrases
            known.update(a for phrase in phrases for step in phrase for a in step.atoms if a[0] not in "@~")
        if entry.get("place"):
            places.add(f"@{name}")
    return groups, places, words["es"] - words["en"]


def load(folder: Traversable | Path | None = None) -> RuleBook:
    """Read all rules in `folder` (default: the rules of this package). Raises `RuleError`."""
    folder = folder or resources.files("bot.triage") / "rules"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".yml")), key=lambda file: file.name
    )
    groups: dict[str, list[Phrase]] = {}
    places: set[str] = set()
    spanish: set[str] = set()
    rules: list[Rule] = []
    flags: dict[str, str] = {}
    parts: dict[str, tuple[str, ...]] = {}
    for file in files:
        if file.name in ("lexicon.yml", "idioms.yml"):
            found, found_places, found_spanish = _groups(file)
            groups |= found
            places |= found_places
            spanish |= found_spanish
    for file in files:
        if file.name in ("lexicon.yml", "idioms.yml"):
            continue
        content = _load(file)
        if not isinstance(content, dict) or not isinstance(content.get("rules"), list):
            raise RuleError(f"{file.name}: must hold 'flag' and a list 'rules'")
        for entry in content["rules"]:
            rule = _rule(file.name, entry)
            flag = rule.flag or content.get("flag")
            if flag not in FLAGS:
                raise RuleError(f"{file.name}: {rule.id}: unknown flag {flag!r}")
            if rule.id in flags:
                raise RuleError(f"{file.name}: {rule.id}: this id is used twice")
            flags[rule.id] = flag
            rules.append(rule)
            key = f"@rule_{len(rules)}_"
            groups[key] = _phrases(file.name, rule.id, rule.phrases)
            groups[key + "unless"] = _phrases(file.name, rule.id, rule.unless)
            names = [key]
            for number, text in enumerate(rule.all):
                if text in groups:
                    names.append(text)
                else:
                    names.append(f"{key}{number}")
                    groups[names[-1]] = _phrases(file.name, rule.id, text.split("|"))
            parts[rule.id] = tuple(names)
    groups.setdefault(IDIOMS, [])
    asides = Index({ASIDES: groups.pop(ASIDES, [])})
    try:
        index = Index(groups, by_ear=spanish)
    except PhraseError as problem:
        raise RuleError(f"{folder}: {problem}") from problem
    return RuleBook(tuple(rules), flags, index, asides, parts, frozenset(places))


def _rule(file: str, entry: Any) -> Rule:
    name = entry.get("id", "?") if isinstance(entry, dict) else repr(entry)[:60]
    try:
        rule = Rule.model_validate(entry)
    except ValidationError as problem:
        detail = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problem.errors())
        raise RuleError(f"{file}: {name}: {detail}") from problem
    if bool(rule.phrases) == bool(rule.all):
        raise RuleError(f"{file}: {name}: give either 'any' or 'all'")
    return rule


@lru_cache(maxsize=1)
def book() -> RuleBook:
    """The rules of this package, read on first use."""
    return load()
