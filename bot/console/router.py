"""The staff console under /console: sign-in, alerts, patients, papers, tasks, enrolment, triage."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from bot.console import (
    alerts,
    assets,
    auth,
    chart,
    content,
    enrol,
    escalation,
    intake,
    patients,
    queue,
    rota,
    tasks,
    triage,
)
from bot.console.pages import ConsoleRoute, NotThere

router = APIRouter(include_in_schema=False)
desk = (queue, alerts, patients, content, chart, intake, tasks, enrol, triage)
for part in (assets, auth, *desk, rota, escalation):
    router.include_router(part.router, prefix="/console")

nowhere = APIRouter(route_class=ConsoleRoute)


@nowhere.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def no_such_page(request: Request, path: str) -> Response:
    """Whatever no page answers to: the 404 page. A slash too many at the end is taken off."""
    if request.method == "GET" and path.endswith("/") and path.strip("/"):
        return RedirectResponse(request.url.path.rstrip("/"), 307)
    raise NotThere


router.include_router(nowhere, prefix="/console")  # last: it matches everything
