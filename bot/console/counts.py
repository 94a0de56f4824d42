"""What every page shows live: how much is waiting, and what to announce."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.sql.base import ExecutableOption

from bot import clock
from bot.console.sessions import Visitor
from bot.console.strings import translator
from bot.console.wording import flag_label
from bot.db.engine import reading
from bot.escalation.models import Alert, AlertStatus
from bot.handover.models import Takeover
from bot.handover.waiting import waiting_message
from bot.records.models import StaffTask


def waiting_alerts(session: Session, clinic_id: str, *options: ExecutableOption) -> list[Alert]:
    """Open and acknowledged alerts, in `queue_order`.

    `options` say what else to load with them.
    """
    query = (
        select(Alert)
        .where(Alert.clinic_id == clinic_id, Alert.status != AlertStatus.CLOSED)
        .options(joinedload(Alert.patient), *options)
    )
    return sorted(session.scalars(query), key=queue_order)


def queue_order(alert: Alert) -> tuple[int, bool, datetime, str]:
    """Most urgent first; as urgent, those that nobody has before those that are taken; of these the one that
    has waited longest."""
    taken = alert.status is not AlertStatus.OPEN
    return alert.tier.urgency, taken, alert.waits_since, alert.id


def who_is_it(alert: Alert, unknown: str) -> str:
    """The patient's name, or `unknown` for a number that belongs to nobody we know."""
    return alert.patient.name if alert.patient else unknown


def pulse(who: Visitor) -> dict[str, Any]:
    """Counts for the navigation, the server's time, and each open alert with the words to announce it."""
    t = translator(who.language)
    with reading() as session:
        alerts = waiting_alerts(session, who.clinic_id)
        tasks = session.scalar(
            select(func.count())
            .select_from(StaffTask)
            .where(StaffTask.clinic_id == who.clinic_id, StaffTask.done_at.is_(None))
        )
        return {
            "now": clock.now().timestamp(),
            "alerts": len(alerts),
            "open": sum(alert.status is AlertStatus.OPEN for alert in alerts),
            "tasks": tasks or 0,
            "waiting": _waiting(session, who.clinic_id),
            "items": [
                {
                    "id": alert.id,
                    "patient_id": alert.patient_id,
                    "tier": alert.tier.value,
                    "say": t(
                        "queue.announce",
                        tier=t(f"tier.{alert.tier.value}"),
                        flag=flag_label(alert.flag, who.language),
                        patient=who_is_it(alert, t("patient.unknown")),
                    ),
                }
                for alert in alerts
                if alert.status is AlertStatus.OPEN
            ],
        }


def _waiting(session: Session, clinic_id: str) -> int:
    """How many patients wait for somebody who holds their conversation."""
    held = session.scalars(
        select(Takeover).where(Takeover.clinic_id == clinic_id, Takeover.released_at.is_(None))
    )
    return sum(waiting_message(session, one) is not None for one in held)
