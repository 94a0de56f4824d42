"""Whose conversation a web chat is: staff say so, or a number left in it is a patient's. The first makes the
patient known to everything; the second says only to which alert a sign belongs, because anybody can write
anybody's number."""

from __future__ import annotations

import phonenumbers
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import events
from bot.clinic.models import Clinic, Patient
from bot.db.engine import transaction
from bot.escalation.raising import now_known
from bot.messaging.left_number import holds_number, numbers_in
from bot.messaging.models import Channel, Conversation, Message


class NotIdentified(Exception):
    """The conversation cannot be said to be this patient's: it is no chat, or known to be somebody's."""


def identify(conversation_id: str, patient_id: str) -> None:
    """Staff have made sure who writes in a chat: it is this patient's from now on, with what stands in it
    and with its alert. Raises NotIdentified."""
    with transaction() as session:
        conversation = session.get_one(Conversation, conversation_id, with_for_update={"of": Conversation})
        patient = session.get_one(Patient, patient_id)
        if conversation.channel is not Channel.WEB or patient.clinic_id != conversation.clinic_id:
            raise NotIdentified
        if conversation.patient_id not in (None, patient.id):
            raise NotIdentified
        conversation.patient_id = patient.id
        session.flush()
        session.expire(conversation, ["patient"])
        now_known(session, conversation)
    events.committed(conversation.clinic_id, conversation.id)


def note_number(session: Session, message: Message) -> None:
    """If a visitor of the chat names a patient's phone number, signs from here are that patient's alert. A
    number that is no patient's corrects one that was."""
    conversation = message.conversation
    if message.channel is not Channel.WEB or conversation.patient_id is not None:
        return
    patient = _patient_with(session, conversation.clinic, numbers_in(message.body))
    if patient is None and not holds_number(message.body):
        return
    named = patient.id if patient else None
    if conversation.named_patient_id != named:
        conversation.named_patient_id = named
        session.flush()
        session.expire(conversation, ["named_patient"])
        now_known(session, conversation)


def by_number(session: Session, clinic: Clinic, text: str) -> Patient | None:
    """The patient whose phone number `text` is, in whatever form it is written."""
    return _patient_with(session, clinic, [text])


def _patient_with(session: Session, clinic: Clinic, texts: list[str]) -> Patient | None:
    numbers = []
    for text in texts:
        try:
            parsed = phonenumbers.parse(text, clinic.country)
        except phonenumbers.NumberParseException:
            continue
        numbers.append(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    query = select(Patient).where(Patient.clinic_id == clinic.id, Patient.phone.in_(numbers))
    return session.scalars(query.limit(1)).first() if numbers else None
