"""The deadlines of alerts, for the queue and an alert's page."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import settings as app_settings
from bot.escalation.deadlines import Deadline, deadline
from bot.escalation.models import Alert, AlertEvent, EventKind

#: From these on an alert's times run anew.
_STARTS = (EventKind.RAISED, EventKind.REOPENED)


def of(session: Session, alerts: Sequence[Alert]) -> dict[str, Deadline]:
    """By alert id what must be done next and by when, for those that are not closed."""
    query = (
        select(AlertEvent.alert_id, func.max(AlertEvent.id))
        .where(AlertEvent.alert_id.in_([alert.id for alert in alerts]), AlertEvent.kind.in_(_STARTS))
        .group_by(AlertEvent.alert_id)
    )
    newest = {event_id: alert_id for alert_id, event_id in session.execute(query)}
    starts = {
        newest[event.id]: event.created_at
        for event in session.scalars(select(AlertEvent).where(AlertEvent.id.in_(newest)))
    }
    settings = app_settings.get_settings()
    found = {}
    for alert in alerts:
        since = max(alert.waits_since, starts.get(alert.id, alert.waits_since))
        minutes = alert.policy.get("ack_minutes")
        due = deadline(alert.status, alert.tier, since, minutes, settings)
        if due is not None:
            found[alert.id] = due
    return found
