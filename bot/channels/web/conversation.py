"""A web session's conversation in the record, and how its messages look to the browser."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channels.web.tokens import WebSession
from bot.clinic.models import Clinic
from bot.db.engine import reading, transaction
from bot.handover.holds import authors
from bot.handover.models import StaffReply
from bot.handover.words import colleague
from bot.messaging import threads
from bot.messaging.models import Channel, Conversation, Direction, Message, Turn

#: Two processes can commit in another order than their ids; a live stream re-reads this far back.
_OVERLAP_MS = 60_000


def provider_id(session_id: str, client_id: str) -> str:
    """The id under which a browser's message is stored once, however often it is sent."""
    return f"{session_id}:{client_id}"


def open_conversation(web: WebSession) -> str:
    """The id of the session's conversation, opened in the page's language if it is new."""
    with transaction() as session:
        found = _conversation(session, web)
        if found is None:
            clinic = session.get_one(Clinic, web.clinic_id)
            found = threads.find_or_open(session, clinic, Channel.WEB, web.session_id)
            if web.language:
                found.language = web.language
        return found.id


def conversation_id(web: WebSession) -> str | None:
    """The id of the session's conversation; None before its first message."""
    with reading() as session:
        found = _conversation(session, web)
        return found.id if found else None


def messages_after(web: WebSession, after_id: str | None = None) -> list[dict[str, Any]]:
    """The session's messages after `after_id`, oldest first."""
    with reading() as session:
        conversation = _conversation(session, web)
        if conversation is None:
            return []
        found = threads.history(session, conversation.id, after_id)
        people = authors(session, [message.id for message in found])
        return [view(message, web.session_id, _by(message, people.get(message.id))) for message in found]


def _by(message: Message, reply: StaffReply | None) -> str | None:
    return colleague(reply.staff, message.language) if reply else None


def a_little_before(message_id: str) -> str:
    """An id that sorts a minute before `message_id` (uuid7: the first 12 digits are milliseconds)."""
    try:
        moment = int(message_id[:12], 16)
    except ValueError:
        return ""
    return f"{max(moment - _OVERLAP_MS, 0):012x}" + "0" * 20


def view(message: Message, session_id: str, by: str | None = None) -> dict[str, Any]:
    """One message as the browser gets it: nothing of triage, ids of others, or status history. `by` is the
    person who wrote it, where a person did."""
    mine = message.direction is Direction.IN
    prefix = provider_id(session_id, "")
    return {
        "id": message.id,
        "from": "you" if mine else "clinic",
        "kind": None if mine else message.kind.value,
        "by": by,
        "text": message.body,
        "photos": len(message.media),
        "at": message.created_at.isoformat(),
        "client_id": (message.provider_id or "").removeprefix(prefix) if mine else None,
        "waiting": mine and message.turn is Turn.PENDING,
        "buttons": [] if mine else [_button(button) for button in message.buttons],
    }


def _button(button: dict[str, Any]) -> dict[str, str]:
    label = str(button.get("title") or button.get("label") or button.get("text") or "")
    # A payload that starts with "/" is for the dialogue engine's own channels; people send words.
    payload = str(button.get("payload") or button.get("value") or "")
    return {"label": label, "send": label if not payload or payload.startswith("/") else payload}


def _conversation(session: Session, web: WebSession) -> Conversation | None:
    return session.scalars(
        select(Conversation).where(
            Conversation.clinic_id == web.clinic_id,
            Conversation.channel == Channel.WEB,
            Conversation.address == web.session_id,
        )
    ).first()
