"""Fetching what the carrier holds of a message: one attempt at a time, each due by its row.

A crash leaves the row as it was, and the sweep finds it again. Nothing is forgotten before it is settled:
a file that cannot be had, or is no photo, ends with a task for staff.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.channels.base import Carrier, CarrierError, MediaTooBig
from bot.db.engine import reading, transaction
from bot.messaging.models import Kind, Message
from bot.messaging.optout import is_opted_out
from bot.messaging.threads import say
from bot.photos import keep
from bot.photos.errors import PhotoRefused
from bot.photos.models import ArrivalStatus, PhotoArrival
from bot.records.models import TaskKind
from bot.records.tasks import open_task

log = structlog.get_logger(__name__)

#: Waits after the first, second, … attempt that failed; after the last one the file is lost: a day in all.
RETRY_AFTER = (
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=16),
)
#: How notes of staff tasks about files begin; the reason follows.
NOTE = "photo: "
#: The place of "that was no photo" among the replies to a message.
_POSITION = 80


def fetch(arrival_id: str, carrier: Carrier) -> None:
    """Make one attempt at getting a file. Does nothing when it is settled, or not due yet."""
    with reading() as session:
        arrival = session.get_one(PhotoArrival, arrival_id)
        if not _due(arrival):
            return
        clinic_id = arrival.clinic_id
        item = arrival.message.media[arrival.position]
    url, content_type = str(item.get("url") or ""), str(item.get("content_type") or "")
    try:
        if not url:
            _end(arrival_id, ArrivalStatus.LOST, "no_address")
        elif not _may_be_a_photo(content_type):
            _end(arrival_id, ArrivalStatus.REFUSED, "not_a_photo")
        else:
            _keep(arrival_id, keep.on_disk(clinic_id, carrier.fetch_media(url)))
    except PhotoRefused as refused:
        _end(arrival_id, ArrivalStatus.REFUSED, refused.reason)
    except MediaTooBig:
        _end(arrival_id, ArrivalStatus.REFUSED, "too_big")
    except CarrierError as error:
        if error.permanent:
            _end(arrival_id, ArrivalStatus.LOST, "gone")
        else:
            _again(arrival_id, error)
    except OSError as error:  # the disk
        _again(arrival_id, error)


def _due(arrival: PhotoArrival) -> bool:
    due_at = arrival.next_try_at
    return arrival.status is ArrivalStatus.WAITING and due_at is not None and due_at <= clock.now()


def _may_be_a_photo(content_type: str) -> bool:
    kind = content_type.partition("/")[0].strip().lower()
    return kind in ("", "image", "application")  # some phones call everything application/octet-stream


def _keep(arrival_id: str, facts: keep.Facts) -> None:
    with transaction() as session:
        arrival = session.get_one(PhotoArrival, arrival_id, with_for_update=True)
        if arrival.status is not ArrivalStatus.WAITING:
            return
        arrival.photo_id = keep.in_record(session, arrival.message, facts).id
        arrival.status, arrival.next_try_at = ArrivalStatus.KEPT, None
        message = arrival.message
    events.committed(message.clinic_id, message.conversation_id)


def _again(arrival_id: str, error: Exception) -> None:
    """Try later, or give up after a day."""
    with transaction() as session:
        arrival = session.get_one(PhotoArrival, arrival_id, with_for_update=True)
        if arrival.attempts < len(RETRY_AFTER):
            arrival.next_try_at = clock.now() + RETRY_AFTER[arrival.attempts]
        arrival.attempts += 1
        given_up = arrival.attempts > len(RETRY_AFTER)
        attempts = arrival.attempts
    log.warning("a photo could not be fetched", arrival_id=arrival_id, attempts=attempts, error=_name(error))
    if given_up:
        _end(arrival_id, ArrivalStatus.LOST, "unreachable")


def _name(error: Exception) -> str:
    """What to log of an error: never an address, which opens the picture."""
    code = getattr(error, "code", "")
    return f"{type(error).__name__} {code}".strip()


def _end(arrival_id: str, status: ArrivalStatus, reason: str) -> None:
    """Settle a file that cannot be kept: staff are asked to see to it, and who sent a wrong file is told."""
    with transaction() as session:
        arrival = session.get_one(PhotoArrival, arrival_id, with_for_update=True)
        if arrival.status is not ArrivalStatus.WAITING:
            return
        arrival.status, arrival.next_try_at, arrival.reason = status, None, reason
        message = arrival.message
        open_task(
            session,
            TaskKind.REVIEW,
            f"photo:{arrival.id}",
            message.conversation,
            note=NOTE + reason,
            message_id=message.id,
        )
        if not is_opted_out(message.conversation) and not _told(session, message):
            say(
                session,
                message.conversation,
                "photos.unreadable",
                Kind.NOTICE,
                in_reply_to_id=message.id,
                position=_POSITION,
            )
    log.warning("a file is not kept", arrival_id=arrival_id, status=status.value, reason=reason)
    events.committed(message.clinic_id, message.conversation_id)


def _told(session: Session, message: Message) -> bool:
    query = select(Message.id).where(Message.in_reply_to_id == message.id, Message.position == _POSITION)
    return session.scalars(query).first() is not None
