"""What every channel speaks: messages come in as `Inbound`, go out through a `Carrier`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bot.messaging.models import Channel, Status


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message as a channel received it. `to` names the clinic: its text number, or its widget key."""

    channel: Channel
    provider_id: str
    to: str
    sender: str  #: E.164 phone number, or the widget's session id
    body: str
    media: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outbound:
    """What a carrier is asked to send. `message_id` is ours; callbacks carry it back."""

    message_id: str
    sender: str
    to: str
    body: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The carrier has it: its id, and the state that it reports so far."""

    provider_id: str
    status: Status


class CarrierError(Exception):
    """The carrier refused. `permanent` refusals are not retried; others are."""

    def __init__(self, message: str, *, code: str = "", permanent: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.permanent = permanent


class MediaTooBig(CarrierError):
    """A file that came with a message is larger than a photo may be; it was not read to its end."""

    def __init__(self) -> None:
        super().__init__("the file is too big", code="too_big", permanent=True)


class OutcomeUnknown(Exception):
    """No answer, or a broken one: the carrier may have the message or not. Look before resending."""


#: Bytes of a file that came with a message; more is not read.
MEDIA_LIMIT = 20 * 1024 * 1024


class Carrier(Protocol):
    """A way to hand text messages on, and to get the files that came with one. Calls block and are made from
    worker threads."""

    name: str

    def send(self, message: Outbound) -> Sent:
        """Hand over one message. Raises CarrierError or OutcomeUnknown."""
        ...

    def find(self, message: Outbound, since: datetime) -> Sent | None:
        """The carrier's record of `message` if it was handed over after `since`, else None."""
        ...

    def fetch_media(self, url: str) -> bytes:
        """The file at `url`, an address that this carrier gave in `Inbound.media`.

        Raises MediaTooBig past MEDIA_LIMIT, and CarrierError: permanent when the file is gone.
        """
        ...
