"""Open staff tasks."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select

from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic.models import Patient
from bot.console import pages
from bot.console.access import task_for
from bot.console.pages import ConsoleRoute, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.strings import Translate
from bot.db.engine import reading
from bot.messaging.models import Conversation, Message
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
#: Why a check-in was given up, as `bot.followup.planning` writes it, and the string for it.
_GIVEN_UP = {
    "overtaken by the next check-in": "task.overtaken",
    "too old to send": "task.too_old",
}


@router.get("/tasks")
@door("task.list", Permission.WORK_TASKS)
def tasks_page(request: Request, who: SignedIn, did: str = "") -> Response:
    """What waits for a person, oldest first."""
    return _page(request, who, did="done" if did == "done" else "")


@router.post("/tasks/{task_id}/complete")
@door("task.complete", Permission.WORK_TASKS)
def complete(request: Request, who: SignedIn, form: Posted, task_id: str) -> Response:
    """Mark as done, with a note of what was done."""
    with reading() as session:
        done = task_for(session, who, task_id).done_at is not None
    words = pages.text(form, "note")
    if not done and not words:
        return _page(request, who, missing=task_id, status=422)
    if not done:
        service.complete(task_id, who.staff_id, words)
    return RedirectResponse("/console/tasks?did=done", 303)


def _page(request: Request, who: Visitor, *, did: str = "", missing: str = "", status: int = 200) -> Response:
    with reading() as session:
        rows = session.execute(
            select(StaffTask, Patient, Conversation, Message)
            .outerjoin(Patient, Patient.id == StaffTask.patient_id)
            .outerjoin(Conversation, Conversation.id == StaffTask.conversation_id)
            .outerjoin(Message, Message.id == StaffTask.message_id)
            .where(StaffTask.clinic_id == who.clinic_id, StaffTask.done_at.is_(None))
            .order_by(StaffTask.created_at, StaffTask.id)
        ).all()
        return pages.render(
            request,
            "tasks.html",
            who,
            status=status,
            rows=rows,
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
    if found := _CHECK_IN_DAY.fullmatch(note):
        day = t("entry.check_in_day", day=found[1])
        reason = found[2]
        if reason is None:
            return day
        return f"{day}: {t(_GIVEN_UP[reason]) if reason in _GIVEN_UP else reason}"
    return note
