"""One's own contact methods: how the desk pages the person who is signed in."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic.models import Clinic, Staff
from bot.console import pages
from bot.console.pages import ConsoleRoute, NotThere, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.db.engine import reading, transaction
from bot.durable.workflows import Equipment
from bot.notify import contacts, direct, rows
from bot.notify.contacts import ContactInvalid
from bot.notify.models import ContactKind, ContactMethod

router = APIRouter(route_class=ConsoleRoute)

#: What the page may say it has just done.
DONE = ("added", "removed", "moved", "tested")
FIELDS = ("kind", "address", "delay_min", "least_tier")
#: The field that a fault belongs to.
_FIELD_OF = {"kind": "kind", "delay": "delay_min", "tier": "least_tier"}


@router.get("/contact")
@door("", Permission.OWN_ACCOUNT)
def contact_page(request: Request, who: SignedIn, did: str = "") -> Response:
    """The methods in their order, and the form for another one."""
    return _page(request, who, did=did if did in DONE else "")


@router.post("/contact")
@door("account.contact_add", Permission.OWN_ACCOUNT)
def add(request: Request, who: SignedIn, form: Posted) -> Response:
    """Add a method, or show the form again as it was typed."""
    typed = {name: pages.text(form, name, 1000) for name in FIELDS}
    try:
        with transaction() as session:
            contacts.add(session, session.get_one(Staff, who.staff_id), **typed)
    except ContactInvalid as invalid:
        errors = {_FIELD_OF.get(invalid.fault, "address"): f"contact.fault_{invalid.fault}"}
        return _page(request, who, errors=errors, typed=typed, status=422)
    return _done("added")


@router.post("/contact/{method_id}/remove")
@door("account.contact_remove", Permission.OWN_ACCOUNT)
def remove(who: SignedIn, _form: Posted, method_id: str) -> Response:
    """Use the method no more."""
    with transaction() as session:
        contacts.remove(_own(session, who, method_id))
    return _done("removed")


@router.post("/contact/{method_id}/up")
@door("account.contact_order", Permission.OWN_ACCOUNT)
def move_up(who: SignedIn, _form: Posted, method_id: str) -> Response:
    """Put the method one place earlier."""
    with transaction() as session:
        contacts.move_up(session, _own(session, who, method_id))
    return _done("moved")


@router.post("/contact/{method_id}/test")
@door("account.contact_test", Permission.OWN_ACCOUNT)
def test(request: Request, who: SignedIn, _form: Posted, method_id: str) -> Response:
    """Send a test message by the method, now."""
    with reading() as session:
        method = _own(session, who, method_id)
        staff = session.get_one(Staff, who.staff_id)
        clinic = session.get_one(Clinic, who.clinic_id)
        addresses = direct.addresses_of(session, staff, [method])
    if Equipment.carrier is None:
        return _page(request, who, failed="contact.not_running", status=503)
    (tried,) = direct.send(
        staff,
        clinic,
        addresses,
        "staff.test",
        "staff.test_subject",
        {},
        Equipment.notifiers,
        Equipment.carrier,
    )
    if tried.error:
        return _page(request, who, failed="contact.test_failed", why=tried.error, status=502)
    return _done("tested")


def _own(session: Session, who: Visitor, method_id: str) -> ContactMethod:
    method = contacts.own(session, who.staff_id, method_id)
    if method is None:
        raise NotThere
    return method


def _done(what: str) -> Response:
    return RedirectResponse(f"/console/contact?did={what}", 303)


def _page(
    request: Request,
    who: Visitor,
    *,
    did: str = "",
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    failed: str = "",
    why: str = "",
    status: int = 200,
) -> Response:
    with reading() as session:
        return pages.render(
            request,
            "contact.html",
            who,
            status=status,
            methods=rows.methods_of(session, who.staff_id),
            phone=session.get_one(Staff, who.staff_id).phone,
            kinds=list(ContactKind),
            tiers=contacts.TIERS,
            shown=contacts.shown,
            did=did,
            errors=pages.Fields(errors or {}),
            typed=pages.Fields(typed or {"delay_min": "0", "least_tier": "T2"}),
            failed=failed,
            why=why,
        )
