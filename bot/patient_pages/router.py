"""The pages under /p/. Opening one writes nothing, so a preview by a carrier or a phone uses nothing up."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, UploadFile

from bot import clock
from bot.channels.web.limits import RateLimit
from bot.db.engine import reading
from bot.followup.models import CheckIn, CheckInStatus
from bot.links import service as links
from bot.links.models import LinkPurpose, PatientLink
from bot.patient_pages import check_in, recall, trend
from bot.patient_pages.forms import bounded, close, entered
from bot.patient_pages.pages import render, words_for, words_for_stranger

log = structlog.get_logger(__name__)

STYLE = Path(__file__).parent / "static" / "page.css"
#: Tokens that do not exist, from one address. One that exists always opens, whoever guesses beside it.
misses = RateLimit(burst=20, per_minute=10)

#: Check-ins that are not asked any more.
_OVER = (CheckInStatus.CANCELLED, CheckInStatus.SKIPPED, CheckInStatus.BY_PHONE, CheckInStatus.COMBINED)


class PageRoute(APIRoute):
    """Whatever fails, the patient gets a page that says what to do, with everything they entered."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with failures caught."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except Exception:
                log.exception("a patient's page fails", method=request.method)  # without its address
                return await run_in_threadpool(_trouble, request, await entered(request))
            finally:
                await close(request)

        return handle


router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/p/static/page.css")
def style() -> FileResponse:
    """The style of the pages."""
    return FileResponse(STYLE, media_type="text/css")


@router.api_route("/p/{token}", methods=["GET", "HEAD"])
def open_page(request: Request, token: str, lang: str = "") -> Response:
    """The page of a link, or what to do instead."""
    with reading() as session:
        link = links.find(session, token)
        if link is None:
            return _unknown(request)
        words = words_for(session, link.patient, lang)
        if (closed := _reason_closed(session, link)) is not None:
            return render("gone.html", words, status=410, reason=closed, said=())
        match link.purpose:
            case LinkPurpose.CHECK_IN:
                return check_in.page(session, link, words)
            case LinkPurpose.TREND:
                return trend.page(session, link, words)
            case LinkPurpose.RECALL:
                return recall.page(session, link, words)


@router.post("/p/{token}")
def send_page(
    request: Request, token: str, form: Annotated[FormData | None, Depends(bounded)], lang: str = ""
) -> Response:
    """Take in what the patient sent."""
    if form is None:
        return render("gone.html", words_for_stranger(request), status=413, reason="too_large", said=())
    with reading() as session:
        link = links.find(session, token)
        if link is None:
            return _unknown(request)
        words = words_for(session, link.patient, lang)
        closed = _reason_closed(session, link)
        if link.purpose is LinkPurpose.TREND and closed is None:
            return trend.page(session, link, words)
        asks = link.purpose is LinkPurpose.CHECK_IN and session.get(CheckIn, link.subject_id) is not None
        form_of = check_in.form_of(session, link, words) if asks else None
    # outside the reading transaction: answers are written
    if closed is not None:
        said = check_in.read_late(form_of, words, form) if form_of else []
        return render("gone.html", words, status=410, reason=closed, said=said)
    return check_in.answer(form_of, words, form) if form_of else recall.confirm(link, words)


def _reason_closed(session: Session, link: PatientLink) -> str | None:
    """What to say of a link that does not open; None for one that does."""
    settled_at, gone = None, False
    if link.purpose is LinkPurpose.CHECK_IN:
        asked = session.get(CheckIn, link.subject_id)
        gone = asked is None or asked.status in _OVER
        settled_at = asked.answered_at if asked and asked.status is CheckInStatus.ANSWERED else None
    found = links.state(link, clock.now(), settled_at=settled_at, gone=gone)
    return None if found == "open" else f"gone_{found}"


def _unknown(request: Request) -> Response:
    asking = request.client.host if request.client else ""
    wait = misses.take(asking)
    words = words_for_stranger(request)
    if wait:
        response = render("gone.html", words, status=429, reason="too_many", said=())
        response.headers["Retry-After"] = str(wait)
        return response
    return render("gone.html", words, status=404, reason="gone_unknown", said=())


def _trouble(request: Request, sent: FormData) -> Response:
    fields = [(name, value) for name, value in sent.multi_items() if isinstance(value, str)]
    photos = any(file.filename for file in sent.values() if isinstance(file, UploadFile))
    return render("trouble.html", words_for_stranger(request), status=503, entered=fields, photos=photos)
