"""On call: who is on call now and in the next two weeks, covers, rotas, closed days, the calendar feed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from bot import clock
from bot import settings as app_settings
from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic.models import Role, Staff
from bot.console import pages
from bot.console.pages import ConsoleRoute, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.strings import Translate, translator
from bot.db.engine import reading
from bot.notify.reachable import can_be_paged
from bot.oncall import calendar, service
from bot.oncall.models import CalendarFeed, ClosedDay, RotaRow
from bot.oncall.roster import Roster, nobody_on_call, overrides, roster, rotas, shifts_of
from bot.oncall.rota import WEEKDAYS
from bot.oncall.service import RotaForm, RotaRefused

router = APIRouter(route_class=ConsoleRoute)

AHEAD = timedelta(days=14)
#: How many members a form offers.
PLACES = 8


@router.get("/rota")
@door("", Permission.VIEW_ALERTS)
def rota_page(request: Request, who: SignedIn, edit: str = "", did: str = "") -> Response:
    """Who is on call. `edit`: the rota whose form is filled in; `did`: what a form has just done."""
    return _page(request, who, edit=edit, did=did if did in ("saved", "revoked") else "")


@router.post("/rota")
@door("settings.rota", Permission.MANAGE_ON_CALL)
def save(request: Request, who: SignedIn, form: Posted) -> Response:
    """Write a rota, new or changed."""
    rota_id = pages.text(form, "rota_id")
    if pages.text(form, "do") == "end":
        return _tried(request, who, lambda: service.end_rota(who.clinic_id, rota_id), form, rota_id)
    typed = RotaForm(
        name=pages.text(form, "name"),
        time_zone=pages.text(form, "time_zone"),
        start=pages.text(form, "start"),
        handover=pages.text(form, "handover"),
        turn_days=pages.text(form, "turn_days"),
        members=[one for n in range(PLACES) if (one := pages.text(form, f"member_{n}"))],
        role=pages.text(form, "role"),
        location=pages.text(form, "location"),
        hours={day: pages.text(form, f"hours_{day}") for day in WEEKDAYS},
    )
    return _tried(
        request, who, lambda: service.save_rota(who.clinic_id, typed, rota_id or None), form, rota_id
    )


@router.post("/rota/cover")
@door("settings.cover", Permission.VIEW_ALERTS)
def cover(request: Request, who: SignedIn, form: Posted) -> Response:
    """Somebody covers from one moment to another."""
    rota_id, staff_id, starts, ends = (
        pages.text(form, name) for name in ("rota_id", "staff_id", "starts", "ends")
    )

    def do() -> None:
        service.cover(who.clinic_id, rota_id, staff_id, starts, ends, who.staff_id)

    return _tried(request, who, do, form)


@router.post("/rota/cover/{cover_id}/cancel")
@door("settings.cover_cancel", Permission.VIEW_ALERTS)
def cancel(request: Request, who: SignedIn, form: Posted, cover_id: str) -> Response:
    """Take a cover back."""
    return _tried(request, who, lambda: service.cancel_cover(who.clinic_id, cover_id), form)


@router.post("/rota/closed")
@door("settings.closed_day", Permission.MANAGE_ON_CALL)
def close_day(request: Request, who: SignedIn, form: Posted) -> Response:
    """The clinic is closed on a day."""
    day, name = pages.text(form, "day"), pages.text(form, "day_name")
    return _tried(request, who, lambda: service.close_day(who.clinic_id, day, name), form)


@router.post("/rota/closed/{day_id}/open")
@door("settings.open_day", Permission.MANAGE_ON_CALL)
def open_day(request: Request, who: SignedIn, form: Posted, day_id: str) -> Response:
    """The clinic is open on that day after all."""
    return _tried(request, who, lambda: service.open_day(who.clinic_id, day_id), form)


@router.post("/rota/feed")
@door("account.calendar", Permission.OWN_ACCOUNT)
def feed(request: Request, who: SignedIn, form: Posted) -> Response:
    """A new calendar address, shown once, or none any more."""
    if pages.text(form, "do") == "revoke":
        service.revoke_feeds(who.staff_id)
        return RedirectResponse("/console/rota?did=revoked", 303)
    token = service.make_feed(who.staff_id, everybody="everybody" in form)
    address = f"{app_settings.get_settings().public_url}/console/calendar/{token}.ics"
    return _page(request, who, address=address)


@router.get("/calendar/{token}.ics")
@door("")
def calendar_file(token: str) -> Response:
    """The feed itself. Whoever knows the address may read it: calendars cannot sign in."""
    found = calendar.feed(token)
    if found is None:
        raise pages.NotThere
    return Response(found, media_type="text/calendar; charset=utf-8", headers={"Cache-Control": "no-store"})


def _tried(
    request: Request, who: Visitor, do: Callable[[], object], form: FormData, edit: str = ""
) -> Response:
    try:
        do()
    except RotaRefused as refused:
        return _page(request, who, refused=refused.reason, form=form, edit=edit, status=422)
    return RedirectResponse("/console/rota?did=saved", 303)


def _page(
    request: Request,
    who: Visitor,
    *,
    edit: str = "",
    did: str = "",
    refused: str = "",
    address: str = "",
    form: FormData | None = None,
    status: int = 200,
) -> Response:
    now = clock.now()
    with reading() as session:
        staff = session.scalars(select(Staff).where(Staff.clinic_id == who.clinic_id).order_by(Staff.name))
        names = {one.id: one.name for one in staff}
        rows = rotas(session, who.clinic_id)
        here = roster(session, who.clinic_id, now)
        mine = select(CalendarFeed.id).filter_by(staff_id=who.staff_id, revoked_at=None)
        return pages.render(
            request,
            "rota.html",
            who,
            status=status,
            did=did,
            refused=refused,
            address=address,
            has_feed=session.scalars(mine).first() is not None,
            names=names,
            here=here,
            posts=_posts(here, rows, translator(who.language)),
            gaps=nobody_on_call(session, who.clinic_id, now),
            plans=[_plan(session, row, now) for row in rows],
            typed=pages.Fields(_typed(who, rows, edit, form)),
            pageable=[(one.id, one.name) for one in _pageable(session, who.clinic_id)],
            closed=list(
                session.scalars(
                    select(ClosedDay)
                    .where(ClosedDay.clinic_id == who.clinic_id, ClosedDay.day >= now.date())
                    .order_by(ClosedDay.day)
                )
            ),
            role_options=[(role.value, translator(who.language)(f"role.{role.value}")) for role in Role],
            weekdays=list(WEEKDAYS),
            places=range(PLACES),
        )


def _posts(here: Roster, rows: list[RotaRow], t: Translate) -> dict[str, list[str]]:
    """As what and where each of `here` is on call, or stands behind: once for each rota that says another."""
    located = any(row.location for row in rows)
    found: dict[str, list[str]] = {}
    on_shift = set(here.people[: here.on_shift])
    for turn in (*here.turns, *(one for one in here.behind if one.person not in on_shift)):
        where = turn.location or (t("rota.everywhere") if located else "")
        words = " · ".join(filter(None, (t(f"role.{turn.role.value}"), where)))
        of_person = found.setdefault(turn.person, [])
        if words not in of_person:
            of_person.append(words)
    return found


def _plan(session: Session, row: RotaRow, now: datetime) -> dict[str, Any]:
    return {
        "row": row,
        "shifts": shifts_of(session, row, now, now + AHEAD),
        "covers": [one for one in overrides(session, row.id) if one.ends_at > now],
    }


def _pageable(session: Session, clinic_id: str) -> list[Staff]:
    query = select(Staff).where(Staff.clinic_id == clinic_id, can_be_paged())
    return list(session.scalars(query.order_by(Staff.name)))


def _typed(who: Visitor, rows: list[RotaRow], edit: str, form: FormData | None) -> dict[str, str]:
    """What the forms show: as it was typed, or the rota to edit, or a new one."""
    if form is not None:
        return {name: value for name, value in form.items() if isinstance(value, str)}
    local = clock.now().astimezone(ZoneInfo(who.time_zone))
    row = next((one for one in rows if one.id == edit), None)
    if row is None:
        return {
            "time_zone": who.time_zone,
            "handover": "09:00",
            "turn_days": "7",
            "start": f"{local.date()}",
            "starts": f"{local:%Y-%m-%dT%H:%M}",
            "ends": f"{local + timedelta(hours=12):%Y-%m-%dT%H:%M}",
        }
    return {
        "rota_id": row.id,
        "name": row.name,
        "role": row.role.value if row.role else "",
        "location": row.location,
        "time_zone": row.time_zone,
        "handover": row.handover,
        "turn_days": str(row.turn_days),
        "start": f"{row.start}",
        **{f"member_{n}": member for n, member in enumerate(row.members)},
        **{f"hours_{day}": ", ".join("-".join(span) for span in spans) for day, spans in row.hours.items()},
    }
