"""What must be true of a record however a clinic's days went. Each gives its violations, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clinic.models import Clinic, Consent, ConsentPurpose, Patient
from bot.escalation.models import Alert, EventKind
from bot.followup.hours import texting_hours
from bot.followup.models import OPEN, CheckIn, CheckInStatus
from bot.messaging.consent import AT_THE_CLINIC
from bot.messaging.models import Conversation, Direction, Kind, Message, MessageEvent, Status
from bot.protocols.catalogue import catalogue
from bot.protocols.lint import DISCREET_PIECES, locked_screen_words

#: Check-ins as they are texted.
_CHECK_INS = ("checkin.open", "checkin.intro", "checkin.reminder")
#: Texts that nobody asked for: the crowd is enrolled by another system, with no patient there to be welcomed.
_UNASKED = (*_CHECK_INS, "enrol.welcome", "enrol.welcome_back")
_OUT = (Status.SENT, Status.DELIVERED)


def _sent(session: Session, *content_ids: str) -> Iterator[tuple[Message, Patient, datetime]]:
    """Texts that went out, to whom, and when they were handed to the carrier."""
    rows = session.execute(
        select(Message, Patient)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Patient, Patient.id == Message.patient_id)
        .where(
            Message.direction == Direction.OUT, Message.status.in_(_OUT), Message.content_id.in_(content_ids)
        )
    )
    handed = dict(
        session.execute(
            select(MessageEvent.message_id, MessageEvent.created_at).where(
                MessageEvent.status == Status.SENDING
            )
        ).all()
    )
    for message, patient in rows:
        yield message, patient, handed.get(message.id, message.created_at)


def no_text_outside_hours(session: Session, _now: datetime) -> Iterator[str]:
    """Unasked texts go out only within the clinic's hours on the patient's clock."""
    clinic = session.scalars(select(Clinic)).one()
    for message, patient, at in _sent(session, *_UNASKED):
        hours = texting_hours(clinic, patient.time_zone)
        if hours.allowed_from(at) > at:
            yield f"{message.content_id} at {at.isoformat()} for {patient.time_zone}"


def none_after_stop(session: Session, _now: datetime) -> Iterator[str]:
    """After STOP nothing goes out but its confirmation and answers to an emergency."""
    refused = {
        row.patient_id: row.created_at
        for row in session.scalars(
            select(Consent).where(
                Consent.purpose == ConsentPurpose.AFTERCARE_TEXTS, Consent.granted.is_(False)
            )
        )
        if row.wording_version.startswith("optout.")
    }
    rows = session.scalars(
        select(Message).where(
            Message.direction == Direction.OUT,
            Message.status.in_(_OUT),
            Message.patient_id.in_(refused),
            Message.kind.not_in([Kind.SAFETY, Kind.NOTICE, Kind.PAGE]),
        )
    )
    for message in rows:
        if message.created_at > refused[message.patient_id or ""]:
            yield f"{message.content_id} at {message.created_at.isoformat()}"


def none_twice(session: Session, _now: datetime) -> Iterator[str]:
    """A check-in opens once and is reminded of once."""
    counted: Counter[tuple[str | None, str | None]] = Counter(
        (message.check_in_id, message.content_id) for message, _, _ in _sent(session, *_CHECK_INS)
    )
    for (check_in_id, content_id), times in counted.items():
        if times > 1:
            yield f"{content_id} {times} times for check-in {check_in_id}"


def none_without_consent(session: Session, _now: datetime) -> Iterator[str]:
    """No check-in is texted before the patient has agreed by text."""
    agreed: dict[str, datetime] = {}
    for row in session.scalars(select(Consent).order_by(Consent.id)):
        if row.purpose is ConsentPurpose.AFTERCARE_TEXTS and row.granted and row.channel != AT_THE_CLINIC:
            agreed.setdefault(row.patient_id, row.created_at)
    for message, patient, at in _sent(session, *_CHECK_INS):
        if patient.id not in agreed or at < agreed[patient.id]:
            yield f"{message.content_id} at {at.isoformat()}"


def nothing_private_unasked(session: Session, _now: datetime) -> Iterator[str]:
    """What comes unasked names no treatment, part of the body or symptom."""
    products = {product.name.lower() for product in catalogue().products.values()}
    for message, _, _ in _sent(session, *DISCREET_PIECES):
        found = locked_screen_words(message.body) or [p for p in products if p in message.body.lower()]
        if found:
            yield f"{message.content_id}: {found[0]}"


def every_check_in_ends(session: Session, now: datetime) -> Iterator[str]:
    """What was due two days ago is settled, one way or another, with a reason where it was not answered."""
    for check_in in session.scalars(select(CheckIn)):
        overdue = (now - check_in.due_at).days >= 2
        if overdue and check_in.status in OPEN:
            yield f"day {check_in.day} is still {check_in.status.value}"
        unexplained = (CheckInStatus.BY_PHONE, CheckInStatus.COMBINED, CheckInStatus.CANCELLED)
        if check_in.status in unexplained and not check_in.reason:
            yield f"day {check_in.day} is {check_in.status.value} without a reason"


def every_alert_is_paged(session: Session, _now: datetime) -> Iterator[str]:
    """Every alert paged somebody, or says that nobody was there."""
    for alert in session.scalars(select(Alert).where(Alert.joined_into_id.is_(None))):
        kinds = {event.kind for event in alert.events}
        if not kinds & {EventKind.PAGED, EventKind.NOBODY_ON_CALL, EventKind.NAMES_NOBODY}:
            yield f"alert {alert.code} paged nobody"


INVARIANTS: tuple[Callable[[Session, datetime], Iterator[str]], ...] = (
    no_text_outside_hours,
    none_after_stop,
    none_twice,
    none_without_consent,
    nothing_private_unasked,
    every_check_in_ends,
    every_alert_is_paged,
)
