"""How a console page is made: who is asking, what the template gets, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.datastructures import FormData

from bot import clock
from bot.access.door import Door, address_of, declared
from bot.access.permissions import Permission, may, roles_with
from bot.audit import trail
from bot.clinic.facts import readable_phone
from bot.console import counts, sessions
from bot.console.sessions import Visitor
from bot.console.strings import preferred, translator
from bot.console.times import Times
from bot.console.wording import AREAS
from bot.db.engine import reading
from bot.protocols.schema import ANSWERS

_environment = Environment(
    loader=ChoiceLoader([PackageLoader("bot.console"), PackageLoader("bot.outcomes")]),
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


class NotPermitted(Exception):
    """The visitor's role may not do this; `needs` is the permission that it lacks."""

    def __init__(self, needs: Permission) -> None:
        super().__init__(needs.value)
        self.needs = needs


class SecondFactorNeeded(Exception):
    """The clinic wants a second factor by now, and the visitor has none."""


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
        may=(lambda permission: may(who.role, Permission(permission)))
        if who
        else (lambda _permission: False),
        pulse=_pulse(who),
        **values,
    )
    return HTMLResponse(body, status, headers=_HEADERS)


def _pulse(who: Visitor | None) -> dict[str, Any] | None:
    """The navigation's counts. They name nobody on the page, so the log need not either."""
    if who is None or not may(who.role, Permission.VIEW_ALERTS):
        return None
    with trail.unnoticed():
        return counts.pulse(who)


def visitor(request: Request) -> Visitor:
    """Dependency: who is signed in, and may do what the route needs.

    The one place where a permission is asked for. Raises `SignInNeeded`, `NotPermitted` and
    `SecondFactorNeeded`.
    """
    token = request.cookies.get(sessions.COOKIE)
    with reading() as session:
        who = sessions.visitor(session, token)
    if who is None:
        raise SignInNeeded
    route = declared(request.scope["endpoint"])
    if not route.refreshes:
        sessions.touch(who, address_of(request))
    act = trail.current()
    if act is not None:
        act.actor_kind, act.actor_id, act.clinic_id = "staff", who.staff_id, who.clinic_id
        act.session_id = who.session_id
    if who.factor_overdue and route.needs is not Permission.OWN_ACCOUNT:
        raise SecondFactorNeeded
    if route.needs is not None and not may(who.role, route.needs):
        raise NotPermitted(route.needs)
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


class ConsoleRoute(Door):
    """Turns refusals into pages: 303 to sign-in, 403, 404."""

    async def answer(
        self, request: Request, handler: Callable[[Request], Coroutine[Any, Any, Response]]
    ) -> Response:
        """The handler's answer with the refusals caught."""
        try:
            return await handler(request)
        except SignInNeeded:
            return to_sign_in(request)
        except SecondFactorNeeded:
            return RedirectResponse("/console/account?did=needed", HTTPStatus.SEE_OTHER)
        except (NotThere, RequestValidationError):  # an address that no page of ours links to
            return _refusal(request, HTTPStatus.NOT_FOUND)
        except Forged:
            return _refusal(request, HTTPStatus.FORBIDDEN)
        except NotPermitted as refused:
            return _refusal(request, HTTPStatus.FORBIDDEN, refused.needs)

    def unwritten(self, request: Request) -> Response:
        """The page that says why nothing is shown."""
        return _refusal(request, HTTPStatus.SERVICE_UNAVAILABLE)


def to_sign_in(request: Request) -> Response:
    """Send to sign-in, to come back afterwards to the page that was asked for, or the one a form was on."""
    asked = request.url.path
    if request.method == "GET" and request.url.query:
        asked += f"?{request.url.query}"
    if request.method != "GET":
        asked = asked.rpartition("/")[0] or asked
    return RedirectResponse(f"/console/sign-in?next={quote(asked)}", HTTPStatus.SEE_OTHER)


def _refusal(request: Request, status: HTTPStatus, needs: Permission | None = None) -> Response:
    with reading() as session:
        who = sessions.visitor(session, request.cookies.get(sessions.COOKIE))
    roles = sorted(roles_with(needs)) if needs else []
    return render(request, "refused.html", who, status=status, code=status.value, needs=needs, roles=roles)
