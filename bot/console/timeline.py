"""Everything that happened with a patient in one list, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from bot import clock
from bot.escalation.models import Alert
from bot.followup.models import CheckIn, CheckInStatus, Enrolment, EnrolmentEvent
from bot.handover.models import Takeover
from bot.messaging.models import Conversation, Kind, Message
from bot.messaging.threads import belongs_to
from bot.records.models import AssessmentRecord, SymptomReport

#: What the timeline can be filtered to; the first shows everything.
FILTERS = ("all", "messages", "reports", "check_ins", "alerts", "handovers")
#: Entries of each kind at most; the page says when there are more.
LIMIT = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: its moment, its kind (as in `FILTERS`, or "changes") and the row behind it."""

    at: datetime
    kind: str
    row: Any
    tier: str | None = None


def entries(session: Session, patient_id: str, show: str = "all") -> tuple[list[Entry], bool]:
    """The patient's entries, newest first, and whether older ones were left out."""
    found: list[Entry] = []
    readers = {
        "messages": _messages,
        "reports": _reports,
        "check_ins": _check_ins,
        "alerts": _alerts,
        "handovers": _handovers,
    }
    cut = False
    for kind, read in readers.items():
        if show in ("all", kind):
            some = read(session, patient_id)
            cut = cut or len(some) > LIMIT
            found += some[:LIMIT]
    if show in ("all", "check_ins"):
        found += _changes(session, patient_id)
    found.sort(key=lambda entry: (entry.at, entry.row.id), reverse=True)
    return found, cut


def _messages(session: Session, patient_id: str) -> list[Entry]:
    query = (
        select(Message, AssessmentRecord.tier)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .outerjoin(AssessmentRecord, AssessmentRecord.message_id == Message.id)
        .where(
            belongs_to(patient_id, Message.patient_id),
            Message.kind.notin_([Kind.STAFF, Kind.PAGE]),
        )
        .order_by(Message.id.desc())
        .limit(LIMIT + 1)
    )
    return [
        Entry(message.created_at, "messages", message, tier.value if tier else None)
        for message, tier in session.execute(query)
    ]


def _reports(session: Session, patient_id: str) -> list[Entry]:
    query = select(SymptomReport).where(SymptomReport.patient_id == patient_id)
    rows = session.scalars(query.order_by(SymptomReport.id.desc()).limit(LIMIT + 1))
    return [Entry(row.created_at, "reports", row, row.tier.value) for row in rows]


def _check_ins(session: Session, patient_id: str) -> list[Entry]:
    """Those that fell due. What is still planned stands under the next check-ins; that one was skipped before
    its day is a change."""
    query = select(CheckIn).where(
        CheckIn.patient_id == patient_id,
        CheckIn.status.notin_([CheckInStatus.PLANNED, CheckInStatus.CANCELLED]),
        or_(CheckIn.due_at <= clock.now(), CheckIn.sent_at.is_not(None), CheckIn.answered_at.is_not(None)),
    )
    rows = session.scalars(query.order_by(CheckIn.due_at.desc()).limit(LIMIT + 1))
    return [Entry(row.answered_at or row.sent_at or row.due_at, "check_ins", row) for row in rows]


def _changes(session: Session, patient_id: str) -> list[Entry]:
    """What was changed about the patient's check-ins; few, so that they are not counted against the limit."""
    query = (
        select(EnrolmentEvent)
        .join(Enrolment, Enrolment.id == EnrolmentEvent.enrolment_id)
        .where(Enrolment.patient_id == patient_id)
        .options(joinedload(EnrolmentEvent.staff))
        .order_by(EnrolmentEvent.id.desc())
        .limit(LIMIT)
    )
    return [Entry(row.created_at, "changes", row) for row in session.scalars(query)]


def _alerts(session: Session, patient_id: str) -> list[Entry]:
    query = select(Alert).where(Alert.patient_id == patient_id, Alert.joined_into_id.is_(None))
    rows = session.scalars(query.order_by(Alert.id.desc()).limit(LIMIT + 1))
    return [Entry(row.created_at, "alerts", row, row.tier.value) for row in rows]


def _handovers(session: Session, patient_id: str) -> list[Entry]:
    """Who talked with the patient in person, for how long: told once it has ended."""
    query = (
        select(Takeover)
        .join(Conversation, Conversation.id == Takeover.conversation_id)
        .where(Conversation.patient_id == patient_id, Takeover.released_at.is_not(None))
        .options(joinedload(Takeover.staff))
    )
    rows = session.scalars(query.order_by(Takeover.id.desc()).limit(LIMIT + 1))
    return [Entry(row.released_at or row.created_at, "handovers", row) for row in rows]
