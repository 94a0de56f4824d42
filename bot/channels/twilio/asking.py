"""Asking Twilio's API: the client, and what its errors mean for whoever asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from requests import RequestException
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.rest import Client

from bot.channels.base import CarrierError, OutcomeUnknown
from bot.channels.twilio.errors import refusal
from bot.channels.twilio.transport import Transport, never_left
from bot.settings import Settings

#: Twilio tells times in whole seconds, by its own clock.
CLOCK_SLACK = timedelta(seconds=2)
#: How many of a recipient's latest messages or calls are looked through. One person gets a few a day.
LOOK_BACK = 200


def make_client(settings: Settings, transport: Transport | None = None) -> Client:
    """A client for the account of the settings. Raises ValueError naming the settings that are missing."""
    token = settings.twilio_auth_token.get_secret_value() if settings.twilio_auth_token else ""
    if not settings.twilio_account_sid or not token:
        raise ValueError(
            "To send through Twilio, set AFTERGLOW_TWILIO_ACCOUNT_SID and AFTERGLOW_TWILIO_AUTH_TOKEN."
        )
    client = Client(settings.twilio_account_sid, token, http_client=transport or Transport())
    if settings.twilio_api_base:
        client.api.base_url = settings.twilio_api_base
    return client


@contextmanager
def handing_over(what: str = "text") -> Iterator[None]:
    """Around a request that makes something: CarrierError when Twilio refused it or could not be reached at
    all, OutcomeUnknown when the request left and no answer that can be read came back."""
    try:
        yield
    # The library's and the network's errors quote phone numbers: none is chained to ours.
    except (TwilioRestException, TwilioServiceException) as error:
        # A 5xx without Twilio's own error code is from something in between: Twilio may have the message.
        if error.status >= 500 and error.code in (None, error.status):
            raise OutcomeUnknown(f"Twilio's gateway answered HTTP {error.status}") from None
        raise refusal(error.status, error.code, what) from None
    except RequestException as error:
        if never_left(error):
            raise CarrierError("Twilio cannot be reached", code="unreachable") from None
        raise OutcomeUnknown(f"no answer from Twilio ({type(error).__name__})") from None
    except Exception as error:
        raise OutcomeUnknown(f"Twilio's answer cannot be read ({type(error).__name__})") from None


@contextmanager
def looking() -> Iterator[None]:
    """Around reading a list: OutcomeUnknown when it cannot be read, for then nothing is known still."""
    try:
        yield
    except (TwilioException, RequestException, ValueError, TypeError, AttributeError, KeyError) as error:
        raise OutcomeUnknown(f"Twilio's list cannot be read ({type(error).__name__})") from None


def handed_over(record: Any, *dates: str) -> datetime | None:
    """The first of these times of a record that it has, UTC."""
    moment = next((found for name in dates if (found := getattr(record, name))), None)
    return moment.astimezone(UTC) if isinstance(moment, datetime) else None
