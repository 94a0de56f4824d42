"""Texts out through Twilio's Messages API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from requests import RequestException
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.rest import Client

from bot.channels.base import CarrierError, Outbound, OutcomeUnknown, Sent
from bot.channels.twilio.errors import refusal
from bot.channels.twilio.media import download
from bot.channels.twilio.states import outbound_status
from bot.channels.twilio.transport import Transport, never_left
from bot.messaging.models import Status
from bot.settings import Settings

#: Twilio tells times in whole seconds, by its own clock.
_CLOCK_SLACK = timedelta(seconds=2)
#: How many of a recipient's latest messages are looked through. One person gets a few a day.
_LOOK_BACK = 200
_TRIAL_PREFIX = "Sent from your Twilio trial account - "


class TwilioCarrier:
    """Hands text messages to Twilio. Made once; its calls block and may come from several threads."""

    name = "twilio"

    def __init__(self, settings: Settings, transport: Transport | None = None) -> None:
        """Raises ValueError naming the settings that are missing."""
        token = settings.twilio_auth_token.get_secret_value() if settings.twilio_auth_token else ""
        if not settings.twilio_account_sid or not token:
            raise ValueError(
                "To send through Twilio, set AFTERGLOW_TWILIO_ACCOUNT_SID and AFTERGLOW_TWILIO_AUTH_TOKEN."
            )
        self._client = Client(settings.twilio_account_sid, token, http_client=transport or Transport())
        if settings.twilio_api_base:
            self._client.api.base_url = settings.twilio_api_base
        self._credentials = (settings.twilio_account_sid, token)
        self._api_base = settings.twilio_api_base or ""
        self._service = settings.twilio_messaging_service_sid
        self._callback = settings.public_url.rstrip("/") + "/twilio/status"

    def send(self, message: Outbound) -> Sent:
        """Hand over one message, once.

        Raises CarrierError when Twilio refused it or could not be reached at all, and OutcomeUnknown when
        the request left and no answer that can be read came back.
        """
        sender = {"messaging_service_sid": self._service} if self._service else {"from_": message.sender}
        try:
            record = self._client.messages.create(
                to=message.to, body=message.body, status_callback=self._callback, **sender
            )
        # The library's and the network's errors quote phone numbers: none is chained to ours.
        except (TwilioRestException, TwilioServiceException) as error:
            # A 5xx without Twilio's own error code is from something in between: Twilio may have the message.
            if error.status >= 500 and error.code in (None, error.status):
                raise OutcomeUnknown(f"Twilio's gateway answered HTTP {error.status}") from None
            raise refusal(error.status, error.code) from None
        except RequestException as error:
            if never_left(error):
                raise CarrierError("Twilio cannot be reached", code="unreachable") from None
            raise OutcomeUnknown(f"no answer from Twilio ({type(error).__name__})") from None
        except Exception as error:
            raise OutcomeUnknown(f"Twilio's answer cannot be read ({type(error).__name__})") from None
        return _sent(record)

    def find(self, message: Outbound, since: datetime) -> Sent | None:
        """Twilio's record of `message` if it was handed over at or after `since` (aware), else None.

        Raises OutcomeUnknown when the list cannot be read: then nothing is known still.
        """
        try:
            records = self._client.messages.list(to=message.to, limit=_LOOK_BACK, page_size=_LOOK_BACK)
        except (TwilioException, RequestException, ValueError, TypeError, AttributeError, KeyError) as error:
            raise OutcomeUnknown(f"Twilio's list cannot be read ({type(error).__name__})") from None
        # Times are compared here: Twilio's own filter is on the date of sending, which a message that is
        # still queued may not have yet, and missing that one would text the patient twice.
        close = [
            (abs(handed_over - since), index, record)
            for index, record in enumerate(records)
            if (handed_over := _handed_over(record)) is not None
            and handed_over >= since - _CLOCK_SLACK
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


def _handed_over(record: Any) -> datetime | None:
    moment = record.date_created or record.date_sent
    return moment.astimezone(UTC) if isinstance(moment, datetime) else None


def _same_text(theirs: str, ours: str) -> bool:
    """Whether the texts are the same but for spacing at the ends and a trial account's preamble."""
    return theirs.strip().removeprefix(_TRIAL_PREFIX).strip() == ours.strip()
