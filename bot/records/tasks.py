"""Staff tasks: what a person must do, opened once per reason."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.clinic.facts import is_open
from bot.db.engine import transaction
from bot.messaging.models import Conversation, Message
from bot.records.models import StaffTask, TaskKind


def open_task(
    session: Session,
    kind: TaskKind,
    key: str,
    conversation: Conversation,
    *,
    note: str = "",
    message_id: str | None = None,
) -> StaffTask:
    """The task for this reason (`key` within the clinic), opened unless it exists already."""
    key = f"{kind.value}:{key}"
    found = session.scalars(
        select(StaffTask).where(StaffTask.clinic_id == conversation.clinic_id, StaffTask.key == key)
    ).first()
    if found is not None:
        return found
    task = StaffTask(
        clinic_id=conversation.clinic_id,
        key=key,
        kind=kind,
        patient_id=conversation.patient_id,
        conversation_id=conversation.id,
        message_id=message_id,
        note=note,
    )
    session.add(task)
    session.flush()
    return task


def hand_over(message_id: str, reason: str) -> str:
    """Ask staff to talk to the sender of a message. Returns the id of the content to say: it tells the
    patient when somebody is there to answer."""
    with transaction() as session:
        message = session.get_one(Message, message_id)
        open_task(
            session,
            TaskKind.TALK_TO_PATIENT,
            message_id,
            message.conversation,
            note=reason,
            message_id=message_id,
        )
        open_now = is_open(message.conversation.clinic, clock.now())
    events.committed(message.clinic_id, message.conversation_id)
    return "dialogue.handover" if open_now else "dialogue.handover_closed"


def ask_to_confirm(message_id: str, topic: str) -> None:
    """Ask staff to confirm a fact that the answer left to a person, such as the regulatory status (S11)."""
    with transaction() as session:
        message = session.get_one(Message, message_id)
        open_task(
            session,
            TaskKind.CONFIRM_FACT,
            message_id,
            message.conversation,
            note=topic,
            message_id=message_id,
        )
    events.committed(message.clinic_id, message.conversation_id)


def assign(task_id: str, staff_id: str | None) -> None:
    """Note who will do a task, or that nobody has taken it. A task that is done stays as it is."""
    with transaction() as session:
        task = session.get_one(StaffTask, task_id, with_for_update=True)
        if task.done_at is None:
            task.assigned_to_id = staff_id
    events.committed(task.clinic_id, task.conversation_id)


def complete(task_id: str, staff_id: str, note: str) -> None:
    """Mark a task as done by a named person. Completing it again changes nothing."""
    with transaction() as session:
        task = session.get_one(StaffTask, task_id)
        if task.done_at is None:
            task.done_at, task.done_by_id, task.done_note = clock.now(), staff_id, note
    events.committed(task.clinic_id, task.conversation_id)
