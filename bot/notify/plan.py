"""By which of their contact methods is a person paged, and when? Pure: takes rows, returns data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

from bot.notify.models import ContactKind
from bot.triage.types import Tier

AT_ONCE = timedelta()


class Method(Protocol):
    """What is read of a contact method."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> ContactKind: ...
    @property
    def delay_s(self) -> int: ...
    @property
    def least_tier(self) -> Tier: ...


@dataclass(frozen=True, slots=True)
class Way:
    """One notification to write. `method_id` None: the person's own phone."""

    kind: ContactKind
    method_id: str | None
    delay: timedelta


#: Why somebody is notified: to take the alert, to close one that they took, to know that somebody has it, or
#: to know that several wait.
Purpose = Literal["take", "remind", "inform", "bundle"]


def ways(
    methods: Sequence[Method], has_phone: bool, tier: Tier, purpose: Purpose, urgent: bool = False
) -> tuple[Way, ...]:
    """How to notify somebody about an alert of `tier`, in the person's order; empty when there is no way.

    `methods` are those in use. Only who is to take an alert is rung up, and waited with; a reminder goes by
    everything else at once, and mere news by the first of them.
    Without methods: a text to the phone at once. For T0 whoever has a phone is called at once too, unless a
    method of theirs rings, after its own delay: an emergency must not wait for somebody to look at a screen.
    The first notification always goes at once, however the delays are set, and a tier that no method was
    meant for is served by all of them: silence is worse than a call too many.
    `urgent`, as a clinic's step may be: whoever is to take the alert is reached by every method at once, and
    rung up on the phone if no method does that.
    """
    if not methods:
        ring = purpose == "take" and (urgent or tier is Tier.T0)
        own = [ContactKind.SMS, *([ContactKind.VOICE] if ring else [])]
        return tuple(Way(kind, None, AT_ONCE) for kind in own if has_phone)
    if urgent and purpose == "take":
        every = [Way(method.kind, method.id, AT_ONCE) for method in methods]
        rung = any(method.kind is ContactKind.VOICE for method in methods)
        return (*every, *([Way(ContactKind.VOICE, None, AT_ONCE)] if has_phone and not rung else []))
    fitting = [method for method in methods if tier.at_least_as_urgent_as(method.least_tier)] or methods
    if purpose != "take":
        quiet = [method for method in fitting if method.kind is not ContactKind.VOICE]
        if not quiet and has_phone:
            return (Way(ContactKind.SMS, None, AT_ONCE),)
        used = quiet if purpose == "remind" else quiet[:1]
        return tuple(Way(method.kind, method.id, AT_ONCE) for method in used)
    soonest = min(method.delay_s for method in fitting)
    theirs = [Way(method.kind, method.id, timedelta(seconds=method.delay_s - soonest)) for method in fitting]
    rings = tier is Tier.T0 and has_phone and all(way.kind is not ContactKind.VOICE for way in theirs)
    return (*theirs, *([Way(ContactKind.VOICE, None, AT_ONCE)] if rings else []))
