"""Check-ins out of the door: does what `planning` decides, exactly once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot import settings as app_settings
from bot.db.engine import transaction
from bot.dialogue.turns import Dialogue, describe, store
from bot.followup.answers import finish_if_done
from bot.followup.models import CheckIn, CheckInStatus
from bot.followup.planning import Action, AskStaff, Drop, Remind, Send, Wait, next_action
from bot.handover.holds import is_talking_with
from bot.messaging import optout
from bot.messaging.models import Channel, Conversation, Kind
from bot.messaging.threads import find_or_open, say
from bot.records.models import TaskKind
from bot.records.tasks import open_task

#: While a person talks with the patient nothing is asked; when to see whether they have finished.
HELD = timedelta(minutes=5)


def decide(check_in: CheckIn, session: Session, now: datetime) -> Action:
    """What the plan says about this check-in at `now`."""
    next_due = session.scalars(
        select(CheckIn.due_at)
        .where(
            CheckIn.patient_id == check_in.patient_id,
            CheckIn.due_at > check_in.due_at,
            CheckIn.status != CheckInStatus.CANCELLED,
        )
        .order_by(CheckIn.due_at)
        .limit(1)
    ).first()
    return next_action(
        check_in.status,
        due_at=check_in.due_at,
        sent_at=check_in.sent_at,
        reminded_at=check_in.reminded_at,
        next_due_at=next_due,
        time_zone=check_in.patient.time_zone,
        settings=app_settings.get_settings(),
        now=now,
    )


def step(check_in_id: str, dialogue: Dialogue | None) -> None:
    """Do what is due for one check-in. Run again, it finds that nothing is."""
    with transaction() as session:
        check_in = session.get_one(CheckIn, check_in_id, with_for_update=True)
        action = decide(check_in, session, clock.now())
        conversation = _thread(session, check_in)
        if isinstance(action, Send | Remind) and is_talking_with(session, conversation):
            check_in.next_step_at = clock.now() + HELD
            return
        asks = isinstance(action, Send) and not optout.is_opted_out(conversation)
        metadata = describe(session, conversation) if asks else None
        if metadata is None:
            _do(session, check_in, conversation, action)
            _look_again(session, check_in)
    if metadata is not None:
        _send(check_in_id, conversation, metadata, dialogue)
    events.committed(conversation.clinic_id, conversation.id)


def _send(
    check_in_id: str, conversation: Conversation, metadata: dict[str, Any], dialogue: Dialogue | None
) -> None:
    """Ask the dialogue for the first question and send it. Without a dialogue the check-in stays planned:
    the sweeper comes back to it, and an answer to it could not be understood either."""
    if dialogue is None:
        return
    facts = {**metadata, "check_in_id": check_in_id, "message_id": f"check-in-{check_in_id}"}
    replies = dialogue.start_check_in(conversation.id, facts)
    with transaction() as session:
        check_in = session.get_one(CheckIn, check_in_id, with_for_update=True)
        if check_in.status is not CheckInStatus.PLANNED:
            return
        if is_talking_with(session, conversation):
            return  # taken over in this moment; the next sweep puts it off
        check_in.status, check_in.sent_at = CheckInStatus.SENT, clock.now()
        _look_again(session, check_in)
        thread = session.get_one(Conversation, conversation.id)
        store(session, thread, replies, Kind.CHECK_IN, check_in_id=check_in.id)


def _look_again(session: Session, check_in: CheckIn) -> None:
    """Write down when this check-in needs something next."""
    action = decide(check_in, session, clock.now())
    check_in.next_step_at = action.until if isinstance(action, Wait) else clock.now()


def _do(session: Session, check_in: CheckIn, conversation: Conversation, action: Action) -> None:
    match action:
        case Send():
            # opted out: nothing may be texted, so somebody has to phone
            check_in.status = CheckInStatus.CANCELLED
            open_task(
                session, TaskKind.OPTED_OUT_PHONE, check_in.id, conversation, note=f"day {check_in.day}"
            )
        case Remind():
            check_in.status, check_in.reminded_at = CheckInStatus.REMINDED, clock.now()
            say(session, conversation, "checkin.reminder", Kind.CHECK_IN, check_in_id=check_in.id)
        case AskStaff():
            check_in.status = CheckInStatus.UNANSWERED
            note = f"day {check_in.day}"
            open_task(session, TaskKind.NO_CHECK_IN_ANSWER, check_in.id, conversation, note=note)
        case Drop(reason):
            check_in.status = CheckInStatus.CANCELLED
            note = f"day {check_in.day}: {reason}"
            open_task(session, TaskKind.NO_CHECK_IN_ANSWER, check_in.id, conversation, note=note)
        case Wait():
            return
    finish_if_done(session, check_in.enrolment)


def _thread(session: Session, check_in: CheckIn) -> Conversation:
    enrolment = check_in.enrolment
    return find_or_open(session, enrolment.patient.clinic, Channel.SMS, enrolment.patient.phone)
