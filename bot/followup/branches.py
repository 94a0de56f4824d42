"""A clinic's own conditions: which questions wait for an earlier answer, beside what was shipped. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.followup.asking import FIRST, SIGNS, Value, applies
from bot.followup.errors import ProtocolRefused
from bot.followup.thresholds import JUDGED
from bot.protocols.catalogue import branch_fault
from bot.protocols.schema import LAST_DAY, Branch, Question, Schedule

_TOP = 10
#: Asked in every check-in, whatever was answered.
ALWAYS = (FIRST, "other")


@dataclass(frozen=True, slots=True)
class Fewer:
    """A question that is left out where the shipped protocol asks it, first on local `day` after the
    treatment."""

    question: str
    day: int
    own: Branch


@dataclass(frozen=True, slots=True)
class Unasked:
    """A question of the shipped protocol that is no longer asked on local `day`; None: the whole check-in of
    that day is left out."""

    question: str | None
    day: int


def applied(questions: Mapping[str, Question], schedules: Sequence[Schedule]) -> Mapping[str, Question]:
    """`questions` as the `schedules` that one check-in belongs to ask them. Where these disagree, or name an
    answer that nobody can give any more, everybody is asked. The danger signs are never asked of fewer people
    than shipped."""
    found = dict(questions)
    for name in {name for schedule in schedules for name in schedule.only_if if name in questions}:
        shipped = questions[name].only_if
        told = {schedule.only_if.get(name, shipped) for schedule in schedules}
        branch = told.pop() if len(told) == 1 else None
        if branch is not None and branch_fault(name, branch, questions):
            branch = None
        if branch is not None and name == SIGNS and _first_loss(name, branch, questions) is not None:
            branch = shipped
        found[name] = questions[name].asked_if(branch)
    return found


def before(name: str, questions: Mapping[str, Question]) -> list[Question]:
    """The questions that `name` can wait for: asked before it, with an answer that can be compared."""
    order = list(questions)
    return [questions[one] for one in order[: order.index(name)] if questions[one].answer in JUDGED]


def read(
    name: str, row: Mapping[str, Any], questions: Mapping[str, Question], standing: Branch | None = None
) -> Branch | None:
    """The condition that a form's `row` says for the question `name`, as typed; None: everybody is asked.
    What is left in the row of the `standing` condition, and no longer fits, counts as taken out with it.
    Raises ProtocolRefused."""
    chosen = row["question"]
    if not chosen:
        if _stray(row, "", standing, questions):
            raise ProtocolRefused("branch_question", question=name)
        return None
    asked = questions.get(chosen)
    if asked is None:
        raise ProtocolRefused("branch_unknown", question=name)
    from_day = _number(name, row["from_day"], LAST_DAY) or 0
    at_least = _number(name, row["at_least"], _TOP) if asked.answer == "scale" else None
    among = tuple(value for value in asked.values if value in row["among"].get(asked.id, ()))
    fault = branch_fault(
        name, Branch.model_construct(question=asked.id, at_least=at_least, among=among), questions
    )
    if fault == "later":
        raise ProtocolRefused("branch_later", question=name)
    if fault or asked.answer not in JUDGED:
        raise ProtocolRefused("branch_answer", question=name)
    if at_least is None and not among:
        raise ProtocolRefused("branch_empty", question=name)
    if _stray(row, asked.id, standing, questions):
        raise ProtocolRefused("branch_stray", question=name)
    return Branch(question=asked.id, at_least=at_least, among=among, from_day=from_day)


def _stray(
    row: Mapping[str, Any], chosen: str, standing: Branch | None, questions: Mapping[str, Question]
) -> bool:
    """Whether something was typed in `row` that the chosen question has no use for."""
    left = {} if standing is None else {standing.question: set(standing.among)}
    if any(values and set(values) != left.get(one) for one, values in row["among"].items() if one != chosen):
        return True
    score = "" if standing is None or standing.at_least is None else str(standing.at_least)
    if row["at_least"] not in ("", score) and not (chosen and questions[chosen].answer == "scale"):
        return True
    from_day = "" if standing is None else str(standing.from_day)
    return not chosen and row["from_day"] not in ("", from_day)


def _number(name: str, typed: str, most: int) -> int | None:
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and int(typed) <= most):
        raise ProtocolRefused("branch_numbers", question=name)
    return int(typed)


def check(wanted: Schedule, questions: Mapping[str, Question]) -> None:
    """Raises ProtocolRefused for a condition that no day can decide, and for one that asks fewer people for
    the danger signs than shipped."""
    for name, branch in wanted.only_if.items():
        if branch is None or name not in questions:
            continue
        days = [c for c in wanted.check_ins if name in c.ask and c.day >= branch.from_day]
        if days and not any(branch.question in contact.ask for contact in days):
            raise ProtocolRefused("branch_not_asked", question=name)
        if name == SIGNS and _first_loss(name, branch, questions) is not None:
            raise ProtocolRefused("branch_signs", question=name)


def fewer(questions: Mapping[str, Question], wanted: Schedule) -> list[Fewer]:
    """The questions that some patients are no longer asked with `wanted`, and were as shipped."""
    found = []
    for name, branch in wanted.only_if.items():
        if branch is None or name not in questions:
            continue
        day = _first_loss(name, branch, questions)
        if day is not None:
            found.append(Fewer(name, day, branch))
    return found


def unasked(shipped: Schedule, wanted: Schedule, moved: Collection[int] = ()) -> list[Unasked]:
    """What `wanted` no longer asks, and the days that it leaves out; what `moved` is asked on another."""
    found: list[Unasked] = []
    for contact in shipped.check_ins:
        kept = wanted.on(contact.day)
        if kept is not None:
            found += [Unasked(name, contact.day) for name in contact.ask if name not in kept.ask]
        elif contact.day not in moved:
            found.append(Unasked(None, contact.day))
    return found


def _first_loss(name: str, own: Branch, questions: Mapping[str, Question]) -> int | None:
    """The first day on which some answer leaves `name` out that was asked as shipped; every answer is
    tried."""
    shipped, mine = questions[name], questions[name].asked_if(own)
    branches = [branch for branch in (shipped.only_if, own) if branch is not None]
    named = list(dict.fromkeys(branch.question for branch in branches))
    for day in sorted({0, *(branch.from_day for branch in branches)}):
        for values in itertools.product(*(_values(questions[one]) for one in named)):
            answers: dict[str, Value] = dict(zip(named, values, strict=True))
            if applies(shipped, answers, questions, day) and not applies(mine, answers, questions, day):
                return day
    return None


def _values(question: Question) -> Collection[Value]:
    return range(_TOP + 1) if question.answer == "scale" else question.values
