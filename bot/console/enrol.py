"""Enrolling a treated patient: the form, its errors beside the fields, and what happens next."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from bot import clock
from bot.clinic import enrolment
from bot.clinic.models import Role, Staff
from bot.console import pages
from bot.console.pages import ConsoleRoute, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.db.engine import reading
from bot.protocols.catalogue import catalogue

router = APIRouter(route_class=ConsoleRoute)

#: Ids of the areas on the form, worded in `strings.yml` under `area`; more may be typed.
AREAS = (
    "cheeks", "midface", "preauricular", "jawline", "chin", "marionette_lines", "nasolabial_folds",
    "temples", "lips", "around_the_eyes", "neck", "hands",
)  # fmt: skip
TEXT_FIELDS = (
    "first_name", "last_name", "phone", "language", "time_zone", "product", "lot", "expiry", "treated_at",
    "injector_id", "technique_note", "goals_endpoints", "goals_longer", "other_area",
)  # fmt: skip
#: Where the United States' and Spain's clinics are; a patient from elsewhere is asked for rarely.
ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
    "America/Anchorage", "Pacific/Honolulu", "America/Puerto_Rico", "America/Mexico_City",
    "America/Bogota", "America/Argentina/Buenos_Aires", "Atlantic/Canary", "Europe/London", "Europe/Madrid",
)  # fmt: skip
INJECTORS = (Role.INJECTOR, Role.NURSE, Role.MEDICAL_DIRECTOR)


@router.get("/enrol")
def enrol_page(request: Request, who: SignedIn) -> Response:
    """The empty form, set to this clinic and now."""
    local = clock.now().astimezone(ZoneInfo(who.time_zone))
    typed = dict.fromkeys(TEXT_FIELDS, "")
    typed |= {"language": "en", "treated_at": f"{local:%Y-%m-%dT%H:%M}"}
    return _page(request, who, typed, [], consent=False)


@router.post("/enrol")
def enrol(request: Request, who: SignedIn, form: Posted) -> Response:
    """Enrol, or show the form again as it was typed, with what to do beside each field."""
    typed = {name: pages.text(form, name) for name in TEXT_FIELDS}
    areas = [area for area in _all(form, "areas") if area in AREAS]
    consent = "consent_aftercare_texts" in form
    data: dict[str, object] = {name: value for name, value in typed.items() if value and name != "other_area"}
    data["areas"] = [area.replace("_", " ") for area in areas] + _typed_areas(typed["other_area"])
    data["consent_aftercare_texts"] = consent
    try:
        result = enrolment.enrol(who.clinic_id, data, staff_id=who.staff_id)
    except enrolment.EnrolmentInvalid as problem:
        return _page(request, who, typed, areas, consent=consent, errors=problem.errors)
    return RedirectResponse(f"/console/patients/{result.patient_id}?did=enrolled", 303)


def _page(
    request: Request,
    who: Visitor,
    typed: dict[str, str],
    areas: list[str],
    *,
    consent: bool,
    errors: dict[str, str] | None = None,
) -> Response:
    with reading() as session:
        return pages.render(
            request,
            "enrol.html",
            who,
            status=422 if errors else 200,
            typed=typed,
            chosen=areas,
            consent=consent,
            errors=errors or {},
            areas=AREAS,
            zones=sorted({*ZONES, who.time_zone}),
            products=sorted(catalogue().products.values(), key=lambda product: product.name),
            injectors=_injectors(session, who),
        )


def _injectors(session: Session, who: Visitor) -> list[Staff]:
    query = select(Staff).where(Staff.clinic_id == who.clinic_id, Staff.active, Staff.role.in_(INJECTORS))
    return list(session.scalars(query.order_by(Staff.name)))


def _all(form: FormData, name: str) -> list[str]:
    return [value for value in form.getlist(name) if isinstance(value, str)]


def _typed_areas(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]
