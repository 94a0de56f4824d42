"""Twilio's webhooks: patients' messages, and what became of ours."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import structlog
from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from bot.channels.base import Inbound
from bot.channels.twilio.errors import OPTED_OUT
from bot.channels.twilio.signature import Form, SignedForm
from bot.channels.twilio.states import outbound_status
from bot.messaging import delivery, inbox, optout
from bot.messaging.models import Channel, Status

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/twilio", tags=["twilio"])

_NOTHING_TO_SAY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
#: MMS carries ten files at most; a nonsense count must not make a long loop.
_MAX_MEDIA = 20
#: A callback can overtake the commit of the id that it names. Twilio waits 15 s for an answer.
_OVERTAKING_WAITS_S = (0.2, 0.8, 2.0)


@router.post("/sms", status_code=204, summary="A text message has come in")
async def sms(form: SignedForm) -> Response:
    """Store the message, then answer. `MessageSid` makes a repeated webhook harmless.

    204: stored, now or before. 200 with empty TwiML: the number called is no clinic's, and repeating cannot
    help. 400: no id or no sender. 500: not stored, so that Twilio turns to the fallback address.
    """
    sid = form.get("MessageSid") or form.get("SmsSid") or ""
    sender = form.get("From", "")
    if not sid or not sender:
        log.error("twilio_message_incomplete", message_sid=sid, has_sender=bool(sender))
        return Response(status_code=400)
    message = Inbound(
        channel=Channel.SMS,
        provider_id=sid,
        to=form.get("To", ""),
        sender=sender,
        body=form.get("Body", ""),
        media=_media(form),
    )
    try:
        receipt = await run_in_threadpool(inbox.receive, message)
    except inbox.UnknownClinic:
        log.error("twilio_number_is_no_clinics", message_sid=sid, to=message.to)
        return Response(_NOTHING_TO_SAY, media_type="text/xml")
    except Exception as error:
        log.error("twilio_message_not_stored", message_sid=sid, **_fault(error))
        return Response(status_code=500)
    log.info("twilio_message_stored", message_id=receipt.message_id, duplicate=receipt.duplicate)
    return Response(status_code=204)


@router.post("/status", status_code=204, summary="What became of a text message of ours")
async def status(form: SignedForm) -> Response:
    """Note a delivery state. Callbacks come unordered and repeated; unknown ids and words are answered 204.

    500 when the state could not be stored.
    """
    sid = form.get("MessageSid") or form.get("SmsSid") or ""
    word = form.get("MessageStatus") or form.get("SmsStatus") or ""
    code = form.get("ErrorCode", "").strip()
    state = outbound_status(word)
    try:
        if code == OPTED_OUT:
            await run_in_threadpool(optout.carrier_says_opted_out, form.get("To", ""), form.get("From", ""))
        if state is None or not sid:
            log.warning("twilio_status_not_understood", message_sid=sid, status=word[:40])
        elif not await _moved(sid, state, code):
            log.warning("twilio_status_of_unknown_message", message_sid=sid, status=word)
    except Exception as error:
        log.error("twilio_status_not_stored", message_sid=sid, **_fault(error))
        return Response(status_code=500)
    return Response(status_code=204)


async def _moved(sid: str, state: Status, code: str) -> bool:
    """Whether the message is ours, given the time it may take until its id is committed."""
    for wait in (0.0, *_OVERTAKING_WAITS_S):
        await asyncio.sleep(wait)
        if await run_in_threadpool(delivery.update_status, sid, state, error_code=code, channel=Channel.SMS):
            return True
    return False


def _media(form: Form) -> list[dict[str, Any]]:
    """What came with the message. A file that is announced but not named is kept: staff must hear of it."""
    announced = form.get("NumMedia", "").strip()
    count = min(int(announced), _MAX_MEDIA) if announced.isascii() and announced.isdigit() else 0
    while count < _MAX_MEDIA and f"MediaUrl{count}" in form:
        count += 1
    return [
        {"url": form.get(f"MediaUrl{n}", ""), "content_type": form.get(f"MediaContentType{n}", "")}
        for n in range(count)
    ]


def _fault(error: Exception) -> dict[str, str]:
    """What to log of an error. Not its text: a database error quotes what the patient wrote."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return {"error": type(error).__name__, "where": f"{frame.filename}:{frame.lineno} {frame.name}"}
