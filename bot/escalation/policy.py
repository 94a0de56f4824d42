"""What happens next to an alert. Pure: takes the facts and `now`, returns what to do.

While nobody has acknowledged, each person in turn is paged and given `ack_minutes`; once everybody was
paged, everybody is paged together, again and again. Once acknowledged, that person is reminded every
`remind_minutes` until the alert is closed. It never stops by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from bot.escalation.models import AlertStatus
from bot.settings import Settings
from bot.triage.types import Tier


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom to page, in order, and how long to wait. The times stay as they were when the alert was raised;
    the people are whoever is on call at each step."""

    people: tuple[str, ...]
    ack_minutes: float
    remind_minutes: float

    @classmethod
    def for_tier(cls, tier: Tier, people: tuple[str, ...], settings: Settings) -> Self:
        """The policy of `tier`: T0 and T1 by their own times, everything else by those of T2."""
        level = tier.value.lower() if tier in (Tier.T0, Tier.T1) else "t2"
        return cls(
            people,
            getattr(settings, f"ack_minutes_{level}"),
            getattr(settings, f"remind_minutes_{level}"),
        )

    def as_json(self) -> dict[str, Any]:
        """For the alert's row."""
        return {
            "people": list(self.people),
            "ack_minutes": self.ack_minutes,
            "remind_minutes": self.remind_minutes,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From the alert's row."""
        return cls(tuple(data["people"]), data["ack_minutes"], data["remind_minutes"])


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is due before `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Page these people now, and look again at `next_at`. Nobody to page is an alarm of its own."""

    people: tuple[str, ...]
    next_at: datetime


@dataclass(frozen=True, slots=True)
class Remind:
    """Remind the person who acknowledged, and look again at `next_at`."""

    next_at: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """A named person has closed it."""


Action = Wait | Page | Remind | Done


def next_action(
    status: AlertStatus, steps_taken: int, next_step_at: datetime | None, policy: Policy, now: datetime
) -> Action:
    """What to do at `now` with an alert whose next step was set for `next_step_at` (None: at once)."""
    if status is AlertStatus.CLOSED:
        return Done()
    if next_step_at is not None and next_step_at > now:
        return Wait(next_step_at)
    if status is AlertStatus.ACKNOWLEDGED:
        return Remind(now + timedelta(minutes=policy.remind_minutes))
    in_turn = policy.people[steps_taken : steps_taken + 1]
    return Page(in_turn or policy.people, now + timedelta(minutes=policy.ack_minutes))
