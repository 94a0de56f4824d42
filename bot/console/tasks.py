"""Open staff tasks."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Self
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload
from starlette.datastructures import FormData

from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic.models import Patient, Staff
from bot.console import pages
from bot.console.access import task_for
from bot.console.pages import ConsoleRoute, NotThere, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.strings import Translate
from bot.db.engine import reading
from bot.handover.waiting import UNANSWERED
from bot.messaging.models import Conversation, Message
from bot.messaging.still_open import RANG_NOTE
from bot.photos import gallery
from bot.photos.fetch import NOTE as PHOTO_NOTE
from bot.records import tasks as service
from bot.records.models import StaffTask, TaskKind

router = APIRouter(route_class=ConsoleRoute)

_CHECK_IN_DAY = re.compile(r"day (\d+)(?:: (.+))?")
#: What the end of an intake asks for, as `bot.intake.service` writes it, and the string for it.
_INTAKE = {
    "intake: answers to read": "task.intake_done",
    "intake: under 18, no booking": "task.intake_stopped",
}
#: Why a conversation was handed over, beside kinds of task, as the dialogue writes it.
REASONS = frozenset({"in_distress", "legal_matter", "other_medicine"})
#: Why a check-in was given up, as `bot.followup.planning` writes it, and the string for it.
_GIVEN_UP = {
    "overtaken by the next check-in": "task.overtaken",
    "too old to send": "task.too_old",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tasks to show: of one kind, and mine or those that nobody has taken."""

    kind: str = ""
    whose: str = ""

    @classmethod
    def of(cls, kind: str, whose: str) -> Self:
        """From an address or a form; what is unknown filters nothing."""
        return cls(kind if kind in list(TaskKind) else "", whose if whose in WHOSE else "")

    @property
    def query(self) -> str:
        """For an address."""
        return urlencode({name: value for name, value in asdict(self).items() if value})


#: Whose tasks may be shown; without one of these, everybody's.
WHOSE = ("mine", "nobody")


@router.get("/tasks")
@door("task.list", Permission.WORK_TASKS)
def tasks_page(request: Request, who: SignedIn, did: str = "", kind: str = "", whose: str = "") -> Response:
    """What waits for a person, oldest first."""
    did = did if did in ("done", "assigned") else ""
    return _page(request, who, Filter.of(kind, whose), did=did)


@router.post("/tasks/{task_id}/assign")
@door("task.assign", Permission.WORK_TASKS)
def assign(who: SignedIn, form: Posted, task_id: str) -> Response:
    """Say who will do it: somebody of the clinic, or nobody again."""
    chosen = pages.text(form, "staff") or None
    with reading() as session:
        task_for(session, who, task_id)
        known = {one.id for one in _colleagues(session, who)}
    if chosen is not None and chosen not in known:
        raise NotThere
    service.assign(task_id, chosen)
    return _back(form, "assigned")


@router.post("/tasks/{task_id}/complete")
@door("task.complete", Permission.WORK_TASKS)
def complete(request: Request, who: SignedIn, form: Posted, task_id: str) -> Response:
    """Mark as done, with a note of what was done."""
    with reading() as session:
        done = task_for(session, who, task_id).done_at is not None
    words = pages.text(form, "note")
    if not done and not words:
        return _page(request, who, _filter(form), missing=task_id, status=422)
    if not done:
        service.complete(task_id, who.staff_id, words)
    return _back(form, "done")


def _filter(form: FormData) -> Filter:
    return Filter.of(pages.text(form, "kind"), pages.text(form, "whose"))


def _back(form: FormData, did: str) -> Response:
    query = _filter(form).query
    return RedirectResponse(f"/console/tasks?did={did}" + (f"&{query}" if query else ""), 303)


def _colleagues(session: Session, who: Visitor) -> list[Staff]:
    """Whom a task can be given to."""
    query = select(Staff).where(Staff.clinic_id == who.clinic_id, Staff.active.is_(True)).order_by(Staff.name)
    return list(session.scalars(query))


def _wanted(show: Filter, who: Visitor) -> list[ColumnElement[bool]]:
    conditions = [StaffTask.clinic_id == who.clinic_id, StaffTask.done_at.is_(None)]
    if show.kind:
        conditions.append(StaffTask.kind == TaskKind(show.kind))
    if show.whose == "mine":
        conditions.append(StaffTask.assigned_to_id == who.staff_id)
    elif show.whose == "nobody":
        conditions.append(StaffTask.assigned_to_id.is_(None))
    return conditions


def _page(
    request: Request, who: Visitor, show: Filter, *, did: str = "", missing: str = "", status: int = 200
) -> Response:
    with reading() as session:
        rows = session.execute(
            select(StaffTask, Patient, Conversation, Message)
            .outerjoin(Patient, Patient.id == StaffTask.patient_id)
            .outerjoin(Conversation, Conversation.id == StaffTask.conversation_id)
            .outerjoin(Message, Message.id == StaffTask.message_id)
            .where(*_wanted(show, who))
            .options(joinedload(StaffTask.assigned_to))
            .order_by(StaffTask.created_at, StaffTask.id)
        ).all()
        return pages.render(
            request,
            "tasks.html",
            who,
            status=status,
            rows=rows,
            show=show,
            kinds=list(TaskKind),
            whose=WHOSE,
            colleagues=_colleagues(session, who),
            arrivals=gallery.with_messages(
                session, [task.message_id for task, *_ in rows if task.message_id]
            ),
            did=did,
            missing=missing,
            note_of=note_of,
            intake_of=intake_of,
        )


def intake_of(task: StaffTask) -> str:
    """The id of the intake that a task asks to read; "" for any other task."""
    parts = task.key.split(":")
    return parts[2] if task.note in _INTAKE and len(parts) > 2 else ""


def note_of(t: Translate, task: StaffTask, message: Message | None) -> str:
    """What the task's note adds to its title and the quoted message, in the reader's language; "" if nothing.

    Notes are written by the desk's services: a reason (which may be another kind of task), a check-in's day,
    the beginning of the patient's message, or free words.
    """
    note = task.note.strip()
    if note in list(TaskKind):
        return "" if note == task.kind else t(f"task.{note}")
    if message is not None and message.body.strip().startswith(note):
        return ""
    if note.startswith(PHOTO_NOTE):
        return t("photo.task", why=t(f"photo.why_{note.removeprefix(PHOTO_NOTE)}"))
    if note in _INTAKE:
        return t(_INTAKE[note])
    if note in REASONS:
        return t(f"task.{note}")
    if note == RANG_NOTE:
        return t("task.clinic_rang")
    if note == UNANSWERED:
        return t("task.held_unanswered")
    if found := _CHECK_IN_DAY.fullmatch(note):
        day = t("entry.check_in_day", day=found[1])
        reason = found[2]
        if reason is None:
            return day
        return f"{day}: {t(_GIVEN_UP[reason]) if reason in _GIVEN_UP else reason}"
    return note
