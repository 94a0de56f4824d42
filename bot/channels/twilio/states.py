"""Twilio's message states in our words."""

from __future__ import annotations

from bot.messaging.models import Status

#: Every state an outbound message can have (Messages API: `message_enum_status`).
_STATES = {
    "accepted": Status.QUEUED,
    "scheduled": Status.QUEUED,
    "queued": Status.QUEUED,
    "sending": Status.SENDING,
    "sent": Status.SENT,
    "partially_delivered": Status.SENT,  # not all of it has arrived
    "delivered": Status.DELIVERED,
    "read": Status.DELIVERED,
    "undelivered": Status.FAILED,
    "failed": Status.FAILED,
    "canceled": Status.FAILED,
}


def outbound_status(word: object) -> Status | None:
    """Our status for Twilio's word (in any case); None for a word that no outbound message has."""
    return _STATES.get(str(word).strip().lower())
