"""A patient's photos: all of them by date, two of the same view side by side, and the pictures themselves."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic.models import Patient
from bot.console import pages
from bot.console.access import patient_for, photo_for
from bot.console.pages import ConsoleRoute, NotThere, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.db.engine import reading
from bot.photos import consent, files, gallery, views
from bot.photos.errors import PhotoDamaged
from bot.photos.models import Photo
from bot.protocols.phrases import as_language

log = structlog.get_logger(__name__)
router = APIRouter(route_class=ConsoleRoute)

#: Thumbnails on the patient's own page.
NEWEST_SHOWN = 6
#: Pictures are shown to whoever is signed in, kept by no cache, and can do nothing but be seen.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Content-Disposition": 'inline; filename="photo.jpg"',
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_DONE = ("view", "consent")


@router.get("/patients/{patient_id}/photos")
@door("photo.list", Permission.VIEW_PATIENTS)
def photos_page(request: Request, who: SignedIn, patient_id: str, did: str = "") -> Response:
    """Every photo by date, with its day and view."""
    with reading() as session:
        patient = patient_for(session, who, patient_id)
        photos, zone = gallery.of_patient(session, patient.id), ZoneInfo(who.time_zone)
        return pages.render(
            request,
            "photos.html",
            who,
            patient=patient,
            groups=[
                (day, list(some))
                for day, some in groupby(photos, lambda photo: photo.shown_at.astimezone(zone).date())
            ],
            expected=_expected(patient, who),
            did=did if did in _DONE else "",
            **shown_with(session, who, patient),
        )


@router.get("/patients/{patient_id}/photos/compare")
@door("photo.compare", Permission.VIEW_PATIENTS)
def compare_page(
    request: Request,
    who: SignedIn,
    patient_id: str,
    view: str | None = None,
    first: str = "",
    second: str = "",
) -> Response:
    """Two photos of one view beside each other; the oldest and the newest unless others are chosen."""
    with reading() as session:
        patient = patient_for(session, who, patient_id)
        photos = gallery.of_patient(session, patient.id)[::-1]
        there = {photo.view or "" for photo in photos}
        if view is None or view not in there:
            view = _best_view(photos)
        choices = [photo for photo in photos if (photo.view or "") == view]
        return pages.render(
            request,
            "photo_compare.html",
            who,
            patient=patient,
            view=view,
            views_there=[one.id for one in views.every(as_language(who.language)) if one.id in there]
            + ([""] if "" in there else []),
            choices=choices,
            first=_chosen(choices, first, 0),
            second=_chosen(choices, second, -1),
            **shown_with(session, who, patient),
        )


@router.get("/photos/{photo_id}.jpg")
@door("photo.view", Permission.VIEW_PATIENTS)
def picture(who: SignedIn, photo_id: str) -> Response:
    """The picture as it is kept."""
    with reading() as session:
        photo = photo_for(session, who, photo_id)
    log.info("photo shown", photo_id=photo.id, staff_id=who.staff_id)
    return _file(photo, photo.sha256)


@router.get("/photos/{photo_id}/thumbnail.jpg")
@door("photo.thumbnail", Permission.VIEW_PATIENTS, refreshes=True)
def thumbnail(who: SignedIn, photo_id: str) -> Response:
    """The small picture."""
    with reading() as session:
        photo = photo_for(session, who, photo_id)
    return _file(photo, photo.thumb_sha256)


@router.post("/photos/{photo_id}/view")
@door("photo.name_view", Permission.ENROL)
def name_view(who: SignedIn, form: Posted, photo_id: str) -> Response:
    """Say which view a photo is. A view that there is not leaves it without one."""
    with reading() as session:
        photo = photo_for(session, who, photo_id)
        patient_id = photo.patient_id or photo.conversation.patient_id
    if patient_id is None:
        raise NotThere  # a stranger's photo is on no page where it could be named
    view = pages.text(form, "view", 40)
    gallery.name_view(photo_id, view if views.is_known(view) else None, who.staff_id)
    return RedirectResponse(f"/console/patients/{patient_id}/photos?did=view#photo-{photo_id}", 303)


@router.post("/patients/{patient_id}/photo-consent")
@door("patient.photo_consent", Permission.ENROL)
def record_consent(who: SignedIn, form: Posted, patient_id: str) -> Response:
    """Write down what the patient said to a member of staff about photos."""
    with reading() as session:
        patient_for(session, who, patient_id)
    said = pages.text(form, "granted", 3)
    if said in ("yes", "no"):
        consent.record_by_staff(patient_id, granted=said == "yes")
    return RedirectResponse(f"/console/patients/{patient_id}/photos?did=consent", 303)


def shown_with(session: Session, who: Visitor, patient: Patient) -> dict[str, Any]:
    """What templates need beside photos: the patient's consent, names of views, days since treatment."""
    language = as_language(who.language)
    treatments = list(patient.treatments)
    return {
        "consent": consent.state_of(session, patient.id).value,
        "all_views": views.every(language),
        "view_name": functools.partial(views.name_of, language=language),
        "photo_day": functools.partial(gallery.day_of, patient=patient, treatments=treatments),
    }


def _expected(patient: Patient, who: Visitor) -> list[views.View]:
    """The views that belong to the patient's newest treatment."""
    newest = patient.treatments[0] if patient.treatments else None
    return views.of_areas(newest.areas if newest else (), as_language(who.language))


def _best_view(photos: Sequence[Photo]) -> str:
    """The view with most photos, a named one before none."""
    seen = [photo.view or "" for photo in photos]
    return max(dict.fromkeys(seen), key=lambda view: (bool(view), seen.count(view)), default="")


def _chosen(choices: Sequence[Photo], photo_id: str, otherwise: int) -> Photo | None:
    found = next((photo for photo in choices if photo.id == photo_id), None)
    return found or (choices[otherwise] if choices else None)


def _file(photo: Photo, sha256: str) -> Response:
    try:
        data = files.read(photo.clinic_id, sha256)
    except PhotoDamaged as damage:
        log.error(
            "a photo's file is damaged: run `afterglow photos verify`", photo_id=photo.id, why=str(damage)
        )
        raise NotThere from None
    return Response(data, media_type="image/jpeg", headers=_HEADERS)
