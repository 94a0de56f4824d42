"""The live alert queue."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from bot import events
from bot.access.door import address_of, door
from bot.access.permissions import Permission
from bot.audit import trail
from bot.audit.chain import Entry, append
from bot.console import counts, deadlines, pages, sessions
from bot.console.pages import ConsoleRoute, SignedIn
from bot.console.sessions import Visitor
from bot.console.wording import flag_label
from bot.db.engine import reading, transaction
from bot.escalation.models import Alert, AlertEvent, AlertStatus, EventKind
from bot.escalation.signs import by_number, flags_of, raised_by

router = APIRouter(route_class=ConsoleRoute)

#: Without a signal pages look again after this long: counters stay honest even when a signal is lost.
LOOK_AGAIN_S = 20.0
CLOSED_SHOWN = 50
_announced = trail.Refreshes()
#: What the queue can be narrowed to.
FILTERS = ("all", "open", "mine", "T0", "T1", "T2")


@router.get("")
@router.get("/")
@door("alert.list", Permission.VIEW_ALERTS)
def queue_page(request: Request, who: SignedIn, show: str = "all") -> Response:
    """Every alert that is not closed, most urgent first, or those that `show` names."""
    return _list(request, who, "queue.html", show)


@router.get("/queue")
@door("alert.list", Permission.VIEW_ALERTS, refreshes=True)
def queue_list(request: Request, who: SignedIn, show: str = "all") -> Response:
    """The list alone, fetched by the live page when something changed."""
    return _list(request, who, "_queue_list.html", show)


@router.get("/closed")
@door("alert.list_closed", Permission.VIEW_ALERTS)
def closed_page(request: Request, who: SignedIn, page: int = 1) -> Response:
    """The alerts that were closed last, and on further pages those before them."""
    closed = (
        Alert.clinic_id == who.clinic_id,
        Alert.status == AlertStatus.CLOSED,
        Alert.joined_into_id.is_(None),
    )
    with reading() as session:
        total = session.scalar(select(func.count()).select_from(Alert).where(*closed)) or 0
        last = max(1, -(-total // CLOSED_SHOWN))
        page = min(max(1, page), last)
        query = (
            select(Alert)
            .where(*closed)
            .order_by(Alert.closed_at.desc(), Alert.id.desc())
            .limit(CLOSED_SHOWN)
            .offset((page - 1) * CLOSED_SHOWN)
            .options(joinedload(Alert.patient), joinedload(Alert.closed_by))
        )
        return pages.render(
            request,
            "closed.html",
            who,
            alerts=list(session.scalars(query)),
            total=total,
            page=page,
            last=last,
            flag_label=flag_label,
        )


@router.get("/live")
@door("alert.watch", Permission.VIEW_ALERTS, refreshes=True)
def live(request: Request, who: SignedIn) -> Response:
    """Server-sent events: one `pulse` at once, then one whenever something of the clinic changed."""
    return EventSourceResponse(
        _pulses(who, request.cookies.get(sessions.COOKIE, ""), address_of(request)),
        headers={"Cache-Control": "no-store"},
    )


async def _pulses(who: Visitor, token: str, address: str = "") -> AsyncIterator[dict[str, Any]]:
    """Ends with `signed_out` once the session is over, so that an open page shows nothing more."""
    named: set[str] = set()
    async with events.subscription(f"clinic:{who.clinic_id}") as changed:
        while True:
            if not await run_in_threadpool(_still_in, token):
                yield {"event": "signed_out", "data": ""}
                return
            pulse = await run_in_threadpool(_pulse, who, address, named)
            yield {"event": "pulse", "data": json.dumps(pulse)}
            await changed.wait(timeout=LOOK_AGAIN_S)


def _pulse(who: Visitor, address: str, named: set[str]) -> dict[str, Any]:
    """A pulse. It names patients, so those that this stream has not named yet are written down first.

    Every page opens a stream: for one session the same alert is written down again after ten minutes.
    """
    pulse = counts.pulse(who)
    new = {item["id"] for item in pulse["items"]} - named
    if fresh := sorted(one for one in new if not _announced.lately(who.session_id, one)):
        patients = {item["patient_id"] for item in pulse["items"] if item["id"] in fresh} - {None}
        detail = {"alerts": fresh, "patients": sorted(patients)}
        with transaction() as session:
            append(
                session,
                Entry("alert.announce", "staff", who.staff_id, ("", ""), who.clinic_id, detail, address),
            )
        for one in fresh:
            _announced.due(who.session_id, one)
    named.update(new)
    return pulse


def _still_in(token: str) -> bool:
    with reading() as session:
        return sessions.visitor(session, token) is not None


def _wanted(alert: Alert, who: Visitor, show: str) -> bool:
    match show:
        case "all":
            return True
        case "open":
            return alert.status is AlertStatus.OPEN
        case "mine":
            return alert.acknowledged_by_id == who.staff_id
    return alert.tier.value == show


def _paged(alert: Alert) -> list[str]:
    """Who was paged, by themselves or with other alerts in one text."""
    return list(
        dict.fromkeys(one.staff.name for one in alert.events if one.kind is EventKind.PAGED and one.staff)
    )


def _list(request: Request, who: Visitor, template: str, show: str) -> Response:
    show = show if show in FILTERS else "all"
    with reading() as session:
        alerts = counts.waiting_alerts(
            session,
            who.clinic_id,
            joinedload(Alert.message),
            joinedload(Alert.conversation),
            joinedload(Alert.acknowledged_by),
            selectinload(Alert.events).options(joinedload(AlertEvent.staff), joinedload(AlertEvent.message)),
        )
        alerts = [alert for alert in alerts if _wanted(alert, who, show)]
        signs = {alert.id: raised_by(alert) for alert in alerts}
        return pages.render(
            request,
            template,
            who,
            alerts=alerts,
            signs=signs,
            numbers=by_number(session, [one.id for one in signs.values()]),
            flags=flags_of(session, alerts),
            paged={alert.id: _paged(alert) for alert in alerts},
            due=deadlines.of(session, alerts),
            show=show,
            filters=FILTERS,
            filtered=show != "all",
            flag_label=flag_label,
        )
