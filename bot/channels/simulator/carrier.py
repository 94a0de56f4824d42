"""A carrier that stays on this machine: takes texts, delivers them, reports back, and fails when told to."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from bot import settings as app_settings
from bot.channels.base import CarrierError, Inbound, Outbound, OutcomeUnknown, Sent
from bot.channels.simulator.callbacks import Later
from bot.channels.simulator.media import CarriedFiles
from bot.channels.simulator.store import CarriedText, CarrierStore, Phone
from bot.messaging.models import Channel, Status

log = structlog.get_logger(__name__)

#: Seconds until the carrier reports a text delivered: long enough to be seen on the page.
DELIVERY_DELAY_S = 0.6
#: A callback that finds our side not ready (the id is not written down yet) is repeated after these seconds.
RETRY_DELAYS_S = (0.5, 1.0, 2.0, 5.0, 15.0)
#: Twilio's code for a handset that cannot be reached.
UNREACHABLE = "30003"
#: Twilio's code for a number that nobody has.
UNKNOWN_NUMBER = "30005"

StatusCallback = Callable[[str, Status, str], bool]
MessageCallback = Callable[[Inbound], None]


@dataclass(frozen=True, slots=True)
class _Fault:
    error: Exception
    taken: bool  #: the carrier keeps the text and fails only to say so


class UnknownNumber(Exception):
    """The number that a phone wrote to belongs to no clinic."""


class SimulatedCarrier:
    """Implements `bot.channels.base.Carrier`. Safe to use from several threads.

    `on_status` and `on_message` are the carrier's webhooks; by default they go to `bot.messaging`.
    With `auto_deliver=False` nothing happens in the background: `deliver` reports one text by hand.
    """

    name = "simulator"

    def __init__(
        self,
        path: Path,
        *,
        auto_deliver: bool = True,
        delivery_s: float = DELIVERY_DELAY_S,
        on_status: StatusCallback | None = None,
        on_message: MessageCallback | None = None,
    ) -> None:
        self._store = CarrierStore(path)
        #: what phones sent beside words
        self.files = CarriedFiles(path.with_name("carrier-files"))
        self._auto_deliver = auto_deliver
        self._delivery_s = delivery_s
        self._on_status = on_status or _to_delivery
        self._on_message = on_message or _to_inbox
        self._faults: deque[_Fault] = deque()
        self._lock = threading.Lock()
        self._later = Later(
            "carrier-callbacks", lambda error: log.warning("carrier_callback", error=repr(error))
        )
        if auto_deliver:
            # What an earlier process left in the air still ends: the carrier did not crash, we did.
            for text in self._store.unsettled():
                self._soon(text)

    # --- bot.channels.base.Carrier -------------------------------------------------------------------

    def send(self, message: Outbound) -> Sent:
        """Take one text. Raises the fault that was set for it, if any."""
        with self._lock:
            fault = self._faults.popleft() if self._faults else None
        if fault is not None and not fault.taken:
            raise fault.error
        text = self._store.add(
            sender=message.sender, recipient=message.to, body=message.body, media=[], inbound=False
        )
        _changed()
        if self._auto_deliver:
            self._soon(text)
        if fault is not None:
            raise fault.error
        return Sent(text.provider_id, text.status)

    def find(self, message: Outbound, since: datetime) -> Sent | None:
        """The text that `message` became if it was taken at `since` or later, by addresses and words."""
        text = self._store.first_match(
            sender=message.sender, recipient=message.to, body=message.body, since=since
        )
        return None if text is None else Sent(text.provider_id, text.status)

    def fetch_media(self, url: str) -> bytes:
        """The file at `url`. Raises MediaTooBig, and CarrierError for an address that is none of ours."""
        return self.files.get(url)

    # --- phones --------------------------------------------------------------------------------------

    def receive(
        self, from_number: str, to: str, body: str, media: list[dict[str, Any]] | None = None
    ) -> CarriedText:
        """A phone sends a text: keep it, then hand it to the clinic. Returns it as it ended.

        Raises what the clinic's side raises; the text is kept and handed over again later.
        """
        text = self._store.add(sender=from_number, recipient=to, body=body, media=media or [], inbound=True)
        _changed()
        try:
            self._hand_over(text)
        except Exception:
            if self._auto_deliver:
                self._soon(text)
            raise
        return self._store.get(text.provider_id)

    def repeat(self, provider_id: str) -> None:
        """Hand a phone's text over once more, as carriers do when they miss our answer."""
        self._hand_over(self._store.get(provider_id))

    def inbox_of(self, number: str) -> list[CarriedText]:
        """The texts that were sent to `number` and reached it or still may, oldest first."""
        texts = self._store.of_phone(number)
        return [text for text in texts if text.recipient == number and text.status is not Status.FAILED]

    def thread_of(self, number: str, limit: int | None = None) -> list[CarriedText]:
        """Every text to and from `number`, also failed ones, oldest first; at most the newest `limit`."""
        return self._store.of_phone(number, limit)

    def phones(self) -> list[Phone]:
        """Every handset that the carrier has seen."""
        return self._store.phones()

    def deliver(self, provider_id: str) -> None:
        """Bring a text to its end now and report it: delivered, or unreachable when the phone is off."""
        text = self._store.get(provider_id)
        if text.inbound:
            self._hand_over(text)
            return
        if text.status is Status.SENT:
            if self._store.is_on(text.recipient):
                self._store.end(provider_id, Status.DELIVERED)
            else:
                self._store.end(provider_id, Status.FAILED, UNREACHABLE)
            _changed()
            text = self._store.get(provider_id)
        if not self._on_status(provider_id, text.status, text.error_code):
            raise LookupError(f"nobody knows {provider_id} yet")
        self._store.settle(provider_id)

    # --- faults --------------------------------------------------------------------------------------

    def refuse_next(self, code: str, *, permanent: bool, times: int = 1) -> None:
        """Refuse the next `times` sends with the carrier's error `code`; nothing is kept of them."""
        error = CarrierError(f"refused by the simulated carrier ({code})", code=code, permanent=permanent)
        with self._lock:
            self._faults.extend([_Fault(error, taken=False)] * times)

    def lose_next_answer(self, *, taken: bool = True, times: int = 1) -> None:
        """Give no answer to the next `times` sends. `taken`: the carrier has the text all the same."""
        error = OutcomeUnknown("the simulated carrier's answer was lost")
        with self._lock:
            self._faults.extend([_Fault(error, taken=taken)] * times)

    def switch(self, number: str, *, on: bool) -> None:
        """Switch a phone on or off. Texts to a phone that is off end as not delivered."""
        self._store.switch(number, on=on)
        _changed()

    def is_on(self, number: str) -> bool:
        """Whether a phone is switched on; one never seen is."""
        return self._store.is_on(number)

    def close(self) -> None:
        """Stop the background work and let go of the file."""
        self._later.close()
        self._store.close()

    # --- webhooks ------------------------------------------------------------------------------------

    def _soon(self, text: CarriedText, attempt: int = 0) -> None:
        delay = RETRY_DELAYS_S[attempt - 1] if attempt else self._delivery_s

        def run() -> None:
            try:
                self.deliver(text.provider_id)
            except Exception as error:
                if attempt < len(RETRY_DELAYS_S):
                    self._soon(text, attempt + 1)
                    return
                self._store.settle(text.provider_id)
                log.warning("carrier_gave_up", provider_id=text.provider_id, error=repr(error))

        self._later.call(delay, run)

    def _hand_over(self, text: CarriedText) -> None:
        inbound = Inbound(
            Channel.SMS, text.provider_id, text.recipient, text.sender, text.body, list(text.media)
        )
        try:
            self._on_message(inbound)
        except UnknownNumber:
            self._store.end(text.provider_id, Status.FAILED, UNKNOWN_NUMBER)
        else:
            self._store.end(text.provider_id, Status.DELIVERED)
        self._store.settle(text.provider_id)
        _changed()


# `bot.messaging` sends through carriers, so the carrier reaches back to it only when it is called.


def _to_delivery(provider_id: str, status: Status, error_code: str) -> bool:
    from bot.messaging import delivery

    return delivery.update_status(provider_id, status, error_code=error_code)


def _to_inbox(inbound: Inbound) -> None:
    from bot.messaging import inbox

    try:
        inbox.receive(inbound)
    except inbox.UnknownClinic as error:
        raise UnknownNumber(str(error)) from error


def _changed() -> None:
    from bot import events

    events.publish("phones")


_carrier: SimulatedCarrier | None = None
_guard = threading.Lock()


def get_carrier() -> SimulatedCarrier:
    """This process's simulated carrier, opened on first use on `carrier.db` in the data folder."""
    global _carrier
    with _guard:
        if _carrier is None:
            _carrier = SimulatedCarrier(app_settings.get_settings().var_dir / "carrier.db")
        return _carrier


def use_carrier(carrier: SimulatedCarrier | None) -> None:
    """Replace this process's simulated carrier (tests, `simulate`); None: open it anew on next use."""
    global _carrier
    with _guard:
        _carrier = carrier
