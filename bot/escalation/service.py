"""What people do with alerts: acknowledge, note, close. Each in its own transaction."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.audit import trail
from bot.audit.chain import Entry
from bot.clinic.models import Staff
from bot.db.engine import reading, transaction
from bot.escalation.alerts import locked, log, page, words
from bot.escalation.models import (
    ON_IT,
    Alert,
    AlertEvent,
    AlertStatus,
    EventKind,
    Notification,
    Outcome,
)
from bot.escalation.policy import Policy, next_action
from bot.messaging.models import Conversation, Kind, Message
from bot.messaging.threads import say
from bot.notify import rows


class CloseRefused(Exception):
    """An alert cannot be closed this way; the text says why and what to do."""


def acknowledge(alert_id: str, staff_id: str | None, via: str) -> bool:
    """`staff_id` takes the alert, or the fall-back phone does (None). False when somebody already has, or it
    is closed. What the fall-back phone has, anybody with a name can take over.

    Everybody else who was paged is told, so that nobody keeps running.
    """
    with transaction() as session:
        alert = locked(session, alert_id)
        taken = take(session, alert, staff_id, via)
    events.committed(alert.clinic_id, alert.conversation_id)
    return taken


def take(session: Session, alert: Alert, staff_id: str | None, via: str) -> bool:
    """`acknowledge` inside the caller's transaction, which has locked the alert."""
    if alert.status is not AlertStatus.OPEN and not (alert.with_fallback and staff_id):
        return False
    alert.status = AlertStatus.ACKNOWLEDGED
    alert.acknowledged_at, alert.acknowledged_by_id = clock.now(), staff_id
    rows.cancel(session, alert, "somebody has taken it")
    log(session, alert, EventKind.ACKNOWLEDGED, staff_id=staff_id, detail=via)
    subject, how = ("alert", alert.id), {"via": via}
    kind = "staff" if staff_id else "nobody"
    trail.record(session, Entry("alert.acknowledge", kind, staff_id or "", subject, alert.clinic_id, how))
    # the first reminder is one interval away, not now
    alert.next_step_at = None
    policy = Policy.from_json(alert.policy)
    decided = next_action(alert.status, alert.steps_taken, None, policy, clock.now())
    alert.next_step_at = getattr(decided, "next_at", None)
    others = session.scalars(
        select(Staff.id)
        .join(Notification, Notification.staff_id == Staff.id)
        .where(Notification.alert_id.in_(rows.with_joined(alert)), Notification.purpose != "bundle")
        .where(Staff.id != (staff_id or ""), Staff.active.is_(True))
        .distinct()
    ).all()
    for other in others:
        # the patient was told that the lead will phone: the two must agree who does
        piece = "staff.lead_taken" if other in policy.leads else "staff.someone_else"
        page(session, alert, other, piece, EventKind.INFORMED)
    return True


def add_note(alert_id: str, staff_id: str, text: str) -> None:
    """Write what somebody did or found to the timeline. Blank notes are ignored."""
    if not text.strip():
        return
    with transaction() as session:
        alert = session.get_one(Alert, alert_id).standing
        log(session, alert, EventKind.NOTE, staff_id=staff_id, detail=text.strip())
    events.committed(alert.clinic_id, alert.conversation_id)


def close(alert_id: str, staff_id: str, outcome: Outcome, note: str) -> None:
    """A named person ends the alert with an outcome and what was done. Raises CloseRefused."""
    if not note.strip():
        raise CloseRefused("Say in a few words what was done before you close the alert.")
    with reading() as session:
        seen = _newest_sign(session, alert_id)
    with transaction() as session:
        alert = session.get_one(Alert, alert_id, with_for_update=True)
        if alert.joined_into_id is not None:
            raise CloseRefused("This alert is part of another of the same patient now. Read that one first.")
        if alert.status is AlertStatus.CLOSED:
            raise CloseRefused("This alert is closed already.")
        if _newest_sign(session, alert_id) != seen:
            raise CloseRefused("The patient has just written again. Read that first, then close the alert.")
        if alert.acknowledged_at is None:
            alert.acknowledged_at, alert.acknowledged_by_id = clock.now(), staff_id
        alert.status, alert.outcome, alert.close_note = AlertStatus.CLOSED, outcome, note.strip()
        alert.closed_at, alert.closed_by_id, alert.next_step_at = clock.now(), staff_id, None
        rows.cancel(session, alert, "the alert is closed")
        log(session, alert, EventKind.CLOSED, staff_id=staff_id, detail=f"{outcome.value}: {note.strip()}")
    events.committed(alert.clinic_id, alert.conversation_id)


def _newest_sign(session: Session, alert_id: str) -> str | None:
    """The newest sign in the alert's timeline, to tell whether one came, or another alert, in between."""
    return session.scalars(
        select(AlertEvent.id)
        .where(
            AlertEvent.alert_id == alert_id,
            AlertEvent.kind.in_([EventKind.PATIENT_WROTE, EventKind.JOINED]),
        )
        .order_by(AlertEvent.id.desc())
        .limit(1)
    ).first()


_REPLY = re.compile(r"^\s*(?:ack|ok|tomo|asumo)?\s*#?(\d{2,5})\s*[.!]?\s*$", re.IGNORECASE)
_BARE = re.compile(r"^\s*(?:ack|tomo|asumo)\s*[.!]?\s*$", re.IGNORECASE)
_ON_IT = re.compile(r"^\s*(?:on it|estoy en ello)\s*#?(\d{2,5})?\s*[.!]?\s*$", re.IGNORECASE)
#: So many texts of one person that mean nothing to us are answered within the window; then we are silent, so
#: that two machines do not text each other for ever. Codes are acted on all the same.
PASSIVE_REPLIES, PASSIVE_WINDOW = 5, timedelta(minutes=15)


def answer_staff(session: Session, conversation: Conversation, text: str, message_id: str) -> None:
    """Act on what a member of staff texted, and answer it, inside the caller's transaction.

    "ACK 47", "47", or a bare "ACK" when only one alert is waiting for somebody. "ON IT", or the code again,
    says that the sender is still busy with what they took.
    """
    staff = session.get_one(Staff, conversation.staff_id)
    alert = _alert_meant(session, staff, text)
    if alert is None:
        if _answered_enough(session, conversation):
            return
        match = _REPLY.match(text) or _ON_IT.match(text)
        code = match[1] if match else None
        piece = "staff.unknown_code" if code else "staff.help"
        say(
            session,
            conversation,
            piece,
            Kind.PAGE,
            extra={"code": code or ""},
            in_reply_to_id=message_id,
            position=0,
        )
        return
    mine = alert.status is AlertStatus.ACKNOWLEDGED and alert.acknowledged_by_id == staff.id
    if take(session, alert, staff.id, "sms"):
        piece = "staff.acked"
    elif mine:  # a sign of life: reminders are heeded
        log(session, alert, EventKind.NOTE, staff_id=staff.id, message_id=message_id, detail=ON_IT)
        piece = "staff.still_yours"
    else:
        piece = "staff.closed" if alert.status is AlertStatus.CLOSED else "staff.already"
    match = _REPLY.match(text) or _ON_IT.match(text)
    extra = words(session, alert, staff.language)
    extra["code"] = match[1] if match and match[1] else alert.code  # of the two of a joined alert, theirs
    if alert.status is AlertStatus.CLOSED and alert.closed_by:
        extra["name"] = alert.closed_by.name
    say(session, conversation, piece, Kind.PAGE, extra=extra, in_reply_to_id=message_id, position=0)


def is_answer_to_a_page(text: str) -> bool:
    """Whether `text` reads like one: "ACK 47", "47", "ack"."""
    return bool(_REPLY.match(text) or _BARE.match(text) or _ON_IT.match(text))


def _answered_enough(session: Session, conversation: Conversation) -> bool:
    answered = session.scalar(
        select(func.count()).where(
            Message.conversation_id == conversation.id,
            Message.content_id.in_(["staff.help", "staff.unknown_code"]),
            Message.created_at > clock.now() - PASSIVE_WINDOW,
        )
    )
    return (answered or 0) >= PASSIVE_REPLIES


def _alert_meant(session: Session, staff: Staff, text: str) -> Alert | None:
    query = select(Alert).where(Alert.clinic_id == staff.clinic_id).order_by(Alert.id.desc())
    on_it = _ON_IT.match(text)
    if on_it and not on_it[1]:
        held = query.where(Alert.status == AlertStatus.ACKNOWLEDGED, Alert.acknowledged_by_id == staff.id)
        mine = session.scalars(held.with_for_update()).all()
        return mine[0] if len(mine) == 1 else None
    if match := on_it or _REPLY.match(text):
        found = session.scalars(query.where(Alert.code == match[1])).first()
        return locked(session, found.id) if found is not None else None
    if _BARE.match(text):
        waiting = session.scalars(query.where(Alert.status == AlertStatus.OPEN).with_for_update()).all()
        return waiting[0] if len(waiting) == 1 else None
    return None
