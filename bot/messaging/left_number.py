"""A visitor of the chat leaves the phone number that a safety text asked for."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.messaging.models import Channel, Direction, Kind, Message
from bot.messaging.threads import say
from bot.triage.types import Assessment, Tier

PIECE = "safety.number_noted"
#: Digits of a telephone number, fewest and most; with country code at most 15 (ITU-T E.164).
_FEWEST, _MOST = 7, 15
_NUMBER = re.compile(r"\+?\d[\d ().-]{5,}\d")
#: A number is left in a few words: "it's Kim, 555 010 0143".
_WORDS = 12


def numbers_in(text: str) -> list[str]:
    """What in `text` reads like a telephone number."""
    found = _NUMBER.findall(text)
    return [one for one in found if _FEWEST <= len(re.sub(r"\D", "", one)) <= _MOST]


def holds_number(text: str) -> bool:
    """Whether a short `text` holds a telephone number."""
    words = re.findall(r"[^\W\d_]+", text)
    return bool(numbers_in(text)) and len(words) <= _WORDS


def take(session: Session, message: Message, assessment: Assessment) -> bool:
    """Whether `message` leaves a number after a safety text in the chat; then that is confirmed."""
    conversation = message.conversation
    if message.channel is not Channel.WEB or conversation.patient_id is not None:
        return False
    if assessment.tier is not Tier.T4 or assessment.probe or not holds_number(message.body):
        return False
    asked = session.scalars(
        select(Message.id)
        .where(
            Message.conversation_id == conversation.id,
            Message.direction == Direction.OUT,
            Message.kind == Kind.SAFETY,
        )
        .limit(1)
    ).first()
    if asked is None:
        return False
    say(session, conversation, PIECE, Kind.NOTICE, in_reply_to_id=message.id, position=90)
    return True
