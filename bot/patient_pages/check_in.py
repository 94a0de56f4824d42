"""The check-in page: all its questions at once, and what was missing."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import Response
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from bot.followup import protocols
from bot.followup.models import CheckIn, CheckInStatus
from bot.links.models import PatientLink
from bot.patient_pages.pages import Words, render
from bot.patient_pages.questions import TEXT_LIMIT, PageQuestion, questions_for, read_form
from bot.patient_pages.submit import submit
from bot.protocols.catalogue import catalogue

#: The hidden field that names one opened form.
ONCE = "once"


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one check-in: its questions, and what was answered before."""

    link_id: str
    questions: Sequence[PageQuestion]
    entered: Mapping[str, Sequence[str]]
    answered: bool


def form_of(session: Session, link: PatientLink, words: Words) -> Form:
    """The form of a link's check-in."""
    check_in = session.get_one(CheckIn, link.subject_id)
    asks = check_in.asked or protocols.asks(session, check_in)
    questions = questions_for(asks, catalogue(), words.language)
    return Form(
        link.id,
        questions,
        {one.id: _as_entered(one, check_in) for one in questions},
        check_in.status is CheckInStatus.ANSWERED,
    )


def page(session: Session, link: PatientLink, words: Words) -> Response:
    """The form, with the answers that are there already."""
    form = form_of(session, link, words)
    return _render(form, words, form.entered, once=secrets.token_hex(8))


def answer(form: Form, words: Words, sent: FormData) -> Response:
    """Take in what was sent. What is missing is asked for again, with everything that was entered."""
    entered, opened = _sent(form, sent)
    given, missing = read_form(form.questions, entered)
    taken = submit(form.link_id, opened, given, complete=not missing)
    if missing:
        return _render(form, words, entered, once=opened, missing=missing, said=taken.words, status=422)
    return render("sent.html", words, said=taken.words)


def read_late(form: Form, sent: FormData) -> list[str]:
    """What the desk says to a form that comes too late: it is read for danger signs all the same."""
    entered, opened = _sent(form, sent)
    given, _missing = read_form(form.questions, entered)
    return submit(form.link_id, opened, given, complete=False, too_late=True).words


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
        said=said,
        once=once,
        text_limit=TEXT_LIMIT,
    )


def _as_entered(question: PageQuestion, check_in: CheckIn) -> list[str]:
    """An answer given before, as the form has it; one in words of the patient's own fits only free words."""
    words = str(check_in.answers.get(question.id, {}).get("words", ""))
    return words.split() if question.answer == "signs" else [words]
