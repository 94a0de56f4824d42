"""Getting notifications that are not texts to people: one attempt at a time, written down before the notifier
is called and settled after. A crash in between leaves an attempt unsettled: where the other side can be asked
it is, otherwise the notification goes out once more. Towards phones that is at least once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.channels.base import CarrierError, OutcomeUnknown, Sent
from bot.db.engine import reading, transaction
from bot.escalation.models import Alert, Notification
from bot.messaging.models import Status
from bot.notify import outcome, rows
from bot.notify.base import Notice, Notifier
from bot.notify.compose import compose
from bot.notify.models import ContactKind, NotificationAttempt

logger = structlog.get_logger(__name__)

MAX_ATTEMPTS = 4
#: Seconds before the next attempt.
BACKOFF_S = (15, 60, 300)
#: How long a notifier that can be asked is asked what became of a notice before it counts as failed.
GIVE_UP_ASKING = timedelta(hours=1)

Notifiers = Mapping[ContactKind, Notifier]


@dataclass(frozen=True, slots=True)
class _Claim:
    notice: Notice
    kind: ContactKind
    attempt_id: str
    begun_before: datetime | None


def deliver(notification_id: str, notifiers: Notifiers) -> None:
    """Make the next attempt at `notification_id`, if it is due one. Safe to call again at any time."""
    claim = _claim(notification_id, notifiers)
    if claim is None:
        return
    notifier = notifiers.get(claim.kind)
    try:
        if notifier is None:
            raise CarrierError(f"{claim.kind.value} is not set up on this server", permanent=True)
        sent = _found(notifier, claim) or notifier.send(claim.notice)
    except CarrierError as error:
        _refused(notification_id, claim.attempt_id, str(error), permanent=error.permanent)
    except OutcomeUnknown:
        logger.warning("notifier outcome unknown", notification_id=notification_id, kind=claim.kind.value)
        if notifier is not None and notifier.can_look:
            _unknown(notification_id, claim.attempt_id)
        else:
            _refused(notification_id, claim.attempt_id, "no answer", permanent=False)
    except Exception as error:
        # not its text: libraries quote addresses, which may be secrets
        name = type(error).__name__
        logger.error("notifier failed", notification_id=notification_id, kind=claim.kind.value, error=name)
        _refused(notification_id, claim.attempt_id, f"failed ({name})", permanent=False)
    else:
        _settled(notification_id, claim.attempt_id, sent)


def _found(notifier: Notifier, claim: _Claim) -> Sent | None:
    """The record of an attempt whose end we did not see, unless another notification is known by it."""
    if claim.begun_before is None:
        return None
    for sent in notifier.find(claim.notice, claim.begun_before):
        with reading() as session:
            query = select(NotificationAttempt.id).where(NotificationAttempt.provider_id == sent.provider_id)
            if session.scalars(query).first() is None:
                return sent
    return None


def _claim(notification_id: str, notifiers: Notifiers) -> _Claim | None:
    """Take the notification for one attempt: write the attempt down before the notifier is called."""
    with transaction() as session:
        one = session.get_one(Notification, notification_id, with_for_update=True)
        now = clock.now()
        if one.status not in (Status.QUEUED, Status.SENDING) or (one.send_after or now) > now:
            return None
        reason = rows.moot(one)
        if reason is not None:
            one.status, one.error = Status.SUPPRESSED, reason
            return None
        if one.staff is not None and not one.staff.active:
            _fail(session, one, "has left the clinic")
            return None
        notice = compose(session, one)
        if notice is None:
            _fail(session, one, "the contact method was removed, or there is no phone")
            return None
        open_one = _unsettled(session, one.id)
        notifier = notifiers.get(one.kind)
        begun_before = open_one.created_at if open_one and notifier and notifier.can_look else None
        if open_one is not None and begun_before is None:
            open_one.settled_at, open_one.error = now, "the process ended during it"
            open_one = None
        if open_one is None:
            one.attempts += 1
            open_one = NotificationAttempt(
                clinic_id=one.clinic_id, notification_id=one.id, number=one.attempts
            )
            session.add(open_one)
        one.status = Status.SENDING
        session.flush()
        return _Claim(notice, one.kind, open_one.id, begun_before)


def _unsettled(session: Session, notification_id: str) -> NotificationAttempt | None:
    return session.scalars(
        select(NotificationAttempt).where(
            NotificationAttempt.notification_id == notification_id, NotificationAttempt.settled_at.is_(None)
        )
    ).first()


def _settled(notification_id: str, attempt_id: str, sent: Sent) -> None:
    with transaction() as session:
        one = session.get_one(Notification, notification_id, with_for_update=True)
        attempt = session.get_one(NotificationAttempt, attempt_id)
        if attempt.settled_at is not None:
            return  # a report on it overtook us
        attempt.settled_at, attempt.provider_id = clock.now(), sent.provider_id[:64]
        if one.status is Status.SENDING:
            delivered = sent.status is Status.DELIVERED
            one.status = Status.DELIVERED if delivered else Status.SENT
            if one.contact_method is not None and one.kind is not ContactKind.VOICE:
                one.contact_method.error = ""  # nobody will tell more; a call tells how it ended
            if delivered:
                outcome.reached(session, one)
    _changed(one)


def _refused(notification_id: str, attempt_id: str, error: str, *, permanent: bool) -> None:
    with transaction() as session:
        one = session.get_one(Notification, notification_id, with_for_update=True)
        attempt = session.get_one(NotificationAttempt, attempt_id)
        if attempt.settled_at is not None:
            return
        attempt.settled_at, attempt.error = clock.now(), error[:200]
        if one.status is Status.SENDING:
            again_or_fail(session, one, error, tries=1 if permanent else MAX_ATTEMPTS)
    _changed(one)


def again_or_fail(session: Session, one: Notification, error: str, *, tries: int) -> None:
    """It did not work this time: once more in a while, or, after `tries` attempts, never."""
    if one.attempts >= tries:
        _fail(session, one, error)
        return
    one.status, one.error = Status.QUEUED, error[:200]
    wait = BACKOFF_S[min(one.attempts, len(BACKOFF_S)) - 1]
    one.send_after = clock.now() + timedelta(seconds=wait)


def _fail(session: Session, one: Notification, error: str) -> None:
    one.status, one.error = Status.FAILED, error[:200]
    session.flush()
    outcome.failed(session, one, error)


def _unknown(notification_id: str, attempt_id: str) -> None:
    """Ask again in a moment; after an hour of not knowing it has failed."""
    with transaction() as session:
        one = session.get_one(Notification, notification_id, with_for_update=True)
        attempt = session.get_one(NotificationAttempt, attempt_id)
        if one.status is not Status.SENDING or attempt.settled_at is not None:
            return
        if clock.now() - attempt.created_at > GIVE_UP_ASKING:
            attempt.settled_at, attempt.error = clock.now(), "outcome unknown"
            _fail(session, one, "outcome unknown")
        else:
            one.send_after = clock.now() + timedelta(seconds=BACKOFF_S[0])
    _changed(one)


def _changed(one: Notification) -> None:
    with reading() as session:
        alert = session.get_one(Alert, one.alert_id)
    events.committed(alert.clinic_id, alert.conversation_id)
