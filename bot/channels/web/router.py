"""The web chat over HTTP: `/chat/*` for the widget, and the widget's script itself.

The live stream is read with `fetch`, not with `EventSource`: that cannot send an Authorization header, and a
token in the address would end up in logs and histories.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse

from bot import events
from bot.channels.base import Inbound
from bot.channels.web import conversation, tokens
from bot.channels.web.http import ChatError, ChatRoute, asking_site, may_embed
from bot.channels.web.limits import RateLimit
from bot.clinic.facts import readable_phone
from bot.clinic.models import Clinic
from bot.db.engine import reading
from bot.messaging import inbox
from bot.messaging.models import Channel

log = structlog.get_logger(__name__)

#: Characters in one message.
TEXT_LIMIT = 4000
#: Fast enough for somebody frightened who writes in bits; too slow to flood a nurse.
write_limit = RateLimit(burst=12, per_minute=20)
#: Made by the browser; the same when it sends something again.
CLIENT_ID = r"^[A-Za-z0-9-]{8,40}$"

_WIDGET = Path(__file__).parents[2] / "widget"
_STREAM_S = 20 * 60.0
_LOOK_AGAIN_S = 15.0
_LOOK_FOR_FIRST_S = 2.0

router = APIRouter(tags=["web chat"])
chat = APIRouter(prefix="/chat", route_class=ChatRoute)


class NewSession(BaseModel):
    """What a page says to open a chat."""

    clinic: str = Field(max_length=64, description="The clinic's widget key")
    language: Literal["en", "es"] | None = None


class NewMessage(BaseModel):
    """One message from the browser; `client_id` stays the same when it is sent again."""

    client_id: str = Field(pattern=CLIENT_ID)
    text: str


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ChatError(401, "no_token", "Send the chat session's token as a bearer token.")
    return token.strip()


def _session(request: Request, authorization: str | None, *, for_refresh: bool = False) -> tokens.WebSession:
    try:
        return tokens.read(_bearer(authorization), asking_site(request), for_refresh=for_refresh)
    except tokens.TokenRefused as error:
        raise ChatError(401, "expired" if error.expired else "bad_token", str(error)) from None


def current(request: Request, authorization: Annotated[str | None, Header()] = None) -> tokens.WebSession:
    """The session whose token came with the request, or 401."""
    return _session(request, authorization)


Current = Annotated[tokens.WebSession, Depends(current)]


def _opened(clinic: Clinic, web: tokens.WebSession) -> dict[str, Any]:
    return {
        "session_id": web.session_id,
        "token": tokens.sign(web),
        "expires_in": int(tokens.LIFETIME.total_seconds()),
        "text_limit": TEXT_LIMIT,
        "clinic": {
            "name": clinic.name,
            "emergency_phone": readable_phone(clinic.emergency_phone),
            "emergency_number": clinic.emergency_number,
        },
    }


@chat.post("/session", status_code=201)
def open_session(request: Request, wanted: NewSession) -> dict[str, Any]:
    """Open a chat with a clinic, from one of the sites that may embed it. Nothing is stored yet."""
    site = asking_site(request)
    with reading() as session:
        clinic = session.scalars(select(Clinic).where(Clinic.widget_key == wanted.clinic)).first()
    if clinic is None:
        raise ChatError(404, "unknown_clinic", "No clinic has this widget key.")
    if not may_embed(clinic, site):
        raise ChatError(403, "site_not_allowed", "This site is not on the clinic's list for the chat.")
    return _opened(clinic, tokens.new_session(clinic.id, clinic.widget_key, site, wanted.language or ""))


@chat.post("/session/refresh")
def refresh_session(
    request: Request, authorization: Annotated[str | None, Header()] = None
) -> dict[str, Any]:
    """Exchange a token, also one that expired lately, for a fresh one of the same session."""
    web = _session(request, authorization, for_refresh=True)
    with reading() as session:
        clinic = session.get(Clinic, web.clinic_id)
    if clinic is None or not may_embed(clinic, web.origin):
        raise ChatError(401, "bad_token", "The chat is no longer offered here.")
    return _opened(clinic, web)


@chat.post("/messages", status_code=202)
def post_message(web: Current, message: NewMessage) -> dict[str, Any]:
    """Store a message. The answer comes by `/chat/events`; this says only that the message is safe."""
    if len(message.text) > TEXT_LIMIT:
        raise ChatError(413, "too_long", f"A message has at most {TEXT_LIMIT} characters.")
    if not message.text.strip():
        raise ChatError(422, "empty", "The message is empty.")
    if wait := write_limit.take(web.session_id):
        raise ChatError(429, "too_fast", f"Too many messages. Try again in {wait} s.", retry_after=wait)
    ensure_conversation(web)
    try:
        receipt = inbox.receive(
            Inbound(
                channel=Channel.WEB,
                provider_id=conversation.provider_id(web.session_id, message.client_id),
                to=web.clinic_key,
                sender=web.session_id,
                body=message.text,
            )
        )
    except inbox.UnknownClinic:
        raise ChatError(404, "unknown_clinic", "This clinic no longer offers a chat.") from None
    return {"id": receipt.message_id, "duplicate": receipt.duplicate, "stored": True}


@chat.get("/messages")
def get_messages(web: Current, after: Annotated[str | None, Query(max_length=32)] = None) -> dict[str, Any]:
    """The session's messages, those after the message `after` only if it is given."""
    return {"messages": conversation.messages_after(web, after)}


@chat.get("/events")
async def live(
    web: Current,
    after: Annotated[str | None, Query(max_length=32)] = None,
    last_event_id: Annotated[str | None, Header(max_length=32)] = None,
) -> EventSourceResponse:
    """New and changed messages as they come, from the message `after` on. Repeats are told apart by id."""
    return EventSourceResponse(_stream(web, after or last_event_id), ping=15)


@chat.options("/session", include_in_schema=False)
@chat.options("/session/refresh", include_in_schema=False)
@chat.options("/messages", include_in_schema=False)
@chat.options("/events", include_in_schema=False)
async def preflight() -> Response:
    """Browsers ask before a request from another site; the route adds the answer's headers."""
    return Response(status_code=204)


@router.get("/widget.js", include_in_schema=False)
async def widget_script() -> FileResponse:
    """The widget, for `<script type="module">` on any site: public, and of use with a clinic's key only."""
    return _module("widget.js")


@router.get("/widget/{name}", include_in_schema=False)
async def widget_part(name: str) -> FileResponse:
    """A module that the widget imports."""
    if name not in {path.name for path in _WIDGET.glob("*.js")}:
        raise HTTPException(404)
    return _module(name)


def _module(name: str) -> FileResponse:
    headers = {"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"}
    return FileResponse(_WIDGET / name, media_type="text/javascript", headers=headers)


def ensure_conversation(web: tokens.WebSession) -> None:
    """Open the session's conversation if it is new; a database that is away is the inbox's business."""
    try:
        conversation.open_conversation(web)
    except IntegrityError:
        # Two first messages at once: the other request has opened it.
        conversation.open_conversation(web)
    except OperationalError:
        # The database is away. The inbox keeps the message all the same, and opens the conversation later.
        log.warning("conversation not opened", session=web.session_id)


async def _stream(web: tokens.WebSession, after: str | None) -> AsyncIterator[ServerSentEvent]:
    """First what the browser lacks, then what changes; ends after a while, so that tokens are read again."""
    end = time.monotonic() + _STREAM_S
    # Tells the browser at once that the line is open, also when there is nothing to show.
    yield ServerSentEvent(event="ready", data="{}")
    start = conversation.a_little_before(after) if after else ""
    shown: dict[str, str] = {}
    while (conversation_id := await run_in_threadpool(conversation.conversation_id, web)) is None:
        if time.monotonic() > end:
            return
        await asyncio.sleep(_LOOK_FOR_FIRST_S)
    async with events.subscription(f"conversation:{conversation_id}") as changed:
        while time.monotonic() < end:
            for message in await run_in_threadpool(conversation.messages_after, web, start or None):
                data = json.dumps(message, ensure_ascii=False)
                if shown.get(message["id"]) != data:
                    shown[message["id"]] = data
                    yield ServerSentEvent(event="message", id=message["id"], data=data)
            await changed.wait(timeout=_LOOK_AGAIN_S)


router.include_router(chat)
