"""A patient's own numbers, day by day. Only what they told us; nothing is judged."""

from __future__ import annotations

from fastapi import Response
from sqlalchemy.orm import Session

from bot.links.models import PatientLink
from bot.messaging.threads import latest_treatment
from bot.outcomes.plot import draw
from bot.outcomes.trend import reports
from bot.outcomes.windows import windows_of
from bot.patient_pages.pages import Words, render


def page(session: Session, link: PatientLink, words: Words) -> Response:
    """The charts since the newest treatment."""
    treatment = latest_treatment(session, link.patient_id)
    trend = None
    if treatment is not None:
        told = reports(session, treatment, link.patient.time_zone)
        trend = draw(told, windows_of(session, treatment, for_patients=True))
    return render("trend.html", words, trend=trend)
