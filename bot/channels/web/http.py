"""The web chat's HTTP manners: which site is asking, errors as data, CORS for the clinics' sites only."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy import select

from bot import settings as app_settings
from bot.clinic.models import Clinic
from bot.db.engine import reading

#: Stands for "our own site" in tokens, however a visitor reached it (127.0.0.1, localhost, a public name).
OWN = "own"
#: Bytes of a request. A message of 4,000 four-byte characters in JSON escapes stays below it.
BODY_LIMIT = 64 * 1024


class ChatError(Exception):
    """A refusal that the widget can explain. `code` is stable; `message` is for developers."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after

    def response(self) -> JSONResponse:
        """The error as the browser gets it."""
        body: dict[str, Any] = {"error": self.code, "message": self.message}
        headers = {}
        if self.retry_after is not None:
            body["retry_after"] = self.retry_after
            headers["Retry-After"] = str(self.retry_after)
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(body, self.status, headers=headers)


def origin_of(url: str) -> str:
    """Scheme and authority of `url`, as browsers write an origin."""
    parts = urlsplit(url.strip())
    return f"{parts.scheme}://{parts.netloc}".lower()


def asking_site(request: Request) -> str:
    """The site whose page sent `request`: `OWN` for ours, otherwise its origin.

    Browsers leave `Origin` out of same-origin GETs, and pages cannot forge `Origin` or `Sec-Fetch-Site`.
    """
    origin = request.headers.get("origin")
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site == "same-origin":
        return OWN
    if origin is None:
        return OWN if fetch_site in (None, "none") else "null"
    if origin == origin_of(app_settings.get_settings().public_url):
        return OWN
    return origin


def may_embed(clinic: Clinic, site: str) -> bool:
    """Whether a page of `site` may show the chat of `clinic`."""
    return site == OWN or site in {origin_of(allowed) for allowed in clinic.widget_origins}


def _is_some_clinics(site: str) -> bool:
    with reading() as session:
        listed = session.scalars(select(Clinic.widget_origins)).all()
    return site in {origin_of(allowed) for origins in listed for allowed in origins}


async def allow_site(request: Request, response: Response) -> Response:
    """Add the CORS headers when the asking site is one of a clinic's own."""
    response.headers["Vary"] = "Origin"
    site = asking_site(request)
    if site not in (OWN, "null") and await run_in_threadpool(_is_some_clinics, site):
        response.headers["Access-Control-Allow-Origin"] = site
        response.headers["Access-Control-Expose-Headers"] = "Retry-After"
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "GET, POST"
            response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
            response.headers["Access-Control-Max-Age"] = "600"
    return response


class ChatRoute(APIRoute):
    """Bounds the body, turns refusals into JSON with a code, and adds CORS to every answer, errors too."""

    body_limit = BODY_LIMIT
    over_limit = ("too_long", "The message is too long.")

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler with these manners around it."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                self._check_length(request)
                response = await inner(request)
            except ChatError as error:
                response = error.response()
            except RequestValidationError:
                response = ChatError(
                    422, "bad_request", "The request does not have the expected form."
                ).response()
            return await allow_site(request, response)

        return handler

    def _check_length(self, request: Request) -> None:
        if request.method != "POST":
            return
        length = request.headers.get("content-length", "")
        if not length.isdecimal():
            raise ChatError(411, "length_required", "Send the length of the request.")
        if int(length) > self.body_limit:
            raise ChatError(413, *self.over_limit)
