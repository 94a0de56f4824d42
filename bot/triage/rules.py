"""Read the YAML rules: what a rule may hold, and an error that names file and rule when one is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
#: How much a rule counts for beside the trained reader (docs/decisions/0009).
#: `sure` raises by itself; `vote` raises together with the reader, which weighs it; `fallback` only asks the
#: probe when no reader is there to do so. Without a reader every rule raises by itself.
Standing = Literal["sure", "vote", "fallback"]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
IDIOMS = "@idiom"
ASIDES = "@aside"


class RuleError(ValueError):
    """The rules cannot be used; the message names the file, the line and the rule."""


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
    standing: Standing = "vote"
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
        return yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)
    except yaml.YAMLError as problem:
        at = getattr(problem, "problem_mark", None)
        line = f":{at.line + 1}" if at else ""
        raise RuleError(f"{file.name}{line}: not readable as YAML: {problem}") from problem
    except UnicodeDecodeError as problem:
        raise RuleError(f"{file.name}: not UTF-8 text: {problem}") from problem


def _lines(file: Traversable | Path) -> list[int]:
    """The line on which each rule of `file` begins. Read only when an error must say where it is."""
    tree: Any = yaml.compose(file.read_text(encoding="utf-8"), Loader=_LOADER)
    for key, value in tree.value:
        if key.value == "rules":
            return [node.start_mark.line + 1 for node in value.value]
    return []


def _phrases(texts: Iterable[str]) -> list[Phrase]:
    try:
        return [parse(str(text)) for text in texts]
    except PhraseError as problem:
        raise RuleError(str(problem)) from problem


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
            try:
                phrases = _phrases([str(text) for text in entry.get(key) or ()])
            except RuleError as problem:
                raise RuleError(f"{file.name}: {name}: {problem}") from problem
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
            raise RuleError(f"{file.name}:1: must hold 'flag' and a list 'rules'")
        for number, entry in enumerate(content["rules"]):
            try:
                rule, flag = _rule(entry, content.get("flag"), flags)
                key = f"@rule_{len(rules)}_"
                found, names = _parts(rule, key, groups)
            except RuleError as problem:
                name = entry.get("id", "?") if isinstance(entry, dict) else repr(entry)[:60]
                raise RuleError(f"{file.name}:{_lines(file)[number]}: {name}: {problem}") from problem
            groups |= found
            flags[rule.id] = flag
            rules.append(rule)
            parts[rule.id] = names
    groups.setdefault(IDIOMS, [])
    asides = Index({ASIDES: groups.pop(ASIDES, [])})
    try:
        index = Index(groups, by_ear=spanish)
    except PhraseError as problem:
        raise RuleError(f"{folder}: {problem}") from problem
    return RuleBook(tuple(rules), flags, index, asides, parts, frozenset(places))


def _rule(entry: Any, file_flag: Any, known: Mapping[str, str]) -> tuple[Rule, str]:
    """The rule in `entry` and its flag. Raises `RuleError` without saying where."""
    try:
        rule = Rule.model_validate(entry)
    except ValidationError as problem:
        raise RuleError(
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problem.errors())
        ) from problem
    if bool(rule.phrases) == bool(rule.all):
        raise RuleError("give either 'any' or 'all'")
    flag = rule.flag or file_flag
    if flag not in FLAGS:
        raise RuleError(f"unknown flag {flag!r}")
    if rule.id in known:
        raise RuleError("this id is used twice")
    return rule, flag


def _parts(
    rule: Rule, key: str, groups: Mapping[str, list[Phrase]]
) -> tuple[dict[str, list[Phrase]], tuple[str, ...]]:
    """The groups that `rule` needs of its own, named after `key`, and the names of all it is made of."""
    own = {key: _phrases(rule.phrases), key + "unless": _phrases(rule.unless)}
    names = [key]
    for number, text in enumerate(rule.all):
        if text in groups:
            names.append(text)
        else:
            names.append(f"{key}{number}")
            own[names[-1]] = _phrases(text.split("|"))
    return own, tuple(names)
