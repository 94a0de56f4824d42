"""The figures of a clinic over a period. Every one is summed up in the database; rows never travel.

Ranks are nearest ranks: a median or a ninth decile is a time that some alert really took.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, case, distinct, func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import InstrumentedAttribute

from bot.escalation.models import Alert
from bot.followup.models import CheckIn, CheckInStatus
from bot.judgement.models import Judgement, Verdict
from bot.messaging.models import Direction, Kind, Message
from bot.statistics.period import Period
from bot.statistics.sql import seconds_between, week_of
from bot.triage.types import Tier

#: Never due by themselves: still to come, asked with another, or left out by staff.
_NOT_DUE = (CheckInStatus.PLANNED, CheckInStatus.COMBINED, CheckInStatus.SKIPPED)
#: A check-in that went out, whatever came of it.
_ASKED = (
    CheckInStatus.SENT,
    CheckInStatus.REMINDED,
    CheckInStatus.ANSWERED,
    CheckInStatus.UNANSWERED,
)


@dataclass(frozen=True, slots=True)
class Times:
    """How long alerts of a tier took, in seconds; None where none got so far."""

    tier: Tier
    count: int
    middle: float | None
    ninth: float | None  #: the time within which nine of ten were done


@dataclass(frozen=True, slots=True)
class Answers:
    """Check-ins that fell due, went out and were answered."""

    due: int
    asked: int
    answered: int

    @property
    def rate(self) -> float | None:
        """The share of those that went out which were answered, 0-1; None when none went out."""
        return self.answered / self.asked if self.asked else None


def _alerts_of(clinic_id: str, period: Period) -> tuple[ColumnElement[bool], ...]:
    return (
        Alert.clinic_id == clinic_id,
        Alert.created_at >= period.start,
        Alert.created_at < period.end,
        Alert.joined_into_id.is_(None),
    )


def alerts_by_flag(session: Session, clinic_id: str, period: Period) -> dict[tuple[str, Tier], int]:
    """How many alerts of each flag and tier."""
    query = (
        select(Alert.flag, Alert.tier, func.count())
        .where(*_alerts_of(clinic_id, period))
        .group_by(Alert.flag, Alert.tier)
    )
    return {(flag, tier): count for flag, tier, count in session.execute(query)}


def alerts_by_week(session: Session, clinic_id: str, period: Period) -> dict[tuple[date, Tier], int]:
    """How many alerts of each tier began in each week that has any."""
    weeks = period.weeks()
    week = week_of(Alert.created_at, weeks).label("week")
    query = (
        select(week, Alert.tier, func.count())
        .where(*_alerts_of(clinic_id, period))
        .group_by(week, Alert.tier)
    )
    return {(weeks[number][0], tier): count for number, tier, count in session.execute(query)}


def time_to(
    session: Session,
    clinic_id: str,
    period: Period,
    moment: InstrumentedAttribute[object],
) -> list[Times]:
    """How long it took from an alert to `moment` (`Alert.acknowledged_at` or `Alert.closed_at`), by tier."""
    took = seconds_between(Alert.created_at, moment)
    ranked = (
        select(
            Alert.tier.label("tier"),
            took.label("took"),
            func.row_number().over(partition_by=Alert.tier, order_by=took).label("rank"),
            func.count().over(partition_by=Alert.tier).label("of"),
        )
        .where(*_alerts_of(clinic_id, period), moment.is_not(None))
        .subquery()
    )
    query = (
        select(
            ranked.c.tier,
            func.count(),
            func.min(case((ranked.c.rank * 2 >= ranked.c.of, ranked.c.took))),
            func.min(case((ranked.c.rank * 10 >= ranked.c.of * 9, ranked.c.took))),
        )
        .group_by(ranked.c.tier)
        .order_by(ranked.c.tier)
    )
    return [Times(tier, count, middle, ninth) for tier, count, middle, ninth in session.execute(query)]


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _check_ins_of(clinic_id: str, period: Period) -> tuple[ColumnElement[bool], ...]:
    return (CheckIn.clinic_id == clinic_id, CheckIn.due_at >= period.start, CheckIn.due_at < period.end)


def check_ins_by_week(session: Session, clinic_id: str, period: Period) -> dict[date, Answers]:
    """Check-ins by the week in which they were due."""
    weeks = period.weeks()
    week = week_of(CheckIn.due_at, weeks).label("week")
    found = _check_ins(session, clinic_id, period, week)
    return {weeks[number][0]: answers for number, answers in found.items()}


def check_ins_by_day(session: Session, clinic_id: str, period: Period) -> dict[int, Answers]:
    """Check-ins by the day of the protocol."""
    return _check_ins(session, clinic_id, period, CheckIn.day)


def _check_ins(
    session: Session, clinic_id: str, period: Period, key: ColumnElement[int] | InstrumentedAttribute[int]
) -> dict[int, Answers]:
    query = (
        select(
            key,
            func.count(),
            _count(CheckIn.status.in_(_ASKED)),
            _count(CheckIn.status == CheckInStatus.ANSWERED),
        )
        .where(*_check_ins_of(clinic_id, period), CheckIn.status.not_in(_NOT_DUE))
        .group_by(key)
        .order_by(key)
    )
    return {
        number: Answers(due, int(asked), int(answered))
        for number, due, asked, answered in session.execute(query)
    }


def judgements(session: Session, clinic_id: str, period: Period) -> dict[tuple[Tier, Verdict], int]:
    """How staff judged alerts at close, by the tier that triage had given; the newest of an alert counts."""
    newest = (
        select(func.max(Judgement.id))
        .where(
            Judgement.clinic_id == clinic_id,
            Judgement.alert_id.is_not(None),
            Judgement.created_at >= period.start,
            Judgement.created_at < period.end,
        )
        .group_by(Judgement.alert_id)
    )
    query = (
        select(Judgement.given, Judgement.verdict, func.count())
        .where(Judgement.id.in_(newest))
        .group_by(Judgement.given, Judgement.verdict)
    )
    return {(given, verdict): count for given, verdict, count in session.execute(query)}


def topics(session: Session, clinic_id: str, period: Period, known: Collection[str]) -> list[tuple[str, int]]:
    """How many questions each of the `known` topics answered, the most asked first."""
    questions = func.count(distinct(Message.in_reply_to_id))
    query = (
        select(Message.content_id, questions)
        .where(
            Message.clinic_id == clinic_id,
            Message.created_at >= period.start,
            Message.created_at < period.end,
            Message.direction == Direction.OUT,
            Message.kind == Kind.REPLY,
            Message.content_id.in_(known),
        )
        .group_by(Message.content_id)
        .order_by(questions.desc(), Message.content_id)
    )
    return [(topic or "", count) for topic, count in session.execute(query)]
