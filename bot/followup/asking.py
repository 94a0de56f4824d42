"""Which questions of a check-in come next, and what its answers mean. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.protocols.schema import Branch, Question, Threshold
from bot.triage.types import Tier

#: Asked first, and always: it names nothing that a stranger may not read on a locked screen.
FIRST = "overall"
SIGNS = "red_flags"
UNWELL = "unwell"

Value = int | str | list[int]


def plain_id(question: str) -> str:
    """The id of a question as the dialogue calls it while it is open: `checkin.pain` is `pain`."""
    return question.rpartition(".")[2]


def in_order(
    ask: Sequence[str], answers: Mapping[str, Any], questions: Mapping[str, Question], day: int
) -> list[str]:
    """The questions of a check-in that `ask`s these, in the order in which to ask them, given `answers` so
    far, `day` local days after the treatment.

    Whoever is not well is asked for the red flags at once. A question that an answer has made needless is
    left out; one whose condition is still open is kept.
    """
    order = [
        name for name in ask if name not in questions or applies(questions[name], answers, questions, day)
    ]
    if answers.get(FIRST) == UNWELL and SIGNS in order:
        order.remove(SIGNS)
        order.insert(order.index(FIRST) + 1 if FIRST in order else 0, SIGNS)
    return order


def applies(
    question: Question, answers: Mapping[str, Any], questions: Mapping[str, Question], day: int
) -> bool:
    """Whether `question` is worth asking. An earlier answer that is missing, or that could not be read and
    was kept in the patient's own words, makes nothing needless."""
    branch = question.only_if
    if branch is None or day < branch.from_day:
        return True
    if branch.question not in answers:
        # what waits for a question that is left out itself is left out with it
        return applies(questions[branch.question], answers, questions, day)
    value = answers[branch.question]
    is_read = isinstance(value, int) or value in questions[branch.question].values
    return not is_read or fits(branch, value)


def fits(branch: Branch, value: Any) -> bool:
    """Whether an earlier answer is one that makes the question worth asking."""
    if branch.at_least is not None:
        return isinstance(value, int) and value >= branch.at_least
    return value in branch.among


def judge(
    answers: Mapping[str, Value], before: Mapping[str, Value], day: int, questions: Mapping[str, Question]
) -> tuple[Tier, str]:
    """How soon a person must look at `answers`, and a note that says why; T4 when nobody must.

    `before` are the answers of the check-in before, `day` the local days since the treatment. Triage has read
    the words by themselves, and nothing here lowers what it found.
    """
    tier, note = Tier.T4, ""
    for name, value in answers.items():
        question = questions.get(name)
        for threshold in question.thresholds if question else ():
            found = Tier(threshold.tier)
            if found.urgency < tier.urgency and _crosses(threshold, value, before.get(name), day):
                tier, note = found, _note(name, value, before.get(name), threshold)
    return tier, note


def _crosses(threshold: Threshold, value: Value, before: Value | None, day: int) -> bool:
    if day < threshold.from_day:
        return False
    if threshold.among and value not in threshold.among:
        return False
    number = value if isinstance(value, int) else None
    if threshold.at_least is not None and (number is None or number < threshold.at_least):
        return False
    if threshold.at_most is not None and (number is None or number > threshold.at_most):
        return False
    if threshold.worse_by is None:
        return True
    return number is not None and isinstance(before, int) and number - before >= threshold.worse_by


def _note(name: str, value: Value, before: Value | None, threshold: Threshold) -> str:
    shown = f"{name} {value}/10" if isinstance(value, int) else f"{name}: {value}"
    return f"{shown}, was {before}/10" if threshold.worse_by is not None else shown
