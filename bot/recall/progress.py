"""How far a recall has got, patient by patient."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.clinic.models import Patient, Treatment
from bot.messaging.models import Direction, Message, Status
from bot.recall.models import Recall, RecallNotice, RecallStatus
from bot.recall.service import Treated, treated_with
from bot.records.models import StaffTask, TaskKind
from bot.spreadsheet import harmless

#: `phone`: may not be texted, a task asks to phone; `phoned`: that task is done. `untold`: treated with the
#: lot after the recall went out, or entered late.
State = Literal["planned", "queued", "sent", "delivered", "failed", "phone", "phoned", "answered", "untold"]

_BY_STATUS: dict[Status, State] = {
    Status.QUEUED: "queued",
    Status.SENDING: "queued",
    Status.SENT: "sent",
    Status.DELIVERED: "delivered",
    Status.FAILED: "failed",
    Status.SUPPRESSED: "phone",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One patient of a recall. `at` is when the state was reached, as far as it is known."""

    patient: Patient
    treatments: tuple[Treatment, ...]
    state: State
    at: datetime | None = None


def lines(session: Session, recall: Recall) -> list[Line]:
    """Every patient treated with the lot, and what became of them."""
    people = treated_with(session, recall.clinic_id, recall.product, recall.lot)
    if recall.status is not RecallStatus.APPROVED:
        return [Line(one.patient, one.treatments, "planned") for one in people]
    notices = {notice.patient_id: notice for notice in recall.notices}
    wrote = _wrote_since(session, recall, list(notices))
    tasks = _phone_tasks(session, recall)
    return [_line(one, notices.get(one.patient.id), wrote, tasks) for one in people]


def counts(of: Iterable[Line]) -> Counter[str]:
    """How many patients are in each state."""
    return Counter(line.state for line in of)


def _line(
    one: Treated,
    notice: RecallNotice | None,
    wrote: dict[str, datetime],
    tasks: dict[str, StaffTask],
) -> Line:
    if notice is None:
        return Line(one.patient, one.treatments, "untold")
    answered = notice.read_at or wrote.get(one.patient.id)
    if answered is not None:
        return Line(one.patient, one.treatments, "answered", answered)
    message = notice.message
    task = notice.task or (tasks.get(message.id) if message else None)
    if task is not None and task.done_at is not None:
        return Line(one.patient, one.treatments, "phoned", task.done_at)
    if message is None:
        return Line(one.patient, one.treatments, "phone", notice.created_at)
    reached = message.events[-1].created_at if message.events else message.created_at
    return Line(one.patient, one.treatments, _BY_STATUS[message.status], reached)


def _wrote_since(session: Session, recall: Recall, patient_ids: list[str]) -> dict[str, datetime]:
    """When each patient first wrote after the recall's text had left."""
    rows = session.execute(
        select(Message.patient_id, func.min(Message.created_at))
        .where(
            Message.patient_id.in_(patient_ids),
            Message.direction == Direction.IN,
            Message.created_at > recall.approved_at,
        )
        .group_by(Message.patient_id)
    )
    return {str(patient_id): at for patient_id, at in rows}


def _phone_tasks(session: Session, recall: Recall) -> dict[str, StaffTask]:
    """Tasks that stand for a text which was held back or failed, by the message."""
    ids = [notice.message_id for notice in recall.notices if notice.message_id]
    query = select(StaffTask).where(
        StaffTask.message_id.in_(ids),
        StaffTask.kind.in_([TaskKind.OPTED_OUT_PHONE, TaskKind.NOT_DELIVERED]),
    )
    return {str(task.message_id): task for task in session.scalars(query)}


def as_csv(of: Iterable[Line], header: list[str], name_of: Callable[[str], str]) -> str:
    """The lines for a spreadsheet: name, phone, days, lots, state, when. `name_of` words a state."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    for line in of:
        writer.writerow(
            [
                harmless(line.patient.last_name),
                harmless(line.patient.first_name),
                line.patient.phone,
                "; ".join(f"{treatment.treated_at:%Y-%m-%d}" for treatment in line.treatments),
                harmless("; ".join(sorted({treatment.lot for treatment in line.treatments}))),
                name_of(line.state),
                line.at.isoformat(timespec="minutes") if line.at else "",
            ]
        )
    return out.getvalue()
