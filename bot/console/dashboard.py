"""The clinic's figures over a period: a chart, a table and a CSV file of each."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from bot import clock
from bot.access.door import door
from bot.access.permissions import Permission
from bot.console import pages
from bot.console.dashboard_figures import FIGURES, Ask, as_csv
from bot.console.pages import ConsoleRoute, NotThere, SignedIn
from bot.console.sessions import Visitor
from bot.console.strings import translator
from bot.console.times import Times
from bot.db.engine import reading
from bot.statistics.period import Period, PeriodInvalid, between, last_days

router = APIRouter(route_class=ConsoleRoute)

#: Periods on offer, in days; the first is shown at first.
OFFERED = (30, 7, 90, 365)


@router.get("/figures")
@door("", Permission.VIEW_FIGURES)
def figures_page(
    request: Request,
    who: SignedIn,
    days: int = OFFERED[0],
    first: str = Query("", alias="from", max_length=10),
    last: str = Query("", alias="to", max_length=10),
) -> Response:
    """All figures of the last `days` days, or of the days between two dates."""
    problem = ""
    try:
        period = _period(who, days, first, last)
    except PeriodInvalid as invalid:
        problem, period = invalid.problem, last_days(OFFERED[0], _today(who), ZoneInfo(who.time_zone))
    with reading() as session:
        ask = _ask(session, who, period)
        return pages.render(
            request,
            "figures.html",
            who,
            status=422 if problem else 200,
            figures=[figure(ask) for figure in FIGURES.values()],
            period=period,
            offered=sorted(OFFERED),
            chosen=0 if first or last else period.days,
            typed={"from": first or period.first.isoformat(), "to": last or period.last.isoformat()},
            query=urlencode({"from": period.first.isoformat(), "to": period.last.isoformat()}),
            problem=problem,
        )


@router.get("/figures/{name}.csv")
@door("figures.csv", Permission.EXPORT)
def figure_csv(
    who: SignedIn,
    name: str,
    first: str = Query("", alias="from", max_length=10),
    last: str = Query("", alias="to", max_length=10),
) -> Response:
    """One figure as a CSV file."""
    if name not in FIGURES:
        raise NotThere
    try:
        period = _period(who, OFFERED[0], first, last)
    except PeriodInvalid:
        raise NotThere from None
    with reading() as session:
        content = as_csv(FIGURES[name](_ask(session, who, period)))
    file = f"afterglow-{name}-{period.first}-{period.last}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "no-store"}
    return Response("\ufeff" + content, media_type="text/csv; charset=utf-8", headers=headers)


def _today(who: Visitor) -> date:
    return clock.now().astimezone(ZoneInfo(who.time_zone)).date()


def _period(who: Visitor, days: int, first: str, last: str) -> Period:
    zone = ZoneInfo(who.time_zone)
    return between(first, last, zone) if first or last else last_days(days, _today(who), zone)


def _ask(session: Session, who: Visitor, period: Period) -> Ask:
    t = translator(who.language)
    times = Times(t, who.time_zone, clock.now())
    return Ask(session, who.clinic_id, period, t, who.language, times)
