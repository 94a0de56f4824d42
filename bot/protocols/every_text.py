"""Every text that a patient can be sent: each piece in every situation, filled with every value it may get.

No situation is left out. A text depends on the variant that the situation chooses and on the values that fill
it, so it is enough to know which variants are reached, and to fill each of them with every combination of the
values it names. Each distinct text is then read by the never-say rules and measured as an SMS.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bot.protocols.catalogue import Catalogue, Place
from bot.protocols.errors import ContentError
from bot.protocols.lint import (
    LANGUAGES,
    SAMPLE_CLINIC,
    SAMPLE_MESSAGE,
    SAMPLE_SHARED,
    Problem,
    problem_at,
    too_long,
)
from bot.protocols.names import LONGEST_NAME, TEAM
from bot.protocols.never_say import breaches_in, sentences
from bot.protocols.phrases import Language, at_time
from bot.protocols.placeholders import names
from bot.protocols.render import Channel, Situation, choose_variant, clinic_values, render
from bot.protocols.schema import Piece, Setting, Variant, Wording
from bot.triage.types import FLAGS, Tier

CHANNELS: tuple[Channel, ...] = ("sms", "web")
PHASES: tuple[Literal["before", "after"] | None, ...] = (None, "before", "after")
#: Whole days since treatment; only somebody who has been treated has any.
DAYS: tuple[int, ...] = (*range(31), 45, 60, 90, 180, 365)
#: Each phase with each day that it can have.
TIMES = [(phase, day) for phase in PHASES for day in (None, *(DAYS if phase == "after" else ()))]
TIERS: tuple[str | None, ...] = (None, *(tier.value for tier in Tier))
SIGNS: tuple[str | None, ...] = (None, *FLAGS)

#: The least and the most that a clinic can be expected to set. One is said in the singular, and whole weeks
#: from two on are said in weeks.
LOW_NUMBER = 1
HIGH_NUMBER: Mapping[str, int] = {"hours": 336, "days": 180, "nights": 30}
LOW_TEXT: Mapping[Language, str] = {"en": "ask us", "es": "pregunte"}
#: A clinic's own words for a setting may be as long as the longest shipped ones, and this long in any case.
HIGH_TEXT_LENGTH = 75
_HIGH_TEXT: Mapping[Language, str] = {
    "en": "please ask the clinician who treated you what suits you and for how long, ",
    "es": "pregunte al profesional que le trató qué le conviene y durante cuánto tiempo, ",
}
#: What stands last in a list of choices (`bot/dialogue/topics.py`), and how many stand before it.
WAY_OUT = "dialogue.fallback"
OFFERED = 3


@dataclass(frozen=True, slots=True)
class Said:
    """One text as one patient gets it. `situation` is one of those in which its words are used."""

    piece: Piece
    place: Place
    situation: Situation
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at, and what must be changed."""

    situations: int
    pieces: int
    variants: int
    renderings: int
    texts: int
    sentences: int
    problems: tuple[Problem, ...]


def situations(content: Catalogue) -> int:
    """How many situations each piece is looked at in: all that the desk can find itself in."""
    products = len(content.products) + 1
    return len(LANGUAGES) * len(CHANNELS) * len(TIMES) * products * len(TIERS) * len(SIGNS)


def spoken(content: Catalogue) -> list[Piece]:
    """The pieces that patients get, in order of file: all but those to staff and those that are retired."""
    return [piece for piece in content.pieces.values() if piece.kind != "staff" and piece.status != "retired"]


def reached(piece: Piece, content: Catalogue) -> dict[int, list[Situation]]:
    """The variants of `piece`, counted from 0, that some situation chooses, with situations that choose them.

    A fact that no variant asks for changes no choice and is left out, but for the product and whether there
    is a day, which decide the values. Raises `ContentError` when a situation finds no variant.
    """
    conditions = [variant.when for variant in piece.variants]
    dated = any(when.day_min is not None or when.day_max is not None for when in conditions)
    times = TIMES if dated else [(phase, day) for phase, day in TIMES if day in (None, 0)]
    tiers = TIERS if any(when.tier for when in conditions) else (None,)
    signs = SIGNS if any(when.flag for when in conditions) else (None,)
    found: dict[int, dict[tuple[str | None, bool], Situation]] = {}
    areas = [(), *((area,) for area in dict.fromkeys(area for when in conditions for area in when.area))]
    figures = (False, True) if any(when.figures for when in conditions) else (False,)
    for (phase, day), product, tier, flag, area, numbers in itertools.product(
        times, (None, *content.products), tiers, signs, areas, figures
    ):
        situation = Situation(
            phase=phase, product=product, day=day, tier=tier, flag=flag, areas=area, figures=numbers
        )
        number = _number(piece, choose_variant(piece, situation))
        found.setdefault(number, {}).setdefault((product, day is not None), situation)
    return {number: list(those.values()) for number, those in found.items()}


def _number(piece: Piece, variant: Variant) -> int:
    return next(number for number, other in enumerate(piece.variants) if other is variant)


class _Values:
    """What may stand for each placeholder, by language and product."""

    def __init__(self, content: Catalogue) -> None:
        self._content = content
        self._known: dict[tuple[Language, str | None], dict[str, tuple[str, ...]]] = {}
        settings = content.settings.values()
        self._own: tuple[Mapping[str, object], ...] = (
            {},
            {setting.id: _low(setting) for setting in settings},
            {setting.id: _high(setting) for setting in settings},
        )

    def of(self, situation: Situation) -> dict[str, tuple[str, ...]]:
        """Each placeholder with all its values in `situation`."""
        key = (situation.language, situation.product)
        if key not in self._known:
            self._known[key] = self._clinics(*key) | self._messages(situation.language)
        known = self._known[key]
        if situation.day is None:
            return known | {"treated_on_phrase": ("",)}
        return known

    def _clinics(self, language: Language, product: str | None) -> dict[str, tuple[str, ...]]:
        """Facts and settings: with and without a booking page; settings shipped, low and high."""
        without = {name: fact for name, fact in SAMPLE_CLINIC.items() if name != "booking_url"}
        fillings = [
            clinic_values(clinic, language, product, own, self._content)
            for clinic in (SAMPLE_CLINIC, without)
            for own in self._own
        ]
        return {name: tuple(dict.fromkeys(filled[name] for filled in fillings)) for name in fillings[0]}

    def _messages(self, language: Language) -> dict[str, tuple[str, ...]]:
        samples = SAMPLE_SHARED | SAMPLE_MESSAGE[language]
        return {name: (text,) for name, text in samples.items()} | {
            "first_name": (samples["first_name"], "", "M" * LONGEST_NAME),
            "safeguarding_lead": (samples["safeguarding_lead"], TEAM[language]),
            "told_at": (samples["told_at"], at_time("14:05", language)),
            "choices": tuple(_choices(self._content, language)),
        }


def _low(setting: Setting) -> object:
    return LOW_TEXT if setting.unit == "text" else LOW_NUMBER


def _high(setting: Setting) -> object:
    if setting.unit != "text":
        return HIGH_NUMBER[setting.unit]
    shipped = [
        value for value in (setting.default, *setting.by_product.values()) if isinstance(value, Wording)
    ]
    lengths = {
        language: max(HIGH_TEXT_LENGTH, *(len(getattr(words, language)) for words in shipped))
        for language in LANGUAGES
    }
    return {language: (_HIGH_TEXT[language] * length)[:length] for language, length in lengths.items()}


def _choices(content: Catalogue, language: Language) -> Iterator[str]:
    """Every topic's title offered alone, and the longest list there can be."""
    titles = [str(getattr(topic.title, language)) for topic in content.topics()]
    out = [str(getattr(content.piece(WAY_OUT).title, language))] if WAY_OUT in content.pieces else []
    longest = sorted(titles, key=len)[-OFFERED:]
    for offered in (*([title] for title in titles), longest):
        yield " ".join(f"{number} {title}" for number, title in enumerate([*offered, *out], start=1))


def every_text(piece: Piece, content: Catalogue) -> Iterator[Said]:
    """Every text that `piece` can become. Raises `ContentError` when a variant or a value is missing."""
    yield from _fill(piece, content, reached(piece, content), _Values(content))


def _fill(
    piece: Piece, content: Catalogue, found: Mapping[int, list[Situation]], values: _Values
) -> Iterator[Said]:
    for number, those in sorted(found.items()):
        variant = piece.variants[number]
        for some, language, channel in itertools.product(those, LANGUAGES, CHANNELS):
            situation = replace(some, language=language, channel=channel)
            kept = "web" if channel == "web" and variant.web else "sms"
            wording = (variant.web if kept == "web" else None) or variant.sms
            possible = values.of(situation)
            named = [name for name in sorted(names(getattr(wording, language))) if name in possible]
            for chosen in itertools.product(*(possible[name] for name in named)):
                filled = dict(zip(named, chosen, strict=True))
                text = render(piece.id, situation, filled, content).text
                yield Said(piece, Place(number + 1, kept, language), situation, text)


def check_all(content: Catalogue, progress: Callable[[str], object] = lambda _line: None) -> Report:
    """Read every text of `content` as patients can get it, and find variants that nobody can get.

    `progress` is told of each file that is done.
    """
    problems: dict[Problem, None] = {}
    heard: set[str] = set()
    texts: set[str] = set()
    values = _Values(content)
    renderings = variants = 0
    all_pieces = spoken(content)
    by_file = itertools.groupby(all_pieces, key=lambda piece: content.origin.get(piece.id, "edit"))
    for file, pieces in by_file:
        for piece in pieces:
            try:
                found = reached(piece, content)
                variants += len(found)
                problems |= dict.fromkeys(_unreached(piece, content, found))
                new: set[tuple[str, Place]] = set()
                for said in _fill(piece, content, found, values):
                    renderings += 1
                    if (said.text, said.place) not in new:
                        new.add((said.text, said.place))
                        problems |= dict.fromkeys(_faults(said, content))
                texts |= {text for text, _ in new}
                heard |= {sentence for text, _ in new for sentence in sentences(text)}
            except ContentError as error:
                problems[problem_at(piece, content, (), str(error))] = None
        progress(f"{file}: {len(texts)} texts so far")
    return Report(
        situations=situations(content),
        pieces=len(all_pieces),
        variants=variants,
        renderings=renderings,
        texts=len(texts),
        sentences=len(heard),
        problems=tuple(problems),
    )


def _unreached(piece: Piece, content: Catalogue, found: Mapping[int, object]) -> Iterator[Problem]:
    for number in range(len(piece.variants)):
        if number not in found:
            message = (
                f"variant {number + 1} is never used: no situation fits it, or an earlier one always does"
            )
            yield problem_at(piece, content, ("variants", number), message)


def _faults(said: Said, content: Catalogue) -> Iterator[Problem]:
    """What is wrong with one text."""
    for sentence in sentences(said.text):
        for breach in breaches_in(sentence, said.piece.kind):
            yield _problem(said, content, f'never say "{breach.words}" ({breach.rule}): {breach.why}')
    if said.place.channel == "sms":
        for message in too_long(said.text):
            yield _problem(said, content, message)


def _problem(said: Said, content: Catalogue, message: str) -> Problem:
    return problem_at(said.piece, content, said.place.where, f"{said.place}: {message}")
