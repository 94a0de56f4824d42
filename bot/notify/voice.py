"""What the desk says on the phone, and what a key does. A carrier turns it into its own language.

Only a pressed key takes an alert: a voicemail that hears the words, and somebody who hangs up, take nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.db.engine import reading, transaction
from bot.escalation import service
from bot.escalation.alerts import hurry, locked, log, words_for
from bot.escalation.models import PASSED_ON, Alert, AlertStatus, EventKind, Notification
from bot.messaging.models import Status
from bot.notify import outcome, rows
from bot.notify.compose import said, spoken
from bot.notify.delivery import again_or_fail
from bot.notify.models import ContactKind, NotificationAttempt
from bot.protocols.phrases import Language, as_language

TAKE, AGAIN, PASS_ON = "4", "6", "9"
#: A call that nobody answers is made once more, then the text and the next person must do.
MAX_CALLS = 2


@dataclass(frozen=True, slots=True)
class Said:
    """What the caller hears next. `listen`: then wait for a key; otherwise hang up."""

    text: str
    language: Language
    listen: bool


def heard(notification_id: str, key: str = "") -> Said | None:
    """The call is answered (`key` ""), or a key was pressed. None: there is no such call, or its person has
    left the clinic."""
    with reading() as session:
        one = session.get(Notification, notification_id)
        who = _listener(session, one) if one is not None and one.kind is ContactKind.VOICE else None
        if one is None or who is None:
            return None
        alert_id, (staff_id, language) = one.alert_id, who
    if key:
        _reached(notification_id)
    took = key == TAKE and service.acknowledge(alert_id, staff_id, via="call")
    if key == PASS_ON:
        _pass_on(alert_id, staff_id)
    with reading() as session:
        one = session.get_one(Notification, notification_id)
        alert = one.alert.standing
        piece, listen = _answer(alert, staff_id, key, took)
        values = spoken(words_for(session, alert, one))
        if alert.status is AlertStatus.CLOSED and alert.closed_by:
            values["name"] = alert.closed_by.name
        return Said(said(piece, language, values), language, listen)


def _listener(session: Session, one: Notification) -> tuple[str | None, Language] | None:
    """Who hears the call, and their language; None for somebody who has left. The fall-back phone is nobody
    (None), unless its number is that of a member of staff."""
    if one.staff_id is None:
        thread = rows.thread_of(session, one)
        return thread.staff_id, as_language(thread.language)
    staff = one.staff
    return (staff.id, as_language(staff.language)) if staff is not None and staff.active else None


def _answer(alert: Alert, staff_id: str | None, key: str, took: bool) -> tuple[str, bool]:
    if alert.status is AlertStatus.CLOSED:
        return "staff.call_closed", False
    mine = alert.status is AlertStatus.ACKNOWLEDGED and alert.acknowledged_by_id == staff_id
    if took or (key == TAKE and mine):
        return "staff.call_taken", False
    with_another = alert.status is AlertStatus.ACKNOWLEDGED and alert.acknowledged_by_id != staff_id
    if with_another and not alert.with_fallback:  # from the fall-back phone anybody may take it
        return "staff.call_already", False
    if key in ("", AGAIN):
        return "staff.call", True
    return ("staff.call_passed", False) if key == PASS_ON else ("staff.call_wrong_key", True)


def _reached(notification_id: str) -> None:
    with transaction() as session:
        one = session.get_one(Notification, notification_id, with_for_update=True)
        if one.status in (Status.QUEUED, Status.SENDING, Status.SENT):
            one.status = Status.DELIVERED
            outcome.reached(session, one)


def _pass_on(alert_id: str, staff_id: str | None) -> None:
    """The next person is paged at once. Whoever passes on an alert that they have taken keeps it."""
    with transaction() as session:
        alert = locked(session, alert_id)
        if alert.status is AlertStatus.OPEN:
            log(session, alert, EventKind.PAGE_FAILED, staff_id=staff_id, detail=PASSED_ON)
            hurry(alert)
    events.committed(alert.clinic_id, alert.conversation_id)


def ended(notification_id: str, call_id: str, *, answered: bool, why: str = "") -> bool:
    """The carrier says how a call ended. `answered`: by a person; `why` says otherwise, in a few words.
    Reports come late and twice; one about an earlier call changes nothing. False: the call is not ours."""
    with transaction() as session:
        one = session.get(Notification, notification_id, with_for_update=True)
        if one is None or one.kind is not ContactKind.VOICE:
            return False
        attempt = _attempt(session, one, call_id)
        if attempt is None:
            return False
        if attempt.settled_at is None:  # the report overtook our own record of the call
            attempt.settled_at, attempt.provider_id = clock.now(), call_id
        if attempt.number == one.attempts and one.status in (Status.SENDING, Status.SENT):
            if answered:
                one.status = Status.DELIVERED
                outcome.reached(session, one, "no key pressed")
            else:
                attempt.error = why[:200]
                again_or_fail(session, one, why, tries=MAX_CALLS)
        alert = one.alert
    events.committed(alert.clinic_id, alert.conversation_id)
    return True


def _attempt(session: Session, one: Notification, call_id: str) -> NotificationAttempt | None:
    """The attempt that this call was: by its id, or the one whose end we have not seen yet."""
    query = select(NotificationAttempt).where(NotificationAttempt.notification_id == one.id)
    attempts = session.scalars(query.order_by(NotificationAttempt.number)).all()
    known = [attempt for attempt in attempts if attempt.provider_id == call_id]
    unsettled = [attempt for attempt in attempts if attempt.settled_at is None]
    return next(iter(known or unsettled), None)
