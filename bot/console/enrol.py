"""Enrolling a treated patient: the form, its errors beside the fields, and what happens next."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from bot import clock
from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic import enrolment
from bot.clinic.models import Clinic, Role, Staff
from bot.console import pages
from bot.console.access import patient_for
from bot.console.pages import ConsoleRoute, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.strings import translator
from bot.console.wording import AREAS
from bot.db.engine import reading
from bot.oncall.roster import rotas
from bot.protocols.catalogue import catalogue
from bot.protocols.phrases import as_language

router = APIRouter(route_class=ConsoleRoute)

TEXT_FIELDS = (
    "first_name", "last_name", "phone", "language", "time_zone", "product", "lot", "expiry", "treated_at",
    "injector_id", "location", "technique_note", "goals_endpoints", "goals_longer", "other_area",
)  # fmt: skip
#: What a patient's record fills in.
KNOWN = ("first_name", "last_name", "phone", "language", "time_zone")
#: Where the United States' and Spain's clinics are; a patient from elsewhere is asked for rarely.
ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
    "America/Anchorage", "Pacific/Honolulu", "America/Puerto_Rico", "America/Mexico_City",
    "America/Bogota", "America/Argentina/Buenos_Aires", "Atlantic/Canary", "Europe/London", "Europe/Madrid",
)  # fmt: skip
INJECTORS = (Role.INJECTOR, Role.NURSE, Role.MEDICAL_DIRECTOR)


@router.get("/enrol")
@door("", Permission.ENROL)
def enrol_page(request: Request, who: SignedIn) -> Response:
    """The empty form, set to this clinic and now. The language is left open: that of the record, if there is
    one, or the clinic's."""
    return _page(request, who, _fresh(who), [], consent=False)


@router.get("/patients/{patient_id}/enrol")
@door("patient.view", Permission.ENROL)
def enrol_again_page(request: Request, who: SignedIn, patient_id: str) -> Response:
    """The form for another treatment of a patient, who is filled in."""
    with reading() as session:
        patient = patient_for(session, who, patient_id)
        known = {name: str(getattr(patient, name)) for name in KNOWN}
    return _page(request, who, _fresh(who) | known, [], consent=False)


def _fresh(who: Visitor) -> dict[str, str]:
    local = clock.now().astimezone(ZoneInfo(who.time_zone))
    return dict.fromkeys(TEXT_FIELDS, "") | {"treated_at": f"{local:%Y-%m-%dT%H:%M}"}


@router.post("/enrol")
@door("patient.enrol", Permission.ENROL)
def enrol(request: Request, who: SignedIn, form: Posted) -> Response:
    """Enrol, or show the form again as it was typed, with what to do beside each field."""
    typed = {name: pages.text(form, name) for name in TEXT_FIELDS}
    areas = [area for area in _all(form, "areas") if area in AREAS]
    consent = "consent_aftercare_texts" in form
    data: dict[str, object] = {name: value for name, value in typed.items() if value and name != "other_area"}
    data["areas"] = [area.replace("_", " ") for area in areas] + _typed_areas(typed["other_area"])
    data["consent_aftercare_texts"] = consent
    data["touch_up"] = touch_up = "touch_up" in form
    if not _injects_here(who, typed["injector_id"]):
        data.pop("injector_id", None)
    try:
        result = enrolment.enrol(who.clinic_id, data)
    except enrolment.EnrolmentInvalid as problem:
        errors = in_words(problem, who)
        return _page(request, who, typed, areas, consent=consent, touch_up=touch_up, errors=errors)
    if result.known:
        return RedirectResponse(
            f"/console/patients/{result.patient_id}?did=known&of={result.treatment_id}", 303
        )
    did = "enrolled_over" if result.over else "enrolled"
    return RedirectResponse(f"/console/patients/{result.patient_id}?did={did}", 303)


def in_words(problem: enrolment.EnrolmentInvalid, who: Visitor) -> dict[str, str]:
    """What to do about each field, in the visitor's language; the form itself explains in English."""
    if who.language == "en":
        return problem.errors
    t = translator(who.language)
    errors = {field: t(f"fix.{field}") for field in problem.errors}
    if problem.taken_by is not None:
        how, name = problem.taken_by
        errors["phone"] = t(f"fix.phone_{how}", name=name)
    return errors


def _page(
    request: Request,
    who: Visitor,
    typed: dict[str, str],
    areas: list[str],
    *,
    consent: bool,
    touch_up: bool = False,
    errors: dict[str, str] | None = None,
) -> Response:
    zones = {*ZONES, who.time_zone, typed["time_zone"]} - {""}
    with reading() as session:
        return pages.render(
            request,
            "enrol.html",
            who,
            status=422 if errors else 200,
            typed=typed,
            chosen=areas,
            consent=consent,
            touch_up=touch_up,
            errors=pages.Fields(errors or {}),
            areas=AREAS,
            zones=[(zone, zone.replace("_", " ")) for zone in sorted(zones)],
            clinic_language=as_language(session.get_one(Clinic, who.clinic_id).locale),
            product_options=sorted(
                ((p.id, p.name) for p in catalogue().products.values()), key=lambda p: p[1]
            ),
            locations=locations_of(session, who.clinic_id),
            injector_options=[(staff.id, staff.name) for staff in _injectors(session, who)],
        )


def locations_of(session: Session, clinic_id: str) -> list[str]:
    """The locations that the clinic's rotas name."""
    return sorted({row.location for row in rotas(session, clinic_id) if row.location})


def _injectors(session: Session, who: Visitor) -> list[Staff]:
    query = select(Staff).where(Staff.clinic_id == who.clinic_id, Staff.active, Staff.role.in_(INJECTORS))
    return list(session.scalars(query.order_by(Staff.name)))


def _injects_here(who: Visitor, staff_id: str) -> bool:
    """The form's choice is checked again: it could name somebody of another clinic."""
    with reading() as session:
        return staff_id in {staff.id for staff in _injectors(session, who)}


def _all(form: FormData, name: str) -> list[str]:
    return [value for value in form.getlist(name) if isinstance(value, str)]


def _typed_areas(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]
