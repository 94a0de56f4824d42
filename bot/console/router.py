"""The staff console under /console: everything that staff see and do, each part with its own routes."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from bot.access.door import door
from bot.console import (
    account,
    alerts,
    assets,
    audit,
    auth,
    chart,
    check_ins,
    clinic_settings,
    contact,
    content,
    conversations,
    dashboard,
    enrol,
    escalation,
    follow_up,
    intake,
    judging,
    other_ways_in,
    outcomes,
    patient_edit,
    patients,
    photos,
    protocols,
    queue,
    recall,
    rota,
    staff,
    tasks,
    treatments,
    triage,
)
from bot.console.pages import ConsoleRoute, NotThere

PARTS = (
    *(assets, auth, other_ways_in, queue, alerts, patients, photos, patient_edit, follow_up, protocols),
    *(content, chart, intake, tasks, enrol, treatments, triage, outcomes, recall, contact, account, staff),
    *(conversations, judging, dashboard, check_ins, clinic_settings, rota, escalation, audit),
)

router = APIRouter(include_in_schema=False)
for part in PARTS:
    router.include_router(part.router, prefix="/console")

nowhere = APIRouter(route_class=ConsoleRoute)


@nowhere.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@door("")
def no_such_page(request: Request, path: str) -> Response:
    """Whatever no page answers to: the 404 page. A slash too many at the end is taken off."""
    if request.method == "GET" and path.endswith("/") and path.strip("/"):
        return RedirectResponse(request.url.path.rstrip("/"), 307)
    raise NotThere


router.include_router(nowhere, prefix="/console")  # last: it matches everything
