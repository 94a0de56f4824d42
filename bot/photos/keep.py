"""A picture becomes part of the record: first its files, then its row."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from bot import clock
from bot.messaging.models import Message
from bot.photos import files
from bot.photos.consent import PATIENCE
from bot.photos.models import Photo

#: Cameras' clocks go wrong: a picture from later than this after its arrival, or before 2000, has no time.
_CLOCK_SLACK = timedelta(days=1)
_FIRST_YEAR = 2000


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a picture whose files are safe. Plain values: they travel in a message's media."""

    source_sha256: str
    sha256: str
    thumb_sha256: str
    size: int
    width: int
    height: int
    taken: str | None
    view: str | None = None

    def as_media(self) -> dict[str, Any]:
        """The entry of `Inbound.media` for a picture that is kept already."""
        return {"content_type": "image/jpeg", "kept": asdict(self)}


def on_disk(clinic_id: str, data: bytes, view: str | None = None) -> Facts:
    """Decode `data` and write picture and thumbnail. Raises `PhotoRefused`, and OSError."""
    from bot.photos.decode import decode  # the decoders are loaded with the first photo

    picture = decode(data)
    return Facts(
        source_sha256=hashlib.sha256(data).hexdigest(),
        sha256=files.save(clinic_id, picture.jpeg),
        thumb_sha256=files.save(clinic_id, picture.thumbnail),
        size=len(picture.jpeg),
        width=picture.width,
        height=picture.height,
        taken=picture.taken,
        view=view,
    )


def in_record(session: Session, message: Message, facts: Facts) -> Photo:
    """The photo of `facts`, which came with `message`. A file this person sent before is that photo."""
    mine = and_(Photo.patient_id.is_(None), Photo.conversation_id == message.conversation_id)
    if message.patient_id:
        mine = or_(mine, Photo.patient_id == message.patient_id)
    found = session.scalars(
        select(Photo).where(Photo.source_sha256 == facts.source_sha256, mine).order_by(Photo.id).limit(1)
    ).first()
    if found is not None:
        found.view = found.view or facts.view
        return found
    patient = message.conversation.patient
    zone = patient.time_zone if patient else message.conversation.clinic.time_zone
    photo = Photo(
        clinic_id=message.clinic_id,
        conversation_id=message.conversation_id,
        patient_id=message.patient_id,
        owner=message.patient_id or message.conversation_id,
        source_sha256=facts.source_sha256,
        sha256=facts.sha256,
        thumb_sha256=facts.thumb_sha256,
        size=facts.size,
        width=facts.width,
        height=facts.height,
        received_at=message.created_at,
        taken_at=moment_of(facts.taken, zone, message.created_at),
        view=facts.view,
        ask_consent_at=clock.now() + PATIENCE if message.patient_id else None,
    )
    session.add(photo)
    session.flush()
    return photo


def moment_of(taken: str | None, time_zone: str, received_at: datetime) -> datetime | None:
    """The camera's time as a moment; a time without offset is the patient's local one. None if impossible."""
    try:
        moment = datetime.fromisoformat(taken or "")
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(time_zone))
    possible = moment.year >= _FIRST_YEAR and moment <= received_at + _CLOCK_SLACK
    return moment if possible else None
