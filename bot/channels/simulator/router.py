"""The demo page: simulated phones, the demo's clock, and a sample clinic site. Served in the demo only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, HTMLResponse, Response
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, Field
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse

from bot import clock, events
from bot import settings as app_settings
from bot.channels.simulator import picture, state
from bot.channels.simulator.calls import NoSuchCall, get_caller
from bot.channels.simulator.carrier import get_carrier
from bot.clinic.facts import readable_phone
from bot.db.engine import reading

_HERE = Path(__file__).parent
_templates = Jinja2Templates(_HERE / "templates")
_STATIC = {"demo.css": "text/css", "demo.js": "text/javascript", "clinic.css": "text/css"}
_STEPS = {
    "15-minutes": timedelta(minutes=15),
    "1-hour": timedelta(hours=1),
    "1-day": timedelta(days=1),
}
#: The page looks by itself after this many seconds, in case another process moved something.
_LOOK_AGAIN_S = 10.0
#: Bytes of a file that a phone sends: more than the desk takes, so that its refusal can be seen.
_FILE_LIMIT = 64 * 1024 * 1024


def _demo_only() -> None:
    if not app_settings.get_settings().demo:
        raise HTTPException(404)


router = APIRouter(prefix="/demo", include_in_schema=False, dependencies=[Depends(_demo_only)])


class NewText(BaseModel):
    """What a simulated phone sends."""

    body: str = Field(max_length=10_000)
    photo: bool = False


class Power(BaseModel):
    """A phone's switch."""

    on: bool


class Handling(BaseModel):
    """What is done about a call: `key` is the one that is pressed."""

    do: Literal["answer", "hang-up", "voicemail", "key"]
    key: str = Field(default="", pattern=r"^[0-9*#]?$")


class Step(BaseModel):
    """How far to move the demo's clock."""

    step: Literal["15-minutes", "1-hour", "1-day", "next-check-in"]


class Fault(BaseModel):
    """How the carrier fails the next text from the clinic."""

    kind: Literal["refuse", "busy", "lost-answer"]


@router.get("", response_class=HTMLResponse)
async def demo(request: Request) -> Response:
    """The page with the phones. Its content arrives by `/demo/events`."""
    return _templates.TemplateResponse(request, "demo.html")


@router.get("/clinic", response_class=HTMLResponse)
def sample_clinic(request: Request) -> Response:
    """A made-up clinic's web page with the chat widget on it."""
    with reading() as session:
        clinic = state.demo_clinic(session)
        if clinic is None:
            raise HTTPException(503, "The demo clinic is not ready yet. Try again in a moment.")
        context = {
            "name": clinic.name,
            "key": clinic.widget_key,
            "phone": readable_phone(clinic.phone),
            "emergency_phone": readable_phone(clinic.emergency_phone),
        }
    return _templates.TemplateResponse(request, "clinic.html", context)


@router.get("/static/{name}")
async def static(name: str) -> FileResponse:
    """The page's own style and script."""
    if name not in _STATIC:
        raise HTTPException(404)
    return FileResponse(
        _HERE / "static" / name, media_type=_STATIC[name], headers={"Cache-Control": "no-cache"}
    )


@router.get("/state")
def read_state() -> dict[str, Any]:
    """What the page shows now; `{"clinic": null}` while the demo clinic is being seeded."""
    found = state.read_state(get_carrier(), get_caller())
    return {"clinic": None} if found is None else found.model_dump(mode="json")


@router.get("/events")
async def live() -> EventSourceResponse:
    """The page's content, again whenever it changed."""
    return EventSourceResponse(_changes(), ping=20)


async def _changes() -> AsyncIterator[ServerSentEvent]:
    async with events.subscription("phones") as changed:
        while True:
            found = await run_in_threadpool(state.read_state, get_carrier(), get_caller())
            yield ServerSentEvent(
                event="state", data='{"clinic": null}' if found is None else found.model_dump_json()
            )
            await changed.wait(timeout=_LOOK_AGAIN_S if found else 1.0)


@router.post("/phones/{number}/texts", status_code=201)
def send_text(number: str, text: NewText) -> dict[str, str]:
    """Send a text, or a photo, from a simulated phone to the clinic."""
    if not text.body.strip() and not text.photo:
        raise HTTPException(422, "Write something, or attach a photo.")
    known = _known_phone(number)
    if not known.on:
        raise HTTPException(409, "This phone is switched off. Switch it on to send.")
    media = [_demo_photo()] if text.photo else []
    sent = get_carrier().receive(number, _clinic_number(), text.body, media)
    return {"id": sent.provider_id, "state": sent.status.value}


@router.post("/phones/{number}/photo", status_code=201)
async def send_photo(request: Request, number: str) -> dict[str, str]:
    """Send a file of this computer from a simulated phone: the request's body, of any kind."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > _FILE_LIMIT:
            raise HTTPException(413, "No phone sends a file as large as this.")
    kind = request.headers.get("content-type", "")[:100]
    return await run_in_threadpool(_send_file, number, bytes(data), kind)


def _send_file(number: str, data: bytes, content_type: str) -> dict[str, str]:
    if not _known_phone(number).on:
        raise HTTPException(409, "This phone is switched off. Switch it on to send.")
    carrier = get_carrier()
    media = [{"url": carrier.files.keep(data), "content_type": content_type}]
    sent = carrier.receive(number, _clinic_number(), "", media)
    return {"id": sent.provider_id, "state": sent.status.value}


@router.post("/phones/{number}/power", status_code=204)
def switch_phone(number: str, power: Power) -> None:
    """Switch a simulated phone on or off."""
    _known_phone(number)
    get_carrier().switch(number, on=power.on)


@router.post("/phones/{number}/call", status_code=204)
def handle_call(number: str, handling: Handling) -> None:
    """Answer, decline or end the call on a simulated phone, let its voicemail take it, or press a key."""
    _known_phone(number)
    caller = get_caller()
    try:
        match handling.do:
            case "answer":
                caller.answer(number)
            case "hang-up":
                caller.hang_up(number)
            case "voicemail":
                caller.voicemail(number)
            case "key":
                if not handling.key:
                    raise HTTPException(422, "Say which key is pressed.")
                caller.press(number, handling.key)
    except NoSuchCall:
        raise HTTPException(409, "There is no such call on this phone any more.") from None


@router.post("/faults", status_code=204)
def next_fault(fault: Fault) -> None:
    """Let the carrier fail the next text from the clinic."""
    carrier = get_carrier()
    if fault.kind == "lost-answer":
        carrier.lose_next_answer()
    elif fault.kind == "busy":
        carrier.refuse_next("20429", permanent=False)
    else:
        carrier.refuse_next("21610", permanent=True)


@router.post("/clock")
def move_clock(move: Step) -> dict[str, str]:
    """Move the demo's clock forward. Whatever became due then happens as it would have."""
    if move.step == "next-check-in":
        with reading() as session:
            clinic = state.demo_clinic(session)
            due = state.next_check_in(session, clinic) if clinic else None
        if due is None:
            raise HTTPException(409, "No check-in is planned. Enrol a patient in the console first.")
        step = max(due.due_at - clock.now(), timedelta()) + timedelta(seconds=1)
    else:
        step = _STEPS[move.step]
    now = clock.advance(step)
    events.publish("phones")
    return {"now": now.isoformat()}


def _demo_photo() -> dict[str, str]:
    """A picture that the phone takes now."""
    with reading() as session:
        clinic = state.demo_clinic(session)
    zone = ZoneInfo(clinic.time_zone if clinic else "UTC")
    moment = clock.now().astimezone(zone).replace(tzinfo=None)
    return {"url": picture.address(moment), "content_type": "image/jpeg"}


def _known_phone(number: str) -> state.PhoneView:
    found = state.read_state(get_carrier())
    for phone in found.phones if found else []:
        if phone.number == number:
            return phone
    raise HTTPException(404, "No phone in this demo has that number.")


def _clinic_number() -> str:
    with reading() as session:
        clinic = state.demo_clinic(session)
        if clinic is None:
            raise HTTPException(503, "The demo clinic is not ready yet. Try again in a moment.")
        return clinic.text_number
