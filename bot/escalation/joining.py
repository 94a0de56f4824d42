"""Two open alerts turn out to be one patient's: the younger becomes part of the older, as if what is in it
had been written there. Inside the caller's transaction, which has locked both."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.clinic.models import Staff
from bot.escalation.alerts import log, page, page_anew, refresh, take_step, tell_leads
from bot.escalation.models import Alert, AlertEvent, AlertStatus, EventKind, Notification
from bot.escalation.policy import Policy
from bot.notify import rows
from bot.triage.types import Tier


def join(session: Session, alert: Alert, other: Alert, patient_id: str | None) -> None:
    """Make `other` part of `alert`, which is `patient_id`'s.

    The most urgent tier wins. Of two that are as urgent the one that somebody has taken counts; everybody who
    was paged about either hears how it goes on, and the reply codes and links of both lead here.
    """
    paged = {one.id: _paged(session, one) for one in (alert, other)}
    mine, theirs = _State(alert), _State(other)
    sign = _leading(session, other)
    _close_into(session, alert, other)
    alert.patient_id, alert.psych = patient_id or alert.patient_id, alert.psych or other.psych
    session.flush()
    log(session, alert, EventKind.JOINED, message_id=other.message_id, detail=other.code)
    raised = theirs.tier.urgency < mine.tier.urgency
    if raised:
        alert.tier, alert.flag, alert.policy = other.tier, other.flag, other.policy
        log(session, alert, EventKind.RAISED, message_id=sign, detail=alert.tier.value)
    if raised and theirs.holder is None:
        page_anew(session, alert, {mine.holder, theirs.holder})
    elif raised or (mine.holder is None and theirs.holder is not None and theirs.tier is mine.tier):
        alert.status, alert.acknowledged_by_id = AlertStatus.ACKNOWLEDGED, theirs.holder
        alert.acknowledged_at, alert.steps_taken = other.acknowledged_at, other.steps_taken
        alert.next_step_at = theirs.next_step_at or clock.now()
        _tell_of_holder(session, alert, paged[alert.id] | {mine.holder}, mine)
    elif mine.holder is not None:
        _tell_of_holder(session, alert, paged[other.id] | {theirs.holder}, theirs)
    elif theirs.holder is not None:  # they had the lesser half of what nobody has taken yet
        page(session, alert, theirs.holder, "staff.page")
    elif theirs.tier is mine.tier:
        alert.next_step_at = min(filter(None, (mine.next_step_at, theirs.next_step_at)), default=None)
    refresh(session, alert)
    if alert.status is AlertStatus.OPEN and alert.next_step_at is None:
        take_step(session, alert, clock.now())
    if alert.psych:
        tell_leads(session, alert)


class _State:
    """How an alert stood before it was joined with another."""

    def __init__(self, alert: Alert) -> None:
        self.tier, self.next_step_at = alert.tier, alert.next_step_at
        self.holder = alert.acknowledged_by_id if alert.status is AlertStatus.ACKNOWLEDGED else None


def _paged(session: Session, alert: Alert) -> set[str | None]:
    """Who was paged about `alert` and still works here."""
    query = (
        select(Notification.staff_id)
        .join(Staff, Staff.id == Notification.staff_id)
        .where(Notification.alert_id.in_(rows.with_joined(alert)), Notification.purpose != "bundle")
        .where(Staff.active.is_(True))
        .distinct()
    )
    return set(session.scalars(query))


def _leading(session: Session, alert: Alert) -> str:
    """The message that made `alert` as urgent as it is."""
    query = select(AlertEvent.message_id).where(
        AlertEvent.alert_id == alert.id,
        AlertEvent.kind == EventKind.RAISED,
        AlertEvent.message_id.is_not(None),
    )
    return session.scalars(query.order_by(AlertEvent.id.desc()).limit(1)).first() or alert.message_id


def _close_into(session: Session, alert: Alert, other: Alert) -> None:
    """Its timeline goes over. Its notifications stay with it: a delivery under way has locked them, and waits
    for the alert."""
    other.status, other.next_step_at, other.joined_into_id = AlertStatus.CLOSED, None, alert.id
    session.flush()
    session.execute(update(AlertEvent).where(AlertEvent.alert_id == other.id).values(alert_id=alert.id))
    session.execute(update(Alert).where(Alert.joined_into_id == other.id).values(joined_into_id=alert.id))
    for one in (alert, other):
        session.expire(one, ["events", "joined", "joined_into"])


def _tell_of_holder(session: Session, alert: Alert, heard: set[str | None], rest: _State) -> None:
    """Those who `heard` of the `rest` that was joined learn who has it all, and whoever has it that there is
    another sign, unless somebody was at it already."""
    rows.cancel(session, alert, "somebody has taken it")
    holder = alert.acknowledged_by_id
    leads = Policy.from_json(alert.policy).leads
    for other in sorted(one for one in heard if one and one != holder):
        piece = "staff.lead_taken" if other in leads else "staff.someone_else"
        page(session, alert, other, piece, EventKind.INFORMED)
    if holder and rest.holder is None and rest.tier.at_least_as_urgent_as(Tier.T1):
        page(session, alert, holder, "staff.page_sign")
