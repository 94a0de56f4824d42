"""How a treatment went, on the patient's page: charts, the improvement scale, a link for the patient."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from bot import events
from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic.models import Patient, Treatment
from bot.console import pages
from bot.console.access import patient_for
from bot.console.pages import ConsoleRoute, Posted, SignedIn
from bot.db.engine import reading, transaction
from bot.links import service as links
from bot.links.models import LinkPurpose
from bot.messaging import optout
from bot.messaging.consent import agreed_to_texts
from bot.messaging.models import Channel, Kind
from bot.messaging.threads import find_or_open
from bot.outcomes import service, trend
from bot.outcomes.plot import draw
from bot.outcomes.windows import windows_of

router = APIRouter(route_class=ConsoleRoute)


def shown(session: Session, patient: Patient, newest: Treatment | None) -> dict[str, Any]:
    """What the patient's page needs of it."""
    if newest is None:
        return {"trend": None, "steps": [], "gais": trend.GAIS}
    reports = trend.reports(session, newest, patient.time_zone)
    return {
        "trend": draw(reports, windows_of(session, newest)),
        "steps": trend.steps(session, newest, patient.time_zone),
        "gais": trend.GAIS,
    }


@router.post("/patients/{patient_id}/rating")
@door("patient.rate", Permission.ENROL)
def rate(request: Request, who: SignedIn, form: Posted, patient_id: str) -> Response:  # noqa: ARG001
    """Keep a step on the improvement scale."""
    with reading() as session:
        patient_for(session, who, patient_id)
    try:
        service.rate(who.staff_id, patient_id, pages.text(form, "gais"), pages.text(form, "note"))
    except service.NotRated as problem:
        return RedirectResponse(f"/console/patients/{patient_id}?did=unrated_{problem}#rating-h", 303)
    return RedirectResponse(f"/console/patients/{patient_id}?did=rated", 303)


@router.post("/patients/{patient_id}/trend-link")
@door("patient.text_trend_link", Permission.ENROL)
def text_trend_link(request: Request, who: SignedIn, form: Posted, patient_id: str) -> Response:  # noqa: ARG001
    """Text the patient a link to their own numbers."""
    with transaction() as session:
        patient = patient_for(session, who, patient_id)
        thread = find_or_open(session, patient.clinic, Channel.SMS, patient.phone)
        if optout.is_opted_out(thread) or not agreed_to_texts(session, patient):
            return RedirectResponse(f"/console/patients/{patient_id}?did=link_opted_out", 303)
        link = links.issue(session, patient, LinkPurpose.TREND)
        links.text_with_link(session, thread, "link.trend", Kind.CHECK_IN, link)
    events.committed(thread.clinic_id, thread.id)
    return RedirectResponse(f"/console/patients/{patient_id}?did=linked", 303)
