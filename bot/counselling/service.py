"""Asking for an acknowledgement of counselling, and taking it.

The request names no topic: it comes unasked and may be read on a locked screen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.clinic.models import Patient, Staff
from bot.counselling.models import Acknowledgement
from bot.db.engine import transaction
from bot.messaging.models import Conversation, Direction, Kind, Message
from bot.messaging.optout import is_opted_out
from bot.messaging.threads import say
from bot.protocols.catalogue import catalogue

#: The question that is open while an acknowledgement is awaited.
QUESTION = "counselling.acknowledge"
#: A bare 1 counts for this long when nothing else has been asked since.
WAITS = timedelta(days=14)
_GROUPS = frozenset({"product", "candidacy", "prep", "procedure", "recovery", "aftercare"})
_YES = re.compile(r"\W*(?:1|ok(?:ay)?\W+1|1\W+(?:ok(?:ay)?|thanks?|gracias))\W*", re.IGNORECASE)


class NothingToAsk(ValueError):
    """There is no counselling text to confirm, or nobody who may be texted; the words say which."""


def unconfirmed(session: Session, patient_id: str) -> Sequence[Message]:
    """Counselling texts to the patient that no acknowledgement covers yet, oldest first."""
    given = session.scalars(
        select(Message)
        .where(
            Message.patient_id == patient_id,
            Message.direction == Direction.OUT,
            Message.kind == Kind.REPLY,
            Message.content_id.in_([piece.id for piece in catalogue().topics() if _counsels(piece.id)]),
        )
        .order_by(Message.id)
    ).all()
    confirmed = {
        message_id
        for one in of_patient(session, patient_id)
        if one.acknowledged_at is not None
        for message_id in one.message_ids
    }
    return [message for message in given if message.id not in confirmed]


def of_patient(session: Session, patient_id: str) -> Sequence[Acknowledgement]:
    """The patient's acknowledgements, given and awaited, oldest first."""
    return session.scalars(
        select(Acknowledgement)
        .where(Acknowledgement.patient_id == patient_id)
        .order_by(Acknowledgement.created_at, Acknowledgement.id)
    ).all()


def ask(staff_id: str, patient_id: str) -> str:
    """Ask the patient to confirm what was not confirmed yet. Returns the acknowledgement's id.

    Raises `NothingToAsk`. Asking again while an answer is awaited replaces the request.
    """
    with transaction() as session:
        staff, patient = session.get_one(Staff, staff_id), session.get_one(Patient, patient_id)
        points = unconfirmed(session, patient_id)
        if not points:
            raise NothingToAsk("there is no counselling text that the patient has not confirmed")
        conversation = session.get_one(Conversation, points[-1].conversation_id)
        if is_opted_out(conversation):
            raise NothingToAsk("the patient has opted out of texts: ask by phone")
        for earlier in of_patient(session, patient_id):
            if earlier.acknowledged_at is None:
                session.delete(earlier)
        wanted = Acknowledgement(
            clinic_id=patient.clinic_id,
            patient_id=patient.id,
            conversation_id=conversation.id,
            staff_id=staff.id,
            message_ids=[message.id for message in points],
        )
        session.add(wanted)
        say(session, conversation, "counselling.ask", Kind.NOTICE, question=QUESTION)
        conversation.open_question, conversation.open_question_at = QUESTION, clock.now()
    events.committed(wanted.clinic_id, wanted.conversation_id)
    return wanted.id


def take(session: Session, message: Message) -> bool:
    """Whether `message` confirms an awaited acknowledgement; if so, it is recorded and the patient thanked.

    Called inside the transaction that stores the message, after triage has read it.
    """
    conversation = message.conversation
    if conversation.open_question not in (None, QUESTION) or not _YES.fullmatch(message.body):
        return False
    awaited = session.scalars(
        select(Acknowledgement)
        .where(
            Acknowledgement.conversation_id == conversation.id,
            Acknowledgement.acknowledged_at.is_(None),
            Acknowledgement.created_at >= clock.now() - WAITS,
        )
        .order_by(Acknowledgement.id.desc())
        .limit(1)
    ).first()
    if awaited is None:
        return False
    awaited.acknowledged_at, awaited.answer_id = clock.now(), message.id
    conversation.open_question = conversation.open_question_at = None
    say(session, conversation, "counselling.thanks", Kind.NOTICE, in_reply_to_id=message.id, position=1)
    return True


def _counsels(piece_id: str) -> bool:
    """Whether a topic tells about product, treatment or care: what a clinic documents as counselling."""
    return piece_id.partition(".")[0] in _GROUPS
