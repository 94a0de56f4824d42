"""Signing in with a passkey or the clinic's provider, and choosing a new password by a one-time link."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, BackgroundTasks, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select

from bot.access import lockout, oidc, passkeys, resets, staffing, tickets
from bot.access.door import address_of, door
from bot.access.password_rules import SHORTEST
from bot.clinic.models import Staff
from bot.console import auth, pages, sessions, signing
from bot.console.pages import ConsoleRoute, Forged, NotThere
from bot.db.engine import reading, transaction

log = structlog.get_logger(__name__)

router = APIRouter(route_class=ConsoleRoute)


@router.post("/sign-in/passkey/options")
@door("")
def passkey_options() -> Response:
    """What a browser needs to use a passkey, as JSON. It must come back with the ticket that is set here."""
    options, challenge = passkeys.to_sign_in()
    with transaction() as session:
        token = tickets.leave(session, {"kind": "passkey", "challenge": challenge}, sessions.real_now())
    response = Response(options, media_type="application/json", headers={"Cache-Control": "no-store"})
    signing.set_ticket(response, token)
    return response


@router.post("/sign-in/passkey")
@door("session.sign_in")
def passkey_sign_in(
    request: Request,
    credential: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/console",
) -> Response:
    """Open a session for the owner of the passkey that answered. It needs no password and no code."""
    if signing.is_from_elsewhere(request):
        raise Forged
    place, now = lockout.address_key(address_of(request)), sessions.real_now()
    with transaction() as session:
        if lockout.left(session, place, now, lockout.MOST_PER_ADDRESS):
            return auth.form(request, next, error="sign_in.wait", status=429, minutes=15)
        left = tickets.take(session, request.cookies.get(tickets.COOKIE), "passkey", now)
        try:
            if left is None:
                raise passkeys.PasskeyRefused("no challenge was asked for")
            staff = passkeys.use(session, credential[:10_000], str(left["challenge"]), now)
        except passkeys.PasskeyRefused as problem:
            log.info("a passkey was refused", why=str(problem))
            signing.refused("passkey")
            lockout.failed(session, place, now)
            return auth.form(request, next, error="sign_in.passkey_wrong", status=401)
        token = signing.open_for(session, request, staff, "passkey")
    return signing.welcomed(token, next, staff.email)


@router.get("/sign-in/provider")
@door("")
def to_provider(request: Request, next: str = "/console") -> Response:
    """Send the browser to the clinic's provider."""
    if not oidc.configured():
        raise NotThere
    try:
        asked = oidc.ask()
    except oidc.ProviderRefused as problem:
        log.error("the sign-in provider cannot be used", why=problem.why)
        return auth.form(request, next, error="sign_in.provider_down", status=502)
    kept = {"kind": "provider", "next": sessions.local_path(next), **asked.remember}
    with transaction() as session:
        token = tickets.leave(session, kept, sessions.real_now())
    response = RedirectResponse(asked.address, 303)
    signing.set_ticket(response, token)
    return response


@router.get("/sign-in/provider/callback")
@door("session.sign_in")
def from_provider(request: Request, code: str = "", state: str = "") -> Response:
    """Open a session for the member of staff whose verified e-mail the provider names."""
    if not oidc.configured():
        raise NotThere
    with transaction() as session:
        left = tickets.take(session, request.cookies.get(tickets.COOKIE), "provider", sessions.real_now())
    next = str((left or {}).get("next", "/console"))
    try:
        email = oidc.email_of(code, state, left or {})
        with transaction() as session:
            staff = oidc.member(session, email)
            token = signing.open_for(session, request, staff, "provider")
    except oidc.ProviderRefused as problem:
        log.info("a sign-in by the provider was refused", why=problem.why)
        signing.refused(f"provider: {problem.why}")
        return auth.form(request, next, error="sign_in.provider_refused", status=401)
    return signing.welcomed(token, next, staff.email)


@router.get("/forgot")
@door("")
def forgot_page(request: Request) -> Response:
    """Asks for the e-mail that a link is to be sent to."""
    if resets.mail() is None:
        raise NotThere
    return pages.render(request, "forgot.html", sent=False)


@router.post("/forgot")
@door("session.forgot_password")
def forgot(request: Request, after: BackgroundTasks, email: Annotated[str, Form()] = "") -> Response:
    """Send a link if somebody active has this e-mail. The answer is the same if nobody has."""
    send = resets.mail()
    if send is None:
        raise NotThere
    if signing.is_from_elsewhere(request):
        raise Forged
    email, now = email.strip().lower()[:254], sessions.real_now()
    key = lockout.key_of(f"forgot {email}")
    with transaction() as session:
        staff = session.scalars(select(Staff).where(Staff.email == email, Staff.active)).first()
        waits = bool(lockout.left(session, key, now))
        lockout.failed(session, key, now)
        if staff is not None and not waits:
            signing.noted(staff, {})
            link = resets.issue(session, staff, now, resets.MAIL_LASTS)
            after.add_task(_send, send, staff.email, staff.language, link)
    response = pages.render(request, "forgot.html", sent=True)
    response.background = after
    return response


def _send(send: resets.Sender, email: str, language: str, link: str) -> None:
    try:
        send(email, language, link)
    except Exception as error:  # whoever asked cannot be told without telling whether the account exists
        log.error("a link to reset a password could not be sent", error=type(error).__name__)


@router.get("/reset/{token}")
@door("")
def reset_page(request: Request, token: str) -> Response:
    """The form for a new password, or that the link no longer works."""
    with reading() as session:
        staff = resets.holder(session, token, sessions.real_now())
    return _reset_form(request, token, staff)


@router.post("/reset/{token}")
@door("staff.reset_password")
def reset(
    request: Request,
    token: str,
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Set the password, use the link up, and sign its owner out everywhere. The second factor stays."""
    if signing.is_from_elsewhere(request):
        raise Forged
    now = sessions.real_now()
    with transaction() as session:
        staff = resets.holder(session, token, now)
        if staff is None:
            return _reset_form(request, token, None)
        problem = "differs" if password != again else staffing.set_password(staff, password)
        if problem is not None:
            return _reset_form(request, token, staff, problem)
        resets.holder(session, token, now, use=True)
        ended = sessions.close_all(session, staff.id)
        lockout.forget(session, signing.account_key(request, staff.email))
        lockout.forget(session, lockout.key_of(staff.email))
        signing.noted(staff, {"sessions_ended": ended})
    return RedirectResponse("/console/sign-in?did=reset", 303)


def _reset_form(request: Request, token: str, staff: Staff | None, problem: str = "") -> Response:
    status = 404 if staff is None else 422 if problem else 200
    return pages.render(
        request,
        "reset.html",
        status=status,
        token=token,
        staff=staff,
        shortest=SHORTEST,
        problem=f"password.{problem}" if problem else "",
    )
