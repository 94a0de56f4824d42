"""What happens next to an alert. Pure: takes the facts and `now`, returns what to do.

While nobody has acknowledged, each person in turn is paged and given `ack_minutes`; once everybody was
paged, everybody is paged together, again and again. In a crisis the safeguarding leads are paged with the
first person, and with everybody. Once acknowledged, that person is reminded every `remind_minutes` until the
alert is closed. It never stops by itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from bot.escalation.models import AlertStatus
from bot.settings import Settings
from bot.triage.types import Assessment, Tier


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom to page, in order, and how long to wait. The times stay as they were when the alert was raised;
    the people are whoever is on call at each step, and, in a crisis, whoever leads on safeguarding then."""

    people: tuple[str, ...]
    ack_minutes: float
    remind_minutes: float
    leads: tuple[str, ...] = ()

    @classmethod
    def for_tier(
        cls, tier: Tier, people: tuple[str, ...], settings: Settings, leads: tuple[str, ...] = ()
    ) -> Self:
        """The policy of `tier`: T0 and T1 by their own times, everything else by those of T2."""
        level = tier.value.lower() if tier in (Tier.T0, Tier.T1) else "t2"
        return cls(
            people,
            getattr(settings, f"ack_minutes_{level}"),
            getattr(settings, f"remind_minutes_{level}"),
            leads,
        )

    def as_json(self) -> dict[str, Any]:
        """For the alert's row."""
        return {
            "people": list(self.people),
            "ack_minutes": self.ack_minutes,
            "remind_minutes": self.remind_minutes,
            "leads": list(self.leads),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From the alert's row."""
        leads = tuple(data.get("leads", ()))  # rows of the first schema have none
        return cls(tuple(data["people"]), data["ack_minutes"], data["remind_minutes"], leads)


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
    leads = policy.leads if steps_taken == 0 or not in_turn else ()
    people = dict.fromkeys((*(in_turn or policy.people), *leads))  # nobody twice
    return Page(tuple(people), now + timedelta(minutes=policy.ack_minutes))


def is_crisis(assessment: Assessment) -> bool:
    """Whether the safeguarding lead must know: a psychological sign, for a person the same day or sooner."""
    return assessment.psych and assessment.tier.at_least_as_urgent_as(Tier.T2)


def leads_to_tell(policy: Policy, told: Collection[str]) -> tuple[str, ...]:
    """Whom a crisis in an alert that is under way must reach at once: the leads who were not `told` yet."""
    return tuple(lead for lead in policy.leads if lead not in told)
