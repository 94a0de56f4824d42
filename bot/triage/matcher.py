"""Match phrases of words, word groups and short gaps against a message, quickly.

The notation is meant for reading: `cant see ... @eye` is "cant see", up to four words, then any word of the
group `eye`. `a|b` is either, `word*` any ending, `word?` may be missing, `..2` a gap of up to two words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.triage.normalise import HOMOPHONES, Reading, sound

GAP = 4
_DOUBLED = re.compile(r"([a-z])\1")
_ATOM = re.compile(r"@[a-z_]+|~[a-z]+|[a-z0-9ñ:./]+\*?")


class PhraseError(ValueError):
    """A phrase that cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One position of a phrase: the atoms that fit it, the words that may come before, may it miss."""

    atoms: tuple[str, ...]
    gap: int = 0
    optional: bool = False


Phrase = tuple[Step, ...]
Span = tuple[int, int]


def parse(text: str) -> Phrase:
    """Read one phrase. Raises `PhraseError` on anything that is not the notation."""
    steps: list[Step] = []
    gap = 0
    for part in text.split():
        if part.startswith(".."):
            if part != "..." and not part[2:].isdigit():
                raise PhraseError(f"{part!r} is no gap; write '...' or '..3'")
            gap = GAP if part == "..." else int(part[2:])
            continue
        optional = part.endswith("?")
        atoms = tuple(part.removesuffix("?").split("|"))
        for atom in atoms:
            if not _ATOM.fullmatch(atom):
                raise PhraseError(f"{atom!r} is no word (lower case, no accents, no apostrophe)")
        steps.append(Step(atoms, gap, optional))
        gap = 0
    if not steps or gap or steps[0].optional or steps[0].gap:
        raise PhraseError(f"{text!r} must begin and end with a word that is always there")
    return tuple(steps)


def groups_in(phrase: Phrase) -> set[str]:
    """The names (with `@`) of the groups that `phrase` uses."""
    return {atom for step in phrase for atom in step.atoms if atom.startswith("@")}


@dataclass(slots=True)
class View:
    """A message with every group found in it: `spans[name]` holds the sorted places of that group."""

    reading: Reading
    atoms: list[frozenset[str]]
    places: dict[str, list[int]]
    spans: dict[str, list[Span]] = field(default_factory=dict)
    by_start: dict[str, dict[int, list[int]]] = field(default_factory=dict)
    blocked: set[int] = field(default_factory=set)

    def ends(self, atom: str, at: int) -> Iterable[int]:
        """Where `atom` ends when it begins at word `at`; nothing when it does not fit there."""
        if atom.startswith("@"):
            return self.by_start.get(atom, {}).get(at, ())
        if at < len(self.atoms) and atom in self.atoms[at] and at not in self.blocked:
            return (at + 1,)
        return ()

    def match(self, phrase: Phrase, at: int, step: int = 0) -> int | None:
        """The end of `phrase` when it begins at word `at`, else `None`. Gaps never cross a sentence."""
        if step == len(phrase):
            return at
        wanted = phrase[step]
        sentence = self.reading.sentence
        for skip in range(wanted.gap + 1):
            here = at + skip
            if here >= len(self.atoms) or (step and sentence[here] != sentence[at - 1]):
                break
            for atom in wanted.atoms:
                for end in self.ends(atom, here):
                    found = self.match(phrase, end, step + 1)
                    if found is not None:
                        return found
        if wanted.optional:
            return self.match(phrase, at, step + 1)
        return None


class Index:
    """All groups compiled for looking up. Build once, use for every message.

    `by_ear` are the words that a message may spell as they sound (`Index.view`).
    """

    def __init__(self, groups: Mapping[str, Iterable[Phrase]], by_ear: Iterable[str] = ()) -> None:
        self.order = _ordered({name: list(phrases) for name, phrases in groups.items()})
        self.starts: dict[str, dict[str, list[tuple[Phrase, frozenset[str]]]]] = {}
        self.prefixes: set[str] = set()
        self.vocabulary: set[str] = set()
        for name, phrases in groups.items():
            starts: dict[str, list[tuple[Phrase, frozenset[str]]]] = defaultdict(list)
            for phrase in phrases:
                for atom in phrase[0].atoms:
                    starts[atom].append((phrase, _needed(phrase)))
                for step in phrase:
                    self._learn(step.atoms)
            self.starts[name] = dict(starts)
        #: which groups have a phrase that begins with an atom, by their place in the order
        self._begun_by: dict[str, list[int]] = defaultdict(list)
        for place, name in enumerate(self.order):
            for atom in self.starts[name]:
                self._begun_by[atom].append(place)
        self._near = _near_spellings(self.vocabulary)
        self._heard: dict[str, set[str]] = defaultdict(set)
        for word in by_ear:
            self._heard[sound(word)].add(word)

    def _learn(self, atoms: Iterable[str]) -> None:
        for atom in atoms:
            if atom.endswith("*"):
                self.prefixes.add(atom)
            elif atom[0] not in "@~":
                self.vocabulary.add(atom)

    def _atoms(self, word: str, by_ear: bool = False) -> frozenset[str]:
        found = {word}
        if by_ear and word not in self.vocabulary and word not in HOMOPHONES and len(word) >= 3:
            heard = sound(word)
            found |= self._heard.get(heard, set())
            found.update(*(self._heard.get(f"{heard[:n]}*", ()) for n in range(4, len(heard) + 1)))
        if word not in self.vocabulary:
            single = _DOUBLED.sub(r"\1", word)
            if single in self.vocabulary:
                found.add(single)
        if word not in self.vocabulary and len(word) >= 5:
            meant = self._near.get(word)
            for cut in range(len(word)) if meant is None else ():
                shorter = word[:cut] + word[cut + 1 :]
                swapped = word[:cut] + word[cut : cut + 2][::-1] + word[cut + 2 :]
                if len(shorter) >= 6 and shorter in self.vocabulary:
                    meant = shorter
                    break
                if swapped in self.vocabulary:
                    meant = swapped
                    break
            if meant:
                found.add(meant)
        for form in tuple(found):
            found.update(f"{form[:n]}*" for n in range(2, len(form) + 1) if f"{form[:n]}*" in self.prefixes)
        return frozenset(found)

    def view(self, reading: Reading, first: tuple[str, ...] = (), by_ear: bool = False) -> View:
        """Find every group in `reading`. Words inside a span of the groups `first` are then used up.

        With `by_ear` a word that no phrase knows is also read as the Spanish words that sound the same.
        """
        known: dict[str, frozenset[str]] = {word: self._atoms(word, by_ear) for word in set(reading.words)}
        atoms = [known[word] for word in reading.words]
        places: dict[str, list[int]] = defaultdict(list)
        for position, here in enumerate(atoms):
            for atom in here:
                places[atom].append(position)
        view = View(reading, atoms, dict(places))
        present = set(places)
        for name in first:
            self._find(view, name, present)
            for start, end in view.spans.get(name, ()):
                view.blocked.update(range(start, end))
        # only groups that something in the message can begin are looked at: a small part of all
        begun = bytearray(len(self.order))
        for atom in present:
            for place in self._begun_by.get(atom, ()):
                begun[place] = 1
        place = begun.find(1)
        while place >= 0:
            name = self.order[place]
            if name not in first and self._find(view, name, present):
                for later in self._begun_by.get(name, ()):
                    begun[later] = 1
            place = begun.find(1, place + 1)
        return view

    def _find(self, view: View, name: str, present: set[str]) -> bool:
        """Find the group `name`; whether it is there."""
        spans: set[Span] = set()
        starts = self.starts[name]
        for key in present & starts.keys():
            for phrase, needed in starts[key]:
                if needed and needed.isdisjoint(present):
                    continue
                for at in view.places[key]:
                    end = view.match(phrase, at)
                    if end is not None:
                        spans.add((at, end))
        if spans:
            view.spans[name] = sorted(spans)
            ends: dict[int, list[int]] = defaultdict(list)
            for start, end in sorted(spans):
                ends[start].append(end)
            view.by_start[name] = dict(ends)
            view.places[name] = sorted(ends)
            present.add(name)
        return bool(spans)


def _needed(phrase: Phrase) -> frozenset[str]:
    """Atoms of which a message must hold one for `phrase` to fit; empty when its first step says all."""
    for step in reversed(phrase[1:]):
        if not step.optional:
            return frozenset(step.atoms)
    return frozenset()


def _near_spellings(words: Iterable[str]) -> dict[str, str]:
    """Each long word with one letter missing -> the word. Short words are left out: too many neighbours."""
    near: dict[str, str] = {}
    for word in sorted(words):
        if len(word) >= 6 and word.isalpha():
            for cut in range(1, len(word)):
                near.setdefault(word[:cut] + word[cut + 1 :], word)
    return near


def _ordered(groups: Mapping[str, list[Phrase]]) -> list[str]:
    """Group names so that each comes after the groups it uses. Raises `PhraseError`."""
    order: list[str] = []
    state: dict[str, int] = {}

    def visit(name: str, user: str) -> None:
        if name not in groups:
            raise PhraseError(f"{user} uses {name}, which is not defined")
        if state.get(name) == 1:
            raise PhraseError(f"{name} uses itself")
        if state.get(name) == 2:
            return
        state[name] = 1
        for phrase in groups[name]:
            for used in groups_in(phrase):
                visit(used, name)
        state[name] = 2
        order.append(name)

    for name in groups:
        visit(name, "the index")
    return order
