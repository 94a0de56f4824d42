"""What is said at the end of a check-in that needs nobody: the shipped words, or those of the clinic's
protocol."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy.orm import Session

from bot.clinic.models import Treatment
from bot.followup import protocols
from bot.followup.errors import Fault, ProtocolRefused
from bot.messaging.segments import foreign
from bot.protocols import placeholders
from bot.protocols.catalogue import catalogue
from bot.protocols.errors import ContentError
from bot.protocols.every_text import every_text
from bot.protocols.lint import LANGUAGES, lint_piece, too_long
from bot.protocols.never_say import breaches
from bot.protocols.phrases import Language
from bot.protocols.schema import Piece, Schedule, Variant, Wording
from bot.triage.language import detect

PIECE = "checkin.done_well"
#: What must stay in the words: whom to call is the one thing that everybody who is well must take away.
URGENT = ("emergency_phone", "emergency_number")
_PLACEHOLDER = re.compile(r"\{[^}]*\}")


class OwnWords(NamedTuple):
    """A clinic's words as a piece, and the version of the protocol that they belong to."""

    piece: Piece
    version: int


def words_for(session: Session, treatment: Treatment | None) -> OwnWords | None:
    """The words of the protocol that is in force for a patient's newest `treatment`; None: the shipped
    ones."""
    if treatment is None:
        return None
    schedule = protocols.for_product(session, treatment.clinic_id, treatment.product)
    return None if schedule is None else own_words(schedule)


def own_words(schedule: Schedule) -> OwnWords | None:
    """The words of one protocol; None: the shipped ones."""
    return None if schedule.all_well is None else OwnWords(piece_of(schedule.all_well), schedule.version)


def shipped() -> Wording:
    """The shipped words, as a text says them."""
    return catalogue().piece(PIECE).variants[-1].sms


def piece_of(words: Wording) -> Piece:
    """The shipped piece with `words` in its place, on every channel."""
    return catalogue().piece(PIECE).model_copy(update={"variants": (Variant(sms=words),)})


def read(en: str, es: str) -> Wording | None:
    """The words that a form says; None, the shipped ones, when both languages are empty. Raises
    ProtocolRefused with everything that is wrong, by language."""
    if not en and not es:
        return None
    empty = [Fault("words_missing", language) for language, text in (("en", en), ("es", es)) if not text]
    if empty:
        raise ProtocolRefused(*empty)
    wording = Wording(en=en, es=es)
    if wording == shipped():
        return None
    faults = list(_faults(wording))
    if faults:
        raise ProtocolRefused(*faults)
    return wording


def swapped(wording: Wording) -> list[Language]:
    """The languages whose words look as if they were written in the other one. A guess: short words say
    nothing."""
    told: list[Language] = []
    for language in LANGUAGES:
        words = _PLACEHOLDER.sub(" ", getattr(wording, language))
        if detect(words, default=language) != language:
            told.append(language)
    return told


def _faults(wording: Wording) -> Iterator[Fault]:
    known = placeholders.CLINIC_FACTS | {"first_name"} | set(catalogue().settings)
    usable = True
    for language in LANGUAGES:
        text = getattr(wording, language)
        for breach in breaches(text, "check_in"):
            yield Fault("words_never", language, breach.words)
        try:
            named = placeholders.names(text)
        except ContentError as error:
            usable = False
            yield Fault("words_braces", language, str(error))
            continue
        if unknown := sorted(named - known):
            usable = False
            yield Fault("words_unknown", language, ", ".join("{" + name + "}" for name in unknown))
        if lost := [name for name in URGENT if name not in named]:
            yield Fault("words_urgent", language, ", ".join("{" + name + "}" for name in lost))
        if language == "en" and (odd := foreign(text)):
            yield Fault("words_sign", language, odd)
    if usable:
        yield from _as_said(wording)


def _as_said(wording: Wording) -> Iterator[Fault]:
    """What is wrong with the words once they are filled, with the longest values that a clinic can have."""
    piece = piece_of(wording)
    content = replace(catalogue(), pieces={**catalogue().pieces, PIECE: piece})
    longest: dict[str, str] = {}
    told: set[tuple[str, str]] = set()
    for said in every_text(piece, content):
        language = said.place.language
        longest[language] = max(longest.get(language, ""), said.text, key=len)
        written = getattr(wording, language)
        for breach in breaches(said.text, "check_in"):
            if breach.words not in written and (language, breach.words) not in told:
                told.add((language, breach.words))
                yield Fault("words_never", language, breach.words)
    for language, text in longest.items():
        if list(too_long(text)):
            yield Fault("words_long", language, str(len(text)))
    named_here = ("never say", "characters once filled", "segments once filled", "dearer")
    for problem in lint_piece(piece, content):
        if not any(words in problem.message for words in named_here):
            message = re.sub(r"^variant 1 sms(?: e[ns])?: ", "", problem.message)
            yield Fault("words_other", "es" if " es: " in problem.message else "en", message)
