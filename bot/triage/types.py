"""What triage takes in and gives back. Pure data: no database, no clock, no wording."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Literal

Language = Literal["en", "es"]
Phase = Literal["before", "after"]
#: The questions that triage asks when it is unsure: the six red-flag signs, whether somebody thinks of
#: hurting themselves, and whether a number means one of the signs or a score. They stay open whatever else is
#: said, and silence counts.
PROBE, PROBE_MIND, PROBE_WHICH = "probe", "probe_mind", "probe_which"
PROBES = (PROBE, PROBE_MIND, PROBE_WHICH)
#: Which readers assess: both, or one alone to measure what each adds.
Readers = Literal["both", "rules", "reader"]


class Tier(enum.StrEnum):
    """How soon a human must act, T0 soonest (`clinical.md`, tiers; shape from [CHP])."""

    T0 = "T0"  #: emergency now: ambulance
    T1 = "T1"  #: clinician within the hour
    T2 = "T2"  #: clinician the same day
    T3 = "T3"  #: next business day
    T4 = "T4"  #: routine or information

    @property
    def urgency(self) -> int:
        """0 (most urgent) to 4. Compare tiers by this, never by their text."""
        return int(self.value[1])

    def raised(self, steps: int = 1) -> Tier:
        """The tier `steps` more urgent, never beyond T0."""
        return Tier(f"T{max(0, self.urgency - steps)}")

    def at_least_as_urgent_as(self, other: Tier) -> bool:
        """Whether this tier asks for action as soon as `other` does, or sooner."""
        return self.urgency <= other.urgency


#: A clinician within the hour, or sooner.
RED = (Tier.T0, Tier.T1)


def most_urgent(*tiers: Tier) -> Tier:
    """The most urgent of `tiers`; T4 when there are none."""
    return min(tiers, key=lambda tier: tier.urgency, default=Tier.T4)


#: Flag codes of `clinical.md` section 1. Findings carry one each.
FLAGS = {
    "VO": "vascular occlusion of the skin",
    "VIS": "vision",
    "STR": "stroke or other neurological sign",
    "ALL": "allergy or airway",
    "INF": "infection",
    "DIR": "delayed inflammatory reaction",
    "HSV": "cold sore reactivation",
    "HEM": "haematoma or bleeding",
    "NRV": "nerve",
    "COS": "cosmetic: asymmetry, lump, migration, Tyndall",
    "PSY": "psychological or safeguarding",
    "PRG": "pregnancy or breastfeeding",
    "MED": "medicine",
    "MIN": "under 18",
    "HYP": "hypothetical question",
    "NEG": "nothing to act on",
}

#: The signs of the body that may need help at once: how somebody looks, or what they take, is none of them.
ACUTE = frozenset({"VO", "VIS", "STR", "ALL", "INF", "DIR", "HSV", "HEM", "NRV"})


@dataclass(frozen=True, slots=True)
class Context:
    """What is known when the message arrives.

    `day` counts local calendar days since the latest treatment (0 = the day itself), `None` when the
    sender is not known to have been treated. `question` is the id of the question that our last message
    asked (`checkin.pain`, `checkin.red_flags`, `probe`, `probe_mind`, `symptom.severity` ...), if it is
    still open. `interrupted` is the 0-10 question that still waited for its number when the six signs were
    asked, and `number` the one of which it is asked what it means.
    """

    day: int | None = None
    product: str | None = None
    areas: tuple[str, ...] = ()
    language: Language = "en"
    phase: Phase | None = None
    question: str | None = None
    interrupted: str | None = None
    number: int | None = None
    open_alert_tier: Tier | None = None
    open_alert_flag: str | None = None
    has_media: bool = False

    @property
    def telling_history(self) -> bool:
        """Whether the message answers a question about health before a treatment: what it names is on file
        there, and a clinician reads it before anything is planned."""
        return self.day is None and (self.question or "").startswith("intake.")


@dataclass(frozen=True, slots=True)
class Finding:
    """One sign that was found: which flag, how urgent, the words that caused it, the source key."""

    flag: str
    tier: Tier
    rule: str
    words: str
    source: str
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Assessment:
    """The triage of one message. The most urgent finding sets `tier`; nothing lowers it."""

    tier: Tier
    findings: tuple[Finding, ...] = ()
    probe: bool = False
    psych: bool = False
    hold: bool = False
    reasons: tuple[str, ...] = ()
    engine: str = "rules-2"
    flags: tuple[str, ...] = field(default=())
    #: the trained reader's probabilities: T0 or T1; T0; T2 or sooner, or the probe. Empty: it did not read
    judgement: tuple[float, ...] = ()

    @property
    def of_the_mind(self) -> bool:
        """Whether distress leads: then it is answered, and asked about, instead of the body."""
        return self.psych and self.lead_flag == "PSY"

    @property
    def lead_flag(self) -> str:
        """The flag code of the most urgent finding, `NEG` when nothing was found."""
        return self.findings[0].flag if self.findings else "NEG"
