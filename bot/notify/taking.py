"""Taking an alert by the signed link in a page: looking at it changes nothing, the button takes it, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from bot import clock, events
from bot.clinic.models import Staff
from bot.db.engine import reading, transaction
from bot.escalation import service
from bot.escalation.alerts import locked
from bot.escalation.models import AlertStatus, Notification
from bot.notify.links import LIFETIME, notification_of

State = Literal["open", "taken_now", "yours", "taken", "closed", "used", "expired", "left", "unknown"]


@dataclass(frozen=True, slots=True)
class View:
    """What the link shows. Of the patient nothing but initials; nothing at all unless it is still good."""

    state: State
    language: str | None = None  #: of the person whose link it is
    person: str = ""  #: whose link it is
    by: str = ""  #: who has taken or closed the alert
    alert_id: str = ""
    staff_id: str = ""
    patient_id: str | None = None  #: whose initials are shown
    clinic_id: str | None = None
    tier: str = ""
    initials: str = ""
    waits_since: datetime | None = None


def look(token: str) -> View:
    """What a link shows now. Changes nothing, so that a preview of it takes no alert."""
    with reading() as session:
        one = _find(session, token)
        if one is None:
            return View("unknown")
        staff = session.get_one(Staff, one.staff_id)
        return _view(one, staff, _state(one, staff, clock.now()))


def take(token: str) -> View:
    """The button was pressed: the link's person takes the alert, if it can be taken."""
    with transaction() as session:
        one = _find(session, token, lock=True)
        if one is None:
            return View("unknown")
        # whoever acknowledges by another way locks the alert too
        alert = locked(session, one.alert_id)
        staff = session.get_one(Staff, one.staff_id)
        state = _state(one, staff, clock.now())
        if state == "open" and service.take(session, alert, staff.id, "link"):
            one.link_used_at = clock.now()
            state = "taken_now"
        view = _view(one, staff, state)
    if view.state == "taken_now":
        events.committed(alert.clinic_id, alert.conversation_id)
    return view


def _find(session: Session, token: str, *, lock: bool = False) -> Notification | None:
    notification_id = notification_of(token)
    one = (
        session.get(Notification, notification_id, with_for_update=lock or None) if notification_id else None
    )
    return one if one is not None and one.purpose == "take" and one.staff_id is not None else None


def _state(one: Notification, staff: Staff, now: datetime) -> State:
    alert = one.alert.standing
    if now - one.created_at > LIFETIME:
        return "expired"
    if not staff.active:
        return "left"
    if alert.status is AlertStatus.CLOSED:
        return "closed"
    if alert.status is AlertStatus.ACKNOWLEDGED and not alert.with_fallback:
        return "yours" if alert.acknowledged_by_id == staff.id else "taken"
    return "used" if one.link_used_at is not None else "open"


def _view(one: Notification, staff: Staff, state: State) -> View:
    alert = one.alert.standing
    by = alert.closed_by if state == "closed" else alert.acknowledged_by
    shown = state not in ("expired", "left")
    return View(
        state=state,
        language=staff.language,
        person=staff.name,
        by=by.name if by and shown else "",
        alert_id=alert.id if shown else "",
        staff_id=staff.id,
        patient_id=alert.patient_id if shown else None,
        clinic_id=alert.clinic_id,
        tier=alert.tier.value if shown else "",
        initials=(alert.patient.initials if alert.patient else "?") if shown else "",
        waits_since=alert.waits_since if shown else None,
    )
