"""Weigh the evidence and set the thresholds from which triage acts.

Weights are fitted, and may not be negative: more evidence never makes a message less urgent. Thresholds are
the lowest that keep the budgets of false alarms (`Budget`), so that what is not spent on crying wolf is spent
on finding signs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bot.triage.labelled import Labelled
from bot.triage.reader.calibration import LIMIT, QUESTIONS, Decision, Votes
from bot.triage.reader.reader import Reading
from bot.triage.signs import Sign
from bot.triage.types import Tier

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


#: Below it the probe disturbs about ten calm patients for each sign that it adds (development messages).
CONCERN_AT_LEAST = 0.4


@dataclass(frozen=True, slots=True)
class Budget:
    """The largest shares that may be alarmed for nothing: of benign patient messages, of everyday chat.

    The benign messages include twins that were drafted to frighten; on the given ones the shares come out at
    less than half.
    """

    page_benign: float = 0.045
    page_everyday: float = 0.0045
    probe_benign: float = 0.18
    probe_everyday: float = 0.03
    same_day_benign: float = 0.03
    next_day_benign: float = 0.04


@dataclass(frozen=True, slots=True)
class Read:
    """A labelled message as both readers read it. `sure`: a sure sign pages whatever the reader says."""

    row: Labelled
    reading: Reading
    votes: Votes
    everyday: bool = False
    sure: bool = False

    @property
    def benign(self) -> bool:
        """Whether nobody need look at it: T4 and no probe."""
        return _harmless(self.row)


def wanted(row: Labelled) -> dict[str, bool]:
    """The right answer to each question of `calibration.QUESTIONS`."""
    return {
        "red": row.red,
        "emergency": row.tier is Tier.T0,
        "concern": row.tier.at_least_as_urgent_as(Tier.T2) or row.probe,
        "review": row.tier is not Tier.T4,
    }


def strengths(rows: Sequence[tuple[Labelled, Sequence[Sign]]]) -> dict[str, float]:
    """How strongly each voting rule speaks, measured on `rows`, which the rules were not written with.

    The logarithm of how many times likelier the rule is on a message that needs what it asks for than on a
    harmless one; at least 0, and cautious where a rule was seen at work a few times only.
    """
    right: Counter[tuple[str, bool]] = Counter()
    wrong: Counter[str] = Counter()
    for row, found in rows:
        for sign in found:
            if sign.standing != "vote":
                continue
            urgent = sign.finding.tier.at_least_as_urgent_as(Tier.T1)
            if _harmless(row):
                wrong[sign.finding.rule] += 1
            elif row.red or not urgent:
                right[sign.finding.rule, urgent] += 1
    harmless = sum(_harmless(row) for row, _found in rows)
    needed = {True: sum(row.red for row, _found in rows), False: len(rows) - harmless}
    return {
        rule: round(max(0.0, math.log((count + 0.5) / needed[urgent] * harmless / (wrong[rule] + 1.0))), 2)
        for (rule, urgent), count in sorted(right.items())
    }


def _harmless(row: Labelled) -> bool:
    return row.tier is Tier.T4 and not row.probe


def fit_weights(
    reads: Sequence[Read],
    strong: Mapping[str, float],
    everyday_weight: float = 0.2,
    ridge: float = 0.02,
) -> Decision:
    """The decision with the rules' strengths, fitted weights, and thresholds of one half."""
    weights: dict[str, tuple[tuple[float, ...], float]] = {}
    importance = np.array([everyday_weight if read.everyday else 1.0 for read in reads])
    for question in QUESTIONS:
        evidence = np.array([_evidence(read, question) for read in reads])
        answers = np.array([wanted(read.row)[question] for read in reads], float)
        weights[question] = _logistic(evidence, answers, importance, ridge)
    return Decision(weights, strong, *([0.5] * 6))


def _evidence(read: Read, question: str) -> tuple[float, ...]:
    odds = tuple(max(-LIMIT, min(LIMIT, value)) for value in getattr(read.reading.evidence, question))
    votes = read.votes
    return (*odds, votes.red, votes.emergency, votes.concern, votes.review)


def _logistic(
    evidence: Array, answers: Array, importance: Array, ridge: float
) -> tuple[tuple[float, ...], float]:
    """Weights (not negative) and bias of a ridge logistic regression."""
    columns = evidence.shape[1]

    def loss(x: Array) -> tuple[float, Array]:
        odds = evidence @ x[:columns] + x[columns]
        share = 1 / (1 + np.exp(-odds))
        value = importance @ (np.logaddexp(0, odds) - answers * odds) / importance.sum()
        slope = (share - answers) * importance / importance.sum()
        gradient = np.append(evidence.T @ slope + 2 * ridge * x[:columns] / columns, slope.sum())
        return float(value + ridge * (x[:columns] ** 2).sum() / columns), gradient

    start = np.append(np.full(columns, 0.3), 0.0)
    bounds = [(0, None)] * columns + [(None, None)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return tuple(round(float(value), 4) for value in found.x[:columns]), round(float(found.x[columns]), 4)


def set_thresholds(decision: Decision, reads: Sequence[Read], budget: Budget) -> Decision:
    """`decision` with the lowest thresholds that keep `budget` on `reads`."""
    chances = {
        question: np.array([read.reading.probability(question, decision, read.votes) for read in reads])
        for question in QUESTIONS
    }
    benign = np.array([read.benign and not read.everyday for read in reads])
    everyday = np.array([read.everyday for read in reads])
    sure = np.array([read.sure for read in reads])

    def lowest(question: str, limits: Sequence[tuple[Mask, float]], among: Mask) -> float:
        scores = chances[question]
        candidates = np.unique(np.round(scores, 4))
        for threshold in candidates:
            over = (scores >= threshold) | among
            if all(over[group].mean() <= limit for group, limit in limits if group.any()):
                return float(max(threshold, 0.001))
        return 0.999

    paging = [(benign, budget.page_benign), (everyday, budget.page_everyday)]
    page = lowest("red", paging, among=sure)
    paged = chances["red"] >= page
    most = [(benign, budget.probe_benign * 0.9), (everyday, budget.probe_everyday * 0.9)]
    whole = [(benign, budget.probe_benign), (everyday, budget.probe_everyday)]
    probe_red = min(page, lowest("red", most, among=sure))
    probed = sure | (chances["red"] >= probe_red)
    probe_concern = max(CONCERN_AT_LEAST, lowest("concern", whole, among=probed))
    nobody = np.zeros_like(sure)
    truly = [reads[at].row.tier is Tier.T0 for at in np.flatnonzero(paged)]
    same_day = [(benign, budget.same_day_benign), (everyday, budget.page_everyday)]
    next_day = [(benign, budget.next_day_benign), (everyday, budget.page_everyday * 2)]
    return replace(
        decision,
        page=page,
        ambulance=_balanced(chances["emergency"][paged], truly),
        probe_red=probe_red,
        probe_concern=probe_concern,
        same_day=lowest("concern", same_day, among=nobody),
        next_day=lowest("review", next_day, among=nobody),
    )


def _balanced(scores: Array, answers: Sequence[bool]) -> float:
    """The threshold at which calling an ambulance in vain costs half as much as failing to call one."""
    truth = np.array(answers)

    def cost(threshold: float) -> float:
        called = scores >= threshold
        return float((truth & ~called).sum() + 0.5 * (~truth & called).sum())

    return float(min(np.linspace(0.1, 0.9, 81).round(3), key=cost))
