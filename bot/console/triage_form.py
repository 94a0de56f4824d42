"""The form of "Try triage": what was typed, what is wrong with it, and the context that it describes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from starlette.datastructures import FormData

from bot.console import pages
from bot.console.strings import Translate
from bot.console.wording import AREAS
from bot.dialogue.reading import PROBE_PIECES
from bot.protocols.catalogue import catalogue
from bot.protocols.phrases import as_language
from bot.records.models import AssessmentRecord
from bot.triage.language import detect
from bot.triage.types import FLAGS, PROBES, Context, Phase, Tier

MAX_CHARACTERS = 10_000
PHASES = ("before", "after")
#: The tiers that an open alert may have.
ALERT_TIERS = (Tier.T0, Tier.T1, Tier.T2)
#: Where the words of a question stand when its id is not that of its text.
_WORDED_IN = {question: piece for piece, question in PROBE_PIECES.items()}
_QUESTION_ID = re.compile(r"[a-z][a-z_.]{0,39}")
_ASKED = re.compile(r"[^?]{1,140}\?")


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields as they stand in the form. `areas` are ids of `AREAS`, others stand in `other_area`."""

    message: str = ""
    day: str = ""
    phase: str = ""
    product: str = ""
    areas: tuple[str, ...] = ()
    other_area: str = ""
    question: str = ""
    alert_tier: str = ""
    alert_flag: str = ""  #: of a stored message only; it names an alert that is kept open
    media: bool = False


def from_form(form: FormData) -> Typed:
    """What was sent. A choice that the form does not offer counts as not made."""
    message = pages.text(form, "message", 10 * MAX_CHARACTERS).replace("\r\n", "\n")
    tier, flag, question = (pages.text(form, name, 40) for name in ("alert_tier", "alert_flag", "question"))
    phase = pages.text(form, "phase", 10)
    day = pages.text(form, "day", 10)
    return Typed(
        message=message,
        day=day,
        phase="after" if _is_day(day) and not phase else phase if phase in PHASES else "",
        product=pages.text(form, "product", 40),
        areas=tuple(area for area in AREAS if area in form.getlist("areas")),
        other_area=pages.text(form, "other_area", 200),
        question=question if _QUESTION_ID.fullmatch(question) else "",
        alert_tier=tier if tier in list(Tier) else "",
        alert_flag=flag if flag in FLAGS else "",
        media="media" in form,
    )


def from_record(record: AssessmentRecord) -> Typed:
    """A stored message in the context that it was assessed in."""
    known: Mapping[str, Any] = record.context
    ids = {area: str(area).replace(" ", "_").lower() for area in known.get("areas") or ()}
    day = known.get("day")
    return Typed(
        message=record.message.body,
        day="" if day is None else str(day),
        phase=known.get("phase") or "",
        product=known.get("product") or "",
        areas=tuple(area for area in AREAS if area in ids.values()),
        other_area=", ".join(str(area) for area, key in ids.items() if key not in AREAS),
        question=known.get("question") or "",
        alert_tier=known.get("open_alert_tier") or "",
        alert_flag=known.get("open_alert_flag") or "",
        media=bool(known.get("has_media") or record.message.media),
    )


def errors_of(typed: Typed, t: Translate) -> dict[str, str]:
    """What to mend, by field."""
    errors = {}
    if not typed.message and not typed.media:
        errors["message"] = t("triage.message_empty")
    elif len(typed.message) > MAX_CHARACTERS:
        errors["message"] = t("triage.message_long", n=len(typed.message), max=MAX_CHARACTERS)
    if typed.day and not _is_day(typed.day):
        errors["day"] = t("triage.day_wrong")
    elif typed.day and typed.phase == "before":
        errors["phase"] = t("triage.phase_wrong")
    return errors


def context_of(typed: Typed, language: str) -> Context:
    """The context that the form describes; `language` is the one to take when the message does not say."""
    others = (word.strip() for word in typed.other_area.split(","))
    return Context(
        day=int(typed.day) if typed.day else None,
        product=typed.product or None,
        areas=(*(area.replace("_", " ") for area in typed.areas), *(word for word in others if word)),
        language=detect(typed.message, as_language(language)),
        phase=cast(Phase, typed.phase) if typed.phase in PHASES else None,
        question=typed.question or None,
        open_alert_tier=Tier(typed.alert_tier) if typed.alert_tier else None,
        open_alert_flag=typed.alert_flag or None if typed.alert_tier else None,
        has_media=typed.media,
    )


def products(typed: Typed) -> list[tuple[str, str]]:
    """Id and name of every product, with the one of the form when the catalogue has it no longer."""
    names = {product.id: product.name for product in catalogue().products.values()}
    if typed.product:
        names.setdefault(typed.product, typed.product)
    return sorted(names.items(), key=lambda item: item[1])


def questions(typed: Typed, t: Translate, language: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The questions that a message may answer, in groups: what the group is, then id and plain wording."""
    asked = dict.fromkeys(question.content for question in catalogue().questions.values())
    groups = [
        (t("triage.questions_probe"), list(PROBES)),
        (t("triage.questions_check_in"), list(asked)),
        (t("triage.questions_symptom"), ["symptom.severity"]),
    ]
    if typed.question and all(typed.question not in ids for _name, ids in groups):
        groups.append((t("triage.questions_other"), [typed.question]))
    return [(name, [(key, question_words(key, language)) for key in ids]) for name, ids in groups]


def question_words(question: str, language: str) -> str:
    """How the desk asks it: the first sentence of its text, or its title; the id of one without a text."""
    pieces = catalogue().pieces
    piece = (
        pieces.get(_WORDED_IN.get(question, question))
        or pieces.get(question.replace("symptom.", "symptom.ask_"))
    )  # fmt: skip
    if piece is None:
        return question
    column = as_language(language)
    first = _ASKED.match(getattr(piece.variants[0].sms, column))
    return first[0] if first and "{" not in first[0] else str(getattr(piece.title, column))


def _is_day(day: str) -> bool:
    return day.isdecimal() and len(day) <= 4
