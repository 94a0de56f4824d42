"""What staff change about a patient's check-ins: pause, go on, end early, phone instead, skip one."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic.models import Patient
from bot.console import pages
from bot.console.access import check_in_for, enrolment_for
from bot.console.pages import ConsoleRoute, Posted, SignedIn
from bot.db.engine import reading
from bot.followup import changes
from bot.followup.errors import ChangeRefused
from bot.followup.models import Enrolment, Means
from bot.protocols.catalogue import catalogue

router = APIRouter(route_class=ConsoleRoute)


def enrolments_of(session: Session, patient: Patient) -> list[tuple[Enrolment, str]]:
    """The patient's series of check-ins with the name of each protocol, newest first."""
    found = session.scalars(
        select(Enrolment)
        .where(Enrolment.patient_id == patient.id, Enrolment.merged_into_id.is_(None))
        .order_by(Enrolment.id.desc())
    )
    return [(enrolment, _name(enrolment, patient.language)) for enrolment in found]


def _name(enrolment: Enrolment, language: str) -> str:
    protocol = catalogue().schedules.get(enrolment.protocol_id)
    return str(getattr(protocol.title, language)) if protocol else enrolment.protocol_id


@router.post("/enrolments/{enrolment_id}/pause")
@door("follow_up.pause", Permission.ENROL)
def pause(request: Request, who: SignedIn, form: Posted, enrolment_id: str) -> Response:  # noqa: ARG001
    """Send no further check-ins for now."""
    return _change(request, who, enrolment_id, lambda: changes.pause(enrolment_id, who.staff_id))


@router.post("/enrolments/{enrolment_id}/resume")
@door("follow_up.resume", Permission.ENROL)
def resume(request: Request, who: SignedIn, form: Posted, enrolment_id: str) -> Response:  # noqa: ARG001
    """Go on after a pause."""
    return _change(request, who, enrolment_id, lambda: changes.resume(enrolment_id, who.staff_id))


@router.post("/enrolments/{enrolment_id}/end")
@door("follow_up.end", Permission.ENROL)
def end(request: Request, who: SignedIn, form: Posted, enrolment_id: str) -> Response:
    """End the check-ins early, with a reason."""
    reason = pages.text(form, "reason", 200)
    return _change(
        request, who, enrolment_id, lambda: changes.finish_early(enrolment_id, who.staff_id, reason)
    )


@router.post("/enrolments/{enrolment_id}/means")
@door("follow_up.means", Permission.ENROL)
def means(request: Request, who: SignedIn, form: Posted, enrolment_id: str) -> Response:
    """Phone instead of texting, or the other way round."""
    by = Means.PHONE if pages.text(form, "means") == "phone" else Means.TEXT
    return _change(request, who, enrolment_id, lambda: changes.reach_by(enrolment_id, by, who.staff_id))


@router.post("/check-ins/{check_in_id}/skip")
@door("follow_up.skip", Permission.ENROL)
def skip(request: Request, who: SignedIn, form: Posted, check_in_id: str) -> Response:  # noqa: ARG001
    """Leave one planned check-in out."""
    with reading() as session:
        enrolment_id = check_in_for(session, who, check_in_id).enrolment_id
    return _change(request, who, enrolment_id, lambda: changes.skip(check_in_id, who.staff_id))


def _change(request: Request, who: SignedIn, enrolment_id: str, change: Callable[[], None]) -> Response:
    with reading() as session:
        patient_id = enrolment_for(session, who, enrolment_id).patient_id
    try:
        change()
    except ChangeRefused as problem:
        return pages.render(
            request,
            "follow_up_refused.html",
            who,
            status=422,
            problem=problem.reason,
            patient_id=patient_id,
        )
    return RedirectResponse(f"/console/patients/{patient_id}?did=changed#coming-h", 303)
