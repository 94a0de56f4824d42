"""Correcting a patient's name, number, language and time zone."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic import contact
from bot.clinic.enrolment import EnrolmentInvalid
from bot.console import pages
from bot.console.access import patient_for
from bot.console.enrol import ZONES, in_words
from bot.console.pages import ConsoleRoute, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.db.engine import reading

router = APIRouter(route_class=ConsoleRoute)

FIELDS = ("first_name", "last_name", "phone", "language", "time_zone")


@router.get("/patients/{patient_id}/edit")
@door("patient.view", Permission.ENROL)
def edit_page(request: Request, who: SignedIn, patient_id: str) -> Response:
    """The form, filled with what is known."""
    with reading() as session:
        patient = patient_for(session, who, patient_id)
        known = {name: getattr(patient, name) for name in FIELDS}
    return _page(request, who, patient_id, known)


@router.post("/patients/{patient_id}/edit")
@door("patient.change", Permission.ENROL)
def edit(request: Request, who: SignedIn, form: Posted, patient_id: str) -> Response:
    """Save, or show the form again with what to do beside each field."""
    with reading() as session:
        patient_for(session, who, patient_id)
    typed = {name: pages.text(form, name, 120) for name in FIELDS}
    try:
        contact.correct(who.clinic_id, patient_id, typed)
    except EnrolmentInvalid as problem:
        return _page(request, who, patient_id, typed, in_words(problem, who))
    return RedirectResponse(f"/console/patients/{patient_id}?did=saved", 303)


def _page(
    request: Request,
    who: Visitor,
    patient_id: str,
    typed: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
) -> Response:
    return pages.render(
        request,
        "patient_edit.html",
        who,
        status=422 if errors else 200,
        patient_id=patient_id,
        typed=typed,
        errors=pages.Fields(errors or {}),
        zones=sorted({*ZONES, who.time_zone, typed["time_zone"]}),
    )
