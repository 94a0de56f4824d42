"""Getting stored messages to people: one attempt at a time, recorded before and after, never twice.

A crash between handing over and recording leaves an attempt unsettled. Before anything is sent again, the
carrier is asked whether it has the message (`lessons.md` C2: carriers offer no idempotency key).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.channels.base import Carrier, CarrierError, Outbound, OutcomeUnknown, Sent
from bot.db.engine import reading, transaction
from bot.followup.changes import phone_from_now_on
from bot.followup.hours import texting_hours
from bot.links.tokens import fill as fill_links
from bot.messaging import optout
from bot.messaging.models import Channel, Conversation, DeliveryAttempt, Kind, Message, Status
from bot.messaging.threads import WITH_PEOPLE, note_status
from bot.notify import outcome
from bot.notify.rows import moot_text, of_text
from bot.records.models import TaskKind
from bot.records.tasks import open_task

logger = structlog.get_logger(__name__)

MAX_ATTEMPTS = 4
#: Seconds before the next attempt; pages try again sooner, and the next person is paged meanwhile anyway.
BACKOFF_S = (15, 60, 300)
#: What could not go out for this long would confuse more than help; a check-in may have to wait for morning.
TOO_OLD = {Kind.REPLY: timedelta(hours=12), Kind.CHECK_IN: timedelta(hours=24)}
#: How long a carrier is asked what became of a message before it counts as failed.
GIVE_UP_ASKING = timedelta(hours=1)
#: The carrier's own list says that this person opted out (Twilio 21610).
OPTED_OUT_AT_CARRIER = "21610"
#: This number takes no texts: a landline (Twilio 30006, 21614).
LANDLINE = ("30006", "21614")
#: What may still be texted to somebody who opted out: answers to an emergency, and the one confirmation.
_DESPITE_OPT_OUT = frozenset({Kind.SAFETY, Kind.NOTICE, Kind.PAGE})
#: What comes unasked keeps to the hours in which patients may be texted.
_UNASKED = frozenset({Kind.CHECK_IN, Kind.RECALL})

_ORDER = {Status.QUEUED: 0, Status.SENDING: 1, Status.SENT: 2, Status.DELIVERED: 3, Status.FAILED: 3}


def forward(current: Status, reported: Status) -> bool:
    """Whether a carrier's report moves a message forward. Reports come late, twice and out of order."""
    return current in _ORDER and _ORDER[reported] > _ORDER[current]


@dataclass(frozen=True, slots=True)
class _Claim:
    outbound: Outbound
    attempt_id: str
    begun_before: datetime | None


def deliver(message_id: str, carrier: Carrier) -> None:
    """Make the next attempt at sending `message_id`, if it is due one. Safe to call again at any time."""
    claim = _claim(message_id)
    if claim is None:
        return
    try:
        sent = _found(carrier, claim) or carrier.send(claim.outbound)
    except CarrierError as error:
        _refused(message_id, claim.attempt_id, str(error), error.code, permanent=error.permanent)
    except OutcomeUnknown:
        logger.warning("carrier outcome unknown, will look it up", message_id=message_id)
        _unknown(message_id, claim.attempt_id)
    else:
        _settled(message_id, claim.attempt_id, sent)


def _found(carrier: Carrier, claim: _Claim) -> Sent | None:
    """The carrier's record of an attempt whose end we did not see. An equal text that we sent at another time
    is another message."""
    if claim.begun_before is None:
        return None
    sent = carrier.find(claim.outbound, claim.begun_before)
    if sent is None:
        return None
    with reading() as session:
        taken = session.scalars(
            select(Message.id).where(Message.channel == Channel.SMS, Message.provider_id == sent.provider_id)
        ).first()
    return sent if taken is None else None


def _claim(message_id: str) -> _Claim | None:
    """Take the message for one attempt: write the attempt down before the carrier is called."""
    with transaction() as session:
        message = session.get_one(Message, message_id, with_for_update=True)
        now = clock.now()
        if message.status not in (Status.QUEUED, Status.SENDING) or (message.send_after or now) > now:
            return None
        # read once the message is held: who has opted out by now gets nothing
        thread = session.get_one(Conversation, message.conversation_id, options=WITH_PEOPLE)
        reason = _reason_not_to(session, message, now)
        if reason is not None:
            optout.suppress(session, message, reason)
            return None
        patient = thread.patient
        if message.kind in _UNASKED and patient is not None:
            allowed = texting_hours(patient.clinic, patient.time_zone).allowed_from(now)
            if allowed > now:
                message.send_after = allowed
                return None
        unsettled = _unsettled(session, message) if message.attempts else None
        begun_before = unsettled.created_at if unsettled else None
        if unsettled is None:
            message.attempts += 1
            unsettled = DeliveryAttempt(
                clinic_id=message.clinic_id, message_id=message.id, number=message.attempts
            )
            session.add(unsettled)
        if message.status is Status.QUEUED:
            message.status = Status.SENDING
            note_status(session, message)
        session.flush()
        outbound = Outbound(message.id, thread.clinic.text_number, thread.address, fill_links(message.body))
        return _Claim(outbound, unsettled.id, begun_before)


def _unsettled(session: Session, message: Message) -> DeliveryAttempt | None:
    """The attempt whose end we did not see."""
    return session.scalars(
        select(DeliveryAttempt).where(
            DeliveryAttempt.message_id == message.id, DeliveryAttempt.settled_at.is_(None)
        )
    ).first()


def _reason_not_to(session: Session, message: Message, now: datetime) -> str | None:
    if message.kind not in _DESPITE_OPT_OUT and optout.is_opted_out(message.conversation):
        return "opted out"
    if message.kind in TOO_OLD and now - message.created_at > TOO_OLD[message.kind]:
        return "too old to send"
    return moot_text(session, message) if message.kind is Kind.PAGE else None


def _settled(message_id: str, attempt_id: str, sent: Sent) -> None:
    with transaction() as session:
        message = session.get_one(Message, message_id, with_for_update=True)
        attempt = session.get_one(DeliveryAttempt, attempt_id)
        attempt.settled_at, attempt.provider_id = clock.now(), sent.provider_id
        message.provider_id = sent.provider_id
        # the carrier has it, whatever it calls that: "queued" there is not "queued" here
        status = sent.status if _ORDER.get(sent.status, 0) > _ORDER[Status.SENT] else Status.SENT
        if forward(message.status, status):
            message.status = status
            note_status(session, message)
        _tell_alert(session, message)
    events.committed(message.clinic_id, message.conversation_id)


def _refused(message_id: str, attempt_id: str, error: str, code: str, *, permanent: bool) -> None:
    """The carrier said no: try again later, or give up and make sure that a person knows."""
    with transaction() as session:
        message = session.get_one(Message, message_id, with_for_update=True)
        attempt = session.get_one(DeliveryAttempt, attempt_id)
        attempt.settled_at = clock.now()
        attempt.error, attempt.error_code = error[:200], code
        message.error = f"{code} {error}".strip()[:200]
        if permanent or message.attempts >= MAX_ATTEMPTS:
            _fail(session, message)
        else:
            message.status = Status.QUEUED
            message.send_after = clock.now() + timedelta(seconds=BACKOFF_S[message.attempts - 1])
            note_status(session, message, message.error)
    events.committed(message.clinic_id, message.conversation_id)


def _fail(session: Session, message: Message) -> None:
    """Final. A page that failed must not cost its waiting time: the next person is paged at once."""
    message.status = Status.FAILED
    note_status(session, message, message.error)
    if message.kind is Kind.PAGE:
        _tell_alert(session, message)
        return
    if OPTED_OUT_AT_CARRIER in (message.error or ""):
        if not optout.is_opted_out(message.conversation):
            optout.stop(session, message.conversation, None)
        if message.kind is Kind.NOTICE:
            return  # the carrier confirmed the STOP itself, and ours came second
    patient = message.conversation.patient
    if patient is not None and any(code in (message.error or "") for code in LANDLINE):
        phone_from_now_on(session, patient.id, "the number takes no texts")
    open_task(
        session,
        TaskKind.NOT_DELIVERED,
        message.id,
        message.conversation,
        note=message.error or "",
        message_id=message.id,
    )


def _unknown(message_id: str, attempt_id: str) -> None:
    """Look the message up in a moment; after an hour of not knowing, a person must."""
    with transaction() as session:
        message = session.get_one(Message, message_id, with_for_update=True)
        attempt = session.get_one(DeliveryAttempt, attempt_id)
        if clock.now() - attempt.created_at > GIVE_UP_ASKING:
            attempt.settled_at, attempt.error = clock.now(), "outcome unknown"
            message.error = "outcome unknown"
            _fail(session, message)
        else:
            message.send_after = clock.now() + timedelta(seconds=BACKOFF_S[0])


def _tell_alert(session: Session, message: Message) -> None:
    """Write a page's delivery to the timeline of each alert that it stands for, and hurry their next steps
    when it failed."""
    if message.kind is not Kind.PAGE or message.status not in (Status.DELIVERED, Status.FAILED):
        return
    for page in of_text(session, message):
        if message.status is Status.FAILED:
            outcome.failed(session, page, message.error or "")
        else:
            outcome.reached(session, page)


def update_status(
    provider_id: str, status: Status, *, error_code: str = "", channel: Channel = Channel.SMS
) -> bool:
    """Take in a carrier's status report. Only forward moves count; False when the id is not ours."""
    with transaction() as session:
        message = session.scalars(
            select(Message)
            .where(Message.channel == channel, Message.provider_id == provider_id)
            .with_for_update()
        ).first()
        if message is None:
            return False
        if not forward(message.status, status):
            return True
        message.status = status
        message.error = error_code or message.error
        if status is Status.FAILED:
            _fail(session, message)
        else:
            note_status(session, message)
            _tell_alert(session, message)
    events.committed(message.clinic_id, message.conversation_id)
    return True
