"""Check-ins out of the door: does what `planning` decides, exactly once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from bot import clock, events
from bot import settings as app_settings
from bot.clinic.models import Patient, Treatment
from bot.db.engine import transaction
from bot.dialogue.turns import Dialogue, describe, store
from bot.escalation.raising import raise_alert
from bot.followup import protocols
from bot.followup.answers import before, judgement
from bot.followup.ending import finish_if_done
from bot.followup.hours import texting_hours
from bot.followup.models import OPEN, CheckIn, CheckInStatus, Enrolment, EnrolmentStatus, Means
from bot.followup.planning import (
    NEVER,
    TOGETHER,
    Action,
    AskStaff,
    Drop,
    Escalate,
    Facts,
    Phone,
    Remind,
    Send,
    Wait,
    next_action,
)
from bot.handover.holds import is_talking_with
from bot.links import service as links
from bot.links import tokens
from bot.links.models import LinkPurpose
from bot.messaging import optout
from bot.messaging.consent import agreed_to_texts
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message
from bot.messaging.threads import find_or_open
from bot.protocols.catalogue import catalogue
from bot.records.models import TaskKind
from bot.records.tasks import open_task
from bot.triage.types import Assessment, Finding, Tier

#: An answer worries for this long: silence after it is a sign of its own.
WORRIED_FOR = timedelta(days=7)
#: Why somebody must phone, and the task that asks for it.
OPTED_OUT, BY_PHONE, NO_CONSENT = "opted out", "by phone", "no consent"
_PHONE_TASK = {
    OPTED_OUT: TaskKind.OPTED_OUT_PHONE,
    BY_PHONE: TaskKind.PHONE_CHECK_IN,
    NO_CONSENT: TaskKind.NO_CONSENT,
}

#: What every step looks at, read with the enrolment.
_WHOLE = (
    joinedload(Enrolment.treatment, innerjoin=True),
    joinedload(Enrolment.patient, innerjoin=True).joinedload(Patient.clinic, innerjoin=True),
)

#: While a person talks with the patient nothing is asked; when to see whether they have finished.
HELD = timedelta(minutes=5)


_NEXT_DUE = (
    select(CheckIn.due_at)
    .where(
        CheckIn.patient_id == bindparam("patient_id"),
        CheckIn.due_at > bindparam("due_at"),
        CheckIn.status.not_in([CheckInStatus.CANCELLED, CheckInStatus.SKIPPED, CheckInStatus.COMBINED]),
    )
    .order_by(CheckIn.due_at)
    .limit(1)
)


def decide(check_in: CheckIn, session: Session, now: datetime, thread: Conversation) -> Action:
    """What the plan says about this check-in at `now`; `thread` is its patient's by text."""
    if check_in.status not in OPEN:
        return Wait(NEVER)
    where = {"patient_id": check_in.patient_id, "due_at": check_in.due_at}
    next_due = session.scalars(_NEXT_DUE, where).first()
    settings = app_settings.get_settings()
    waiting = check_in.status in (CheckInStatus.SENT, CheckInStatus.REMINDED)
    return next_action(
        Facts(
            check_in.status,
            check_in.due_at,
            texting_hours(check_in.patient.clinic, check_in.patient.time_zone),
            sent_at=check_in.sent_at,
            reminded_at=check_in.reminded_at,
            next_due_at=next_due,
            paused=check_in.enrolment.status is EnrolmentStatus.PAUSED,
            no_texts=_no_texts(session, check_in, thread),
            worried=waiting and worry(session, check_in, now) is not None,
            reminder_after=timedelta(hours=settings.checkin_reminder_hours),
            task_after=timedelta(hours=settings.checkin_task_hours),
        ),
        now,
    )


def _no_texts(session: Session, check_in: CheckIn, thread: Conversation) -> str | None:
    if optout.is_opted_out(thread):
        return OPTED_OUT
    if check_in.enrolment.means is Means.PHONE:
        return BY_PHONE
    return None if agreed_to_texts(session, check_in.patient) else NO_CONSENT


def worry(session: Session, check_in: CheckIn, now: datetime) -> str | None:
    """What in the patient's last answers, here or in the check-in before, crossed a threshold; None if
    nothing."""
    earlier = session.scalars(
        select(CheckIn)
        .where(
            CheckIn.patient_id == check_in.patient_id,
            CheckIn.due_at < check_in.due_at,
            CheckIn.answered_at > now - WORRIED_FOR,
        )
        .order_by(CheckIn.due_at.desc())
        .limit(1)
    ).first()
    for one in (check_in, earlier):
        if one is not None and one.answers:
            tier, note = judgement(session, one)
            if tier.at_least_as_urgent_as(Tier.T3):
                return f"day {one.day}: {note}"
    return None


def step(check_in_id: str, dialogue: Dialogue | None) -> None:
    """Do what is due for one check-in. Run again, it finds that nothing is."""
    with transaction() as session:
        check_in = _locked(session, check_in_id)
        conversation = _thread(session, check_in)
        action = decide(check_in, session, clock.now(), conversation)
        if isinstance(action, Send | Remind) and is_talking_with(session, conversation):
            check_in.next_step_at = clock.now() + HELD
            return
        metadata: dict[str, Any] | None = None
        if isinstance(action, Send):
            if not _joins_another(session, check_in):
                metadata = describe(session, conversation) | _questions(session, check_in)
                link = links.issue(session, check_in.patient, LinkPurpose.CHECK_IN, check_in.id)
                metadata["values"] |= {"url": tokens.marked(link.id)}
        else:
            _do(session, check_in, conversation, action)
        if metadata is None:
            _look_again(session, check_in, conversation)
    if metadata is not None:
        _send(check_in_id, conversation, metadata, dialogue)
    events.committed(conversation.clinic_id, conversation.id)


def _locked(session: Session, check_in_id: str) -> CheckIn:
    """The check-in, held until the transaction ends, and then, as it is by now, what belongs to it."""
    check_in = session.get_one(CheckIn, check_in_id, with_for_update=True)
    enrolment = session.get_one(Enrolment, check_in.enrolment_id, options=_WHOLE)
    # a session forgets what nobody holds, and would read it again at every mention
    set_committed_value(check_in, "enrolment", enrolment)
    set_committed_value(check_in, "patient", enrolment.patient)
    return check_in


def _questions(session: Session, check_in: CheckIn) -> dict[str, Any]:
    scores = {name: value for name, value in before(session, check_in).items() if isinstance(value, int)}
    shipped, asked = catalogue().questions, protocols.questions(session, check_in)
    own = {name: one.only_if for name, one in asked.items() if one.only_if != shipped[name].only_if}
    return {
        "check_in_asks": list(protocols.asks(session, check_in)),
        "check_in_day": check_in.day,
        "check_in_before": scores,
        "check_in_only_if": {name: branch and branch.model_dump(mode="json") for name, branch in own.items()},
    }


def _joins_another(session: Session, check_in: CheckIn) -> bool:
    """Check-ins of several treatments that fall due about now are asked as one: that of the newest
    treatment."""
    together = session.scalars(
        select(CheckIn)
        .join(Enrolment, Enrolment.id == CheckIn.enrolment_id)
        .join(Treatment, Treatment.id == Enrolment.treatment_id)
        .where(
            CheckIn.patient_id == check_in.patient_id,
            CheckIn.status == CheckInStatus.PLANNED,
            CheckIn.due_at <= clock.now() + TOGETHER,
            Enrolment.status == EnrolmentStatus.ACTIVE,
        )
        .order_by(Treatment.treated_at.desc(), CheckIn.due_at.desc())
        .with_for_update(of=CheckIn)
    ).all()
    asked, *others = together
    for other in others:
        other.status, other.combined_into_id, other.next_step_at = CheckInStatus.COMBINED, asked.id, NEVER
        other.reason = f"asked with day {asked.day}"
        finish_if_done(session, other.enrolment)
    return asked.id != check_in.id


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
        check_in = _locked(session, check_in_id)
        if check_in.status is not CheckInStatus.PLANNED:
            return
        if is_talking_with(session, conversation):
            return  # taken over in this moment; the next sweep puts it off
        check_in.status, check_in.sent_at = CheckInStatus.SENT, clock.now()
        check_in.asked = list(metadata["check_in_asks"])
        thread = session.get_one(Conversation, conversation.id)
        _look_again(session, check_in, thread)
        store(session, thread, replies, Kind.CHECK_IN, check_in_id=check_in.id)


def _look_again(session: Session, check_in: CheckIn, thread: Conversation) -> None:
    """Write down when this check-in needs something next."""
    action = decide(check_in, session, clock.now(), thread)
    check_in.next_step_at = action.until if isinstance(action, Wait) else clock.now()


def _do(session: Session, check_in: CheckIn, conversation: Conversation, action: Action) -> None:
    note = f"day {check_in.day}"
    match action:
        case Phone(reason):
            check_in.status, check_in.reason = CheckInStatus.BY_PHONE, reason
            # consent is missing once, not once a check-in
            key = check_in.patient_id if reason == NO_CONSENT else check_in.id
            open_task(session, _PHONE_TASK[reason], key, conversation, note=note)
        case Remind():
            check_in.status, check_in.reminded_at = CheckInStatus.REMINDED, clock.now()
            link = links.issue(session, check_in.patient, LinkPurpose.CHECK_IN, check_in.id)
            links.text_with_link(
                session, conversation, "checkin.reminder", Kind.CHECK_IN, link, check_in_id=check_in.id
            )
        case AskStaff():
            check_in.status = CheckInStatus.UNANSWERED
            open_task(session, TaskKind.NO_CHECK_IN_ANSWER, check_in.id, conversation, note=note)
        case Escalate():
            check_in.status = CheckInStatus.UNANSWERED
            _alarm(session, check_in, conversation)
        case Drop(reason):
            check_in.status, check_in.reason = CheckInStatus.CANCELLED, reason
            open_task(
                session, TaskKind.NO_CHECK_IN_ANSWER, check_in.id, conversation, note=f"{note}: {reason}"
            )
        case Wait() | Send():
            return
    finish_if_done(session, check_in.enrolment)


def _alarm(session: Session, check_in: CheckIn, conversation: Conversation) -> None:
    """Silence after a worrying answer is for a person the same day [prop, clinical.md 2]."""
    why = worry(session, check_in, clock.now()) or ""
    last = session.scalars(
        select(Message)
        .where(Message.conversation_id == conversation.id, Message.direction == Direction.IN)
        .order_by(Message.id.desc())
        .limit(1)
    ).first()
    if last is None:  # answered elsewhere than by text: there is no message for an alert to show
        open_task(session, TaskKind.NO_CHECK_IN_ANSWER, check_in.id, conversation, note=why)
        return
    finding = Finding(flag="NEG", tier=Tier.T2, rule="checkin.silence", words=why, source="prop")
    silence = Assessment(tier=Tier.T2, findings=(finding,), reasons=(f"no answer after {why}",))
    raise_alert(session, last, silence)


def _thread(session: Session, check_in: CheckIn) -> Conversation:
    patient = check_in.patient
    return find_or_open(session, patient.clinic, Channel.SMS, patient.phone)
