"""The part of the protocol form that says which answers need a person: its rows, as shown and as typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData

from bot.console import pages
from bot.followup.thresholds import JUDGED, TIERS, applied, read
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Question, Schedule, Threshold

Row = Mapping[str, Any]

#: Rows of one question that are read, and empty ones to be filled.
_MOST_ROWS = 30
SPARE: Row = {"tier": "", "at_least": "", "at_most": "", "worse_by": "", "among": (), "from_day": ""}
_NUMBERS = ("at_least", "at_most", "worse_by", "from_day")


@dataclass(frozen=True, slots=True)
class Judged:
    """One question with its rows."""

    question: Question
    rows: list[Row]
    own: bool  #: whether the clinic has changed them


def judged() -> list[Question]:
    """The questions whose answers thresholds judge."""
    return [question for question in catalogue().questions.values() if question.answer in JUDGED]


def shown(schedule: Schedule, typed: Mapping[str, list[Row]]) -> list[Judged]:
    """Every question as the form shows it: as typed, or else as in force."""
    found = []
    for question in judged():
        own = {str(name): mine for name, mine in schedule.thresholds.items()}
        in_force = own.get(question.id, question.thresholds)
        rows = typed[question.id] if question.id in typed else [_row(one) for one in in_force]
        found.append(Judged(question, [*rows, SPARE], question.id in own))
    return found


def _row(threshold: Threshold) -> Row:
    numbers = {name: getattr(threshold, name) for name in _NUMBERS}
    typed = {name: "" if number is None else str(number) for name, number in numbers.items()}
    return {**typed, "tier": threshold.tier, "among": threshold.among}


def typed(form: FormData) -> dict[str, list[Row]]:
    """The rows of each question that the form has."""
    found: dict[str, list[Row]] = {}
    for question in judged():
        for number in range(_MOST_ROWS):
            field = f"t-{question.id}-{number}"
            if f"{field}-tier" not in form:
                break
            row: dict[str, Any] = {name: pages.text(form, f"{field}-{name}", 8) for name in _NUMBERS}
            tier = pages.text(form, f"{field}-tier", 4)
            row["tier"] = tier if tier in TIERS else ""
            row["among"] = tuple(value for value in question.values if f"{field}-is-{value}" in form)
            rows = found.setdefault(question.id, [])
            if row["tier"] or row["among"] or any(row[name] for name in _NUMBERS):
                rows.append(row)
    return found


def wanted(base: Schedule, rows: Mapping[str, list[Row]]) -> dict[str, tuple[Threshold, ...]]:
    """The thresholds that `rows` say over `base`, by question. Raises ProtocolRefused."""
    questions = applied(catalogue().questions, [base])
    return {name: read(questions[name], mine) for name, mine in rows.items()}
