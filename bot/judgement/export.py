"""Judged messages as labelled examples for review: one JSON line each, by role and without names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.audit import trail
from bot.judgement.models import Judgement
from bot.messaging.models import Message
from bot.records.models import AssessmentRecord


def lines(session: Session, clinic_id: str | None = None) -> Iterator[str]:
    """The newest judgement of each person on each message, oldest first; of one clinic if it is given.

    The text is what the patient wrote: whoever reads the file reads patients' words.
    """
    query = (
        select(Judgement, Message, AssessmentRecord)
        .join(Message, Message.id == Judgement.message_id)
        .outerjoin(AssessmentRecord, AssessmentRecord.message_id == Judgement.message_id)
        .order_by(Judgement.id)
    )
    if clinic_id is not None:
        query = query.where(Judgement.clinic_id == clinic_id)
    newest: dict[tuple[str, str], str] = {}
    for judgement, message, record in session.execute(query):
        trail.concerns(message.patient_id)
        row = _row(judgement, message, record)
        newest[message.id, judgement.staff_id] = json.dumps(row, ensure_ascii=False)
    yield from newest.values()


def clinics(session: Session) -> list[str]:
    """The clinics whose staff have judged anything."""
    return list(session.scalars(select(Judgement.clinic_id).distinct().order_by(Judgement.clinic_id)))


def _row(judgement: Judgement, message: Message, record: AssessmentRecord | None) -> dict[str, Any]:
    context = record.context if record else {}
    findings = record.findings if record else []
    return {
        "id": f"judged-{message.id}",
        "text": message.body,
        "day": context.get("day"),
        "lang": message.language,
        "product": context.get("product"),
        "given": judgement.given.value,
        "judged": judgement.judged.value,
        "verdict": judgement.verdict.value,
        "flag": str(findings[0]["flag"]) if findings else "NEG",
        "engine": record.engine if record else None,
        "by": judgement.role.value,
        "at": judgement.created_at.date().isoformat(),
    }
