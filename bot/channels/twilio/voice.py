"""Calls to staff through Twilio: made by its Calls API, spoken and answered by keys as TwiML."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool
from twilio.twiml.voice_response import VoiceResponse

from bot import settings as app_settings
from bot.channels.base import OutcomeUnknown, Sent
from bot.channels.twilio.asking import (
    CLOCK_SLACK,
    LOOK_BACK,
    handed_over,
    handing_over,
    looking,
    make_client,
)
from bot.channels.twilio.signature import SignedForm
from bot.channels.twilio.transport import Transport
from bot.messaging.models import Status
from bot.notify import voice
from bot.notify.base import Notice
from bot.notify.compose import said
from bot.notify.voice import Said
from bot.settings import Settings

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/twilio/voice", tags=["twilio"])

_LOCALE = {"en": "en-US", "es": "es-US"}
_VOICE = {"en": "Polly.Joanna", "es": "Polly.Lupe"}
#: Seconds that a phone rings, that a key is waited for, and that a call may last at most.
RING_S, KEY_S, CALL_S = 25, 8, 180
#: How a call ended without anybody: Twilio's word, and ours for staff.
_NOBODY = {
    "busy": "the line is busy",
    "no-answer": "nobody answered",
    "failed": "the number cannot be called",
    "canceled": "the call was cancelled",
}


class TwilioCaller:
    """Calls people. Implements `bot.notify.base.Notifier`."""

    can_look = True

    def __init__(self, settings: Settings, transport: Transport | None = None) -> None:
        """Raises ValueError naming the settings that are missing."""
        self._client = make_client(settings, transport)
        self._public_url = settings.public_url.rstrip("/")

    def send(self, notice: Notice) -> Sent:
        """Make the call. Raises `CarrierError` or `OutcomeUnknown`."""
        with handing_over("call"):
            record = self._client.calls.create(
                to=notice.to, from_=notice.sender, timeout=RING_S, time_limit=CALL_S, **self._script(notice)
            )
        return _sent(record)

    def _script(self, notice: Notice) -> dict[str, Any]:
        """A call about an alert asks us what to say; a test says it and hangs up."""
        if not notice.id:
            return {"twiml": _twiml(Said(notice.text, notice.language, listen=False), "")}
        address = f"{self._public_url}/twilio/voice/{notice.id}"
        return {
            "url": address,
            "status_callback": f"{address}/status",
            "machine_detection": "Enable",  # it is only told: the words are said in any case
        }

    def find(self, notice: Notice, since: datetime) -> list[Sent]:
        """Calls to this number made at `since` or later, oldest first."""
        with looking():
            records = self._client.calls.list(to=notice.to, limit=LOOK_BACK, page_size=LOOK_BACK)
            made = [
                (moment, record)
                for record in records
                if (moment := handed_over(record, "date_created", "start_time")) is not None
                and moment >= since - CLOCK_SLACK
                and str(record.direction) == "outbound-api"
            ]
        made.sort(key=lambda pair: pair[0])
        return [_sent(record) for _, record in made]


def _sent(record: Any) -> Sent:
    if not isinstance(record.sid, str) or not record.sid:
        raise OutcomeUnknown("Twilio's answer has no call id")
    return Sent(provider_id=record.sid, status=Status.SENT)


@router.post("/{notification_id}", summary="A call of ours is answered, or a key was pressed")
async def answered(notification_id: str, form: SignedForm) -> Response:
    """Say what there is to say, and act on the key. An unknown notification hangs up."""
    key = form.get("Digits", "").strip()[:1]
    found = await run_in_threadpool(voice.heard, notification_id, key)
    if found is None:
        log.warning("twilio_call_about_nothing", notification_id=notification_id)
        response = VoiceResponse()
        response.hangup()
        return Response(str(response), media_type="text/xml")
    return Response(_twiml(found, _action(notification_id)), media_type="text/xml")


@router.post("/{notification_id}/status", status_code=204, summary="How a call of ours ended")
async def status(notification_id: str, form: SignedForm) -> Response:
    """Note the end of a call. Reports come unordered and repeated; unknown ones are answered 204."""
    word, sid = form.get("CallStatus", "").lower(), form.get("CallSid", "")
    machine = form.get("AnsweredBy", "").startswith(("machine", "fax"))
    if word not in (*_NOBODY, "completed") or not sid:
        return Response(status_code=204)
    why = "a voicemail or machine answered" if machine else _NOBODY.get(word, "")
    known = await run_in_threadpool(lambda: voice.ended(notification_id, sid, answered=not why, why=why))
    if not known:
        log.warning("twilio_call_not_known", call_sid=sid)
    return Response(status_code=204)


def _action(notification_id: str) -> str:
    return f"{app_settings.get_settings().public_url.rstrip('/')}/twilio/voice/{notification_id}"


def _twiml(what: Said, action: str) -> str:
    """The words as TwiML. While a key is waited for they may be cut short by it; without one they are said
    once more, and then the call ends."""
    response = VoiceResponse()
    say = {"language": _LOCALE[what.language], "voice": _VOICE[what.language]}
    if not what.listen:
        response.say(what.text, **say)
        response.hangup()
        return str(response)
    for _ in range(2):
        gather = response.gather(input="dtmf", num_digits=1, timeout=KEY_S, action=action, method="POST")
        gather.say(what.text, **say)
    response.say(said("staff.call_no_key", what.language, {}), **say)
    response.hangup()
    return str(response)
