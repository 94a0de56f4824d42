"""What every way of signing in ends with: the session, its cookies, its entry in the log."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from bot import settings as app_settings
from bot.access import lockout, tickets
from bot.access.door import address_of
from bot.audit import trail
from bot.clinic.models import Staff
from bot.console import sessions

#: Proof that an account has signed in from this browser before (`bot.access.lockout`).
DEVICE_COOKIE = "afterglow_device"
DEVICE_LASTS_S = 365 * 86_400


def is_from_elsewhere(request: Request) -> bool:
    """Whether a browser says that another site sent this form."""
    return request.headers.get("sec-fetch-site") == "cross-site"


def open_for(session: Session, request: Request, staff: Staff, method: str, *, verified: bool = True) -> str:
    """A session for `staff` in the caller's transaction; returns its token. Failures are forgotten."""
    noted(staff, {"method": method} if verified else {"method": method, "waits_for": "second factor"})
    if verified:
        lockout.forget(session, account_key(request, staff.email))
    return sessions.open_session(
        session,
        staff,
        method=method,
        verified=verified,
        ip=address_of(request),
        device=sessions.device_of(request.headers.get("user-agent", "")),
    )


def noted(staff: Staff, detail: dict[str, Any]) -> None:
    """The log is to say that `staff` did what is being done."""
    act = trail.current()
    if act is not None:
        act.actor_kind, act.actor_id, act.clinic_id = "staff", staff.id, staff.clinic_id
        act.changes = True
        act.detail |= detail


def refused(why: str, staff: Staff | None = None) -> None:
    """The log is to say that somebody was not let in, and whose account it was if there is one."""
    act = trail.current()
    if act is not None:
        act.outcome, act.changes = "refused", True
        act.detail |= {"why": why}
        if staff is not None:
            act.clinic_id, act.subject = staff.clinic_id, ("staff", staff.id)


def account_key(request: Request, email: str) -> str:
    """What failures to sign in as `email` from this browser are counted under."""
    return lockout.key_of(email, request.cookies.get(DEVICE_COOKIE, ""))


def welcomed(token: str, to: str, email: str) -> Response:
    """On to the page that was asked for, with the session's cookie and this browser's mark."""
    response = RedirectResponse(sessions.local_path(to), 303)
    set_session(response, token)
    cookie(response, DEVICE_COOKIE, lockout.device_mark(email), DEVICE_LASTS_S)
    return response


def set_session(response: Response, token: str) -> None:
    """Give the browser its session."""
    cookie(response, sessions.COOKIE, token, int(app_settings.get_settings().session_hours * 3600))


def set_ticket(response: Response, token: str) -> None:
    """Let the browser prove, when it comes back, that it is the one that left."""
    cookie(response, tickets.COOKIE, token, int(tickets.LASTS.total_seconds()))


def cookie(response: Response, name: str, value: str, lasts_s: int) -> None:
    """A cookie of the console: for no script, no other site, and on https for no plain connection."""
    response.set_cookie(
        name,
        value,
        max_age=lasts_s,
        path="/console",
        httponly=True,
        samesite="lax",
        secure=app_settings.get_settings().public_url.startswith("https:"),
    )
