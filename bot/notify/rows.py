"""The rows behind a page: a person's methods, and what is cancelled when it is needed no more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from bot import clock
from bot.clinic.models import Staff
from bot.escalation.models import Alert, AlertStatus, Notification
from bot.messaging.models import Conversation, Message, Status
from bot.messaging.threads import note_status
from bot.notify.models import ContactKind, ContactMethod

#: Purposes of notifications that ask somebody to do something about the alert.
ASKING = ("take", "remind")
#: Handed over, or known to have arrived.
REACHED = (Status.SENT, Status.DELIVERED)
_FRESH = {"populate_existing": True}


def methods_of(session: Session, staff_id: str) -> list[ContactMethod]:
    """The contact methods that a person uses, in their order."""
    return list(
        session.scalars(
            select(ContactMethod)
            .where(
                ContactMethod.staff_id == staff_id,
                ContactMethod.active.is_(True),
                ContactMethod.removed_at.is_(None),
            )
            .order_by(ContactMethod.place, ContactMethod.id)
        )
    )


def text_number(session: Session, staff: Staff) -> str:
    """The number at which a person is texted; empty for somebody whose methods are all of other kinds."""
    methods = methods_of(session, staff.id)
    if not methods:
        return staff.phone or ""
    return next((method.address for method in methods if method.kind is ContactKind.SMS), "")


def with_joined(alert: Alert) -> list[str]:
    """The ids of `alert` and of what has become part of it."""
    return [alert.id, *(one.id for one in alert.joined)]


def _to(staff_id: str | None) -> ColumnElement[bool]:
    """The condition for what went to a person, or to the fall-back phone (None)."""
    return Notification.staff_id.is_(None) if staff_id is None else Notification.staff_id == staff_id


def next_step(session: Session, alert_id: str, staff_id: str | None) -> int:
    """The number of a person's next page about an alert, from 0."""
    last = session.scalar(
        select(func.max(Notification.step)).where(Notification.alert_id == alert_id, _to(staff_id))
    )
    return 0 if last is None else last + 1


def cancel(session: Session, alert: Alert, reason: str) -> None:
    """Call off what asks about `alert` and has not been handed over: it is taken, or closed.

    What is on its way to the person who took it goes out: it may tell of a sign that came a moment before.
    """
    query = select(Notification).where(
        Notification.alert_id.in_(with_joined(alert)), Notification.purpose.in_(ASKING)
    )
    now = clock.now()
    holder = alert.acknowledged_by_id if alert.status is AlertStatus.ACKNOWLEDGED else None
    needless = [
        one
        for one in session.scalars(query)
        if one.staff_id != holder or (_due(one) or now) > now or one.kind is ContactKind.VOICE
    ]
    _call_off(session, needless, reason)


def supersede(session: Session, alert: Alert, staff_id: str | None) -> int:
    """Call off what an earlier page of a person, or of the fall-back phone (None), would still send later:
    the new page starts afresh. Returns its number, as `next_step` does."""
    now = clock.now()
    query = select(Notification).where(Notification.alert_id.in_(with_joined(alert)), _to(staff_id))
    known = session.scalars(query).all()
    later = [
        one
        for one in known
        if one.purpose in ASKING
        and (_due(one) or now) > now
        and (one.kind is ContactKind.VOICE or not _attempts(one))
    ]
    _call_off(session, later, "paged again")
    return max((one.step + 1 for one in known if one.alert_id == alert.id), default=0)


def _due(one: Notification) -> datetime | None:
    return one.message.send_after if one.message else one.send_after


def _attempts(one: Notification) -> int:
    return one.message.attempts if one.message else one.attempts


def _call_off(session: Session, some: Iterable[Notification], reason: str) -> None:
    """Hold back those of `some` that still wait. What is just being handed over is locked, and left alone:
    waiting for it while the alert is locked could wait for ever."""
    waiting = list(some)
    texts = [one.message_id for one in waiting if one.message_id]
    others = [one.id for one in waiting if not one.message_id]
    if texts:
        query = select(Message).where(Message.id.in_(texts), Message.status == Status.QUEUED)
        for message in session.scalars(query.with_for_update(skip_locked=True), execution_options=_FRESH):
            message.status, message.error = Status.SUPPRESSED, reason
            note_status(session, message, reason)
    if others:
        own = select(Notification).where(Notification.id.in_(others), Notification.status == Status.QUEUED)
        for one in session.scalars(own.with_for_update(skip_locked=True), execution_options=_FRESH):
            one.status, one.error = Status.SUPPRESSED, reason


def moot(one: Notification) -> str | None:
    """Why a notification need not go out any more; None while it must."""
    alert = one.alert.standing
    if one.purpose == "inform":
        return None
    if alert.status is AlertStatus.CLOSED:
        return "the alert is closed"
    taken = alert.acknowledged_at
    by_another = (
        alert.acknowledged_by_id != one.staff_id or one.kind is ContactKind.VOICE or one.purpose == "bundle"
    )
    if one.purpose != "remind" and by_another and taken is not None and taken > one.created_at:
        return "somebody has taken it"
    return None


def of_text(session: Session, message: Message) -> list[Notification]:
    """What a text stands for: a page, several alerts, or nothing. In the order in which alerts are locked."""
    query = select(Notification).where(Notification.message_id == message.id)
    return list(session.scalars(query.order_by(Notification.alert_id)))


def moot_text(session: Session, message: Message) -> str | None:
    """`moot` for a text, all that it stands for together; None when it is no page."""
    reasons = [moot(one) for one in of_text(session, message)]
    return reasons[0] if reasons and all(reasons) else None


def thread_of(session: Session, one: Notification) -> Conversation:
    """The conversation with the fall-back phone that `one` went to: its number, its language, and whose it is
    if it is a member of staff's after all. A call to it always has a text beside it."""
    return next(page.message.conversation for page in siblings(session, one) if page.message)


def ever_reached(session: Session, alert: Alert) -> bool:
    """Whether a page that any step of `alert` wrote was handed over."""
    mine = select(Notification).where(
        Notification.alert_id.in_(with_joined(alert)), Notification.round_id.is_not(None)
    )
    return any(one.state in REACHED for one in session.scalars(mine))


def ends_the_newest_round(session: Session, alert: Alert, one: Notification) -> bool:
    """Whether `one`, which failed, was the last hope of the newest step of `alert`: everything that the step
    wrote, to whomever, has failed or was called off."""
    rounds = select(Notification.round_id).where(
        Notification.alert_id.in_(with_joined(alert)), Notification.round_id.is_not(None)
    )
    newest = session.scalars(rounds.order_by(Notification.round_id.desc()).limit(1)).first()
    if newest is None or newest != one.round_id:
        return False
    written = session.scalars(select(Notification).where(Notification.round_id == newest))
    return all(other.state in (Status.FAILED, Status.SUPPRESSED) for other in written)


def siblings(session: Session, one: Notification) -> list[Notification]:
    """All notifications of the page that `one` belongs to, itself included."""
    return list(
        session.scalars(
            select(Notification)
            .where(
                Notification.alert_id == one.alert_id,
                _to(one.staff_id),
                Notification.step == one.step,
            )
            .order_by(Notification.place)
        )
    )
