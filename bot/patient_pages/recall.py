"""The page behind a recall's text: which product and lot, and a button that says it was read."""

from __future__ import annotations

from fastapi import Response
from sqlalchemy.orm import Session

from bot import clock, events
from bot.db.engine import transaction
from bot.links.models import PatientLink
from bot.patient_pages.pages import Words, render
from bot.recall.models import RecallNotice
from bot.recall.service import mark_read, what_patient_reads


def page(session: Session, link: PatientLink, words: Words) -> Response:
    """What the recall is about."""
    notice = session.get_one(RecallNotice, link.subject_id)
    values = what_patient_reads(session, notice, words.language)
    return render("recall.html", words, values=values, read=notice.read_at is not None)


def confirm(link: PatientLink, words: Words) -> Response:
    """The patient has read it; staff see that."""
    with transaction() as session:
        opened = session.get_one(PatientLink, link.id)
        opened.used_at = opened.used_at or clock.now()
        notice = mark_read(session, str(link.subject_id))
        values = what_patient_reads(session, notice, words.language)
    events.committed(link.clinic_id)
    return render("recall.html", words, values=values, read=True)
