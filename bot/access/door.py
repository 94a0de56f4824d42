"""The one door into a route that staff or other systems use: what it is called, and what it needs.

A route of the class `Door` is written to the audit log whether or not its author thought of it: declared with
`door(...)` under its own name, else under the name of its function.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute

from bot.access.permissions import Permission
from bot.audit import trail
from bot.audit.trail import Act

log = structlog.get_logger(__name__)

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

#: Parameters of an address that name a record, and what they name.
SUBJECTS = {
    "patient_id": "patient",
    "alert_id": "alert",
    "message_id": "message",
    "message": "message",
    "intake_id": "intake",
    "task_id": "task",
    "photo_id": "photo",
    "conversation_id": "conversation",
    "treatment_id": "treatment",
    "enrolment_id": "enrolment",
    "check_in_id": "check_in",
    "protocol_id": "protocol",
    "cover_id": "cover",
    "day_id": "closed_day",
    "tier": "tier",
    "recall_id": "recall",
    "staff_id": "staff",
    "session_id": "session",
    "piece_id": "text",
}
_refreshes = trail.Refreshes()


@dataclass(frozen=True, slots=True)
class Declared:
    """What a route said about itself."""

    action: str  #: as the log calls it; "" for what shows no data of anybody
    needs: Permission | None  #: None: open to who is signed in, and to who is not where the page allows it
    refreshes: bool = False  #: fetched again and again by an open page
    explicit: bool = True


def door(
    action: str, needs: Permission | None = None, *, refreshes: bool = False
) -> Callable[[Endpoint], Endpoint]:
    """Declare a route: the log's name for it, and the permission without which it is refused.

    `action` is "" for a page that shows and changes nothing of a patient, a member of staff or the settings.
    """

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.__door__ = Declared(action, needs, refreshes)  # type: ignore[attr-defined]
        return endpoint

    return declare


def declared(endpoint: Callable[..., Any]) -> Declared:
    """What a route's function said, or what follows for one that said nothing."""
    found = getattr(endpoint, "__door__", None)
    if isinstance(found, Declared):
        return found
    place = endpoint.__module__.rpartition(".")[2]
    return Declared(f"{place}.{endpoint.__name__}", Permission.VIEW_PATIENTS, explicit=False)


def address_of(request: Request) -> str:
    """The network address that a request came from; a proxy's word counts where the server trusts it."""
    return request.client.host if request.client else ""


class Door(APIRoute):
    """A route whose every use is in the audit log before anybody sees its answer."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler inside an act of the audit log."""
        handler = super().get_route_handler()
        what = declared(self.endpoint)

        async def handle(request: Request) -> Response:
            if not what.action:
                return await self.answer(request, handler)
            act = Act(
                what.action,
                subject=_subject(request),
                ip=address_of(request),
                changes=request.method not in ("GET", "HEAD"),
            )
            with trail.acting(act):
                response = await self.answer(request, handler)
                try:
                    await _write(act, what, response)
                except Exception as error:
                    # without its entry nothing is shown; what was changed carried its own
                    log.critical(
                        "the audit log cannot be written", action=act.action, error=type(error).__name__
                    )
                    return self.unwritten(request)
                return response

        return handle

    async def answer(
        self, request: Request, handler: Callable[[Request], Coroutine[Any, Any, Response]]
    ) -> Response:
        """What the route answers; overridden where refusals become pages."""
        return await handler(request)

    def unwritten(self, _request: Request) -> Response:
        """What is said in place of a page that could not be written down."""
        return PlainTextResponse("The audit log cannot be written, so nothing is shown. Try again.", 503)


async def _write(act: Act, what: Declared, response: Response) -> None:
    """The entry of an act that no transaction wrote; none for a page that refreshed and shows nobody new."""
    if act.written or (act.actor_kind == "nobody" and act.outcome == "done"):
        return  # nobody was let in, and no try to sign in was made
    status = response.status_code
    outcome = act.outcome if act.outcome != "done" else outcome_of(status, changes=act.changes)
    fresh = _refreshes.due(act.session_id or act.actor_id, act.action, act.subject[1], *sorted(act.patients))
    if what.refreshes and outcome in ("done", "unchanged") and not fresh:
        return
    await run_in_threadpool(trail.finish, act, outcome)


def outcome_of(status: int, *, changes: bool) -> str:
    """How an answer of this HTTP status ended. A form that changed nothing is `unchanged`."""
    if status in (401, 403, 429):
        return "refused"
    if status == 404:
        return "not_found"
    if status in (400, 413, 422):
        return "invalid"
    if status >= 500:
        return "failed"
    return "unchanged" if changes else "done"


def _subject(request: Request) -> tuple[str, str]:
    """The record that the address names, the innermost of several; else one that its query names."""
    for given in (dict(reversed(request.path_params.items())), request.query_params):
        for name, value in given.items():
            if name in SUBJECTS and value:
                return SUBJECTS[name], str(value)[:80]
    return "", ""
