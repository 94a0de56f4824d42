"""Whether the content is fit to send: words, lengths, languages, sources, emergency texts.

The same checks serve the shipped content (`afterglow content lint`) and a clinic's own edit (`lint_piece`).
Each text is rendered with the shipped settings and a sample clinic, so that lengths are those a patient gets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from bot.messaging import segments
from bot.protocols import placeholders
from bot.protocols.catalogue import Catalogue, Place, texts
from bot.protocols.errors import ContentError
from bot.protocols.never_say import breaches
from bot.protocols.phrases import Language
from bot.protocols.reading import Marks, Where
from bot.protocols.render import clinic_values
from bot.protocols.schema import Condition, Piece, Variant, Wording

SMS_LIMIT = 320  #: characters of a rendered SMS, the carrier's advice
SEGMENT_LIMIT = 5  #: parts of a rendered SMS: 320 characters with a Spanish accent just fit
LANGUAGES: tuple[Language, ...] = ("en", "es")
FIRST_WORDS = 150  #: characters in which an emergency text must have said whom to call

#: A sample clinic with values of ordinary length, and one message's values.
SAMPLE_CLINIC: dict[str, object] = {
    "clinic_name": "Lakeside Example Clinic",
    "clinic_phone": "+1 202 555 0100",
    "emergency_phone": "+1 202 555 0199",
    "emergency_number": "911",
    "crisis_line": "988",
    "hours_text": {"en": "Mon-Fri 9:00-18:00, Sat 9:00-13:00", "es": "L-V 9:00-18:00, S 9:00-13:00"},
    "booking_url": "https://clinic.example/book",
}
SAMPLE_MESSAGE: dict[Language, dict[str, str]] = {
    "en": {
        "treated_on_phrase": "on 27 September",
        "told_at": "on 27 September",
        "choices": "1 exercise, 2 alcohol, 3 make-up",
    },
    "es": {
        "treated_on_phrase": "el 27 de septiembre",
        "told_at": "el 27 de septiembre",
        "choices": "1 ejercicio, 2 alcohol, 3 maquillaje",
    },
}
SAMPLE_SHARED = {
    "summary": "Medicines, bleeding: eliquis for AF since March. " * 5,  # about as long as a part may be
    "question": "Immune, long-term illness",
    "example": "Hashimoto since 2015",
    "first_name": "Francesca",
    "before": "10",
    "product_name": "Example Filler",
    "lot": "EX24-0815",
    "measure": "Tenderness",
    "score": "10",
    "day": "365",
    "first": "0",
    "last": "14",
    "tier": "T1",
    "flag_label": "skin circulation, psychological",  # body and mind in one alert
    "count": "12",
    "initials": "F.E.",
    "code": "4711",
    "url": "https://clinic.example/console/a/4711",
    "name": "Example Nurse",
    "problems": "3 overdue alerts, 12 messages not answered, 20 calls or e-mails not sent",
    "colleague": "Dr Francesca (medical director)",
    "safeguarding_lead": "Dr Francesca Example-Placeholder",  # `names.LONGEST_NAME` characters
}

#: Pieces that may tell a patient to reply with the carriers' own keywords.
OPT_OUT_PIECES = frozenset(
    {
        "optout.stopped",
        "optout.started",
        "optout.help",
        "enrol.welcome",
        "enrol.welcome_back",
        "clinic.stop_messages",
        "clinic.privacy",
    }
)
#: Texts that come unasked and may be read on a locked screen.
DISCREET_PIECES = frozenset(
    {
        "checkin.intro",
        "checkin.open",
        "checkin.overall",
        "checkin.reminder",
        "enrol.welcome",
        "enrol.welcome_back",
        "link.trend",
        "recall.text",
        "photos.consent",
    }
)

_ENGLISH_KEYWORD = "stop ?all|stop|unsubscribe|cancel|end|quit|revoke|opt ?out|start|unstop|yes"
_SPANISH_KEYWORD = (
    "PARAR|PARE|ALTO|DETENER|CANCELAR|BAJA|FIN|TERMINAR|SALIR|REVOCAR"
    "|INICIAR|INICIO|EMPEZAR|COMENZAR|ALTA|SÍ|SI"
)
_INVITE_EN = r"(?:reply|answer|respond|text|send|write|type)(?: back)?(?: with)?:? "
_INVITE_ES = r"(?:[Rr]esponda|[Cc]onteste|[Ee]nvíe|[Ee]scriba|[Mm]ande|[Tt]eclee)(?: con)?:? "
_KEYWORD_ANSWERS = (
    re.compile(rf"\b{_INVITE_EN}[\"'“]?(?:{_ENGLISH_KEYWORD})\b", re.IGNORECASE),
    re.compile(rf"\b{_INVITE_ES}[\"'“]?(?:{_SPANISH_KEYWORD}|{_ENGLISH_KEYWORD.upper()}|[\"'“]sí|sí)(?!\w)"),
    re.compile(r"\b(?:YES|SÍ|SI)\s*(?:/|,|or|o)\s*NO\b"),
)
_DISCREET = re.compile(
    r"\b(filler|inject\w*|treatment|procedure|botox|face|cheeks?|lips?|jaw|chin|skin|pain|swell\w*|bruis\w*"
    r"|relleno|inyec\w*|tratamiento|procedimiento|cara|mejillas?|labios?|mand[ií]bula|mentón|piel|dolor|hinch\w*"
    r"|morat\w*)\b",
    re.IGNORECASE,
)
#: How many patients something happens to.
_SHARE = re.compile(
    r"\d ?%|\b(?:per cent|percent|por ciento)\b|\b\d+ (?:in|out of|de cada) \d", re.IGNORECASE
)
_OUTCOME_FIGURE = re.compile(
    r"\d ?%|\b(per cent|percent|por ciento)\b|\b\d+ (in|out of|de cada) \d|"
    r"\b\d+(?:\s?(?:-|–|to|a)\s?\d+)? (hours?|days?|nights?|weeks?|months?|years?"
    r"|horas?|días?|noches?|semanas?|mes(?:es)?|años?)\b",
    re.IGNORECASE,
)


def locked_screen_words(text: str) -> list[str]:
    """Words of `text` that a stranger should not read on a locked screen: treatments, the body, symptoms."""
    return [match[0] for match in _DISCREET.finditer(text)]


@dataclass(frozen=True)
class Problem:
    """Something that must be changed before the text is sent. `file` is relative to the content folder.

    `line` is missing for an edit that stands in no file yet.
    """

    file: str
    line: int | None
    id: str
    message: str

    def __str__(self) -> str:
        line = "" if self.line is None else f":{self.line}"
        return f"{self.file}{line}: {self.id}: {self.message}"


#: Where in the piece, and what is wrong.
Fault = tuple[Where, str]


def problem_at(piece: Piece, catalogue: Catalogue, where: Where, message: str) -> Problem:
    """The problem `message` about the part of `piece` at `where`, with its file and line."""
    line = catalogue.marks.get(piece.id, Marks()).line(*where)
    return Problem(catalogue.origin.get(piece.id, "edit"), line, piece.id, message)


def lint(catalogue: Catalogue) -> list[Problem]:
    """Every problem of the whole content, in order of file and line."""
    found = [problem for piece in catalogue.pieces.values() for problem in lint_piece(piece, catalogue)]
    return sorted(found, key=lambda problem: (problem.file, problem.line or 0, problem.id, problem.message))


def lint_piece(piece: Piece, catalogue: Catalogue) -> list[Problem]:
    """Every problem of one piece, which may be a clinic's edit that is not in the catalogue."""
    known = catalogue.pieces.get(piece.id) is piece
    beside = catalogue if known else replace(catalogue, origin={}, marks={})  # an edit has no lines yet
    checks: tuple[Callable[[Piece, Catalogue], Iterator[Fault]], ...] = (
        _variants,
        _languages,
        _words,
        _products,
        _figures,
        _sources,
        _rendered,
    )
    return [problem_at(piece, beside, *fault) for check in checks for fault in check(piece, catalogue)]


def _variants(piece: Piece, _: Catalogue) -> Iterator[Fault]:
    *early, last = piece.variants
    if last.when != Condition():
        yield (
            _variant(len(early)),
            "the last variant has a condition; add one without `when`, or some patients get no answer",
        )
    for number, variant in enumerate(early, start=1):
        if variant.when == Condition():
            message = f"variant {number} has no condition, so the variants after it are never used"
            yield _variant(number - 1), message


def _variant(index: int) -> Where:
    return ("variants", index)


def _at(place: Place, message: str) -> Fault:
    return place.where, f"{place}: {message}"


def _languages(piece: Piece, _: Catalogue) -> Iterator[Fault]:
    wordings: list[tuple[str, Where, Wording]] = [("title", ("title",), piece.title)]
    for index, variant in enumerate(piece.variants):
        for channel, wording in (("sms", variant.sms), ("web", variant.web)):
            if wording is not None:
                wordings.append((f"variant {index + 1} {channel}", (*_variant(index), channel), wording))
    for place, where, wording in wordings:
        for language, text in (("en", wording.en), ("es", wording.es)):
            if not text.strip():
                yield (*where, language), f"{place}: a translation is missing"
        if wording.en == wording.es and len(re.findall(r"[^\W\d_]{2,}", wording.en)) > 3:
            yield (*where, "es"), f"{place}: English and Spanish are the same text; translate it"
        try:
            odd = placeholders.names(wording.en) ^ placeholders.names(wording.es)
        except ContentError as error:
            yield where, f"{place}: {error}"
            continue
        if odd:
            names = ", ".join("{" + name + "}" for name in sorted(odd))
            yield where, f"{place}: only one language has {names}"


def _words(piece: Piece, _: Catalogue) -> Iterator[Fault]:
    for place, text in texts(piece):
        for breach in breaches(text, piece.kind):
            yield _at(place, f'never say "{breach.words}" ({breach.rule}): {breach.why}')
        if piece.id not in OPT_OUT_PIECES:
            for pattern in _KEYWORD_ANSWERS:
                if match := pattern.search(text):
                    yield _at(place, f'"{match.group()}" asks for a word that opts out or in; use a number')
                    break
        if piece.id in DISCREET_PIECES and (match := _DISCREET.search(text)):
            yield _at(place, f'"{match.group()}" may be read on a locked screen; leave it out')


def _products(piece: Piece, catalogue: Catalogue) -> Iterator[Fault]:
    if piece.kind == "topic":
        return
    spoken = {name for product in catalogue.products.values() for name in (product.name, *product.aliases)}
    for place, text in texts(piece):
        for name in sorted(spoken, key=len, reverse=True):
            if match := re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE):
                yield _at(place, f'names the product "{match.group()}"; say filler, or nothing')
                break


def _sources(piece: Piece, catalogue: Catalogue) -> Iterator[Fault]:
    for number, key in enumerate(piece.sources):
        if key not in catalogue.sources:
            yield ("sources", number), f"unknown source {key!r}; add it to sources.yml or correct it"
    if piece.sources or piece.kind == "staff":
        return
    for place, text in texts(piece):
        if match := _OUTCOME_FIGURE.search(text):
            yield _at(place, f'the figure "{match.group()}" has no source; name one in `sources`')
            return
    if piece.kind == "safety":
        yield (), "a safety text needs its sources"


def _figures(piece: Piece, _: Catalogue) -> Iterator[Fault]:
    """Shares of patients are shown only where the clinic has approved showing figures."""
    for place, text in texts(piece):
        shown = piece.variants[place.variant - 1].when.figures
        match = None if shown or piece.kind == "staff" else _SHARE.search(text)
        if match:
            yield _at(place, f'"{match.group()}" is a figure; put it into a variant with `figures: true`')


def _rendered(piece: Piece, catalogue: Catalogue) -> Iterator[Fault]:
    known = placeholders.allowed(piece.kind, catalogue.settings)
    try:
        unknown = [(place, name) for place, text in texts(piece) for name in placeholders.names(text) - known]
    except ContentError:
        return  # said by _languages
    for place, name in sorted(unknown):
        yield _at(place, f"unknown placeholder {{{name}}}")
    if unknown:
        return
    for number, variant in enumerate(piece.variants, start=1):
        for language in LANGUAGES:
            place = Place(number, "sms", language)
            text = longest(variant, language, catalogue)
            yield from (_at(place, message) for message in too_long(text))
            if language == "en" and (odd := segments.foreign(text)):
                message = f"{odd!r} makes every part of the text dearer and shorter; use plain signs"
                yield _at(place, message)
            if piece.kind == "safety":
                yield from _emergency(piece, place, text)


def too_long(text: str) -> Iterator[str]:
    """What is wrong with the length of the SMS `text`, once filled."""
    if len(text) > SMS_LIMIT:
        yield f"{len(text)} characters once filled; the limit is {SMS_LIMIT}"
    if (parts := segments.segments(text)) > SEGMENT_LIMIT:
        yield f"{parts} segments once filled; the limit is {SEGMENT_LIMIT}"


def longest(variant: Variant, language: Language, catalogue: Catalogue) -> str:
    """The SMS of `variant` filled with sample values, for the product that makes it longest."""
    products: tuple[str | None, ...] = variant.when.product or (None, *catalogue.products)
    template: str = getattr(variant.sms, language)
    message = {**SAMPLE_SHARED, **SAMPLE_MESSAGE[language]}
    clinics = (clinic_values(SAMPLE_CLINIC, language, product, content=catalogue) for product in products)
    return max((placeholders.fill(template, clinic | message) for clinic in clinics), key=len)


def _emergency(piece: Piece, place: Place, text: str) -> Iterator[Fault]:
    """An emergency text must say whom to call in the part that arrives first."""
    number = re.compile(rf"\b{SAMPLE_CLINIC['emergency_number']}\b")
    if piece.id.startswith("safety.t0") or piece.id == "safety.t1_crisis":
        first = segments.first_segment(text)[:FIRST_WORDS]
        if not number.search(first):
            yield _at(place, "{emergency_number} must stand in the first SMS segment")
        if str(SAMPLE_CLINIC["emergency_phone"]) not in first:
            yield _at(place, "{emergency_phone} must stand in the first SMS segment")
    elif re.match(r"safety\.t[123]", piece.id) and not number.search(text):
        yield _at(place, "{emergency_number} is missing")
