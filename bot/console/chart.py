"""The chart note of a patient, as text to paste and as a PDF."""

from __future__ import annotations

import functools

import structlog
from fastapi import APIRouter, Response

from bot import clock
from bot.access.door import door
from bot.access.permissions import Permission
from bot.console.access import patient_for
from bot.console.pages import ConsoleRoute, SignedIn
from bot.console.sessions import Visitor
from bot.console.strings import translator
from bot.console.wording import AREAS, content_title, flag_label, product_name
from bot.db.engine import reading
from bot.photos.views import name_of
from bot.protocols.phrases import as_language
from bot.records.chart_note import Words, chart_note, file_name
from bot.records.chart_rows import load_chart
from bot.records.document import Document, as_text
from bot.records.pdf import as_pdf

log = structlog.get_logger(__name__)

router = APIRouter(route_class=ConsoleRoute)

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@router.get("/patients/{patient_id}/chart-note.txt")
@door("patient.chart_note", Permission.VIEW_PATIENTS)
def chart_note_text(who: SignedIn, patient_id: str) -> Response:
    """The note as plain text, shown in the browser."""
    document, name = _note(who, patient_id, "txt")
    return as_file(as_text(document), "text/plain; charset=utf-8", f'inline; filename="{name}"')


@router.get("/patients/{patient_id}/chart-note.pdf")
@door("patient.chart_note_pdf", Permission.EXPORT)
def chart_note_pdf(who: SignedIn, patient_id: str) -> Response:
    """The note as a PDF to keep."""
    document, name = _note(who, patient_id, "pdf")
    return as_file(as_pdf(document), "application/pdf", f'attachment; filename="{name}"')


def words_in(language: str) -> Words:
    """The console's words for a note in `language`; English for a language we do not have."""
    language = language if language == "es" else "en"
    t = translator(language)

    def area(name: str) -> str:
        key = name.replace(" ", "_").lower()
        return t(f"area.{key}") if key in AREAS else name

    return Words(
        language=language,
        t=t,
        flag=functools.partial(flag_label, language=language),
        product=product_name,
        area=area,
        topic=functools.partial(content_title, language=language),
        view=functools.partial(name_of, language=as_language(language)),
    )


def _note(who: Visitor, patient_id: str, ending: str) -> tuple[Document, str]:
    """The note and the name of its file. Raises `NotThere` for a patient of another clinic."""
    now = clock.now()
    with reading() as session:
        chart = load_chart(session, patient_for(session, who, patient_id))
        document = chart_note(chart, words_in(who.language), now)
    log.info("chart note made", patient_id=patient_id, staff_id=who.staff_id, format=ending)
    return document, file_name(chart, now, ending)


def as_file(content: str | bytes, media_type: str, disposition: str) -> Response:
    """A paper of the record as a response that no cache keeps."""
    headers = {**_HEADERS, "Content-Disposition": disposition}
    return Response(content, media_type=media_type, headers=headers)
