"""`/a/…`: the page behind the signed link in a page to staff. No sign-in, and next to nothing to see."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot import clock
from bot.access.door import Door, address_of, door
from bot.audit import trail
from bot.audit.chain import Entry
from bot.console.strings import preferred, translator
from bot.console.times import Times
from bot.db.engine import transaction
from bot.notify import taking
from bot.notify.taking import View

router = APIRouter(route_class=Door, include_in_schema=False)

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_STATUS = {"unknown": HTTPStatus.NOT_FOUND, "expired": HTTPStatus.GONE, "left": HTTPStatus.GONE}


@router.get("/a/{token}")
@door("alert.look_by_link")
def look(request: Request, token: str) -> Response:
    """Show tier, initials and age of the alert, and the button. Looking takes nothing."""
    view = taking.look(token)
    act = trail.current()
    if act is not None and view.alert_id:
        act.actor_kind, act.actor_id, act.clinic_id = "staff", view.staff_id, view.clinic_id
        act.subject = ("alert", view.alert_id)
        trail.concerns(view.patient_id)
    return _page(request, view)


@router.post("/a/{token}")
@door("")  # whoever takes an alert is in the log by `service.take`, whoever only sees it by `_looked`
def take(request: Request, token: str) -> Response:
    """The button. A form on another site cannot press it."""
    if request.headers.get("sec-fetch-site") == "cross-site":
        return _page(request, _looked(request, taking.look(token)), HTTPStatus.FORBIDDEN)
    return _page(request, _looked(request, taking.take(token)))


def _looked(request: Request, view: View) -> View:
    """A button that took nothing shows the alert all the same, which is written down before it is shown."""
    if view.alert_id and view.state != "taken_now":
        entry = Entry(
            "alert.look_by_link",
            "staff",
            view.staff_id,
            ("alert", view.alert_id),
            view.clinic_id,
            {"patients": [view.patient_id]} if view.patient_id else {},
            address_of(request),
        )
        with transaction() as session:
            trail.record(session, entry)
    return view


def _page(request: Request, view: View, status: HTTPStatus | None = None) -> Response:
    language = view.language or preferred(request.headers.get("accept-language", ""))
    t = translator(language)
    body = _environment.get_template("take.html").render(
        t=t,
        language=language,
        view=view,
        age=Times(t, "UTC", clock.now()).ago(view.waits_since) if view.waits_since else "",
    )
    return HTMLResponse(body, status or _STATUS.get(view.state, HTTPStatus.OK), headers=_HEADERS)
