"""Are the files of all photos there, and unchanged?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from bot.photos import files
from bot.photos.errors import PhotoDamaged
from bot.photos.models import Photo

READ_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Fault:
    """One file that is not what the record says. `file` is its path; the words say what is wrong."""

    photo_id: str
    file: str
    problem: str


def check(session: Session) -> Iterator[Fault | None]:
    """Read every file of every photo; yields None for a photo in order, so that progress can be shown."""
    for photo_id, clinic_id, *checksums in _photos(session):
        sound = True
        for sha256 in checksums:
            try:
                files.read(clinic_id, sha256)
            except PhotoDamaged as damage:
                sound = False
                yield Fault(photo_id, str(files.path_of(clinic_id, sha256)), str(damage))
        if sound:
            yield None


def _photos(session: Session) -> Iterator[Row[str, str, str, str]]:
    """Id, clinic and checksums of every photo, read a few at a time."""
    query = select(Photo.id, Photo.clinic_id, Photo.sha256, Photo.thumb_sha256).order_by(Photo.id)
    after = ""
    while rows := session.execute(query.where(Photo.id > after).limit(READ_AT_ONCE)).all():
        yield from rows
        after = rows[-1].id
