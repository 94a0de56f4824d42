"""Pieces of content made for one test, and the sample clinic's values to fill them with."""

from __future__ import annotations

from bot.protocols.catalogue import catalogue
from bot.protocols.lint import SAMPLE_CLINIC, lint_piece
from bot.protocols.phrases import Language
from bot.protocols.render import clinic_values
from bot.protocols.schema import Kind, Piece

LANGUAGES: tuple[Language, ...] = ("en", "es")

_TOPIC = """
- id: {id}
  title: {{en: Sample, es: Muestra}}
  version: 1
  sources: [{source}]
  variants:
    - sms: {{en: '{text}', es: Hola}}
"""


def topic(id: str = "recovery.sample", source: str = "GK", text: str = "Hello") -> str:
    """A topic file with one piece."""
    return _TOPIC.format(id=id, source=source, text=text)


def piece(
    en: str,
    es: str = "Texto de prueba.",
    *,
    id: str = "recovery.sample",
    kind: Kind = "topic",
    **more: object,
) -> Piece:
    """A piece with one variant."""
    data = {
        "id": id,
        "kind": kind,
        "title": {"en": "Sample", "es": "Muestra"},
        "version": 1,
        "sources": ["GK"],
        "variants": [{"sms": {"en": en, "es": es}}],
    }
    return Piece.model_validate(data | more)


def complaints(it: Piece) -> list[str]:
    """What lint says about `it`, beside the shipped content."""
    return [problem.message for problem in lint_piece(it, catalogue())]


def values(language: Language = "en", **more: str) -> dict[str, str]:
    """The sample clinic's values for somebody whose day of treatment is not known."""
    return clinic_values(SAMPLE_CLINIC, language) | {"treated_on_phrase": ""} | more
