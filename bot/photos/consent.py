"""Consent to keeping photos in the record and comparing them: asked once, never in the middle of trouble.

A photo that comes without it is kept with its message, as any words of a patient are: somebody may have sent
it because something is wrong. Staff see that consent is missing, and may record what the patient tells them.
"""

from __future__ import annotations

import enum
import re
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.clinic import consents
from bot.clinic.models import Consent, ConsentPurpose, Patient
from bot.db.engine import reading, transaction
from bot.escalation.raising import open_alert
from bot.followup.hours import texting_hours
from bot.handover.holds import is_talking_with
from bot.messaging.models import Conversation, Kind, Message, Turn
from bot.messaging.optout import is_opted_out
from bot.messaging.threads import say
from bot.photos.models import Photo

log = structlog.get_logger(__name__)

#: The id of the question and of the text that asks it.
QUESTION = "photos.consent"
#: Asked this long after the photo came, and looked at again as often while something else is going on.
PATIENCE = timedelta(minutes=15)
#: After this long it is left to staff to ask.
GIVE_UP = timedelta(days=14)
_BATCH = 100
_YES = re.compile(r"\W*(?:1|y|yes|s[ií]|ok(?:ay)?)\W*", re.IGNORECASE)
_NO = re.compile(r"\W*(?:2|n|no)\W*", re.IGNORECASE)


class State(enum.StrEnum):
    """Where a patient's consent to photos is."""

    GIVEN = "given"
    REFUSED = "refused"
    ASKED = "asked"
    MISSING = "missing"


def state_of(session: Session, patient_id: str) -> State:
    """The patient's last word on photos, or whether we have asked."""
    last = session.scalars(
        select(Consent.granted)
        .where(Consent.patient_id == patient_id, Consent.purpose == ConsentPurpose.PHOTOS)
        .order_by(Consent.created_at.desc(), Consent.id.desc())
        .limit(1)
    ).first()
    if last is not None:
        return State.GIVEN if last else State.REFUSED
    return State.ASKED if _asked(session, patient_id) else State.MISSING


def record_by_staff(patient_id: str, *, granted: bool) -> None:
    """Write down what the patient told a member of staff."""
    with transaction() as session:
        patient = session.get_one(Patient, patient_id)
        consents.note(
            session, patient, ConsentPurpose.PHOTOS, granted=granted, wording="spoken", channel="staff"
        )
    events.committed(patient.clinic_id)


def take(session: Session, message: Message) -> bool:
    """Whether `message` answers the question about photos; if so it is recorded and the patient thanked.

    Called inside the transaction that stores the message, after triage has read it.
    """
    conversation = message.conversation
    if conversation.open_question != QUESTION or conversation.patient is None or message.media:
        return False
    granted = _YES.fullmatch(message.body) is not None
    if not granted and not _NO.fullmatch(message.body):
        return False
    asked = _asked(session, conversation.patient.id)
    wording = f"{QUESTION}-{asked.content_version}" if asked else QUESTION
    consents.note(
        session,
        conversation.patient,
        ConsentPurpose.PHOTOS,
        granted=granted,
        wording=wording,
        channel=message.channel.value,
        message_id=message.id,
    )
    conversation.open_question = conversation.open_question_at = None
    piece = "photos.consent_thanks" if granted else "photos.consent_declined"
    say(session, conversation, piece, Kind.NOTICE, in_reply_to_id=message.id, position=1)
    return True


def ask_due() -> None:
    """Ask those patients whose photos wait for it."""
    with reading() as session:
        due = session.scalars(
            select(Photo.id)
            .where(Photo.ask_consent_at <= clock.now())
            .order_by(Photo.ask_consent_at)
            .limit(_BATCH)
        ).all()
    for photo_id in due:
        try:
            _ask(photo_id)
        except Exception:
            log.exception("consent to photos cannot be asked for; tried again", photo_id=photo_id)


def _ask(photo_id: str) -> None:
    with transaction() as session:
        photo = session.get_one(Photo, photo_id, with_for_update=True)
        if photo.patient_id is None or photo.conversation.patient_id != photo.patient_id:
            photo.ask_consent_at = None  # the number has changed hands: its new owner is not asked
        if photo.ask_consent_at is None:
            return
        # one at a time for a patient, also between processes
        patient = session.get_one(Patient, photo.patient_id, with_for_update=True)
        conversation = photo.conversation
        now = clock.now()
        allowed = texting_hours(patient.clinic, patient.time_zone).allowed_from(now)
        if state_of(session, patient.id) is not State.MISSING or now - photo.received_at > GIVE_UP:
            photo.ask_consent_at = None
        elif is_opted_out(conversation) or _busy(session, conversation):
            photo.ask_consent_at = now + PATIENCE
        elif allowed > now:
            photo.ask_consent_at = allowed
        else:
            say(session, conversation, QUESTION, Kind.NOTICE, question=QUESTION)
            conversation.open_question, conversation.open_question_at = QUESTION, now
            photo.ask_consent_at = None
    events.committed(photo.clinic_id, photo.conversation_id)


def _busy(session: Session, conversation: Conversation) -> bool:
    """Whether an alert, another question, an answer of ours or a talk with a person is under way."""
    if is_talking_with(session, conversation):
        return True
    pending = select(Message.id).where(
        Message.conversation_id == conversation.id, Message.turn == Turn.PENDING
    )
    return (
        conversation.open_question is not None
        or open_alert(session, conversation) is not None
        or session.scalars(pending.limit(1)).first() is not None
    )


def _asked(session: Session, patient_id: str) -> Message | None:
    return session.scalars(
        select(Message)
        .where(Message.patient_id == patient_id, Message.content_id == QUESTION)
        .order_by(Message.id.desc())
        .limit(1)
    ).first()
