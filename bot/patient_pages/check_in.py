"""The check-in page: all its questions at once, and what was missing."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from fastapi import Response
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from bot.followup import protocols
from bot.followup.models import CheckIn, CheckInStatus
from bot.links.models import PatientLink
from bot.patient_pages.pages import Words, render
from bot.patient_pages.photos import AWAY, files_in, keep
from bot.patient_pages.questions import TEXT_LIMIT, Given, PageQuestion, questions_for, read_form
from bot.patient_pages.submit import submit
from bot.protocols.catalogue import catalogue

#: The hidden field that names one opened form.
ONCE = "once"


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one check-in: its questions, and what was answered before. `photos`: some have come."""

    link_id: str
    clinic_id: str
    questions: Sequence[PageQuestion]
    entered: Mapping[str, Sequence[str]]
    answered: bool
    photos: bool


def form_of(session: Session, link: PatientLink, words: Words) -> Form:
    """The form of a link's check-in."""
    check_in = session.get_one(CheckIn, link.subject_id)
    asks = check_in.asked or protocols.asks(session, check_in)
    areas = protocols.areas_of(session, check_in)
    content = replace(catalogue(), questions=protocols.questions(session, check_in))
    questions = questions_for(asks, content, words.language, check_in.day, areas)
    return Form(
        link.id,
        link.clinic_id,
        questions,
        {one.id: _as_entered(one, check_in) for one in questions},
        check_in.status is CheckInStatus.ANSWERED,
        any(
            one.answer == "photo" and check_in.answers.get(one.id, {}).get("value") not in (None, "skipped")
            for one in questions
        ),
    )


def page(session: Session, link: PatientLink, words: Words) -> Response:
    """The form, with the answers that are there already."""
    form = form_of(session, link, words)
    return _render(form, words, form.entered, once=secrets.token_hex(8))


def answer(form: Form, words: Words, sent: FormData) -> Response:
    """Take in what was sent. What is missing is asked for again, with everything that was entered; so is a
    photo that cannot be kept, which holds up nothing else."""
    entered, opened = _sent(form, sent)
    given, missing = read_form(form.questions, entered)
    photos, refused = _photos(form, opened, given, sent)
    taken = submit(form.link_id, opened, [*given, *photos], complete=not missing)
    if not missing and not refused:
        return render("sent.html", words, said=taken.words)
    now = replace(form, answered=form.answered or taken.complete, photos=form.photos or bool(photos))
    return _render(
        now, words, entered, once=opened, missing=missing, refused=refused, said=taken.words, status=422
    )


def read_late(form: Form, words: Words, sent: FormData) -> list[str]:
    """What the desk says to a form that comes too late: it is read for danger signs, and its photos are kept,
    all the same."""
    entered, opened = _sent(form, sent)
    given, _missing = read_form(form.questions, entered)
    photos, refused = _photos(form, opened, given, sent)
    taken = submit(form.link_id, opened, [*given, *photos], complete=False, too_late=True)
    return [*taken.words, *(words(f"page.photo_{why}") for why in dict.fromkeys(refused.values()))]


def _photos(
    form: Form, opened: str, given: Sequence[Given], sent: FormData
) -> tuple[list[Given], dict[str, str]]:
    """The photos that were sent, and those that cannot be kept. The answers beside them are triaged first:
    pictures take seconds to decode, and a danger sign does not wait for that."""
    files = files_in(sent, form.questions)
    if files:
        submit(form.link_id, opened, given, complete=False, too_late=True)
    return keep(form.clinic_id, files)


def _sent(form: Form, sent: FormData) -> tuple[dict[str, list[str]], str]:
    """What was entered, by question, and the name of the form that it was entered in."""
    entered = {one.id: [v for v in sent.getlist(one.id) if isinstance(v, str)] for one in form.questions}
    once = sent.get(ONCE)
    return entered, once[:40] if isinstance(once, str) else ""


def _render(
    form: Form,
    words: Words,
    entered: Mapping[str, Sequence[str]],
    *,
    once: str,
    missing: Sequence[str] = (),
    refused: Mapping[str, str] = MappingProxyType({}),
    said: Sequence[str] = (),
    status: int = 200,
) -> Response:
    return render(
        "check_in.html",
        words,
        status=status,
        questions=form.questions,
        answered=form.answered,
        entered=entered,
        missing=missing,
        refused=refused,
        photos=form.photos,
        away=AWAY,
        said=said,
        once=once,
        text_limit=TEXT_LIMIT,
    )


def _as_entered(question: PageQuestion, check_in: CheckIn) -> list[str]:
    """An answer given before, as the form has it; one in words of the patient's own fits only free words."""
    words = str(check_in.answers.get(question.id, {}).get("words", ""))
    return words.split() if question.answer == "signs" else [words]
