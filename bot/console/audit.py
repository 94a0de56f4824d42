"""The audit log: who saw or changed what of whom and when, and whether the log is whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.access.door import door
from bot.access.permissions import Permission
from bot.audit import checks, search, trail
from bot.audit.models import AuditCheck, AuditEntry
from bot.audit.search import Wanted
from bot.clinic.models import Patient, Staff
from bot.console import audit_rows, pages, patients
from bot.console.access import patient_for
from bot.console.audit_rows import action_words
from bot.console.pages import ConsoleRoute, NotThere, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.strings import translator
from bot.db.engine import reading
from bot.statistics.period import PeriodInvalid, between

router = APIRouter(route_class=ConsoleRoute)

PAGE_SIZE = 50
#: Patients offered when what was typed fits several.
CHOICES = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters as the address has them."""

    actor: str = ""
    patient_id: str = ""
    action: str = ""
    first: str = ""
    last: str = ""

    def query(self, **more: object) -> str:
        """The address's query with these filters and `more`."""
        given = {
            "actor": self.actor,
            "patient_id": self.patient_id,
            "action": self.action,
            "from": self.first,
            "to": self.last,
        }
        return urlencode({name: value for name, value in {**given, **more}.items() if value})


def asked_for(
    actor: str = Query("", max_length=64),
    patient_id: str = Query("", max_length=32),
    action: str = Query("", max_length=64),
    first: str = Query("", alias="from", max_length=10),
    last: str = Query("", alias="to", max_length=10),
) -> Asked:
    """Dependency: the filters."""
    return Asked(actor, patient_id, action, first, last)


Filters = Annotated[Asked, Depends(asked_for)]


@router.get("/audit")
@door("audit.view", Permission.VIEW_AUDIT)
def audit_page(
    request: Request,
    who: SignedIn,
    asked: Filters,
    patient: str = Query("", max_length=100),
    before: int | None = Query(None, ge=1, le=2**31 - 1),
) -> Response:
    """A page of entries. `patient` is what was typed of a name or number, `before` where to go on."""
    typed, problem = patient.strip(), ""
    _noted(asked)
    with reading() as session:
        if typed and not asked.patient_id:
            ids = patients.matching(session, who.clinic_id, typed)
            if len(ids) == 1:
                return RedirectResponse(f"/console/audit?{replace(asked, patient_id=ids[0]).query()}", 303)
            return _page(request, session, who, asked, typed=typed, fitting=ids)
        try:
            wanted = _wanted(session, who, asked)
        except PeriodInvalid as invalid:
            problem, wanted = invalid.problem, None
        return _page(request, session, who, asked, wanted=wanted, before=before, problem=problem)


@router.get("/audit.csv")
@door("audit.csv", Permission.VIEW_AUDIT)
def as_csv(who: SignedIn, asked: Filters) -> Response:
    """The entries that fit, as a file: names of staff, ids of patients."""
    _noted(asked)
    with reading() as session:
        try:
            wanted = _wanted(session, who, asked)
        except PeriodInvalid:
            raise NotThere from None
        names = audit_rows.actors(session, who.clinic_id)
    t = translator(who.language)

    def lines() -> Iterator[str]:
        yield "\ufeff" + audit_rows.csv_line(audit_rows.CSV_COLUMNS)
        for rows in search.every(who.clinic_id, wanted):
            yield "".join(audit_rows.csv_line(audit_rows.cells(row, names, t)) for row in rows)

    headers = {
        "Content-Disposition": 'attachment; filename="afterglow-audit.csv"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/audit/verify")
@door("audit.verify", Permission.VIEW_AUDIT)
def verify(who: SignedIn, _form: Posted) -> Response:
    """Check the chain from its first entry, or go on with a check that has not ended."""
    checks.go_on(who.clinic_id, who.staff_id)
    return RedirectResponse("/console/audit#chain-h", 303)


def _noted(asked: Asked) -> None:
    """The log is to say what was looked for; a patient is its subject already."""
    act = trail.current()
    if act is not None:
        act.detail |= {name: value for name, value in asdict(asked).items() if value and name != "patient_id"}


def _wanted(session: Session, who: Visitor, asked: Asked) -> Wanted:
    """What to look for. Raises `NotThere` for another clinic's patient, and `PeriodInvalid`."""
    if asked.patient_id:
        patient_for(session, who, asked.patient_id)
    if not (asked.first or asked.last):
        return Wanted(asked.actor, asked.patient_id, asked.action)
    first, last = asked.first or asked.last, asked.last or asked.first  # one day alone is that day
    days = between(first, last, ZoneInfo(who.time_zone), longest=None)
    return Wanted(asked.actor, asked.patient_id, asked.action, days.start, days.end)


def _page(
    request: Request,
    session: Session,
    who: Visitor,
    asked: Asked,
    *,
    wanted: Wanted | None = None,
    before: int | None = None,
    typed: str = "",
    fitting: list[str] | None = None,
    problem: str = "",
) -> Response:
    t = translator(who.language)
    found: list[AuditEntry] = []
    more = False
    if wanted is not None:
        found, more = search.page(session, who.clinic_id, wanted, before=before, size=PAGE_SIZE)
    choices = (fitting or [])[:CHOICES]
    names = audit_rows.actors(session, who.clinic_id)
    check = checks.newest(session, who.clinic_id)
    return pages.render(
        request,
        "audit.html",
        who,
        status=422 if problem else 200,
        rows=audit_rows.shown(session, who, found, names, asked.patient_id),
        more=more,
        before=before,
        oldest=found[-1].seq if found else 0,
        asked=asked,
        about=session.get(Patient, asked.patient_id) if asked.patient_id else None,
        typed=typed,
        fitting=fitting,
        choices=[session.get_one(Patient, patient_id) for patient_id in choices],
        people=audit_rows.actor_options(names, t),
        actions=sorted(
            ((name, action_words(t, name)) for name in search.actions(session, who.clinic_id)),
            key=lambda action: action[1],
        ),
        length=search.length(session, who.clinic_id),
        check=check,
        checked_by=_name(session, check),
        problem=problem,
    )


def _name(session: Session, check: AuditCheck | None) -> str:
    if check is None:
        return ""
    return session.scalars(select(Staff.name).where(Staff.id == check.staff_id)).one()
