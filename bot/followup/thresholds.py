"""A clinic's own thresholds: which answers need a person, and how soon, beside what was shipped. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.followup.asking import Value, judge
from bot.followup.errors import ProtocolRefused
from bot.protocols.schema import LAST_DAY, Question, Schedule, Threshold
from bot.triage.types import Tier

#: Answers that a threshold can judge. Signs, photos and free words are triage's.
JUDGED = frozenset({"scale", "choice", "yes_no"})
TIERS: tuple[str, ...] = ("T1", "T2", "T3")
_TOP = 10


@dataclass(frozen=True, slots=True)
class Weaker:
    """An answer that reaches a person later than as shipped, or nobody (T4). `before` is the answer before,
    where that matters; `day` the local days since the treatment."""

    question: str
    value: Value
    before: int | None
    day: int
    shipped: Tier
    own: Tier


def applied(questions: Mapping[str, Question], schedules: Sequence[Schedule]) -> Mapping[str, Question]:
    """`questions` as the `schedules` that one check-in belongs to judge them: where several do, the most
    urgent word counts. What names a question or an answer that is no longer there judges nothing."""
    changed = {name for schedule in schedules for name in schedule.thresholds if name in questions}
    found = dict(questions)
    for name in changed:
        told = (schedule.thresholds.get(name, questions[name].thresholds) for schedule in schedules)
        union = tuple(dict.fromkeys(threshold for several in told for threshold in several))
        found[name] = questions[name].model_copy(update={"thresholds": union})
    return found


def read(question: Question, rows: Sequence[Mapping[str, Any]]) -> tuple[Threshold, ...]:
    """The thresholds that a form's `rows` say, as typed. A row without a tier takes out the threshold of
    `question` that it still shows, or is empty. Raises ProtocolRefused, so that nothing typed is lost."""
    for row in rows:
        if row["tier"] not in TIERS and not _removes(question, row):
            raise ProtocolRefused("threshold_stray", question=question.id)
    return tuple(_read(question, row) for row in rows if row["tier"] in TIERS)


def _removes(question: Question, row: Mapping[str, Any]) -> bool:
    """Whether nothing is lost with a row that has no tier."""
    numbers = {name: row[name] for name in ("at_least", "at_most", "worse_by")}
    if not any(numbers.values()) and not row["among"] and row["from_day"] in ("", "0"):
        return True
    return any(
        all(typed == _as_typed(getattr(one, name)) for name, typed in numbers.items())
        and set(row["among"]) == set(one.among)
        and (row["from_day"] or "0") == str(one.from_day)
        for one in question.thresholds
    )


def _as_typed(number: int | None) -> str:
    return "" if number is None else str(number)


def _read(question: Question, row: Mapping[str, Any]) -> Threshold:
    from_day = _number(question, row["from_day"], 0, LAST_DAY) or 0
    if question.answer != "scale":
        among = tuple(value for value in question.values if value in row["among"])
        if not among:
            raise ProtocolRefused("threshold_empty", question=question.id)
        return Threshold(tier=row["tier"], among=among, from_day=from_day)
    at_least = _number(question, row["at_least"], 0, _TOP)
    at_most = _number(question, row["at_most"], 0, _TOP)
    worse_by = _number(question, row["worse_by"], 1, _TOP)
    if at_least is None and at_most is None and worse_by is None:
        raise ProtocolRefused("threshold_empty", question=question.id)
    if at_least is not None and at_most is not None and at_least > at_most:
        raise ProtocolRefused("threshold_crossed", question=question.id)
    return Threshold(
        tier=row["tier"], at_least=at_least, at_most=at_most, worse_by=worse_by, from_day=from_day
    )


def _number(question: Question, typed: str, least: int, most: int) -> int | None:
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and least <= int(typed) <= most):
        raise ProtocolRefused("threshold_numbers", question=question.id)
    return int(typed)


def weaker(questions: Mapping[str, Question], wanted: Schedule) -> list[Weaker]:
    """For each question whose thresholds in `wanted` are weaker than shipped, the answer that loses most."""
    mine = applied(questions, [wanted])
    found = []
    for name in (name for name in wanted.thresholds if name in questions):
        losses = list(_losses(name, questions, mine))
        found += [max(losses, key=lambda one: one.own.urgency - one.shipped.urgency)] if losses else []
    return found


def _losses(name: str, shipped: Mapping[str, Question], mine: Mapping[str, Question]) -> Iterator[Weaker]:
    """Every answer to a question that reaches a person later with `mine`, tried one by one."""
    both = (*shipped[name].thresholds, *mine[name].thresholds)
    scale = shipped[name].answer == "scale"
    values: Collection[Value] = range(_TOP + 1) if scale else shipped[name].values
    earlier = [None, *range(_TOP + 1)] if any(one.worse_by is not None for one in both) else [None]
    for day in sorted({0, *(one.from_day for one in both)}):
        for value in values:
            for before in earlier:
                known: dict[str, Value] = {} if before is None else {name: before}
                was = judge({name: value}, known, day, shipped)[0]
                now = judge({name: value}, known, day, mine)[0]
                if now.urgency > was.urgency:
                    yield Weaker(name, value, before, day, was, now)
