"""What waits, read from the record: everything that is due and not done, in all clinics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from bot.auditor.decide import RECENT, Due, Known
from bot.auditor.models import Incident, Neglect
from bot.clinic.models import Clinic
from bot.escalation.models import Alert, AlertStatus, Notification
from bot.followup.models import OPEN, CheckIn
from bot.messaging.models import Channel, DeliveryAttempt, Direction, Kind, Message, Status, Turn
from bot.notify.models import NotificationAttempt
from bot.oncall.roster import nobody_on_call

#: So many rows of each kind are looked at, the oldest first; what is behind them comes next time.
BATCH = 500
#: How long before nobody is on call people are told of it: time enough to find somebody.
SIGHT = timedelta(days=1)
_UNSENT = (Status.QUEUED, Status.SENDING)


def due(session: Session, now: datetime) -> list[Due]:
    """Every row that should have been dealt with by `now`."""
    found: list[Due] = []
    for source in (_alerts, _unread, _unanswered, _check_ins, _texts, _notifications, _gaps):
        found += source(session, now)
    return found


def _alerts(session: Session, now: datetime) -> Iterator[Due]:
    # an alert that is not closed always has a next step; without one it would be silent for ever
    since = func.coalesce(Alert.next_step_at, Alert.created_at)
    rows = session.execute(
        select(Alert.id, Alert.clinic_id, Alert.next_step_at, Alert.created_at)
        .where(Alert.status != AlertStatus.CLOSED)
        .where(or_(Alert.next_step_at.is_(None), Alert.next_step_at <= now))
        .order_by(since)
        .limit(BATCH)
    )
    for row_id, clinic_id, next_step_at, created_at in rows:
        yield Due(Neglect.ALERT_STEP, row_id, clinic_id, next_step_at or created_at)


def _unread(session: Session, _now: datetime) -> Iterator[Due]:
    waits = (Message.direction == Direction.IN) & Message.assessed.is_(False)
    return _messages(session, Neglect.NOT_ASSESSED, waits)


def _unanswered(session: Session, _now: datetime) -> Iterator[Due]:
    waits = (Message.turn == Turn.PENDING) & Message.assessed.is_(True)
    return _messages(session, Neglect.NOT_ANSWERED, waits)


def _messages(session: Session, neglect: Neglect, waits: ColumnElement[bool]) -> Iterator[Due]:
    rows = session.execute(
        select(Message.id, Message.clinic_id, Message.created_at)
        .where(waits)
        .order_by(Message.id)
        .limit(BATCH)
    )
    for row_id, clinic_id, created_at in rows:
        yield Due(neglect, row_id, clinic_id, created_at)


def _check_ins(session: Session, now: datetime) -> Iterator[Due]:
    rows = session.execute(
        select(CheckIn.id, CheckIn.clinic_id, CheckIn.next_step_at)
        .where(CheckIn.status.in_(OPEN), CheckIn.next_step_at <= now)
        .order_by(CheckIn.next_step_at)
        .limit(BATCH)
    )
    for row_id, clinic_id, since in rows:
        if since is not None:
            yield Due(Neglect.CHECK_IN, row_id, clinic_id, since)


def _texts(session: Session, now: datetime) -> Iterator[Due]:
    hangs = (DeliveryAttempt.message_id == Message.id) & DeliveryAttempt.settled_at.is_(None)
    rows = session.execute(
        select(Message.id, Message.clinic_id, Message.send_after, DeliveryAttempt.created_at, Message.kind)
        .outerjoin(DeliveryAttempt, hangs)
        .where(Message.channel == Channel.SMS, Message.status.in_(_UNSENT))
        .where(or_(Message.send_after <= now, DeliveryAttempt.id.is_not(None)))
        .order_by(Message.send_after)
        .limit(BATCH)
    )
    for row_id, clinic_id, send_after, begun, kind in rows:
        since = _since(send_after, begun)
        yield Due(Neglect.TEXT, row_id, clinic_id, since, urgent=kind in (Kind.PAGE, Kind.SAFETY))


def _notifications(session: Session, now: datetime) -> Iterator[Due]:
    hangs = (NotificationAttempt.notification_id == Notification.id) & NotificationAttempt.settled_at.is_(
        None
    )
    rows = session.execute(
        select(
            Notification.id, Notification.clinic_id, Notification.send_after, NotificationAttempt.created_at
        )
        .outerjoin(NotificationAttempt, hangs)
        .where(Notification.status.in_(_UNSENT))
        .where(or_(Notification.send_after <= now, NotificationAttempt.id.is_not(None)))
        .order_by(Notification.send_after)
        .limit(BATCH)
    )
    for row_id, clinic_id, send_after, begun in rows:
        yield Due(Neglect.NOTIFICATION, row_id, clinic_id, _since(send_after, begun))


def _gaps(session: Session, now: datetime) -> Iterator[Due]:
    for clinic_id in session.scalars(select(Clinic.id).order_by(Clinic.id)).all():
        for begins, _ends in nobody_on_call(session, clinic_id, now, SIGHT)[:1]:
            yield Due(Neglect.NOBODY_ON_CALL, clinic_id, clinic_id, begins - SIGHT)


def _since(send_after: datetime | None, begun: datetime | None) -> datetime:
    """Since when a row waits: one that hangs is looked up again and again, and put off each time."""
    known = [moment for moment in (send_after, begun) if moment is not None]
    return min(known)  # one of them made the row be found


def known(session: Session, now: datetime) -> list[Known]:
    """Incidents that are open, or were resolved or told of a short time ago."""
    rows = session.scalars(
        select(Incident).where(
            or_(
                Incident.resolved_at.is_(None),
                Incident.resolved_at > now - RECENT,
                Incident.paged_at > now - RECENT,
            )
        )
    )
    return [
        Known(one.kind, one.row_id, one.clinic_id, one.created_at, one.repairs, one.paged_at, one.resolved_at)
        for one in rows
    ]
