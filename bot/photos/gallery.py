"""Photos as they are looked at: of a patient, with a message, by day and by view."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from bot.clinic.models import Patient, Treatment
from bot.db.engine import transaction
from bot.messaging.models import Conversation
from bot.messaging.threads import belongs_to, local_day
from bot.photos.models import Photo, PhotoArrival


def of_patient(session: Session, patient_id: str) -> list[Photo]:
    """The patient's photos, by the moment that they show, newest first."""
    query = (
        select(Photo)
        .join(Conversation, Conversation.id == Photo.conversation_id)
        .where(belongs_to(patient_id, Photo.patient_id))
    )
    return sorted(session.scalars(query), key=lambda photo: (photo.shown_at, photo.id), reverse=True)


def with_messages(session: Session, message_ids: Iterable[str]) -> Mapping[str, Sequence[PhotoArrival]]:
    """The files of each message that came with any, in order, with the photos that were kept of them."""
    found: defaultdict[str, list[PhotoArrival]] = defaultdict(list)
    query = (
        select(PhotoArrival)
        .where(PhotoArrival.message_id.in_(list(message_ids)))
        .options(selectinload(PhotoArrival.photo))
        .order_by(PhotoArrival.message_id, PhotoArrival.position)
    )
    for arrival in session.scalars(query):
        found[arrival.message_id].append(arrival)
    return found


def day_of(moment: datetime, patient: Patient, treatments: Iterable[Treatment]) -> int | None:
    """Whole local days from the newest treatment before `moment`; None before any."""
    before = [treatment.treated_at for treatment in treatments if treatment.treated_at <= moment]
    return local_day(max(before), moment, patient.time_zone) if before else None


def name_view(photo_id: str, view: str | None, staff_id: str) -> None:
    """Write down which view a photo is, as a member of staff sees it; None: it is none of them."""
    with transaction() as session:
        photo = session.get_one(Photo, photo_id)
        photo.view, photo.view_by_id = view, staff_id
