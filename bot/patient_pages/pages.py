"""How a patient's page is made: approved words, no script, nothing that another site or a cache may keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from sqlalchemy.orm import Session

from bot.clinic.facts import content_values
from bot.clinic.models import Patient
from bot.governance.standing import standings
from bot.messaging.threads import latest_treatment
from bot.protocols.catalogue import catalogue
from bot.protocols.phrases import Language, as_language
from bot.protocols.render import Situation, render_piece
from bot.protocols.schema import Piece

_environment = Environment(
    loader=ChoiceLoader([PackageLoader("bot.patient_pages"), PackageLoader("bot.outcomes")]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

#: The address is the key to the page: it may not leave in a referrer, a cache, a frame or a search engine.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


class Words:
    """Approved wording in one language, filled with one clinic's facts where the clinic is known."""

    def __init__(
        self,
        language: Language,
        pieces: Mapping[str, Piece],
        values: Mapping[str, str],
        product: str | None = None,
    ) -> None:
        self.language: Language = language
        self._pieces, self._values = pieces, values
        self._situation = Situation(language=language, channel="web", product=product)

    def __call__(self, piece_id: str, **more: object) -> str:
        """The words of `piece_id`. `more` fills its own placeholders."""
        values = {**self._values, **{name: str(value) for name, value in more.items()}}
        return render_piece(self._pieces[piece_id], self._situation, values).text

    def trend(self, name: str, **more: object) -> str:
        """The words of a part of the charts."""
        return self(f"trend.{name}", **more)


def words_for(session: Session, patient: Patient, lang: str) -> Words:
    """The words of the patient's clinic, with its own sentences. `lang` is a choice made on the page."""
    language = as_language(lang or patient.language)
    treatment = latest_treatment(session, patient.id)
    product = treatment.product if treatment else None
    shipped = [piece for piece in catalogue().pieces.values() if piece.kind in ("page", "check_in")]
    pieces = {here.piece.id: here.piece for here in standings(session, patient.clinic_id, shipped)}
    return Words(language, pieces, content_values(patient.clinic, language, product), product)


def words_for_stranger(request: Request) -> Words:
    """The words for somebody whose clinic is not known, in the browser's language."""
    asked = request.headers.get("accept-language", "")
    codes = [part.split(";")[0].strip().lower()[:2] for part in asked.split(",")]
    first = next((code for code in codes if code in ("en", "es")), "en")
    return Words(as_language(first), catalogue().pieces, {})


def render(template: str, words: Words, *, status: int = 200, **values: Any) -> HTMLResponse:
    """`template` as a page."""
    body = _environment.get_template(template).render(w=words, language=words.language, **values)
    return HTMLResponse(body, status, headers=HEADERS)
