"""The measures of triage, each with its definition. Pure: judged messages in, numbers out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.triage.labelled import Labelled
from bot.triage.types import Assessment, Tier

#: Each measure in a sentence, for the report.
DEFINITIONS = {
    "paged": "assessed T0 or T1, so that a clinician is paged at once",
    "probed": "not paged, and the patient is asked the red-flag questions",
    "caught": "paged or probed",
    "missed": "labelled T0 or T1, and neither paged nor probed",
    "sensitivity": "paged among messages labelled T0 or T1 (for the row T0: labelled T0)",
    "under-triaged by two": "assessed two or more tiers less urgent than labelled, without the probe",
    "benign": "labelled T4 without probe",
    "everyday": "a line of ordinary chat of strangers (`chitchat-dataset`, the half that no training has "
    "seen), read as if a patient had sent it on a day drawn at random",
    "interval": "Wilson 95 % interval of a share",
    "calibration": "messages by the reader's probability of T0 or T1, beside the share that is labelled so",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled message and its assessment."""

    row: Labelled
    assessment: Assessment

    @property
    def paged(self) -> bool:
        """See `DEFINITIONS`."""
        return self.assessment.tier.at_least_as_urgent_as(Tier.T1)

    @property
    def probed(self) -> bool:
        """See `DEFINITIONS`."""
        return self.assessment.probe and not self.paged

    @property
    def caught(self) -> bool:
        """See `DEFINITIONS`."""
        return self.paged or self.probed

    @property
    def missed(self) -> bool:
        """See `DEFINITIONS`."""
        return self.row.red and not self.caught

    @property
    def under_by_two(self) -> bool:
        """See `DEFINITIONS`."""
        below = self.assessment.tier.urgency - self.row.tier.urgency
        return below >= 2 and not self.assessment.probe

    @property
    def benign(self) -> bool:
        """See `DEFINITIONS`."""
        return self.row.tier is Tier.T4 and not self.row.probe


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `total`, with its Wilson 95 % interval. Without any message the share is no number."""

    count: int
    total: int

    @property
    def value(self) -> float:
        """The share, 0 to 1; not a number when `total` is 0."""
        return self.count / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end of the Wilson 95 % interval."""
        if not self.total:
            return (0.0, 1.0)
        z, n, p = 1.96, self.total, self.value
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return (max(0.0, centre - half), min(1.0, centre + half))

    def __str__(self) -> str:
        if not self.total:
            return "-"
        low, high = self.interval
        return f"{self.value:.1%} ({self.count}/{self.total}; {low:.1%}-{high:.1%})"


def share(judged: Sequence[Judged], of: Callable[[Judged], bool], among: Callable[[Judged], bool]) -> Share:
    """How many of `among` are `of`."""
    chosen = [one for one in judged if among(one)]
    return Share(sum(map(of, chosen)), len(chosen))


@dataclass(frozen=True, slots=True)
class Line:
    """The shares that every row of the report shows, for one slice of the messages."""

    name: str
    paged: Share  #: of those labelled T0 or T1
    emergencies_paged: Share  #: of those labelled T0
    caught: Share  #: of those labelled T0 or T1
    under_by_two: Share  #: of those labelled T0 to T2
    benign_paged: Share
    benign_probed: Share

    @property
    def missed(self) -> Share:
        """Of those labelled T0 or T1."""
        return Share(self.caught.total - self.caught.count, self.caught.total)


def line(name: str, judged: Sequence[Judged]) -> Line:
    """The shares of `judged`."""
    return Line(
        name,
        paged=share(judged, lambda one: one.paged, lambda one: one.row.red),
        emergencies_paged=share(judged, lambda one: one.paged, lambda one: one.row.tier is Tier.T0),
        caught=share(judged, lambda one: one.caught, lambda one: one.row.red),
        under_by_two=share(
            judged, lambda one: one.under_by_two, lambda one: one.row.tier.at_least_as_urgent_as(Tier.T2)
        ),
        benign_paged=share(judged, lambda one: one.paged, lambda one: one.benign),
        benign_probed=share(judged, lambda one: one.probed, lambda one: one.benign),
    )


def confusion(judged: Sequence[Judged]) -> Counter[tuple[Tier, Tier, bool]]:
    """How often each (labelled tier, assessed tier, asked the probe) occurs."""
    return Counter((one.row.tier, one.assessment.tier, one.assessment.probe) for one in judged)


@dataclass(frozen=True, slots=True)
class Bin:
    """Messages whose probability lies in one tenth: their mean probability and how many are T0 or T1."""

    mean: float
    observed: Share


def calibration(judged: Sequence[Judged], bins: int = 10) -> list[Bin]:
    """Reliability of the reader's probability of T0 or T1. Messages that it did not read are left out."""
    found: list[Bin] = []
    for at in range(bins):
        inside = [
            one
            for one in judged
            if one.assessment.judgement and min(int(one.assessment.judgement[0] * bins), bins - 1) == at
        ]
        if inside:
            mean = sum(one.assessment.judgement[0] for one in inside) / len(inside)
            found.append(Bin(mean, Share(sum(one.row.red for one in inside), len(inside))))
    return found
