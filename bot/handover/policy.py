"""What happens next to a conversation that somebody holds. Pure: takes the facts and `now`.

The holder has `reply_minutes` to answer a patient; then others are asked, once for each wait. A holder who
does nothing for `idle_minutes` hands the conversation back without knowing it. A patient's first message
that nobody has answered starts the holder's time anew, later ones do not: a patient who keeps writing must
not keep a conversation with somebody who has left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.handover.models import Release


@dataclass(frozen=True, slots=True)
class Limits:
    """Minutes a holder may leave a patient waiting, and may do nothing at all."""

    reply_minutes: float
    idle_minutes: float


@dataclass(frozen=True, slots=True)
class Hold:
    """The facts. `waiting_since` is the patient's first message since the holder last wrote, if any;
    `others_asked` says whether somebody was asked to look at that wait already."""

    active_at: datetime
    waiting_since: datetime | None
    others_asked: bool
    holder_present: bool


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing is due before `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class AskOthers:
    """The patient has waited too long: somebody else must look."""


@dataclass(frozen=True, slots=True)
class HandBack:
    """The bot answers again from now on."""

    release: Release


Action = Keep | AskOthers | HandBack


def next_action(hold: Hold, limits: Limits, now: datetime) -> Action:
    """What to do at `now`."""
    if not hold.holder_present:
        return HandBack(Release.HOLDER_GONE)
    ask_at = None
    if hold.waiting_since is not None and not hold.others_asked:
        ask_at = hold.waiting_since + timedelta(minutes=limits.reply_minutes)
        if ask_at <= now:
            return AskOthers()
    back = back_at(hold.active_at, hold.waiting_since, limits)
    if back <= now:
        return HandBack(Release.INACTIVE)
    return Keep(min(ask_at or back, back))


def back_at(active_at: datetime, waiting_since: datetime | None, limits: Limits) -> datetime:
    """When a holder who does nothing more hands the conversation back."""
    return max(active_at, waiting_since or active_at) + timedelta(minutes=limits.idle_minutes)
