"""Photos from the chat widget: `POST /chat/photo`, with the file as the request's body."""

from __future__ import annotations

from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from bot.channels.base import MEDIA_LIMIT, Inbound
from bot.channels.web import conversation, tokens
from bot.channels.web.http import ChatError, ChatRoute
from bot.channels.web.limits import RateLimit
from bot.channels.web.router import CLIENT_ID, Current, ensure_conversation
from bot.messaging import inbox
from bot.messaging.models import Channel
from bot.photos import receive
from bot.photos.errors import MEANING, PhotoRefused

log = structlog.get_logger(__name__)

#: Enough for a set of views at once; each costs a second of work.
photo_limit = RateLimit(burst=8, per_minute=6)


class PhotoRoute(ChatRoute):
    """The chat's manners with room for a photo."""

    body_limit = MEDIA_LIMIT
    over_limit = ("too_big", MEANING["too_big"])


router = APIRouter(prefix="/chat", route_class=PhotoRoute, tags=["web chat"])


@router.post("/photo", status_code=202)
async def post_photo(
    request: Request,
    web: Current,
    client_id: Annotated[str, Query(pattern=CLIENT_ID)],
    view: Annotated[str | None, Query(max_length=40)] = None,
) -> dict[str, Any]:
    """Keep a photo: stored and triaged like a message without words.

    Refused with 413 when it is too big, and with 422 when it is no photo; the code says why.
    """
    if wait := photo_limit.take(web.session_id):
        raise ChatError(429, "too_fast", f"Too many photos. Try again in {wait} s.", retry_after=wait)
    data = await _body(request)
    return await run_in_threadpool(_take, web, client_id, data, view)


@router.options("/photo", include_in_schema=False)
async def preflight() -> Response:
    """Browsers ask before a request from another site; the route adds the answer's headers."""
    return Response(status_code=204)


async def _body(request: Request) -> bytes:
    """The body; a length that was understated does not make it longer than a photo may be."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MEDIA_LIMIT:
            raise ChatError(413, "too_big", MEANING["too_big"])
    return bytes(data)


def _take(web: tokens.WebSession, client_id: str, data: bytes, view: str | None) -> dict[str, Any]:
    ensure_conversation(web)
    inbound = Inbound(
        channel=Channel.WEB,
        provider_id=conversation.provider_id(web.session_id, client_id),
        to=web.clinic_key,
        sender=web.session_id,
        body="",
    )
    try:
        receipt = receive.receive(inbound, web.clinic_id, data, view)
    except PhotoRefused as refused:
        raise ChatError(413 if refused.reason == "too_big" else 422, refused.reason, str(refused)) from None
    except inbox.UnknownClinic:
        raise ChatError(404, "unknown_clinic", "This clinic no longer offers a chat.") from None
    except OSError as error:
        log.error("a photo cannot be written", error=type(error).__name__)
        raise ChatError(503, "not_stored", "The photo could not be kept. Send it again.") from None
    return {"id": receipt.message_id, "duplicate": receipt.duplicate, "stored": True}
