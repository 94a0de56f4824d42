"""The one door for what staff write to a patient: may it go out, what does it cost, what should be reread."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clinic.models import Consent, ConsentPurpose
from bot.messaging import segments
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message
from bot.messaging.optout import is_opted_out
from bot.protocols.never_say import Breach, breaches

#: Characters of one reply: what Twilio takes in one text.
LIMIT = 1600


class Refusal(enum.StrEnum):
    """Why nothing may be sent. The console words it, with what to do instead."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    OPTED_OUT = "opted_out"
    NO_CONSENT = "no_consent"


@dataclass(frozen=True, slots=True)
class Look:
    """What the writer should know of a text before it goes out. `segments` is 0 on the web."""

    characters: int
    segments: int
    foreign: str
    breaches: tuple[Breach, ...]


def look_at(text: str, channel: Channel) -> Look:
    """What `text` takes as an SMS, and which of its words are on the never-say list."""
    return Look(
        characters=len(text),
        segments=segments.segments(text) if channel is Channel.SMS else 0,
        foreign=segments.foreign(text),
        breaches=tuple(breaches(text, "dialogue")),
    )


def refusal_of(session: Session, conversation: Conversation, text: str) -> Refusal | None:
    """Why `text` may not be sent to this person now, None when it may."""
    if not text.strip():
        return Refusal.EMPTY
    if len(text) > LIMIT:
        return Refusal.TOO_LONG
    return closed_to(session, conversation)


def closed_to(session: Session, conversation: Conversation) -> Refusal | None:
    """Why nothing at all may be texted here: a STOP, or no consent. The web has no such door: whoever has the
    chat open asked to be answered in it.

    Somebody who wrote first may be answered without a consent on record, but not against a "no".
    """
    if conversation.channel is not Channel.SMS:
        return None
    if is_opted_out(conversation):
        return Refusal.OPTED_OUT
    if conversation.patient_id is None:
        return None
    said = session.scalars(
        select(Consent.granted)
        .where(
            Consent.patient_id == conversation.patient_id,
            Consent.purpose == ConsentPurpose.AFTERCARE_TEXTS,
        )
        .order_by(Consent.id.desc())
        .limit(1)
    ).first()
    if said is None:
        return None if _wrote_first(session, conversation) else Refusal.NO_CONSENT
    return None if said else Refusal.NO_CONSENT


def _wrote_first(session: Session, conversation: Conversation) -> bool:
    return (
        session.scalars(
            select(Message.id)
            .where(
                Message.conversation_id == conversation.id,
                Message.direction == Direction.IN,
                Message.kind == Kind.PATIENT,
            )
            .limit(1)
        ).first()
        is not None
    )
