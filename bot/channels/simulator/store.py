"""The simulated carrier's own records: its own SQLite file, apart from the clinic's record.

A carrier is another company's system. Keeping its memory apart is what makes it possible to stop our process
between handing a message over and writing that down, and to find out afterwards what really happened.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from bot import clock
from bot.db.base import UtcDateTime
from bot.db.engine import make_engine
from bot.messaging.models import Status

_tables = MetaData()

_texts = Table(
    "texts",
    _tables,
    Column("seq", Integer, primary_key=True),
    Column("provider_id", String(34), nullable=False, unique=True),
    Column("sender", String(20), nullable=False, index=True),
    Column("recipient", String(20), nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("media", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("error_code", String(16), nullable=False, default=""),
    Column("at", UtcDateTime, nullable=False),
    #: True: from a phone to a clinic, otherwise from a clinic to a phone
    Column("inbound", Boolean, nullable=False),
    #: True once the other side has been told how it ended
    Column("settled", Boolean, nullable=False, default=False),
)

_phones = Table(
    "phones",
    _tables,
    Column("number", String(20), primary_key=True),
    Column("on", Boolean, nullable=False, default=True),
)


@dataclass(frozen=True, slots=True)
class CarriedText:
    """One text as the carrier knows it. `at` is when the carrier took it, UTC."""

    provider_id: str
    sender: str
    recipient: str
    body: str
    media: list[dict[str, Any]]
    status: Status
    error_code: str
    at: datetime
    inbound: bool
    settled: bool


@dataclass(frozen=True, slots=True)
class Phone:
    """A handset that the carrier has seen."""

    number: str
    on: bool


class CarrierStore:
    """Reads and writes of the carrier's file. Every call is one committed transaction."""

    def __init__(self, path: Path) -> None:
        self._engine = make_engine(f"sqlite:///{path}")
        with self._engine.begin() as connection:
            _tables.create_all(connection)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def add(
        self, *, sender: str, recipient: str, body: str, media: list[dict[str, Any]], inbound: bool
    ) -> CarriedText:
        """Keep a new text, as sent but not yet settled, under a new provider id."""
        provider_id = ("MM" if media else "SM") + secrets.token_hex(16)
        values = {
            "provider_id": provider_id,
            "sender": sender,
            "recipient": recipient,
            "body": body,
            "media": media,
            "status": Status.SENT.value,
            "error_code": "",
            "at": clock.now(),
            "inbound": inbound,
            "settled": False,
        }
        phone = sender if inbound else recipient
        with self._engine.begin() as connection:
            connection.execute(insert(_texts).values(values))
            connection.execute(upsert(_phones).values(number=phone, on=True).on_conflict_do_nothing())
        return self.get(provider_id)

    def get(self, provider_id: str) -> CarriedText:
        """The text called `provider_id`. Raises KeyError when there is none."""
        with self._engine.begin() as connection:
            row = connection.execute(select(_texts).where(_texts.c.provider_id == provider_id)).one_or_none()
        if row is None:
            raise KeyError(provider_id)
        return _text(row)

    def end(self, provider_id: str, status: Status, error_code: str = "") -> None:
        """Write how a text ended on the carrier's side."""
        self._set(provider_id, status=status.value, error_code=error_code)

    def settle(self, provider_id: str) -> None:
        """Write that the other side has been told."""
        self._set(provider_id, settled=True)

    def _set(self, provider_id: str, **values: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(_texts).where(_texts.c.provider_id == provider_id).values(**values))

    def first_match(self, *, sender: str, recipient: str, body: str, since: datetime) -> CarriedText | None:
        """The first text from a clinic with these addresses and words taken at `since` or later."""
        query = (
            select(_texts)
            .where(_texts.c.recipient == recipient, _texts.c.body == body, _texts.c.at >= since)
            .where(_texts.c.sender == sender, _texts.c.inbound.is_(False))
            .order_by(_texts.c.seq)
            .limit(1)
        )
        with self._engine.begin() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _text(row)

    def of_phone(self, number: str, limit: int | None = None) -> list[CarriedText]:
        """Texts to and from `number`, oldest first; with `limit`, the newest that many."""
        mine = or_(_texts.c.sender == number, _texts.c.recipient == number)
        query = select(_texts).where(mine).order_by(_texts.c.seq.desc()).limit(limit)
        with self._engine.begin() as connection:
            return [_text(row) for row in reversed(connection.execute(query).all())]

    def unsettled(self) -> list[CarriedText]:
        """What a stopped process left without an end, oldest first."""
        query = select(_texts).where(_texts.c.settled.is_(False)).order_by(_texts.c.seq)
        with self._engine.begin() as connection:
            return [_text(row) for row in connection.execute(query)]

    def phones(self) -> list[Phone]:
        """Every handset seen, by number."""
        with self._engine.begin() as connection:
            rows = connection.execute(select(_phones).order_by(_phones.c.number)).all()
        return [Phone(row.number, row.on) for row in rows]

    def is_on(self, number: str) -> bool:
        """Whether the handset takes texts; one never seen does."""
        with self._engine.begin() as connection:
            found = connection.execute(select(_phones.c.on).where(_phones.c.number == number)).scalar()
        return found is not False

    def switch(self, number: str, *, on: bool) -> None:
        """Switch a handset on or off."""
        statement = upsert(_phones).values(number=number, on=on)
        with self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["number"], set_={"on": on}))


def _text(row: Row[Any]) -> CarriedText:
    return CarriedText(
        provider_id=row.provider_id,
        sender=row.sender,
        recipient=row.recipient,
        body=row.body,
        media=row.media,
        status=Status(row.status),
        error_code=row.error_code,
        at=row.at,
        inbound=row.inbound,
        settled=row.settled,
    )
