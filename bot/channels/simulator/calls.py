"""Calls to simulated phones: they ring, are answered or not, and keys can be pressed. Kept like the texts, in
the carrier's own file, so that a call outlives a crash of ours."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

import structlog
from sqlalchemy import Boolean, Column, Integer, MetaData, Row, String, Table, Text, insert, select, update

from bot import clock, events
from bot import settings as app_settings
from bot.channels.base import Sent
from bot.channels.simulator.callbacks import Later
from bot.channels.simulator.carrier import get_carrier
from bot.db.base import UtcDateTime
from bot.db.engine import make_engine
from bot.messaging.models import Status
from bot.notify import voice
from bot.notify.base import Notice

log = structlog.get_logger(__name__)

#: Seconds that a phone rings before nobody has answered.
RING_S = 40.0
#: How often, and after how many seconds, our side is told again when it does not know the call yet.
_TELL_AGAIN_S = (0.5, 1.0, 2.0, 5.0, 15.0)

#: Seconds until the carrier gives up on a phone that is off.
_OFF_S = 1.0
_NOBODY = "nobody answered"

_tables = MetaData()
_calls = Table(
    "calls",
    _tables,
    Column("seq", Integer, primary_key=True),
    Column("call_id", String(34), nullable=False, unique=True),
    Column("notification_id", String(32), nullable=False),
    Column("recipient", String(20), nullable=False, index=True),
    Column("state", String(12), nullable=False),
    Column("said", Text, nullable=False, default=""),
    Column("language", String(2), nullable=False),
    #: whether the words that were just said wait for a key
    Column("listening", Boolean, nullable=False, default=False),
    Column("at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the carrier knows it."""

    call_id: str
    notification_id: str
    recipient: str
    state: Literal["ringing", "answered", "ended"]
    said: str
    language: str
    listening: bool
    at: datetime


class NoSuchCall(Exception):
    """This phone has no call on which that can be done."""


class SimulatedCaller:
    """Calls simulated phones. Implements `bot.notify.base.Notifier`; safe to use from several threads.

    A phone that is off does not ring. With `ring_s` None nothing ends by itself.
    """

    can_look = True

    def __init__(
        self,
        path: Path,
        *,
        ring_s: float | None = RING_S,
        is_on: Callable[[str], bool] = lambda _number: True,
    ) -> None:
        self._engine = make_engine(f"sqlite:///{path}")
        with self._engine.begin() as connection:
            _tables.create_all(connection)
        self._ring_s, self._is_on = ring_s, is_on
        self._later = Later("carrier-calls", lambda error: log.warning("carrier_call", error=repr(error)))

    def end_left_over(self) -> None:
        """What rang or was spoken when an earlier process ended has ended with it."""
        for call in self._where(_calls.c.state != "ended"):
            self._later.call(0.0, partial(self._end, call, answered=False, why=_NOBODY))

    # --- bot.notify.base.Notifier --------------------------------------------------------------------

    def send(self, notice: Notice) -> Sent:
        """Let a phone ring."""
        call_id = "CA" + secrets.token_hex(16)
        values = {
            "call_id": call_id,
            "notification_id": notice.id,
            "recipient": notice.to,
            "state": "ringing",
            "said": "" if notice.id else notice.text,
            "language": notice.language,
            "listening": False,
            "at": clock.now(),
        }
        with self._engine.begin() as connection:
            connection.execute(insert(_calls).values(values))
        events.publish("phones")
        if self._ring_s is not None:
            wait = self._ring_s if self._is_on(notice.to) else min(self._ring_s, _OFF_S)
            self._later.call(wait, partial(self._ring_out, call_id))
        return Sent(call_id, Status.SENT)

    def find(self, notice: Notice, since: datetime) -> list[Sent]:
        """Calls about this notice made at `since` or later."""
        found = self._where(_calls.c.notification_id == notice.id, _calls.c.at >= since)
        return [Sent(call.call_id, Status.SENT) for call in found]

    # --- phones --------------------------------------------------------------------------------------

    def current(self, number: str) -> Call | None:
        """The call that rings or is spoken on this phone, the oldest first."""
        found = self._where(_calls.c.recipient == number, _calls.c.state != "ended")
        return next((call for call in found if not self._is_stale(call)), None)

    def _is_stale(self, call: Call) -> bool:
        """Whether it rang in a process that is gone, such as a command's."""
        waited = (clock.now() - call.at).total_seconds()
        return call.state == "ringing" and self._ring_s is not None and waited > 2 * self._ring_s + _OFF_S

    def made_to(self, number: str) -> list[Call]:
        """Every call to this phone, oldest first."""
        return self._where(_calls.c.recipient == number)

    def answer(self, number: str) -> Call:
        """Somebody takes the phone and hears the words. Raises NoSuchCall."""
        call = self._on(number, "ringing")
        self._set(call.call_id, state="answered")
        return self._hear(call, "")

    def press(self, number: str, key: str) -> Call:
        """A key is pressed during the call. Raises NoSuchCall, also when no key is waited for."""
        call = self._on(number, "answered")
        if not call.listening:
            raise NoSuchCall
        return self._hear(call, key)

    def hang_up(self, number: str) -> Call:
        """End the call, or decline it while it rings. Raises NoSuchCall."""
        call = self.current(number)
        if call is None:
            raise NoSuchCall
        answered = call.state == "answered"
        self._end(call, answered=answered, why="" if answered else "the line is busy")
        return self._get(call.call_id)

    def voicemail(self, number: str) -> Call:
        """A machine takes the call, hears the words, and that is all. Raises NoSuchCall."""
        call = self._on(number, "ringing")
        self._set(call.call_id, state="answered")
        self._hear(call, "")
        self._end(call, answered=False, why="a voicemail or machine answered")
        return self._get(call.call_id)

    def close(self) -> None:
        """Stop the background work and let go of the file."""
        self._later.close()
        self._engine.dispose()

    # --- inside --------------------------------------------------------------------------------------

    def _hear(self, call: Call, key: str) -> Call:
        said = voice.heard(call.notification_id, key) if call.notification_id else None
        if said is not None:
            self._set(call.call_id, said=said.text, language=said.language, listening=said.listen)
        events.publish("phones")
        return self._get(call.call_id)

    def _ring_out(self, call_id: str) -> None:
        call = self._get(call_id)
        if call.state == "ringing":
            self._end(call, answered=False, why=_NOBODY)

    def _end(self, call: Call, *, answered: bool, why: str, attempt: int = 0) -> None:
        self._set(call.call_id, state="ended", listening=False)
        events.publish("phones")
        if not call.notification_id:
            return
        if voice.ended(call.notification_id, call.call_id, answered=answered, why=why):
            return
        if attempt < len(_TELL_AGAIN_S):
            again = partial(self._end, call, answered=answered, why=why, attempt=attempt + 1)
            self._later.call(_TELL_AGAIN_S[attempt], again)

    def _on(self, number: str, state: str) -> Call:
        call = self.current(number)
        if call is None or call.state != state:
            raise NoSuchCall
        return call

    def _get(self, call_id: str) -> Call:
        (call,) = self._where(_calls.c.call_id == call_id)
        return call

    def _where(self, *conditions: object) -> list[Call]:
        query = select(_calls).where(*conditions).order_by(_calls.c.seq)  # type: ignore[arg-type]
        with self._engine.begin() as connection:
            return [_call(row) for row in connection.execute(query)]

    def _set(self, call_id: str, **values: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(_calls).where(_calls.c.call_id == call_id).values(**values))


def _call(row: Row[tuple[object, ...]]) -> Call:
    return Call(
        call_id=row.call_id,
        notification_id=row.notification_id,
        recipient=row.recipient,
        state=row.state,
        said=row.said,
        language=row.language,
        listening=row.listening,
        at=row.at,
    )


_caller: SimulatedCaller | None = None
_guard = threading.Lock()


def get_caller() -> SimulatedCaller:
    """This process's simulated calls, opened on first use on `carrier.db` in the data folder."""
    global _caller
    with _guard:
        if _caller is None:
            path = app_settings.get_settings().var_dir / "carrier.db"
            _caller = SimulatedCaller(path, is_on=lambda number: get_carrier().is_on(number))
        return _caller


def use_caller(caller: SimulatedCaller | None) -> None:
    """Replace this process's simulated calls (tests, `simulate`); None: open them anew on next use."""
    global _caller
    with _guard:
        _caller = caller
