"""Symptom reports: what a patient told, in their words, and the next step that follows."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.db.engine import transaction
from bot.escalation.raising import raise_alert
from bot.messaging.models import Message
from bot.messaging.threads import latest_treatment, situation_of
from bot.records.models import ReportSource, SymptomReport, TaskKind, Trend
from bot.records.tasks import open_task
from bot.triage.types import Assessment, Finding, Tier, most_urgent

#: From here on, a symptom's 0-10 score asks for a clinician the same day [prop].
SEVERE = 7
#: Reactions mostly settle from the second day on; worsening after that goes to a human (`clinical.md` 2 (3)).
WORSENING_FROM_DAY = 2


def next_step(severity: int | None, trend: Trend | None, day: int | None) -> Tier:
    """How soon a human must look at a symptom that triage found no red flag in.

    Trend beats level: worsening after 24-48 h always goes to a human the same day [prop, clinical.md 2].
    `day` is whole local days since treatment; without one, nothing is held against the report.
    """
    if severity is not None and severity >= SEVERE:
        return Tier.T2
    if trend is Trend.WORSE:
        return Tier.T2 if day is None or day >= WORSENING_FROM_DAY else Tier.T3
    return Tier.T4


def log_report(
    message_id: str, *, what: str, where: str, since: str, severity: int | None, trend: str | None
) -> Tier:
    """Store the report that a symptom dialogue ended in, and start the next step it needs.

    Returns the tier of that step; T2 raises an alert, T3 opens a task. Calling it again for the same message
    changes nothing.
    """
    felt = Trend(trend) if trend else None
    with transaction() as session:
        message = session.get_one(Message, message_id)
        tier = next_step(severity, felt, _day(session, message))
        report = _store(session, message, ReportSource.DIALOGUE, what, tier, severity=severity)
        if report is None:
            return tier
        report.where, report.since, report.trend = where[:200], since[:200], felt
        act_on(session, message, tier, f"{what} ({severity if severity is not None else '-'}/10)")
    events.committed(message.clinic_id, message.conversation_id)
    return tier


def log_mention(message_id: str, topic: str) -> None:
    """Keep that a treated patient asked about a symptom, in their words: every symptom is logged."""
    with transaction() as session:
        message = session.get_one(Message, message_id)
        _store(session, message, ReportSource.MENTION, f"{topic.partition('.')[2]}: {message.body}", Tier.T4)
    events.committed(message.clinic_id, message.conversation_id)


def act_on(session: Session, message: Message, tier: Tier, note: str, *, flag: str = "COS") -> None:
    """Start what `tier` asks for on a report without a red flag of its own: T2 pages, T3 opens a task."""
    if tier.at_least_as_urgent_as(Tier.T2):
        finding = Finding(flag=flag, tier=tier, rule="report.next_step", words=note, source="prop")
        raise_alert(session, message, Assessment(tier=tier, findings=(finding,), reasons=(note,)))
    elif tier is Tier.T3:
        open_task(
            session, TaskKind.REVIEW, message.id, message.conversation, note=note, message_id=message.id
        )


def log_answer(
    session: Session, message: Message, check_in_id: str, what: str, severity: int, tier: Tier
) -> None:
    """Store a 0-10 check-in answer as a report, so that it shows in the trend."""
    report = _store(session, message, ReportSource.CHECK_IN, what, tier, severity=severity)
    if report is not None:
        report.check_in_id = check_in_id


def _day(session: Session, message: Message) -> int | None:
    treatment = latest_treatment(session, message.patient_id)
    return situation_of(message.conversation, treatment).day


def _store(
    session: Session,
    message: Message,
    source: ReportSource,
    what: str,
    tier: Tier,
    *,
    severity: int | None = None,
) -> SymptomReport | None:
    """The new report, or None when this message has logged this symptom before."""
    what = what[:200]
    before = session.scalars(
        select(SymptomReport.id).where(SymptomReport.message_id == message.id, SymptomReport.what == what)
    ).first()
    if before is not None:
        return None
    report = SymptomReport(
        clinic_id=message.clinic_id,
        patient_id=message.patient_id,
        conversation_id=message.conversation_id,
        message_id=message.id,
        source=source,
        what=what,
        severity=severity,
        day=_day(session, message),
        tier=most_urgent(tier),
        created_at=clock.now(),
    )
    session.add(report)
    session.flush()
    return report
