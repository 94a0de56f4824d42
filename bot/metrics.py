"""What a monitoring system reads at /metrics: counts from the record, and request times."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator

from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from bot import clock
from bot.auditor.models import AuditorRun, Incident
from bot.db.engine import reading
from bot.escalation.models import Alert, AlertStatus, Notification
from bot.messaging.models import Message, Status, Turn

router = APIRouter()

_seconds = Histogram("afterglow_request_seconds", "Time to answer a request", ["route"])


class RecordCollector(Collector):
    """Reads the record each time it is asked."""

    def collect(self) -> Iterator[Metric]:
        """Open alerts by tier, overdue steps, unanswered and undelivered messages."""
        with reading() as session:
            alerts = GaugeMetricFamily(
                "afterglow_alerts_open", "Alerts not closed", labels=["tier", "status"]
            )
            for tier, status, count in session.execute(
                select(Alert.tier, Alert.status, func.count())
                .where(Alert.status != AlertStatus.CLOSED)
                .group_by(Alert.tier, Alert.status)
            ):
                alerts.add_metric([tier.value, status.value], count)
            yield alerts
            for name, text, query in (
                (
                    "afterglow_alert_steps_overdue",
                    "Alerts whose next step is due",
                    select(func.count(Alert.id)).where(
                        Alert.status != AlertStatus.CLOSED, Alert.next_step_at <= clock.now()
                    ),
                ),
                (
                    "afterglow_turns_pending",
                    "Messages not answered yet",
                    select(func.count(Message.id)).where(Message.turn == Turn.PENDING),
                ),
                (
                    "afterglow_notifications_waiting",
                    "Calls, e-mails and chat messages not handed over yet",
                    select(func.count(Notification.id)).where(
                        Notification.status.in_([Status.QUEUED, Status.SENDING])
                    ),
                ),
                (
                    "afterglow_auditor_incidents_open",
                    "What the auditor found undone and is still undone",
                    select(func.count(Incident.id)).where(Incident.resolved_at.is_(None)),
                ),
                (
                    "afterglow_messages_waiting",
                    "Texts not handed to the carrier yet",
                    select(func.count(Message.id)).where(Message.status.in_([Status.QUEUED, Status.SENDING])),
                ),
            ):
                yield GaugeMetricFamily(name, text, value=session.scalar(query) or 0)
            last_ok = session.scalar(select(func.max(AuditorRun.finished_at)).where(AuditorRun.error == ""))
            yield GaugeMetricFamily(
                "afterglow_auditor_last_ok_seconds",
                "When the auditor last looked without an error, Unix time",
                value=last_ok.timestamp() if last_ok else 0,
            )

    def describe(self) -> list[Metric]:
        """Nothing: the record is not read at registration."""
        return []


REGISTRY.register(RecordCollector())


@router.get("/metrics", include_in_schema=False)
def metrics() -> Response:
    """Prometheus text."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def observe_requests(app: FastAPI) -> None:
    """Time every request by its route."""

    @app.middleware("http")
    async def _observe(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        begun = time.perf_counter()
        response = await call_next(request)
        route = request.scope.get("route")
        _seconds.labels(getattr(route, "path", "other")).observe(time.perf_counter() - begun)
        return response
