"""The intake for a person to read: lines for the patient's own check, and a page for the clinician."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.intake.holds import Hold, holds
from bot.intake.items import ITEMS
from bot.intake.reading import Answer
from bot.intake.terms import vocabulary
from bot.protocols.catalogue import catalogue
from bot.protocols.phrases import Language
from bot.protocols.schema import Wording

#: Characters of one part of the read-back, so that each part is a text message of its own.
PART = 280
#: Longest own words repeated in the read-back.
QUOTED = 90
_SAID: Mapping[str, Wording] = {
    "skipped": Wording(en="skipped", es="sin contestar"),
    "no": Wording(en="no", es="no"),
    "unsure": Wording(en="not sure", es="no está seguro/a"),
}


def line(answer: Answer, language: Language, longest: int | None = QUOTED) -> str:
    """An answer in a few words: what was understood, or the patient's own words, cut after `longest`."""
    if answer.value is not None:
        return str(answer.value)
    if answer.said in _SAID:
        return str(getattr(_SAID[answer.said], language))
    words = " ".join(answer.words.split())
    return words if longest is None or len(words) <= longest else words[: longest - 1] + "…"


def read_back(answers: Mapping[str, Answer], language: Language, limit: int = PART) -> list[str]:
    """The answers as one or more texts of at most `limit` characters, question by question."""
    parts: list[str] = []
    for item in ITEMS:
        if item.id not in answers:
            continue
        said = f"{getattr(item.title, language)}: {line(answers[item.id], language)}"
        if parts and len(parts[-1]) + 2 + len(said) <= limit:
            parts[-1] += f"; {said}"
        else:
            parts.append(said)
    return parts


def understood(answer: Answer, language: Language) -> str:
    """The terms that were recognised in an answer, in words; empty when none was."""
    known = vocabulary().by_code
    return ", ".join(getattr(known[code].label, language) for code in answer.codes if code in known)


def open_questions(answers: Mapping[str, Answer], language: Language) -> list[str]:
    """The questions to ask in person: skipped or never answered."""
    return [
        str(getattr(item.title, language))
        for item in ITEMS
        if item.id not in answers or answers[item.id].said == "skipped"
    ]


def sections(
    answers: Mapping[str, Answer], language: Language, product: str | None = None
) -> list[tuple[str, list[str]]]:
    """The clinician's page as (heading, lines): goals, what is held and why, answers in all of the patient's
    words, what is still to be asked. It never says suitable or unsuitable."""
    headings = _HEADINGS[language]
    goals = [line(answers[name], language, None) for name in ("goals", "goals_longer") if name in answers]
    history = [
        f"{getattr(item.title, language)}: {_full(answers[item.id], language)}"
        for item in ITEMS
        if item.id in answers and item.id not in ("goals", "goals_longer")
    ]
    return [
        (headings[0], goals),
        (headings[1], _hold_lines(holds(answers, product), language)),
        (headings[2], history),
        (headings[3], open_questions(answers, language)),
    ]


_HEADINGS: Mapping[Language, Sequence[str]] = {
    "en": ("Goals", "Held for the clinician", "History, in the patient's words", "To ask in person"),
    "es": ("Objetivos", "Para el profesional", "Antecedentes, en sus palabras", "Preguntar en persona"),
}  # fmt: skip


def _full(answer: Answer, language: Language) -> str:
    known = understood(answer, language)
    words = line(answer, language, None)
    return f"{words} [{known}]" if known and known.casefold() != words.casefold() else words


def _hold_lines(found: Sequence[Hold], language: Language) -> list[str]:
    """A line for each question with something held: its words once, then the statements behind it."""
    stated: dict[str, list[str]] = {}
    words: dict[str, str] = {}
    for hold in found:
        said = " ".join(hold.words.split())
        words[hold.item] = said if len(said) <= QUOTED else said[: QUOTED - 1] + "…"
        stated.setdefault(hold.item, []).append(_statements(hold, language))
    return [f'"{words[item]}" - {"; ".join(statements)}' for item, statements in stated.items()]


def _statements(hold: Hold, language: Language) -> str:
    by_text: dict[str, list[str]] = {}
    sources: dict[str, tuple[str, ...]] = {}
    for product, text, keys in hold.statements:
        by_text.setdefault(getattr(text, language), []).extend([_name(product)] if product else [])
        sources[getattr(text, language)] = keys
    return "; ".join(
        f"{', '.join(products) + ': ' if products else ''}{text} [{', '.join(sources[text])}]"
        for text, products in by_text.items()
    )


def _name(product: str) -> str:
    known = catalogue().products.get(product)
    return known.name if known else product
