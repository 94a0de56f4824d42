"""Signing in and out."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from bot import settings as app_settings
from bot.console import pages, sessions
from bot.console.pages import ConsoleRoute, Posted, SignedIn
from bot.console.throttle import throttle
from bot.db.engine import reading, transaction

router = APIRouter(route_class=ConsoleRoute)


@router.get("/sign-in")
def sign_in_page(request: Request, next: str = "/console") -> Response:
    """The form; somebody who is signed in already goes straight on."""
    with reading() as session:
        who = sessions.visitor(session, request.cookies.get(sessions.COOKIE))
    if who is not None:
        return RedirectResponse(sessions.local_path(next), 303)
    return _form(request, next)


@router.post("/sign-in")
def sign_in(
    request: Request,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/console",
) -> Response:
    """Open a session. An unknown e-mail and a wrong password get the same answer, in the same time."""
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise pages.Forged
    email = email.strip().lower()[:254]
    address = request.client.host if request.client else ""
    wait_s = throttle.wait_s(email, address)
    if wait_s:
        return _form(request, next, email, "sign_in.wait", 429, minutes=math.ceil(wait_s / 60))
    with transaction() as session:
        staff = sessions.check_password(session, email, password[:1000])
        token = sessions.open_session(session, staff) if staff else None
    if token is None:
        throttle.failed(email, address)
        return _form(request, next, email, "sign_in.wrong", 401)
    throttle.forget(email, address)
    settings = app_settings.get_settings()
    response = RedirectResponse(sessions.local_path(next), 303)
    response.set_cookie(
        sessions.COOKIE,
        token,
        max_age=int(settings.session_hours * 3600),
        path="/console",
        httponly=True,
        samesite="lax",
        secure=settings.public_url.startswith("https:"),
    )
    return response


@router.post("/sign-out")
def sign_out(who: SignedIn, _form: Posted) -> Response:
    """Forget the session on both sides."""
    with transaction() as session:
        sessions.close_session(session, who.session_id)
    response = RedirectResponse("/console/sign-in", 303)
    response.delete_cookie(sessions.COOKIE, path="/console")
    return response


def _form(
    request: Request, next: str, email: str = "", error: str = "", status: int = 200, **values: object
) -> Response:
    return pages.render(
        request,
        "sign_in.html",
        status=status,
        next=sessions.local_path(next),
        email=email,
        error=error,
        values=values,
        demo=app_settings.get_settings().demo,
    )
