"""Correcting where a treatment on record was."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from bot.access.door import door
from bot.access.permissions import Permission
from bot.audit import trail
from bot.clinic import treatments
from bot.clinic.enrolment import EnrolmentInvalid
from bot.console import pages, patients
from bot.console.access import treatment_for
from bot.console.enrol import in_words
from bot.console.pages import ConsoleRoute, Posted, SignedIn
from bot.console.patients import Relocating
from bot.db.engine import reading

router = APIRouter(route_class=ConsoleRoute)


@router.post("/treatments/{treatment_id}/location")
@door("treatment.relocate", Permission.ENROL)
def relocate(request: Request, who: SignedIn, form: Posted, treatment_id: str) -> Response:
    """Save the location, or show the patient again with what to do beside the field."""
    with reading() as session:
        treatment = treatment_for(session, who, treatment_id)
        patient_id, before = treatment.patient_id, treatment.location
    typed = pages.text(form, "location", 200)
    act = trail.current()
    if act is not None:
        act.detail |= {"before": before, "after": typed}
    try:
        treatments.relocate(who.clinic_id, treatment_id, typed)
    except EnrolmentInvalid as problem:
        error = in_words(problem, who)["location"]
        return patients.one_page(
            request, who, patient_id, relocating=Relocating(treatment_id, typed, error), status=422
        )
    return RedirectResponse(f"/console/patients/{patient_id}?did=relocated", 303)
