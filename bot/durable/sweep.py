"""What is due now? Reads the facts and says which durable work to start, under which id.

The same sweep finds new work, work whose time has come, and work that a crash left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from zlib import crc32

import structlog
from sqlalchemy import ColumnElement, Select, and_, bindparam, case, exists, func, select
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot import clock, events
from bot.channels.base import Inbound
from bot.db.base import UtcDateTime
from bot.db.engine import reading, transaction
from bot.escalation.models import Alert, AlertStatus, Notification
from bot.followup import ending, protocols
from bot.followup.models import OPEN, CheckIn, ProtocolVersion
from bot.handover import watch as handover
from bot.handover.models import Takeover
from bot.intake import service as intake
from bot.intake.models import Intake, IntakeStatus
from bot.messaging import inbox, spool
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, Status, Turn
from bot.messaging.reading import PROBE_PATIENCE, probe_unanswered, unreadable
from bot.photos import consent as photo_consent
from bot.photos.models import ArrivalStatus, Photo, PhotoArrival
from bot.triage.types import PROBES

log = structlog.get_logger(__name__)

BATCH = 500

#: What is due when its moment has come: the column of the moment, and which rows wait for it.
_WAITING: dict[str, tuple[InstrumentedAttribute[Any], ColumnElement[bool]]] = {
    "deliveries": (
        Message.send_after,
        and_(Message.status.in_([Status.QUEUED, Status.SENDING]), Message.channel == Channel.SMS),
    ),
    "notifications": (
        Notification.send_after,
        Notification.status.in_([Status.QUEUED, Status.SENDING]),
    ),
    "alerts": (
        Alert.next_step_at,
        # written out, because a database cannot tell whether a parameter is what its index is for
        Alert.status != bindparam("closed", AlertStatus.CLOSED, literal_execute=True),
    ),
    "check_ins": (CheckIn.next_step_at, CheckIn.status.in_(OPEN)),
    "photos": (PhotoArrival.next_try_at, PhotoArrival.status == ArrivalStatus.WAITING),
}
#: Messages that the dialogue has not answered yet.
_TURN_WAITS = and_(Message.turn == Turn.PENDING, Message.assessed.is_(True))
_UNREAD = and_(
    Message.direction == bindparam("inbound", Direction.IN, literal_execute=True), Message.assessed.is_(False)
)

# Most sweeps find nothing, or one kind of thing. So the record is asked once what there is, and then only for
# that. Made once: putting such a question together takes longer than its answer.
_NOW, _PROBED = bindparam("now", type_=UtcDateTime()), bindparam("probed", type_=UtcDateTime())
_ANY_DUE: Select[*tuple[Any, ...]] = select(
    *(exists().where(rows, moment <= _NOW).label(name) for name, (moment, rows) in _WAITING.items()),
    exists().where(_TURN_WAITS).label("turns"),
)
_ANY_REPAIR: Select[*tuple[Any, ...]] = select(
    exists().where(_UNREAD).label("unread"),
    exists()
    .where(Conversation.open_question.in_(PROBES), Conversation.open_question_at <= _PROBED)
    .label("probes"),
    exists().where(Intake.status == IntakeStatus.OPEN, Intake.reminded_at.is_(None)).label("intakes"),
    exists().where(Takeover.released_at.is_(None)).label("held"),
    exists().where(Photo.ask_consent_at <= _NOW).label("photos"),
    select(func.max(ProtocolVersion.id)).scalar_subquery().label("protocol"),
)
_NEXT: Select[Any] = select(
    *(
        select(func.min(moment)).where(rows, moment > _NOW).scalar_subquery().label(name)
        for name, (moment, rows) in _WAITING.items()
    ),
    select(func.min(Photo.ask_consent_at))
    .where(Photo.ask_consent_at > _NOW)
    .scalar_subquery()
    .label("asked"),
    select(func.min(Conversation.open_question_at))
    .where(Conversation.open_question.in_(PROBES), Conversation.open_question_at > _PROBED)
    .scalar_subquery()
    .label("probes"),
)


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to do. The same id never starts twice; `partition` keeps one party's things in order.
    What has no queue begins at once."""

    queue: Literal["carrier", "alerts", "turns", "photos"] | None
    task: Literal["turn", "deliver", "page", "notify", "escalate", "check_in", "photo"]
    workflow_id: str
    row_id: str
    partition: str


def _id(task: str, row_id: str, since: datetime | None, now: datetime, patience: timedelta) -> str:
    """The id under which a row's work starts: one per due moment, so that it starts once. A row still due
    after `patience` gets a new id: whatever became of the first start, the row says it is not done."""
    since = since or now
    due_at = int(since.timestamp() * 1000)
    late = int((now - since) / patience)
    return f"{task}-{row_id}-{due_at}" + (f"-{late}" if late > 0 else "")


def repair() -> None:
    """Read in what was spooled while the database was away, and triage what could not be triaged."""
    for path in spool.waiting():
        try:
            fields = spool.read(path)
            inbox.store(Inbound(**{**fields, "channel": Channel(fields["channel"])}))
        except Exception as error:
            if isinstance(error, SQLAlchemyError) and not isinstance(error, DataError | IntegrityError):
                raise  # the database itself fails: leave the files where they are
            log.exception("a spooled message cannot be stored; kept aside as .bad", file=path.name)
            spool.set_aside(path)
            continue
        path.unlink()
    now = clock.now()
    with reading() as session:
        found = session.execute(_ANY_REPAIR, {"now": now, "probed": now - PROBE_PATIENCE}).one()
    if found.unread:
        _read_unread()
    _follow_protocols(found.protocol)
    if found.probes:
        _unanswered_probes()
    if found.intakes:
        intake.remind_abandoned()
    if found.held:
        handover.watch()
    if found.photos:
        photo_consent.ask_due()


def _read_unread() -> None:
    """Triage what could not be triaged when it came."""
    with reading() as session:
        unread = session.scalars(select(Message.id).where(_UNREAD).order_by(Message.id).limit(BATCH)).all()
    for message_id in unread:
        read_again(message_id)


#: What the running enrolments were last seen to follow.
_followed: tuple[object, ...] | None = None


def _follow_protocols(newest_own: str | None) -> None:
    """Let enrolments follow protocols that have changed, and end where nothing is left, some hundred in a
    sweep. Looked into only when
    something may have changed: at the start, with new texts, and with a clinic's new version."""
    global _followed
    newest = (protocols.shipped_versions(), newest_own)
    if newest != _followed and protocols.follow_changes() == 0 and ending.finish_all_done() == 0:
        _followed = newest


def _unanswered_probes() -> None:
    """Silence after the red-flag questions is a sign of its own."""
    with reading() as session:
        silent = session.scalars(
            select(Conversation.id)
            .where(
                Conversation.open_question.in_(PROBES),
                Conversation.open_question_at <= clock.now() - PROBE_PATIENCE,
            )
            .limit(BATCH)
        ).all()
    for conversation_id in silent:
        with transaction() as session:
            conversation = session.get_one(
                Conversation, conversation_id, with_for_update={"of": Conversation}
            )
            probe_unanswered(session, conversation)
        events.committed(conversation.clinic_id, conversation.id)


def read_again(message_id: str) -> None:
    """Triage a message that could not be triaged when it came; a person must read what never can be."""
    try:
        with transaction() as session:
            message = session.get_one(Message, message_id)
            try:
                with session.begin_nested():
                    inbox.handle(session, message)
            except Exception:
                log.exception("a message cannot be acted on; a person must read it", message_id=message_id)
                unreadable(session, message)
    except Exception:
        # one bad row must not keep the others waiting; it is tried again with the next sweep
        log.exception("a message cannot even be handed to a person", message_id=message_id)
        return
    events.committed(message.clinic_id, message.conversation_id)


def due(now: datetime) -> list[Work]:
    """Everything that is due at `now`, pages first. A source that fails stops no other."""
    found: list[Work] = []
    with reading() as session:
        some = session.execute(_ANY_DUE, {"now": now}).one()._mapping
        for name, source in _SOURCES.items():
            if not some[name]:
                continue
            try:
                found += source(session, now)
            except SQLAlchemyError:
                raise
            except Exception:
                log.exception("a source of due work fails", source=name)
    return found


def due_pages(now: datetime) -> list[Work]:
    """Of what is due at `now`, pages, calls and safety words."""
    with reading() as session:
        return [*_deliveries(session, now, Message.kind.in_(URGENT)), *_notifications(session, now)]


#: These overtake everything else on their way to the carrier.
URGENT = (Kind.PAGE, Kind.SAFETY)


def _deliveries(session: Session, now: datetime, *more: ColumnElement[bool]) -> Iterator[Work]:
    rows = session.execute(
        select(Message.id, Message.kind, Message.send_after, Conversation.address, Message.body)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(_WAITING["deliveries"][1], Message.send_after <= now, *more)
        .order_by(case((Message.kind.in_(URGENT), 0), else_=1), Message.id)
        .limit(BATCH)
    )
    for message_id, kind, send_after, address, body in rows:
        workflow_id = _id("deliver", message_id, send_after, now, timedelta(minutes=10))
        # pages about different alerts need not wait for each other; equal texts must, to be told apart
        party = f"{address}-{crc32(body.encode()):08x}" if kind is Kind.PAGE else address
        if kind in URGENT:
            yield Work(None, "page", workflow_id, message_id, party)
        else:
            yield Work("carrier", "deliver", workflow_id, message_id, party)


def _notifications(session: Session, now: datetime) -> Iterator[Work]:
    rows = session.execute(
        select(
            Notification.id,
            Notification.send_after,
            Notification.kind,
            func.coalesce(Notification.staff_id, Notification.clinic_id),  # its clinic's fall-back phone
        )
        .where(_WAITING["notifications"][1], Notification.send_after <= now)
        .order_by(Notification.send_after)
        .limit(BATCH)
    )
    for notification_id, send_after, kind, party in rows:
        workflow_id = _id("notify", notification_id, send_after, now, timedelta(minutes=5))
        yield Work(None, "notify", workflow_id, notification_id, f"{kind}-{party}")


def _alerts(session: Session, now: datetime) -> Iterator[Work]:
    rows = session.execute(
        select(Alert.id, Alert.next_step_at)
        .where(_WAITING["alerts"][1], Alert.next_step_at <= now)
        .order_by(Alert.next_step_at)
        .limit(BATCH)
    )
    for alert_id, next_step_at in rows:
        workflow_id = _id("escalate", alert_id, next_step_at, now, timedelta(minutes=1))
        yield Work("alerts", "escalate", workflow_id, alert_id, alert_id)


def _turns(session: Session, now: datetime) -> Iterator[Work]:
    rows = session.execute(
        select(Message.id, Message.created_at, Message.conversation_id)
        .where(_TURN_WAITS)
        .order_by(Message.id)
        .limit(BATCH)
    )
    for message_id, created_at, conversation_id in rows:
        workflow_id = _id("turn", message_id, created_at, now, timedelta(minutes=5))
        yield Work("turns", "turn", workflow_id, message_id, conversation_id)


def _check_ins(session: Session, now: datetime) -> Iterator[Work]:
    rows = session.execute(
        select(CheckIn.id, CheckIn.next_step_at, CheckIn.patient_id)
        .where(_WAITING["check_ins"][1], CheckIn.next_step_at <= now)
        .order_by(CheckIn.next_step_at)
        .limit(BATCH)
    )
    for check_in_id, next_step_at, patient_id in rows:
        workflow_id = _id("check-in", check_in_id, next_step_at, now, timedelta(minutes=1))
        yield Work("turns", "check_in", workflow_id, check_in_id, patient_id)


def _photos(session: Session, now: datetime) -> Iterator[Work]:
    rows = session.execute(
        select(PhotoArrival.id, PhotoArrival.next_try_at)
        .where(_WAITING["photos"][1], PhotoArrival.next_try_at <= now)
        .order_by(PhotoArrival.next_try_at)
        .limit(BATCH)
    )
    for arrival_id, next_try_at in rows:
        workflow_id = _id("photo", arrival_id, next_try_at, now, timedelta(minutes=5))
        yield Work("photos", "photo", workflow_id, arrival_id, arrival_id)


#: Pages first.
_SOURCES: dict[str, Callable[[Session, datetime], Iterator[Work]]] = {
    "deliveries": _deliveries,
    "notifications": _notifications,
    "alerts": _alerts,
    "turns": _turns,
    "check_ins": _check_ins,
    "photos": _photos,
}


def next_moment(now: datetime) -> datetime | None:
    """When something becomes due next, after `now`; None when nothing is waiting for a time."""
    with reading() as session:
        *moments, probed = session.execute(_NEXT, {"now": now, "probed": now - PROBE_PATIENCE}).one()
    if probed is not None:
        moments.append(probed + PROBE_PATIENCE)
    return min((moment for moment in moments if moment is not None), default=None)
