"""By when an alert must be taken, and by when closed. Pure: takes the facts, returns moments.

The time to take it is that of the policy with which the alert was raised. The time to close it is an aim by
tier. Both start when the alert was raised, or raised to a more urgent tier, or opened again; for an
alert made of a sign of another, when the patient wrote that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.escalation.models import AlertStatus
from bot.settings import Settings
from bot.triage.types import Tier


@dataclass(frozen=True, slots=True)
class Deadline:
    """What must be done next, and by when. It may have passed."""

    what: Literal["acknowledge", "close"]
    at: datetime


def deadline(
    status: AlertStatus, tier: Tier, since: datetime, ack_minutes: float | None, settings: Settings
) -> Deadline | None:
    """The next deadline of an alert whose tier holds `since`; None once it is closed.

    `ack_minutes` is the policy's time, None where the alert's policy does not say.
    """
    if status is AlertStatus.CLOSED:
        return None
    level = tier.value.lower() if tier in (Tier.T0, Tier.T1) else "t2"
    if status is AlertStatus.OPEN:
        minutes = getattr(settings, f"ack_minutes_{level}") if ack_minutes is None else ack_minutes
        return Deadline("acknowledge", since + timedelta(minutes=minutes))
    return Deadline("close", since + timedelta(minutes=getattr(settings, f"close_minutes_{level}")))
