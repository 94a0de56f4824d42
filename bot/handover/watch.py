"""Looks after every conversation that is held: does what `policy` decides, with each sweep."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from bot import clock, events
from bot import settings as app_settings
from bot.clinic.models import Staff, StaffSession
from bot.db.engine import reading, transaction
from bot.handover import policy
from bot.handover.models import Takeover
from bot.handover.service import release
from bot.handover.waiting import ask_others, others_asked, waiting_message
from bot.messaging.models import Conversation, Message
from bot.messaging.reading import probe_unanswered
from bot.records.models import AssessmentRecord


def watch() -> None:
    """Ask others where a patient waits too long, and hand back what nobody holds in truth."""
    with reading() as session:
        held = session.scalars(select(Takeover).where(Takeover.released_at.is_(None)))
        due = [
            (one.id, one.conversation_id) for one in held if not isinstance(decide(session, one), policy.Keep)
        ]
    for takeover_id, conversation_id in due:
        with transaction() as session:
            # in the order in which taking and handing back lock them
            conversation = session.get_one(
                Conversation, conversation_id, with_for_update={"of": Conversation}
            )
            changed = _look(session, takeover_id)
        if changed:
            events.committed(conversation.clinic_id, conversation.id)


def _look(session: Session, takeover_id: str) -> bool:
    held = session.get_one(Takeover, takeover_id, with_for_update=True, populate_existing=True)
    if held.released_at is not None:
        return False
    waiting = waiting_message(session, held)
    match decide(session, held):
        case policy.AskOthers():
            if waiting is not None:
                _pass_on(session, waiting)
            return True
        case policy.HandBack(why):
            if waiting is not None:
                _pass_on(session, waiting)
            release(session, held, why)
            return True
        case policy.Keep():
            return False


def _pass_on(session: Session, waiting: Message) -> None:
    """A person must look at what the holder has not answered. The desk left the red-flag questions to the
    holder, who did not ask them: that counts as silence after them."""
    if others_asked(session, waiting):
        return
    ask_others(session, waiting)
    worrying = (
        select(AssessmentRecord.id)
        .join(Message, Message.id == AssessmentRecord.message_id)
        .where(
            Message.conversation_id == waiting.conversation_id,
            Message.id >= waiting.id,
            AssessmentRecord.probe.is_(True),
        )
    )
    if session.scalars(worrying).first() is not None:
        probe_unanswered(session, waiting.conversation)


def hands_back_at(session: Session, held: Takeover) -> datetime:
    """When the bot answers again if the holder does nothing more."""
    waiting = waiting_message(session, held)
    return policy.back_at(held.active_at, waiting.created_at if waiting else None, _limits())


def _limits() -> policy.Limits:
    settings = app_settings.get_settings()
    return policy.Limits(settings.takeover_reply_minutes, settings.takeover_idle_minutes)


def decide(session: Session, held: Takeover) -> policy.Action:
    """What the policy says of `held` now."""
    waiting = waiting_message(session, held)
    hold = policy.Hold(
        active_at=held.active_at,
        waiting_since=waiting.created_at if waiting else None,
        others_asked=waiting is not None and others_asked(session, waiting),
        holder_present=_present(session, held.staff_id),
    )
    return policy.next_action(hold, _limits(), clock.now())


def _present(session: Session, staff_id: str) -> bool:
    """Whether the holder may sign in and is signed in somewhere. Sessions run out in real time."""
    real_now = clock.now() - clock.offset()
    signed_in = exists().where(StaffSession.staff_id == Staff.id, StaffSession.expires_at > real_now)
    query = select(Staff.id).where(Staff.id == staff_id, Staff.active.is_(True), signed_in)
    return session.scalars(query).first() is not None
