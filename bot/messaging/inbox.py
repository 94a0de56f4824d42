"""A message comes in. One transaction stores it, its triage, any alert with its first page, and the safety
words for the sender; only then is the channel told "received". The dialogue answers afterwards, durably.

Red flags depend on nothing but the database: not on Rasa, not on the carrier, not on a queue. If the database
itself is away, the message is spooled to a file and read in as soon as it is back.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass

import structlog
from sqlalchemy import Select, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bot import events, triage, urgency
from bot.channels.base import Inbound
from bot.clinic.models import Clinic
from bot.counselling import service as counselling
from bot.db.engine import transaction
from bot.escalation.service import answer_staff, is_answer_to_a_page
from bot.handover.holds import is_held
from bot.messaging import consent, left_number, optout, spool, whose
from bot.messaging.models import Channel, Conversation, Kind, Message, Turn
from bot.messaging.reading import read
from bot.messaging.threads import add_inbound, find_or_open, say
from bot.photos import consent as photo_consent
from bot.photos.arrivals import expect
from bot.triage.keywords import Keyword
from bot.triage.types import PROBE_WHICH

log = structlog.get_logger(__name__)

MAX_BODY = 20_000  #: characters kept of one message; more than ten times what any carrier delivers


class UnknownClinic(Exception):
    """The message was sent to an address that belongs to no clinic here."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message. A duplicate was stored before and changes nothing."""

    message_id: str
    duplicate: bool


def receive(inbound: Inbound) -> Receipt:
    """Store and triage a message. Returns once it is safe, before it is answered.

    Raises UnknownClinic. When the record fails, the message is spooled and the receipt's id is empty.
    """
    try:
        return store(inbound)
    except UnknownClinic:
        raise
    except Exception:
        # however the record fails - away, read-only, out of connections - the message must not be lost
        spool.keep(asdict(inbound))
        log.exception("the record fails, message spooled", provider_id=inbound.provider_id)
        return Receipt("", False)


def store(inbound: Inbound) -> Receipt:
    """Store and triage a message. Raises UnknownClinic, and whatever the database raises when it fails."""
    with urgency.urgently():
        with suppress(Exception):  # what fails here fails again where it is dealt with
            triage.read_ahead(storable(inbound.body))
        try:
            receipt, message = _take_in(inbound, act=True)
        except (UnknownClinic, OperationalError):
            raise
        except Exception:
            # whatever went wrong in acting on the message, or the same message stored at the same moment by
            # another request: store it by itself, and the sweeper acts on what is left undone
            log.exception("a message could not be acted on at once", provider_id=inbound.provider_id)
            receipt, message = _take_in(inbound, act=False)
    if not receipt.duplicate:
        events.committed(message.clinic_id, message.conversation_id)
    return receipt


def _take_in(inbound: Inbound, *, act: bool) -> tuple[Receipt, Message]:
    with transaction() as session:
        message, duplicate = _store(session, inbound)
        if act and not duplicate:
            handle(session, message)
        return Receipt(message.id, duplicate), message


def _same(inbound: Inbound) -> Select[Message]:
    return select(Message).where(
        Message.channel == inbound.channel, Message.provider_id == inbound.provider_id
    )


def _store(session: Session, inbound: Inbound) -> tuple[Message, bool]:
    """The stored message, and whether it had been stored before under the same provider id."""
    before = session.scalars(_same(inbound)).first()
    if before is not None:
        return before, True
    clinic = _clinic(session, inbound)
    body = storable(inbound.body)
    conversation = find_or_open(session, clinic, inbound.channel, inbound.sender, first_words=body)
    message = add_inbound(
        session,
        conversation,
        inbound.channel,
        inbound.provider_id,
        body,
        media=list(inbound.media),
        turn=Turn.PENDING,
    )
    expect(session, message)
    return message, False


def storable(text: str) -> str:
    """`text` as both databases can hold it: no NUL, no halves of a character, not endless."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")[:MAX_BODY]


def _clinic(session: Session, inbound: Inbound) -> Clinic:
    column = Clinic.text_number if inbound.channel is Channel.SMS else Clinic.widget_key
    clinic = session.scalars(select(Clinic).where(column == inbound.to)).first()
    if clinic is None:
        raise UnknownClinic(f"no clinic here has the {inbound.channel.value} address {inbound.to!r}")
    return clinic


def handle(session: Session, message: Message) -> None:
    """Everything about a stored message that must be in the record before its sender hears from us."""
    conversation = message.conversation
    if _is_for_the_desk(conversation, message.body):
        message.kind, message.turn, message.assessed = Kind.STAFF, Turn.NOT_NEEDED, True
        answer_staff(session, conversation, message.body, message.id)
        return
    word = _keyword(conversation, message)  # by the question that was open when it came
    assessment = read(session, message, is_keyword=word is not None)
    whose.note_number(session, message)
    if word is not None:
        _answer_keyword(session, message, word)
    elif (
        optout.take_wrong_number(session, message, assessment)
        or _wants_no_answer(conversation, message)
        or is_held(session, conversation)  # a person answers
        or consent.take(session, message)
        or counselling.take(session, message)
        or photo_consent.take(session, message)
        or left_number.take(session, message, assessment)
    ):
        message.turn = Turn.NOT_NEEDED


def _wants_no_answer(conversation: Conversation, message: Message) -> bool:
    return message.channel is Channel.SMS and optout.is_opted_out(conversation)


def _is_for_the_desk(conversation: Conversation, text: str) -> bool:
    """Whether a text is a member of staff answering a page. Somebody who is a patient here as well is triaged
    like any patient, unless it reads like an answer to a page."""
    if conversation.staff_id is None:
        return False
    return conversation.patient_id is None or is_answer_to_a_page(text)


def _keyword(conversation: Conversation, message: Message) -> Keyword | None:
    if message.channel is not Channel.SMS or message.media:
        return None
    return optout.keyword(
        message.body,
        opted_out=optout.is_opted_out(conversation),
        # no keyword tells a sign from a score
        answering=conversation.open_question not in (None, PROBE_WHICH),
    )


def _answer_keyword(session: Session, message: Message, word: Keyword) -> None:
    conversation = message.conversation
    message.turn = Turn.NOT_NEEDED
    match word:
        case "stop":
            piece = optout.stop(session, conversation, message.id)
        case "start":
            piece = optout.start(session, conversation, message.id)
        case "help":
            piece = "optout.help"
    say(session, conversation, piece, Kind.NOTICE, in_reply_to_id=message.id, position=90)
