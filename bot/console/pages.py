"""How a console page is made: who is asking, what the template gets, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import FormData

from bot import clock
from bot.clinic.facts import readable_phone
from bot.console import counts, sessions
from bot.console.sessions import Visitor
from bot.console.strings import preferred, translator
from bot.console.times import Times
from bot.console.wording import AREAS
from bot.db.engine import reading
from bot.protocols.schema import ANSWERS

_environment = Environment(
    loader=PackageLoader("bot.console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters["phone"] = readable_phone

#: Scripts, styles and pictures come from this server alone, and nobody may frame a page.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Fields(dict[str, str]):
    """Texts by field of a form; a field that has none is empty."""

    def __missing__(self, _key: str) -> str:
        return ""


class SignInNeeded(Exception):
    """Nobody is signed in; the page is shown after sign-in."""


class NotThere(Exception):
    """There is no such row in the visitor's clinic."""


class Forged(Exception):
    """A form came without its session's token."""


def render(
    request: Request, template: str, who: Visitor | None = None, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """`template` as a page, in the visitor's language or, before sign-in, the browser's."""
    language = who.language if who else preferred(request.headers.get("accept-language", ""))
    t = translator(language)
    now = clock.now()
    body = _environment.get_template(template).render(
        t=t,
        language=language,
        who=who,
        path=request.url.path,
        now=now,
        times=Times(t, who.time_zone if who else "UTC", now),
        area_ids=AREAS,
        answers_with_a_name=ANSWERS,
        pulse=counts.pulse(who) if who else None,
        **values,
    )
    return HTMLResponse(body, status, headers=_HEADERS)


def visitor(request: Request) -> Visitor:
    """Dependency: who is signed in. Raises `SignInNeeded`."""
    with reading() as session:
        who = sessions.visitor(session, request.cookies.get(sessions.COOKIE))
    if who is None:
        raise SignInNeeded
    return who


SignedIn = Annotated[Visitor, Depends(visitor)]


async def posted(request: Request, who: SignedIn) -> FormData:
    """Dependency: the form that was sent, proven to come from our own page. Raises `Forged`."""
    form = await request.form()
    if not sessions.csrf_ok(who, form.get("csrf")):
        raise Forged
    return form


Posted = Annotated[FormData, Depends(posted)]


def text(form: FormData, name: str, limit: int = 5000) -> str:
    """A field of a form without the space around it; empty when it is missing or not text."""
    value = form.get(name)
    return value.strip()[:limit] if isinstance(value, str) else ""


class ConsoleRoute(APIRoute):
    """Turns refusals into pages: 303 to sign-in, 403, 404."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with the refusals caught."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except SignInNeeded:
                return to_sign_in(request)
            except (NotThere, RequestValidationError):  # an address that no page of ours links to
                return _refusal(request, HTTPStatus.NOT_FOUND)
            except Forged:
                return _refusal(request, HTTPStatus.FORBIDDEN)

        return handle


def to_sign_in(request: Request) -> Response:
    """Send to sign-in, to come back afterwards to the page that was asked for, or the one a form was on."""
    asked = request.url.path
    if request.method == "GET" and request.url.query:
        asked += f"?{request.url.query}"
    if request.method != "GET":
        asked = asked.rpartition("/")[0] or asked
    return RedirectResponse(f"/console/sign-in?next={quote(asked)}", HTTPStatus.SEE_OTHER)


def _refusal(request: Request, status: HTTPStatus) -> Response:
    with reading() as session:
        who = sessions.visitor(session, request.cookies.get(sessions.COOKIE))
    return render(request, "refused.html", who, status=status, code=status.value)
