"""Writes and reads intakes. Every answer is stored as it arrives; the form knows what is asked next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.db.engine import reading, transaction
from bot.handover.holds import is_held
from bot.intake.models import Intake, IntakeAnswer, IntakeStatus
from bot.intake.reading import Answer, Said, beside_before
from bot.messaging.models import Channel, Conversation, Kind, Message
from bot.messaging.threads import say
from bot.records.models import TaskKind
from bot.records.tasks import open_task

#: Silence after which an open intake is followed up, once [prop].
REMIND_AFTER = timedelta(hours=24)
#: After so long nobody expects to be reminded.
TOO_LATE = timedelta(days=7)
#: Local hours in which the reminder may go out, first and one past the last.
AWAKE = (9, 20)
#: Answers older than this are asked anew [prop].
GOES_STALE = timedelta(days=180)


def latest(session: Session, conversation_id: str) -> Intake | None:
    """The newest intake of a conversation that is not out of date."""
    found = session.scalars(
        select(Intake).where(Intake.conversation_id == conversation_id).order_by(Intake.id.desc()).limit(1)
    ).first()
    if found is None or clock.now() - found.heard_at > GOES_STALE:
        return None
    return found


def answers_of(intake: Intake) -> dict[str, Answer]:
    """The answers that count, by question: the last given to each, with a trace of what it takes back."""
    given: dict[str, list[Answer]] = {}
    for row in intake.answers:
        given.setdefault(row.item, []).append(_answer(row))
    return {item: beside_before(answers) for item, answers in given.items()}


def begin(message_id: str) -> dict[str, Answer]:
    """Open the intake of the sender of a message, or take up the one that is there. Gives its answers."""
    with transaction() as session:
        message = session.get_one(Message, message_id)
        intake = latest(session, message.conversation_id) or _open(session, message)
        intake.heard_at = clock.now()
        return answers_of(intake)


def record(message_id: str, answers: Sequence[Answer]) -> None:
    """Store answers that a message gave, beside any earlier ones to the same questions."""
    with transaction() as session:
        message = session.get_one(Message, message_id)
        intake = latest(session, message.conversation_id) or _open(session, message)
        intake.heard_at = clock.now()
        if intake.status is IntakeStatus.STOPPED and any(answer.item == "age" for answer in answers):
            intake.status = IntakeStatus.OPEN  # the age was a slip, or it is given once more
        for answer in answers:
            session.add(
                IntakeAnswer(
                    clinic_id=message.clinic_id,
                    intake_id=intake.id,
                    message_id=message_id,
                    item=answer.item,
                    said=answer.said,
                    words=answer.words,
                    codes=list(answer.codes),
                    value=answer.value,
                )
            )
    events.committed(message.clinic_id, message.conversation_id)


def finish(message_id: str, *, minor: bool) -> None:
    """Close the intake of a message's sender and ask staff to read it. `minor`: nothing is booked."""
    with transaction() as session:
        message = session.get_one(Message, message_id)
        intake = latest(session, message.conversation_id)
        if intake is None:
            return
        intake.status = IntakeStatus.STOPPED if minor else IntakeStatus.DONE
        intake.finished_at = clock.now()
        note = "intake: under 18, no booking" if minor else "intake: answers to read"
        key = f"intake:{intake.id}:{intake.status}"
        open_task(session, TaskKind.REVIEW, key, message.conversation, note=note, message_id=message_id)
    events.committed(message.clinic_id, message.conversation_id)


def stored(message_id: str) -> dict[str, Answer]:
    """The answers so far of a message's sender; none when there is no intake."""
    with reading() as session:
        message = session.get_one(Message, message_id)
        intake = latest(session, message.conversation_id)
        return {} if intake is None else answers_of(intake)


def remind_abandoned() -> None:
    """Follow up, once, each intake that was left open."""
    now = clock.now()
    with reading() as session:
        silent = session.scalars(
            select(Intake).where(
                Intake.status == IntakeStatus.OPEN,
                Intake.reminded_at.is_(None),
                Intake.heard_at <= now - REMIND_AFTER,
                Intake.heard_at > now - TOO_LATE,
            )
        ).all()
        due = [
            intake.id
            for intake in silent
            if _may_remind(intake, now) and not is_held(session, intake.conversation)
        ]
    for intake_id in due:
        _remind(intake_id, now)


def may_remind(
    *, heard_at: datetime, reminded_at: datetime | None, time_zone: str, opted_out: bool, now: datetime
) -> bool:
    """Whether an open intake may be followed up at `now`: once, after a day, in daytime, never after STOP."""
    silence = now - heard_at
    hour = now.astimezone(ZoneInfo(time_zone)).hour
    return (
        reminded_at is None
        and not opted_out
        and REMIND_AFTER <= silence < TOO_LATE
        and AWAKE[0] <= hour < AWAKE[1]
    )


def _may_remind(intake: Intake, now: datetime) -> bool:
    thread: Conversation = intake.conversation
    patient = thread.patient
    return thread.channel is Channel.SMS and may_remind(
        heard_at=intake.heard_at,
        reminded_at=intake.reminded_at,
        time_zone=patient.time_zone if patient else thread.clinic.time_zone,
        opted_out=thread.opted_out_at is not None
        or (patient is not None and patient.opted_out_at is not None),
        now=now,
    )


def _remind(intake_id: str, now: datetime) -> None:
    with transaction() as session:
        intake = session.get_one(Intake, intake_id, with_for_update=True)
        if not _may_remind(intake, now):  # answered, or reminded by another process, in between
            return
        intake.reminded_at = now
        thread = intake.conversation
        say(session, thread, "intake.reminder", Kind.NOTICE)
    events.committed(thread.clinic_id, thread.id)


def _open(session: Session, message: Message) -> Intake:
    thread = message.conversation
    intake = Intake(
        clinic_id=thread.clinic_id,
        conversation_id=thread.id,
        patient_id=thread.patient_id,
        status=IntakeStatus.OPEN,
        heard_at=clock.now(),
    )
    session.add(intake)
    session.flush()
    return intake


def _answer(row: IntakeAnswer) -> Answer:
    said: Said = row.said  # type: ignore[assignment]  # checked when it was read
    return Answer(row.item, said, row.words, tuple(row.codes), row.value)
