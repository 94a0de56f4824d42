"""What came with a message is written down with the message; the files themselves may come later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from bot import clock
from bot.messaging.models import Message
from bot.photos.keep import Facts, in_record
from bot.photos.models import ArrivalStatus, PhotoArrival


def expect(session: Session, message: Message) -> None:
    """Write a row for each file of `message`: a photo for a picture that is kept already (`Facts.as_media`),
    else something to be fetched. Called in the transaction that stores the message, so that none is lost."""
    for position, item in enumerate(message.media):
        arrival = PhotoArrival(
            clinic_id=message.clinic_id,
            message_id=message.id,
            position=position,
            status=ArrivalStatus.WAITING,
            next_try_at=clock.now(),
        )
        facts = _facts(item)
        if facts is not None:
            arrival.status, arrival.next_try_at = ArrivalStatus.KEPT, None
            arrival.photo_id = in_record(session, message, facts).id
        session.add(arrival)
    session.flush()


def _facts(item: Mapping[str, Any]) -> Facts | None:
    kept = item.get("kept")
    return Facts(**kept) if kept else None
