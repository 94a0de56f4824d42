"""The parts of the protocol form that say which question waits for an earlier answer, which days the charts
shade, and what ends a check-in: as shown and as typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData

from bot.clinic.facts import content_values
from bot.clinic.models import Clinic
from bot.console import pages
from bot.followup import branches, shading
from bot.followup.branches import ALWAYS
from bot.followup.errors import Fault, ProtocolRefused
from bot.messaging.segments import segments
from bot.protocols.catalogue import catalogue
from bot.protocols.lint import LANGUAGES
from bot.protocols.phrases import Language
from bot.protocols.placeholders import fill
from bot.protocols.schema import Branch, Expected, Measure, Question, Schedule, Window, Wording

Row = Mapping[str, Any]
Words = Mapping[Language, str]

#: Letters that are kept of closing words: more than any text may have.
_MOST_LETTERS = 1000


@dataclass(frozen=True, slots=True)
class Waiting:
    """One question, what it may wait for, and what it waits for: as in the form, and as shipped."""

    question: Question
    before: list[Question]
    row: Row
    shipped: Branch | None
    own: bool  #: whether the clinic has changed it


@dataclass(frozen=True, slots=True)
class Shaded:
    """One measure with the days that are shaded: as in the form, and as shipped."""

    measure: Measure
    first: str
    last: str
    shipped: Expected | None
    own: bool
    staff_only: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """Closing words as a patient of this clinic reads them, and how many parts of a text they take."""

    language: Language
    text: str
    parts: int


def may_wait() -> list[Question]:
    """The questions that can wait for an earlier answer."""
    return [question for question in catalogue().questions.values() if question.id not in ALWAYS]


def waiting(schedule: Schedule, typed: Mapping[str, Row]) -> list[Waiting]:
    """Every question that can wait, as typed, or else as in force."""
    found = []
    for question in may_wait():
        row = typed.get(question.id) or _row(_condition(schedule, question))
        before = branches.before(question.id, catalogue().questions)
        own = question.id in schedule.only_if
        found.append(Waiting(question, before, row, question.only_if, own))
    return found


def _condition(schedule: Schedule, question: Question) -> Branch | None:
    return schedule.only_if.get(question.id, question.only_if)


def _row(branch: Branch | None) -> Row:
    if branch is None:
        return {"question": "", "at_least": "", "among": {}, "from_day": ""}
    at_least = "" if branch.at_least is None else str(branch.at_least)
    among = {branch.question: branch.among}
    return {
        "question": branch.question,
        "at_least": at_least,
        "among": among,
        "from_day": str(branch.from_day),
    }


def typed_waiting(form: FormData) -> dict[str, Row]:
    """What the form says of each question that it has."""
    found: dict[str, Row] = {}
    for question in may_wait():
        field = f"b-{question.id}"
        if f"{field}-question" not in form:
            continue
        found[question.id] = {
            "question": pages.text(form, f"{field}-question", 20),
            "at_least": pages.text(form, f"{field}-at_least", 8),
            "among": {
                one.id: tuple(value for value in one.values if f"{field}-{one.id}-is-{value}" in form)
                for one in branches.before(question.id, catalogue().questions)
            },
            "from_day": pages.text(form, f"{field}-from_day", 8),
        }
    return found


def wanted_waiting(schedule: Schedule, rows: Mapping[str, Row]) -> dict[str, Branch | None]:
    """The conditions that `rows` say, by question, typed over those of `schedule`. Raises ProtocolRefused
    with all that is wrong with them."""
    questions = catalogue().questions
    found: dict[str, Branch | None] = {}
    faults: list[Fault] = []
    for name, row in rows.items():
        try:
            found[name] = branches.read(name, row, questions, _condition(schedule, questions[name]))
        except ProtocolRefused as problem:
            faults.extend(problem.faults)
    if faults:
        raise ProtocolRefused(*faults)
    return found


def windows(schedule: Schedule, typed: Mapping[Measure, tuple[str, str]]) -> list[Shaded]:
    """The shaded days of every measure, as typed, or else as in force."""
    shipped = shading.shipped(schedule.product)
    found = []
    for measure in shading.MEASURES:
        mine: Window | None = schedule.windows.get(measure, shipped.get(measure))
        days = ("", "") if mine is None else (str(mine.first_day), str(mine.last_day))
        first, last = typed.get(measure, days)
        own, staff_only = measure in schedule.windows, measure in shading.STAFF_ONLY
        found.append(Shaded(measure, first, last, shipped.get(measure), own, staff_only))
    return found


def typed_windows(form: FormData) -> dict[Measure, tuple[str, str]]:
    """First and last day of each measure that the form has."""
    return {
        measure: (pages.text(form, f"w-{measure}-first", 8), pages.text(form, f"w-{measure}-last", 8))
        for measure in shading.MEASURES
        if f"w-{measure}-first" in form
    }


def all_well(schedule: Schedule) -> Words:
    """The clinic's closing words that are in force; empty where the shipped ones are said."""
    words = schedule.all_well
    return {language: "" if words is None else getattr(words, language) for language in LANGUAGES}


def typed_all_well(form: FormData) -> Words | None:
    """The closing words of the form, on one line; None when it has none."""
    if "all_well-en" not in form:
        return None
    return {
        language: " ".join(pages.text(form, f"all_well-{language}", _MOST_LETTERS).split())
        for language in LANGUAGES
    }


def endings(clinic: Clinic, words: Wording, product: str) -> list[Ending]:
    """`words` as they are said, in each language, to a patient without a name on record."""
    found = []
    for language in LANGUAGES:
        values = content_values(clinic, language, product) | {"first_name": ""}
        text = fill(getattr(words, language), values)
        found.append(Ending(language, text, segments(text)))
    return found
