"""The clinic's staff: add, change, let go, help back in; and whether everybody needs a second factor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.access import factors, resets, staffing
from bot.access.door import door
from bot.access.permissions import Permission
from bot.audit import trail
from bot.clinic.models import Clinic, Role, Staff
from bot.console import pages, sessions
from bot.console.pages import ConsoleRoute, NotThere, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.strings import translator
from bot.db.engine import reading, transaction
from bot.messaging.threads import patients_at

router = APIRouter(route_class=ConsoleRoute)

FIELDS = ("name", "email", "role", "phone", "language")
DID = ("changed", "signed_out", "factors_off", "required", "not_required")
GRACE_DAYS = (0, 7, 14, 30)
STAFF = Permission.MANAGE_STAFF


@router.get("/staff")
@door("staff.list", STAFF)
def staff_page(request: Request, who: SignedIn, did: str = "") -> Response:
    """Everybody who works or worked here."""
    return _page(request, who, did=did if did in DID else "")


@router.post("/staff")
@door("staff.add", STAFF)
def add(request: Request, who: SignedIn, form: Posted) -> Response:
    """Add somebody, and show the link with which they choose a password."""
    typed = {name: pages.text(form, name, 254) for name in FIELDS}
    try:
        with transaction() as session:
            staff = staffing.add(session, session.get_one(Clinic, who.clinic_id), typed)
            link = resets.issue(session, staff, sessions.real_now())
            _about(staff, {"role": staff.role.value})
    except staffing.StaffInvalid as invalid:
        return _page(request, who, errors=invalid.errors, typed=typed, status=422)
    return _page(request, who, link=link, link_for=staff.name)


@router.get("/staff/{staff_id}")
@door("staff.view", STAFF)
def person_page(request: Request, who: SignedIn, staff_id: str, did: str = "") -> Response:
    """One member of staff, and what may be changed."""
    with reading() as session:
        return _person_page(request, session, who, staff_id, did=did if did in DID else "")


@router.post("/staff/{staff_id}")
@door("staff.change", STAFF)
def change(request: Request, who: SignedIn, form: Posted, staff_id: str) -> Response:
    """Set role, phone, language and whether the person works here. Who left is signed out at once."""
    typed = {name: pages.text(form, name, 254) for name in ("role", "phone", "language")}
    active = "active" in form
    try:
        with transaction() as session:
            staff = staff_for(session, who, staff_id)
            was = staff.role
            told = staffing.change(session, staff, typed, active=active)
            if not active or staff.role is not was:
                sessions.close_all(session, staff.id, but=who.session_id if active else "")
            _about(staff, {"changed": told})
    except staffing.StaffInvalid as invalid:
        with reading() as session:
            return _person_page(request, session, who, staff_id, errors=invalid.errors, status=422)
    return RedirectResponse(f"/console/staff/{staff_id}?did=changed", 303)


@router.post("/staff/{staff_id}/link")
@door("staff.issue_link", STAFF)
def issue_link(request: Request, who: SignedIn, _form: Posted, staff_id: str) -> Response:
    """A one-time link with which the person chooses a new password, shown once."""
    with transaction() as session:
        staff = staff_for(session, who, staff_id)
        if not staff.active:
            raise NotThere
        link = resets.issue(session, staff, sessions.real_now())
    with reading() as session:
        return _person_page(request, session, who, staff_id, link=link)


@router.post("/staff/{staff_id}/sign-out")
@door("staff.end_sessions", STAFF)
def sign_out(who: SignedIn, _form: Posted, staff_id: str) -> Response:
    """End all sessions of somebody, as when a phone was lost."""
    with transaction() as session:
        staff = staff_for(session, who, staff_id)
        sessions.close_all(session, staff.id, but=who.session_id)
    return RedirectResponse(f"/console/staff/{staff_id}?did=signed_out", 303)


@router.post("/staff/{staff_id}/factors/remove")
@door("staff.remove_factors", STAFF)
def remove_factors(who: SignedIn, _form: Posted, staff_id: str) -> Response:
    """Forget somebody's second factors, who lost them and the recovery codes too. Their sessions end."""
    with transaction() as session:
        staff = staff_for(session, who, staff_id)
        factors.drop_all(session, staff.id)
        sessions.close_all(session, staff.id, but=who.session_id)
    return RedirectResponse(f"/console/staff/{staff_id}?did=factors_off", 303)


@router.post("/security/second-factor")
@door("settings.second_factor", STAFF)
def require_second_factor(who: SignedIn, form: Posted) -> Response:
    """Want a second factor of everybody after some days, or leave it to each."""
    required = pages.text(form, "required") == "yes"
    days = pages.text(form, "grace")
    grace = int(days) if days.isdecimal() and int(days) in GRACE_DAYS else GRACE_DAYS[-1]
    with transaction() as session:
        clinic = session.get_one(Clinic, who.clinic_id)
        clinic.second_factor_from = clock.now() + timedelta(days=grace) if required else None
        act = trail.current()
        if act is not None:
            act.subject, act.detail = ("clinic", clinic.id), {"required": required, "grace_days": grace}
    return RedirectResponse(f"/console/staff?did={'required' if required else 'not_required'}", 303)


def staff_for(session: Session, who: Visitor, staff_id: str) -> Staff:
    """The member of staff of the visitor's clinic. Raises `NotThere`."""
    staff = session.get(Staff, staff_id)
    if staff is None or staff.clinic_id != who.clinic_id:
        raise NotThere
    return staff


def _about(staff: Staff, detail: dict[str, object]) -> None:
    act = trail.current()
    if act is not None:
        act.subject, act.detail = ("staff", staff.id), act.detail | detail


def _also_patients(session: Session, people: Sequence[Staff]) -> set[str]:
    """Ids of those whose number is a patient's too. The page says so, which is about that patient."""
    found = patients_at(session, people)
    for patient_id in found.values():
        trail.concerns(patient_id)
    return set(found)


def _roles(who: Visitor) -> list[tuple[str, str]]:
    t = translator(who.language)
    return [(role.value, t(f"role.{role.value}")) for role in Role]


def _page(
    request: Request,
    who: Visitor,
    *,
    did: str = "",
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    link: str = "",
    link_for: str = "",
    status: int = 200,
) -> Response:
    t = translator(who.language)
    with reading() as session:
        query = (
            select(Staff).where(Staff.clinic_id == who.clinic_id).order_by(Staff.active.desc(), Staff.name)
        )
        people = list(session.scalars(query))
        clinic = session.get_one(Clinic, who.clinic_id)
        return pages.render(
            request,
            "staff.html",
            who,
            status=status,
            did=did,
            people=people,
            kinds={person.id: factors.kinds_of(session, person.id) for person in people},
            also_patients=_also_patients(session, people),
            role_options=[("", t("app.choose")), *_roles(who)],
            errors=pages.Fields(errors or {}),
            typed=pages.Fields(typed or {}),
            link=link,
            link_for=link_for,
            factor_from=clinic.second_factor_from,
            grace_options=[(str(days), t("staff.grace_days", n=days)) for days in GRACE_DAYS],
        )


def _person_page(
    request: Request,
    session: Session,
    who: Visitor,
    staff_id: str,
    *,
    did: str = "",
    errors: dict[str, str] | None = None,
    link: str = "",
    status: int = 200,
) -> Response:
    person = staff_for(session, who, staff_id)
    return pages.render(
        request,
        "staff_member.html",
        who,
        status=status,
        did=did,
        person=person,
        kinds=factors.kinds_of(session, person.id),
        also_patient=bool(_also_patients(session, [person])),
        sessions=sessions.of_staff(session, person.id),
        role_options=_roles(who),
        errors=pages.Fields(errors or {}),
        link=link,
    )
