"""What follows when a page reached somebody, or did not: the alert's timeline, and no waiting in vain."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.escalation.alerts import hurry, locked, log, nobody_reached
from bot.escalation.models import EVERY_CHANNEL, EventKind, Notification
from bot.messaging.models import Status
from bot.notify import rows


def reached(session: Session, one: Notification, detail: str = "") -> None:
    """A notification arrived."""
    _write(session, one, EventKind.PAGE_DELIVERED, detail)
    if one.contact_method is not None:
        one.contact_method.error = ""


def failed(session: Session, one: Notification, why: str) -> None:
    """A notification will not arrive. Unless another one of the same page did, the next person is paged at
    once; when no way to this person works, the timeline says so in a line of its own. When no way to anybody
    of the step works, the next one begins at once, up to the last round."""
    _write(session, one, EventKind.PAGE_FAILED, why)
    if one.contact_method is not None:
        one.contact_method.error = why[:200]
    page = rows.siblings(session, one)
    if any(other.state in rows.REACHED for other in page):
        return
    alert = locked(session, one.alert_id)
    ended = all(other.state in (Status.FAILED, Status.SUPPRESSED) for other in page)
    if ended and len(page) > 1:
        log(session, alert, EventKind.PAGE_FAILED, staff_id=one.staff_id, detail=EVERY_CHANNEL)
    hurry(alert)
    if rows.ends_the_newest_round(session, alert, one):
        nobody_reached(session, alert)


def _write(session: Session, one: Notification, kind: EventKind, detail: str) -> None:
    alert = locked(session, one.alert_id)
    about = detail if one.message_id else f"{one.kind.value}: {detail}".removesuffix(": ")
    log(session, alert, kind, staff_id=one.staff_id, message_id=one.message_id, detail=about)
