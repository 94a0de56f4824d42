"""What was reported after a treatment, by day: scores from check-ins and symptom reports, and steps on the
Global Aesthetic Improvement Scale by the patient and by staff."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.clinic.models import Treatment
from bot.followup.models import CheckIn, Enrolment
from bot.messaging.threads import local_day
from bot.outcomes.models import StaffRating
from bot.records.models import SymptomReport

#: The five steps, best first, as the question `gais` names them.
GAIS = ("very_much_improved", "much_improved", "improved", "no_change", "worse")
_WORDS = {
    "pain": ("pain", "sore", "hurt", "tender", "dolor", "duele"),
    "swelling": ("swell", "swollen", "hincha", "inflam"),
    "bruising": ("bruis", "morat", "moret", "cardenal"),
}
#: Questions of a check-in whose answer is a score.
SCORES = ("pain", "swelling", "bruising", "tenderness", "satisfaction")


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the Global Aesthetic Improvement Scale. `by` is who of the staff, "" the patient."""

    day: int
    gais: str
    by: str
    note: str = ""


def reports(session: Session, treatment: Treatment, time_zone: str) -> Iterator[tuple[int, str, int]]:
    """`(local day since the treatment, one of `SCORES`, score 0-10)` from check-ins and reports."""
    for check_in in _check_ins(session, treatment):
        moment = check_in.answered_at or check_in.sent_at or check_in.due_at
        day = local_day(treatment.treated_at, moment, time_zone)
        for question, answer in check_in.answers.items():
            series, score = question.rpartition(".")[2], scale(answer)
            if series in SCORES and score is not None:
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


def steps(session: Session, treatment: Treatment, time_zone: str) -> list[Step]:
    """Every step on the Global Aesthetic Improvement Scale since the treatment, by day."""
    found = []
    for check_in in _check_ins(session, treatment):
        answer = check_in.answers.get("gais", {})
        if isinstance(answer, dict) and answer.get("value") in GAIS:
            moment = check_in.answered_at or check_in.due_at
            found.append(Step(local_day(treatment.treated_at, moment, time_zone), answer["value"], ""))
    for rating in session.scalars(select(StaffRating).where(StaffRating.treatment_id == treatment.id)):
        found.append(Step(rating.day, rating.gais, rating.staff.name, rating.note))
    return sorted(found, key=lambda step: (step.day, step.by))


def _check_ins(session: Session, treatment: Treatment) -> Iterable[CheckIn]:
    """The check-ins that ask about a treatment: those of the enrolment it was merged into, if it was."""
    followed = select(func.coalesce(Enrolment.merged_into_id, Enrolment.id)).where(
        Enrolment.treatment_id == treatment.id
    )
    return session.scalars(select(CheckIn).where(CheckIn.enrolment_id.in_(followed)))


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
