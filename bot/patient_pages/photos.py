"""Photos that a check-in page sends: one file for each view, kept before their message is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.datastructures import FormData, UploadFile

from bot.dialogue.reading import PICTURE, read_photo
from bot.patient_pages.questions import Given, PageQuestion
from bot.photos.errors import MAX_BYTES, PhotoRefused
from bot.photos.receive import as_media

log = structlog.get_logger(__name__)

#: Views that are no face: whoever takes them points the phone away.
AWAY = frozenset({"hands_back"})
#: Why a photo is not kept, beside the reasons of `PhotoRefused`: the disk refuses.
NOT_STORED = "not_stored"


@dataclass(frozen=True, slots=True)
class Sent:
    """One file: the question and the view that it was chosen for."""

    question: PageQuestion
    view: str
    file: UploadFile


def field_of(question_id: str, view: str) -> str:
    """The name of the field for one view."""
    return f"{question_id}-{view}"


def files_in(form: FormData, questions: Sequence[PageQuestion]) -> list[Sent]:
    """The files of a form, for views that the page asks for. A field that was left alone has none."""
    found = []
    for question in questions:
        for view in question.views:
            file = form.get(field_of(question.id, view.id))
            if isinstance(file, UploadFile) and file.filename:
                found.append(Sent(question, view.id, file))
    return found


def keep(clinic_id: str, sent: Sequence[Sent]) -> tuple[list[Given], dict[str, str]]:
    """Keep what is a photo. Returns an answer for each question that got any, and why others are refused, by
    field. Takes seconds."""
    kept: dict[str, list[Mapping[str, Any]]] = {}
    refused: dict[str, str] = {}
    for one in sent:
        try:
            media = as_media(clinic_id, one.file.file.read(MAX_BYTES + 1), one.view)
        except PhotoRefused as why:
            refused[field_of(one.question.id, one.view)] = why.reason
        except OSError as error:
            log.error("a photo cannot be written", error=type(error).__name__)
            refused[field_of(one.question.id, one.view)] = NOT_STORED
        else:
            kept.setdefault(one.question.id, []).append(media)
    questions = {one.question.id: one.question for one in sent}
    value = read_photo(PICTURE) or ""
    return [Given(questions[name], PICTURE, value, tuple(media)) for name, media in kept.items()], refused
