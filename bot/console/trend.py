"""What a patient reported of pain and swelling after a treatment, for the plot."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clinic.models import Treatment
from bot.followup.models import CheckIn, Enrolment
from bot.messaging.threads import local_day
from bot.records.models import SymptomReport

_WORDS = {
    "pain": ("pain", "sore", "hurt", "tender", "dolor", "duele"),
    "swelling": ("swell", "swollen", "hincha", "inflam"),
}


def reports(session: Session, treatment: Treatment, time_zone: str) -> Iterator[tuple[int, str, int]]:
    """`(local day since the treatment, "pain" or "swelling", score 0-10)` from check-ins and reports."""
    check_ins = session.scalars(select(CheckIn).join(Enrolment).where(Enrolment.treatment_id == treatment.id))
    for check_in in check_ins:
        moment = check_in.answered_at or check_in.sent_at or check_in.due_at
        day = local_day(treatment.treated_at, moment, time_zone)
        for question, answer in check_in.answers.items():
            series, score = question.rpartition(".")[2], scale(answer)
            if series in _WORDS and score is not None:
                yield day, series, score
    symptoms = session.scalars(
        select(SymptomReport).where(
            SymptomReport.patient_id == treatment.patient_id,
            SymptomReport.severity.is_not(None),
            SymptomReport.created_at >= treatment.treated_at,
        )
    )
    for symptom in symptoms:
        named = series_of(symptom.what)
        if named and symptom.severity is not None:
            yield local_day(treatment.treated_at, symptom.created_at, time_zone), named, symptom.severity


def scale(answer: Any) -> int | None:
    """The number 0-10 of a check-in answer, stored bare or beside the patient's words as `value`."""
    value = answer.get("value") if isinstance(answer, dict) else answer
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= 10 else None


def series_of(what: str) -> str | None:
    """Which line a symptom in words belongs to, in English or Spanish; None for any other symptom."""
    plain = unicodedata.normalize("NFKD", what.lower()).encode("ascii", "ignore").decode()
    return next((name for name, words in _WORDS.items() if any(word in plain for word in words)), None)
