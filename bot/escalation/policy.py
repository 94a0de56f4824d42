"""What happens next to an alert. Pure: takes the facts and `now`, returns what to do.

While nobody has acknowledged, the clinic's steps are taken in order and repeated as it says. Without steps of
its own each person in turn is paged and given `ack_minutes`; for T0 everybody on call now is in the first
step. After that everybody is paged together, with the fall-back phone and the medical directors, again and
again. When no way to anybody of a step worked, the next begins at once. In a crisis the
safeguarding leads are paged with the first step, and with everybody. Once acknowledged, that person is
reminded every `remind_minutes` until the alert is closed; reminders that nobody heeds open it again. The
fall-back phone has no name that could close it: what it took opens again after `remind_minutes`, unless
somebody takes it. It never stops by itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from bot.escalation.models import AlertStatus
from bot.escalation.plan import BY_ROSTER, EVERYBODY, IN_TURN, Plan
from bot.settings import Settings
from bot.triage.types import Assessment, Tier

#: Reminders ignored in a row, after which others are paged, where a clinic has not said otherwise.
UNACK_AFTER = 2
#: One person gets this many pages within the window before further ones are bundled; never those of a T0.
BUNDLE_AFTER, BUNDLE_WINDOW = 5, timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """A step of the clinic's own: what it says, and whom that means now."""

    targets: tuple[str, ...]
    delay_minutes: float
    urgent: bool = False
    hours_only: bool = False
    people: tuple[str, ...] = ()
    nameless: bool = False  #: whom it names by name, role or rota, is nobody who can be paged

    @property
    def turns(self) -> tuple[Self, ...]:
        """Itself, or a step for each of its people where they are paged one after another."""
        if not any(target in IN_TURN for target in self.targets):
            return (self,)
        return tuple(replace(self, people=(one,)) for one in self.people)

    @property
    def everybody(self) -> bool:
        """Whether the step pages all together."""
        return EVERYBODY in self.targets

    @property
    def fallback(self) -> bool:
        """Whether the step pages the fall-back phone."""
        return "fallback" in self.targets

    def as_json(self) -> dict[str, Any]:
        """For the alert's row."""
        return {
            "targets": list(self.targets),
            "delay_minutes": self.delay_minutes,
            "urgent": self.urgent,
            "hours_only": self.hours_only,
            "people": list(self.people),
            "nameless": self.nameless,
        }


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom to page, in order, and how long to wait. The times and steps stay as they were when the alert was
    raised; the people are whoever is on call at each step, and, in a crisis, whoever leads on safeguarding
    then."""

    people: tuple[str, ...]
    ack_minutes: float
    remind_minutes: float
    leads: tuple[str, ...] = ()
    at_once: int = 1  #: how many of `people` the first step pages together
    steps: tuple[PolicyStep, ...] = ()
    repeats: int = 0
    unack_after: int = 0  #: 0: never, as rows of before this was known
    last_resort: tuple[str, ...] = ()  #: the medical directors, when nobody else can be paged or took it
    fallback_phone: str = ""
    location: str = ""  #: where the patient was treated, where rotas know locations
    elsewhere: bool = False  #: nobody is on call there: `people` are the whole clinic's

    @classmethod
    def for_tier(
        cls,
        tier: Tier,
        people: tuple[str, ...],
        settings: Settings,
        leads: tuple[str, ...] = (),
        plan: Plan | None = None,
    ) -> Self:
        """The policy of `tier`: the clinic's `plan`, or else the settings' times, T0 and T1 by their own,
        everything else by those of T2."""
        level = tier.value.lower() if tier in (Tier.T0, Tier.T1) else "t2"
        ack = getattr(settings, f"ack_minutes_{level}")
        if plan is None:
            return cls(
                people, ack, getattr(settings, f"remind_minutes_{level}"), leads, unack_after=UNACK_AFTER
            )
        steps = tuple(
            PolicyStep(one.targets, one.delay_minutes, one.urgent, one.hours_only) for one in plan.steps
        )
        return cls(
            people,
            min(ack, *(one.delay_minutes for one in steps)),
            plan.remind_minutes,
            leads,
            steps=steps,
            repeats=plan.repeats,
            unack_after=plan.unack_after,
            fallback_phone=plan.fallback_phone,
        )

    @property
    def taken(self) -> tuple[PolicyStep, ...]:
        """The clinic's own steps as they are taken now, those whose people come one after another apart."""
        return tuple(one for step in self.steps for one in step.turns)

    @property
    def by_roster(self) -> bool:
        """Whether only those who are on call are meant, whoever they are."""
        return all(target in BY_ROSTER for step in self.steps for target in step.targets)

    @property
    def first_round(self) -> int:
        """How many steps page people who were not paged before."""
        if not self.steps:
            return max(0, len(self.people) - self.at_once + 1)
        if self.by_roster and not self.everybody:
            return 0
        taken = self.taken
        return next((n for n, step in enumerate(taken) if step.everybody), len(taken))

    @property
    def rounds(self) -> int:
        """How many steps are taken before everybody is paged together."""
        return len(self.taken) * (1 + self.repeats) if self.steps else self.first_round

    @property
    def last_round(self) -> int:
        """How many steps are taken before everybody is paged with the fall-back phone and the directors."""
        return self.rounds if self.steps else self.rounds + 1

    @property
    def everybody(self) -> tuple[str, ...]:
        """All who are on call or named in a step, nobody twice."""
        return tuple(dict.fromkeys((*self.people, *(one for step in self.steps for one in step.people))))

    def as_json(self) -> dict[str, Any]:
        """For the alert's row."""
        return {
            "people": list(self.people),
            "ack_minutes": self.ack_minutes,
            "remind_minutes": self.remind_minutes,
            "leads": list(self.leads),
            "at_once": self.at_once,
            "steps": [step.as_json() for step in self.steps],
            "repeats": self.repeats,
            "unack_after": self.unack_after,
            "last_resort": list(self.last_resort),
            "fallback_phone": self.fallback_phone,
            "location": self.location,
            "elsewhere": self.elsewhere,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From the alert's row. Rows of earlier schemas lack leads, steps, places and what came with them."""
        return cls(
            tuple(data["people"]),
            data["ack_minutes"],
            data["remind_minutes"],
            tuple(data.get("leads", ())),
            data.get("at_once", 1),
            tuple(
                PolicyStep(
                    tuple(one["targets"]),
                    one["delay_minutes"],
                    one["urgent"],
                    one["hours_only"],
                    tuple(one["people"]),
                    one.get("nameless", False),
                )
                for one in data.get("steps", ())
            ),
            data.get("repeats", 0),
            data.get("unack_after", 0),
            tuple(data.get("last_resort", ())),
            data.get("fallback_phone", ""),
            data.get("location", ""),
            data.get("elsewhere", False),
        )


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is due before `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Page these people now, and look again at `next_at`. `nobody`: the step found nobody whom it means,
    which is an alarm of its own. `nameless`: the number of the step when it names nobody who can be paged.
    `fallback`: page the fall-back phone too. `urgent`: by every way. `directors`: those of `people` who are
    paged because nobody else could be, or none of them took it."""

    people: tuple[str, ...]
    next_at: datetime
    nobody: bool = False
    fallback: bool = False
    urgent: bool = False
    directors: tuple[str, ...] = ()
    nameless: int = 0


@dataclass(frozen=True, slots=True)
class Remind:
    """Remind the person who acknowledged, and look again at `next_at`."""

    next_at: datetime


@dataclass(frozen=True, slots=True)
class Reopen:
    """Whoever acknowledged heeded no reminder, or was the fall-back phone: the alert is open again, and the
    next step pages on."""


@dataclass(frozen=True, slots=True)
class Done:
    """A named person has closed it."""


Action = Wait | Page | Remind | Reopen | Done


def next_action(
    status: AlertStatus,
    steps_taken: int,
    next_step_at: datetime | None,
    policy: Policy,
    now: datetime,
    ignored: int = 0,
    *,
    named: bool = True,
) -> Action:
    """What to do at `now` with an alert whose next step was set for `next_step_at` (None: at once), and whose
    holder has heeded none of the last `ignored` reminders. `named`: a person has it, not the fall-back
    phone."""
    if status is AlertStatus.CLOSED:
        return Done()
    if next_step_at is not None and next_step_at > now:
        return Wait(next_step_at)
    if status is AlertStatus.ACKNOWLEDGED:
        if not named or (policy.unack_after and ignored >= policy.unack_after):
            return Reopen()
        return Remind(now + timedelta(minutes=policy.remind_minutes))
    return _page(steps_taken, policy, now)


def _page(steps_taken: int, policy: Policy, now: datetime) -> Page:
    all_together = steps_taken >= policy.rounds
    minutes, urgent, fallback = policy.ack_minutes, False, steps_taken >= policy.last_round
    together, nameless = all_together, 0
    if all_together:
        meant = policy.everybody
        urgent = any(step.urgent for step in policy.steps)
    elif policy.steps:
        taken = policy.taken
        step = taken[steps_taken % len(taken)]
        together, fallback = step.everybody, step.fallback
        meant = tuple(dict.fromkeys((*policy.everybody, *step.people))) if together else step.people
        minutes, urgent = step.delay_minutes, step.urgent
        if step.nameless and not meant:
            nameless = next(n for n, one in enumerate(policy.steps, 1) if one is step)
    elif steps_taken == 0:
        meant = policy.people[: policy.at_once]
    else:
        begin = policy.at_once + steps_taken - 1
        meant = policy.people[begin : begin + 1]
    nobody = not meant and not (policy.steps and fallback and not all_together)
    leads = policy.leads if steps_taken <= 0 or together else ()
    people = tuple(dict.fromkeys((*meant, *leads)))  # nobody twice
    last = nobody or (all_together and fallback)
    directors = tuple(one for one in policy.last_resort if last and one not in people)
    if nameless and not all(one.nameless for one in policy.steps):
        minutes = 0  # there is nobody to wait for
    next_at = now + timedelta(minutes=minutes)
    return Page((*people, *directors), next_at, nobody, fallback or nobody, urgent, directors, nameless)


def after_nobody(steps_taken: int, policy: Policy, ever_reached: bool) -> int | None:
    """From which step to go on at once when no way to anybody of the last one worked: the next, or the last
    round when everybody has been tried and nobody was `ever_reached`. None: that was the last round, and all
    are tried again after its time."""
    if steps_taken > policy.last_round or (policy.by_roster and not policy.everybody):
        return None
    if steps_taken >= policy.first_round and not ever_reached:
        return policy.last_round
    return steps_taken


def how_to_page(tier: Tier, recent: int, waiting: bool) -> Literal["page", "bundle", "join"]:
    """How one person hears of one more page, after `recent` pages within `BUNDLE_WINDOW`. A T0 always has a
    page of its own. `waiting`: a text with the number of alerts is about to go, and can name one more."""
    if tier is Tier.T0 or recent < BUNDLE_AFTER:
        return "page"
    return "join" if waiting else "bundle"


def is_crisis(assessment: Assessment) -> bool:
    """Whether the safeguarding lead must know: a psychological sign, for a person the same day or sooner."""
    return assessment.psych and assessment.tier.at_least_as_urgent_as(Tier.T2)


def leads_to_tell(policy: Policy, told: Collection[str]) -> tuple[str, ...]:
    """Whom a crisis in an alert that is under way must reach at once: the leads who were not `told` yet."""
    return tuple(lead for lead in policy.leads if lead not in told)
