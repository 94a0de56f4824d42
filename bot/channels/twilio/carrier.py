"""Texts out through Twilio's Messages API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.channels.base import Outbound, OutcomeUnknown, Sent
from bot.channels.twilio.asking import (
    CLOCK_SLACK,
    LOOK_BACK,
    handed_over,
    handing_over,
    looking,
    make_client,
)
from bot.channels.twilio.media import download
from bot.channels.twilio.states import outbound_status
from bot.channels.twilio.transport import Transport
from bot.messaging.models import Status
from bot.settings import Settings

_TRIAL_PREFIX = "Sent from your Twilio trial account - "


class TwilioCarrier:
    """Hands text messages to Twilio. Made once; its calls block and may come from several threads."""

    name = "twilio"

    def __init__(self, settings: Settings, transport: Transport | None = None) -> None:
        """Raises ValueError naming the settings that are missing."""
        self._client = make_client(settings, transport)
        token = settings.twilio_auth_token.get_secret_value() if settings.twilio_auth_token else ""
        self._credentials = (settings.twilio_account_sid or "", token)
        self._api_base = settings.twilio_api_base or ""
        self._service = settings.twilio_messaging_service_sid
        self._callback = settings.public_url.rstrip("/") + "/twilio/status"

    def send(self, message: Outbound) -> Sent:
        """Hand over one message, once.

        Raises CarrierError when Twilio refused it or could not be reached at all, and OutcomeUnknown when
        the request left and no answer that can be read came back.
        """
        sender = {"messaging_service_sid": self._service} if self._service else {"from_": message.sender}
        with handing_over():
            record = self._client.messages.create(
                to=message.to, body=message.body, status_callback=self._callback, **sender
            )
        return _sent(record)

    def find(self, message: Outbound, since: datetime) -> Sent | None:
        """Twilio's record of `message` if it was handed over at or after `since` (aware), else None.

        Raises OutcomeUnknown when the list cannot be read: then nothing is known still.
        """
        with looking():
            records = self._client.messages.list(to=message.to, limit=LOOK_BACK, page_size=LOOK_BACK)
        # Times are compared here: Twilio's own filter is on the date of sending, which a message that is
        # still queued may not have yet, and missing that one would text the patient twice.
        close = [
            (abs(moment - since), index, record)
            for index, record in enumerate(records)
            if (moment := handed_over(record, "date_created", "date_sent")) is not None
            and moment >= since - CLOCK_SLACK
            and not str(record.direction).startswith("inbound")
            and _same_text(str(record.body or ""), message.body)
        ]
        return _sent(min(close)[2]) if close else None

    def fetch_media(self, url: str) -> bytes:
        """The file at one of Twilio's media addresses. Raises MediaTooBig and CarrierError."""
        return download(url, self._credentials, self._api_base)


def _sent(record: Any) -> Sent:
    """What Twilio's record says. Raises OutcomeUnknown when it has no id."""
    if not isinstance(record.sid, str) or not record.sid:
        raise OutcomeUnknown("Twilio's answer has no message id")
    return Sent(provider_id=record.sid, status=outbound_status(record.status) or Status.QUEUED)


def _same_text(theirs: str, ours: str) -> bool:
    """Whether the texts are the same but for spacing at the ends and a trial account's preamble."""
    return theirs.strip().removeprefix(_TRIAL_PREFIX).strip() == ours.strip()
