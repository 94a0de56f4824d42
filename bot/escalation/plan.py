"""A clinic's escalation plan for a tier, as it writes it: steps with targets and delays. Pure.

A target is `on_call` (whoever is on call now, all rotas at once), `on_call:ROLE` (whoever is on call as
that), `behind` (those who stand behind them), `leads` (the safeguarding leads), `fallback` (the fall-back
phone), `rota:ID`, `role:NAME` (everybody of a role, on call or not), `person:ID` or `everybody` (all who
are on call or named in a step). Three are paged one after another, each for the step's time: `in_turn`
(whoever is on call, then those behind them), `behind_in_turn`, and `staff_in_turn` (`in_turn`; in opening
hours nurses and front desk on call first).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

EVERYBODY = "everybody"
#: Their people are paged one after another.
IN_TURN = ("in_turn", "behind_in_turn", "staff_in_turn")
#: Whoever is on call when the step is taken: they name nobody, and whom they mean may change at any time.
BY_ROSTER = ("on_call", "behind", *IN_TURN, EVERYBODY)
WORDS = (*BY_ROSTER, "leads", "fallback")
MAX_STEPS, MAX_REPEATS, MAX_MINUTES = 10, 9, 7 * 24 * 60


class PlanRefused(ValueError):
    """A plan that cannot be used; `reason` names what is wrong, `step` the step (1 is the first; 0: none)."""

    def __init__(self, reason: str, step: int = 0) -> None:
        super().__init__(f"{_WHY[reason]}" + (f" (step {step})" if step else ""))
        self.reason, self.step = reason, step


_WHY = {
    "no_steps": "A policy needs at least one step: say who is paged first.",
    "too_many_steps": f"A policy has {MAX_STEPS} steps at most: repeat the steps instead.",
    "no_target": "This step pages nobody: choose at least one target.",
    "in_turn_alone": "People who are paged one after another are a step by themselves: move the others.",
    "names_nobody": "This step names nobody who can be paged: choose somebody with a way to reach them.",
    "unknown_target": "This step names a person, role or rota that the clinic does not have: choose another.",
    "bad_delay": "The minutes to wait must be more than zero and a week at most.",
    "bad_repeats": f"The steps can be repeated 0 to {MAX_REPEATS} times.",
    "bad_reminder": "The minutes between reminders must be more than zero and a week at most.",
    "bad_ignored": "An alert is given to others after 1 to 9 ignored reminders.",
    "bad_phone": "The fall-back phone is not a number that can be called: write it with its country code.",
    "patients_phone": "The fall-back phone is a patient's number: it would be told of other patients.",
}


@dataclass(frozen=True, slots=True)
class Step:
    """Page `targets` at once, then wait `delay_minutes`. `urgent`: by every way there is, voice too.
    `hours_only`: outside opening hours whoever is on call is paged instead."""

    targets: tuple[str, ...]
    delay_minutes: float
    urgent: bool = False
    hours_only: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps are taken in order, `repeats` more times, and then everybody and the fall-back phone are
    paged again and again: it never stops by itself."""

    steps: tuple[Step, ...]
    remind_minutes: float
    repeats: int = 0
    unack_after: int = 2  #: reminders ignored in a row, after which others are paged
    fallback_phone: str = ""  #: E.164; empty: the clinic's emergency phone

    def as_json(self) -> dict[str, Any]:
        """For the record."""
        return {
            "steps": [
                {
                    "targets": list(step.targets),
                    "delay_minutes": step.delay_minutes,
                    "urgent": step.urgent,
                    "hours_only": step.hours_only,
                }
                for step in self.steps
            ],
            "remind_minutes": self.remind_minutes,
            "repeats": self.repeats,
            "unack_after": self.unack_after,
            "fallback_phone": self.fallback_phone,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From the record."""
        steps = tuple(
            Step(
                tuple(step["targets"]),
                step["delay_minutes"],
                step.get("urgent", False),
                step.get("hours_only", False),
            )
            for step in data["steps"]
        )
        return cls(
            steps,
            data["remind_minutes"],
            data.get("repeats", 0),
            data.get("unack_after", 2),
            data.get("fallback_phone", ""),
        )


def check(plan: Plan, known: Sequence[str]) -> None:
    """Refuse a plan that could leave an alert without a page. `known`: the clinic's own targets (`rota:ID`,
    `on_call:ROLE`, `role:NAME`, `person:ID`). Raises PlanRefused."""
    if not plan.steps:
        raise PlanRefused("no_steps")
    if len(plan.steps) > MAX_STEPS:
        raise PlanRefused("too_many_steps")
    for number, step in enumerate(plan.steps, 1):
        if not step.targets:
            raise PlanRefused("no_target", number)
        if any(target not in WORDS and target not in known for target in step.targets):
            raise PlanRefused("unknown_target", number)
        if len(step.targets) > 1 and any(target in IN_TURN for target in step.targets):
            raise PlanRefused("in_turn_alone", number)
        if not _minutes(step.delay_minutes):
            raise PlanRefused("bad_delay", number)
    if not 0 <= plan.repeats <= MAX_REPEATS:
        raise PlanRefused("bad_repeats")
    if not _minutes(plan.remind_minutes):
        raise PlanRefused("bad_reminder")
    if not 1 <= plan.unack_after <= 9:
        raise PlanRefused("bad_ignored")


def _minutes(value: float) -> bool:
    return math.isfinite(value) and 0 < value <= MAX_MINUTES
