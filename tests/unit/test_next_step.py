"""Each answer ends with the one useful next step: what to do, whom to call, or who goes on with it."""

from __future__ import annotations

import re

import pytest

from bot.protocols.catalogue import catalogue
from bot.protocols.phrases import Language

_STEP: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"\{(?:clinic_phone|emergency_phone|emergency_number|booking_url)\}"
        r"|\b(?:call|tell|ask|write|talk|say|judge|use|look|build up|do not|bring|you can stop)\b"
        r"|\byour clinician (?:plans|will|can|looks|goes|picks)\b|\bfor you and your clinician\b|\bwe take\b",
        re.IGNORECASE,
    ),
    "es": re.compile(
        r"\{(?:clinic_phone|emergency_phone|emergency_number|booking_url)\}"
        r"|\b(?:llame|diga|díganos|dígalo|dígale|cuéntenos|contarnos|contarlo|cuente|avise|avísenos|pregunte|"
        r"pregúnteles|pida|pedirla|escriba|escríbanos|hable|háblelo|valórelo|consulte|mire|mírelo|use|vuelva|traiga|"
        r"no (?:deje|cambie|espere|ponga|reserve|retrase|apriete|intente)|díganoslo|escribir|escribirnos|"
        r"decida|decídalo|decidan|haga)\b"
        r"|\b(?:el|su) profesional (?:lo planea|puede|examina|elige|anotará|repasa|repasará|lo lee)\b"
        r"|\busted y su profesional\b|\blo deciden usted\b|\btomamos sus fotos\b|\bpuede (?:pedir|parar)",
        re.IGNORECASE,
    ),
}
#: What one of these ends with is no step: who decides, what nobody can promise.
_NONE = re.compile(
    r"^(?:the clinician decides|lo decide el profesional|i cannot give|no puedo darle|there is no hurry|"
    r"no hay prisa|results vary|los resultados varían|nobody can promise|nadie puede prometer)[^:;]*"
    r"(?:;[^:]*(?:yes or no|sí o un no)[^:]*)?$",
    re.IGNORECASE,
)


def endings() -> list[tuple[str, Language, str]]:
    """The last sentence of every answer, by topic, variant and channel."""
    found: list[tuple[str, Language, str]] = []
    for piece in catalogue().pieces.values():
        if piece.kind != "topic" or piece.id.startswith("smalltalk."):
            continue
        for number, variant in enumerate(piece.variants):
            for channel, wording in (("sms", variant.sms), ("web", variant.web)):
                for language in ("en", "es") if wording is not None else ():
                    sentences = re.split(r"(?<=[.!?])\s+", getattr(wording, language).strip())
                    found.append((f"{piece.id}[{number}].{channel}", language, sentences[-1]))  # type: ignore[arg-type]
    return found


def test_every_answer_ends_with_a_step() -> None:
    every = endings()
    assert len(every) > 300
    without = [
        f"{where} {language}: {last}"
        for where, language, last in every
        if _NONE.match(last) or not _STEP[language].search(last)
    ]
    assert without == []


@pytest.mark.parametrize(
    ("language", "last"),
    [
        ("en", "The clinician decides; I cannot give a yes or no here."),
        ("en", "Results vary from person to person."),
        ("en", "Nobody can promise a number."),
        ("es", "No puedo darle un sí o un no por aquí."),
        ("es", "Los resultados varían."),
        ("es", "Nadie puede prometer un número de antemano."),
    ],
)
def test_who_decides_and_what_nobody_promises_is_no_step(language: Language, last: str) -> None:
    assert _NONE.match(last) or not _STEP[language].search(last)
