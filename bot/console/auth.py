"""Signing in and out: password, then the second factor where there is one."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import settings as app_settings
from bot.access import factors, lockout, oidc, resets
from bot.access.door import address_of, door
from bot.access.permissions import Permission
from bot.audit import trail
from bot.clinic.models import Staff, StaffSession
from bot.console import pages, sessions, signing
from bot.console.pages import ConsoleRoute, Forged, Posted, SignedIn, SignInNeeded
from bot.db.engine import reading, transaction

router = APIRouter(route_class=ConsoleRoute)

#: What the sign-in page may say has happened before.
DID = ("reset",)


@router.get("/sign-in")
@door("")
def sign_in_page(request: Request, next: str = "/console", did: str = "") -> Response:
    """The form; somebody who is signed in already goes straight on."""
    with reading() as session:
        who = sessions.visitor(session, request.cookies.get(sessions.COOKIE))
    if who is not None:
        return RedirectResponse(sessions.local_path(next), 303)
    return form(request, next, did=did if did in DID else "")


@router.post("/sign-in")
@door("session.sign_in")
def sign_in(
    request: Request,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/console",
) -> Response:
    """Open a session. An unknown e-mail and a wrong password get the same answer, in the same time."""
    if signing.is_from_elsewhere(request):
        raise Forged
    email = email.strip().lower()[:254]
    key, place = signing.account_key(request, email), lockout.address_key(address_of(request))
    if wait := _wait(key, place):
        return form(request, next, email, "sign_in.wait", 429, minutes=_minutes(wait))
    with transaction() as session:
        staff = sessions.check_password(session, email, password[:1000])
        if staff is None:
            known = session.scalars(select(Staff).where(Staff.email == email)).first()
            signing.refused("password", known)
            _count(session, key, place)
            token = ""
        else:
            second = bool(factors.kinds_of(session, staff.id))
            token = signing.open_for(session, request, staff, "password", verified=not second)
    if staff is None:
        return form(request, next, email, "sign_in.wrong", 401)
    if not second:
        return signing.welcomed(token, next, email)
    response = RedirectResponse(f"/console/sign-in/second?next={sessions.quoted(next)}", 303)
    signing.set_session(response, token)
    return response


@router.get("/sign-in/second")
@door("")
def second_page(request: Request, next: str = "/console") -> Response:
    """Asks for the code of the app, a recovery code or a passkey."""
    with reading() as session:
        if sessions.visitor(session, request.cookies.get(sessions.COOKIE)) is not None:
            return RedirectResponse("/console", 303)
        mine, staff = _half_in(session, request)
        return _second_form(request, session, mine, staff, next)


@router.post("/sign-in/second")
@door("session.second_factor")
def second(
    request: Request,
    csrf: Annotated[str, Form()] = "",
    code: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/console",
) -> Response:
    """Open the session that waited for its second factor."""
    with transaction() as session:
        mine, staff = _half_in(session, request)
        if not sessions.same(mine.csrf_token, csrf):
            raise Forged
        key = lockout.key_of(f"factor {staff.id}")
        now = sessions.real_now()
        if wait := lockout.left(session, key, now):
            return _second_form(request, session, mine, staff, next, "sign_in.wait", 429, _minutes(wait))
        method = _method_of(session, staff, code[:100])
        if method is None:
            signing.refused("second factor", staff)
            lockout.failed(session, key, now)
            return _second_form(request, session, mine, staff, next, "sign_in.code_wrong", 401)
        lockout.forget(session, key)
        session.delete(mine)
        token = signing.open_for(session, request, staff, method)
    return signing.welcomed(token, next, staff.email)


@router.post("/sign-out")
@door("session.sign_out", Permission.OWN_ACCOUNT)
def sign_out(who: SignedIn, _form: Posted) -> Response:
    """Forget the session on both sides."""
    with transaction() as session:
        sessions.close_session(session, who.session_id)
    response = RedirectResponse("/console/sign-in", 303)
    response.delete_cookie(sessions.COOKIE, path="/console")
    return response


def form(
    request: Request,
    next: str,
    email: str = "",
    error: str = "",
    status: int = 200,
    did: str = "",
    **values: object,
) -> Response:
    """The page with every way in; `error` says why the last try did not lead in."""
    settings = app_settings.get_settings()
    return pages.render(
        request,
        "sign_in.html",
        status=status,
        next=sessions.local_path(next),
        email=email,
        error=error,
        did=did,
        values=values,
        demo=settings.demo,
        provider=settings.oidc_button if oidc.configured() else "",
        by_mail=resets.mail() is not None,
    )


def _second_form(
    request: Request,
    session: Session,
    mine: StaffSession,
    staff: Staff,
    next: str,
    error: str = "",
    status: int = 200,
    minutes: int = 0,
) -> Response:
    return pages.render(
        request,
        "second_factor.html",
        status=status,
        kinds=factors.kinds_of(session, staff.id),
        csrf=mine.csrf_token,
        next=sessions.local_path(next),
        error=error,
        values={"minutes": minutes},
    )


def _half_in(session: Session, request: Request) -> tuple[StaffSession, Staff]:
    found = sessions.half_in(session, request.cookies.get(sessions.COOKIE))
    if found is None:
        raise SignInNeeded
    return found


def _method_of(session: Session, staff: Staff, code: str) -> str | None:
    """Which second factor `code` is; it is used up."""
    now = sessions.real_now()
    key = factors.totp_of(session, staff.id)
    if key is not None and key.confirmed_at is not None and factors.use_totp(session, key, code, now):
        return "totp"
    return "recovery" if factors.use_recovery_code(session, staff.id, code, now) else None


def _wait(*keys: str) -> timedelta:
    now = sessions.real_now()
    account, place = keys
    with reading() as session:
        return max(
            lockout.left(session, account, now), lockout.left(session, place, now, lockout.MOST_PER_ADDRESS)
        )


def _count(session: Session, key: str, place: str) -> None:
    """Count a failure for the account and for the address; the log hears when it locks the account."""
    now = sessions.real_now()
    wait = lockout.wait_after(lockout.failed(session, key, now))
    lockout.failed(session, place, now)
    act = trail.current()
    if wait and act is not None:
        act.detail |= {"locked_minutes": _minutes(wait)}


def _minutes(wait: timedelta) -> int:
    return math.ceil(wait.total_seconds() / 60)
