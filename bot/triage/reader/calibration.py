"""From raw evidence to a probability: four small logistic models whose weights anybody can read.

The evidence on one message is the encoder's log-odds, the character model's, and the rules' votes. The
weights are fitted on messages that neither the networks nor the rules were made on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

#: What is asked of the evidence: T0 or T1; T0; T2 or sooner, or the probe; T3 or sooner.
QUESTIONS = ("red", "emergency", "concern", "review")
#: The evidence, in the order of the weights.
EVIDENCE = (
    "encoder",
    "characters",
    "vote_red",
    "vote_emergency",
    "vote_concern",
    "vote_review",
)
THRESHOLDS = ("page", "ambulance", "probe_red", "probe_concern", "same_day", "next_day")
LIMIT = 12.0  #: log-odds beyond this say no more


@dataclass(frozen=True, slots=True)
class Votes:
    """How strongly the voting rules speak for each question: the strength of the strongest, 0 for none."""

    red: float = 0.0
    emergency: float = 0.0
    concern: float = 0.0
    review: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """Weights of each question, and the probabilities from which triage acts.

    `page`: T1. `ambulance`: a page is T0. `probe_red` and `probe_concern`: ask the
    red-flag questions. `same_day`: T2. `next_day`: T3.
    """

    weights: Mapping[str, tuple[tuple[float, ...], float]]
    #: of each voting rule: how many times likelier it is on a message that needs what it asks for than on a
    #: harmless one, as a logarithm, measured on messages that the rules were not written with
    strengths: Mapping[str, float]
    page: float
    ambulance: float
    probe_red: float
    probe_concern: float
    same_day: float
    next_day: float

    def probability(self, question: str, encoder: float, characters: float, votes: Votes) -> float:
        """The calibrated probability of `question`, 0 to 1."""
        weights, bias = self.weights[question]
        evidence = (encoder, characters, *astuple(votes))
        odds = bias + sum(
            weight * max(-LIMIT, min(LIMIT, value)) for weight, value in zip(weights, evidence, strict=True)
        )
        return 1 / (1 + math.exp(-odds))


def load(path: Path) -> Decision:
    """Read `decision.json`. Raises ValueError or KeyError when it does not fit."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    weights = {}
    for question in QUESTIONS:
        entry = raw["weights"][question]
        weights[question] = (tuple(float(entry[name]) for name in EVIDENCE), float(entry["bias"]))
    strengths = {rule: float(strength) for rule, strength in raw["strengths"].items()}
    return Decision(weights, strengths, **{name: float(value) for name, value in raw["thresholds"].items()})


def save(decision: Decision, path: Path) -> None:
    """Write `decision` so that a person can read it."""
    weights = {
        question: {**dict(zip(EVIDENCE, values, strict=True)), "bias": bias}
        for question, (values, bias) in decision.weights.items()
    }
    thresholds = {name: getattr(decision, name) for name in THRESHOLDS}
    whole = {"weights": weights, "thresholds": thresholds, "strengths": dict(decision.strengths)}
    path.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", encoding="utf-8")
