"""Raising alerts and taking their steps, inside the caller's transaction. Decisions are `policy`'s."""

from __future__ import annotations

import random
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import clock
from bot import settings as app_settings
from bot.clinic.models import Staff
from bot.escalation.models import Alert, AlertEvent, AlertStatus, EventKind, Notification
from bot.escalation.policy import Action, Done, Page, Policy, Remind, Wait, next_action
from bot.messaging.models import Channel, Conversation, Kind, Message
from bot.messaging.threads import find_or_open, say
from bot.protocols.phrases import as_language
from bot.protocols.render import Situation, render
from bot.triage.types import Assessment, Tier

#: The rule of a message that adds nothing to an open alert, and takes nothing away from it.
ALERT_STAYS_OPEN = "answer.alert-stays-open"


def on_call(session: Session, clinic_id: str) -> tuple[str, ...]:
    """The clinic's staff to page, in their order."""
    return tuple(
        session.scalars(
            select(Staff.id)
            .where(
                Staff.clinic_id == clinic_id,
                Staff.active.is_(True),
                Staff.on_call_order.is_not(None),
                Staff.phone.is_not(None),
            )
            .order_by(Staff.on_call_order)
        )
    )


def open_alert(session: Session, conversation: Conversation, *, lock: bool = False) -> Alert | None:
    """The conversation's alert that nobody has closed yet, if any. `lock` it before changing it: somebody may
    be acknowledging or closing it at this moment."""
    query = select(Alert).where(Alert.conversation_id == conversation.id, Alert.status != AlertStatus.CLOSED)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).first()


def raise_alert(session: Session, message: Message, assessment: Assessment) -> Alert:
    """Open an alert for `message`, or join it to the open one, raising that if this is more urgent.

    The first page is written in the same transaction: an alert without a page cannot exist.
    """
    conversation = message.conversation
    alert = open_alert(session, conversation, lock=True)
    if alert is not None:
        _join(session, alert, message, assessment)
        return alert
    people = on_call(session, conversation.clinic_id)
    policy = Policy.for_tier(assessment.tier, people, app_settings.get_settings())
    alert = Alert(
        clinic_id=conversation.clinic_id,
        patient_id=conversation.patient_id,
        conversation_id=conversation.id,
        message_id=message.id,
        tier=assessment.tier,
        flag=assessment.lead_flag,
        code=_free_code(session, conversation.clinic_id),
        status=AlertStatus.OPEN,
        policy=policy.as_json(),
    )
    session.add(alert)
    session.flush()
    log(session, alert, EventKind.OPENED, message_id=message.id, detail=alert.flag)
    take_step(session, alert, clock.now())
    return alert


def _join(session: Session, alert: Alert, message: Message, assessment: Assessment) -> None:
    """A later sign never opens a second alert, and a less urgent one never lowers the first."""
    _refresh(session, alert)
    log(session, alert, EventKind.PATIENT_WROTE, message_id=message.id, detail=assessment.tier.value)
    if assessment.tier.urgency < alert.tier.urgency:
        alert.tier, alert.flag = assessment.tier, assessment.lead_flag
        people = on_call(session, alert.clinic_id)
        alert.policy = Policy.for_tier(alert.tier, people, app_settings.get_settings()).as_json()
        alert.status, alert.steps_taken, alert.next_step_at = AlertStatus.OPEN, 0, None
        alert.acknowledged_at = alert.acknowledged_by_id = None
        log(session, alert, EventKind.RAISED, message_id=message.id, detail=alert.tier.value)
        take_step(session, alert, clock.now())
    elif alert.status is AlertStatus.OPEN and alert.next_step_at is None:
        take_step(session, alert, clock.now())
    elif alert.status is AlertStatus.ACKNOWLEDGED and alert.acknowledged_by_id:
        new_sign = any(finding.rule != ALERT_STAYS_OPEN for finding in assessment.findings)
        if new_sign and assessment.tier.at_least_as_urgent_as(Tier.T1):
            page(session, alert, alert.acknowledged_by_id, "staff.page_again")


def take_step(session: Session, alert: Alert, now: datetime) -> Action:
    """Do whatever is due for `alert` at `now`. Returns what was decided."""
    if alert.status is not AlertStatus.CLOSED:
        _refresh(session, alert)
    policy = Policy.from_json(alert.policy)
    action = next_action(alert.status, alert.steps_taken, alert.next_step_at, policy, now)
    match action:
        case Page(people, next_at):
            if not people:
                _nobody_on_call(session, alert)
            for staff_id in people:
                again = alert.steps_taken >= len(policy.people)
                page(session, alert, staff_id, "staff.page_again" if again else "staff.page")
            alert.steps_taken += 1
            alert.next_step_at = next_at
        case Remind(next_at):
            if alert.acknowledged_by_id:
                page(session, alert, alert.acknowledged_by_id, "staff.reminder", EventKind.REMINDED)
            alert.next_step_at = next_at
        case Wait() | Done():
            pass
    return action


def _refresh(session: Session, alert: Alert) -> None:
    """The times stay as they were when the alert was raised; the people are those who are on call now. An
    alert whose holder has left the clinic has nobody: it is open again."""
    people = on_call(session, alert.clinic_id)
    if list(people) != alert.policy["people"]:
        alert.policy = {**alert.policy, "people": list(people)}
    holder = session.get(Staff, alert.acknowledged_by_id) if alert.acknowledged_by_id else None
    if alert.status is AlertStatus.ACKNOWLEDGED and (holder is None or not holder.active):
        alert.status, alert.steps_taken, alert.next_step_at = AlertStatus.OPEN, 0, None
        alert.acknowledged_at = alert.acknowledged_by_id = None
        log(session, alert, EventKind.REOPENED)


def _nobody_on_call(session: Session, alert: Alert) -> None:
    """An alarm of its own. The next step starts with the first person, as soon as there is one."""
    log(session, alert, EventKind.NOBODY_ON_CALL)
    alert.steps_taken = -1


def page(
    session: Session, alert: Alert, staff_id: str, piece: str, event: EventKind = EventKind.PAGED
) -> None:
    """Text one member of staff about `alert`. The words carry initials and a link, no more."""
    staff = session.get_one(Staff, staff_id)
    if not staff.phone:
        log(session, alert, EventKind.PAGE_FAILED, staff_id=staff_id, detail="no phone")
        return
    thread = find_or_open(session, alert.conversation.clinic, Channel.SMS, staff.phone)
    message = say(session, thread, piece, Kind.PAGE, extra=words(session, alert, staff.language))
    step = session.scalar(
        select(func.count())
        .select_from(Notification)
        .where(Notification.alert_id == alert.id, Notification.staff_id == staff_id)
    )
    session.add(
        Notification(
            clinic_id=alert.clinic_id,
            alert_id=alert.id,
            staff_id=staff_id,
            step=step or 0,
            message_id=message.id,
        )
    )
    log(session, alert, event, staff_id=staff_id, message_id=message.id)


def words(session: Session, alert: Alert, language: str) -> dict[str, str]:
    """What texts to staff are filled with. Initials and a link: no name, no symptom beyond the flag."""
    label = render(f"staff.flag_{alert.flag.lower()}", Situation(language=as_language(language)), {}).text
    holder = session.get(Staff, alert.acknowledged_by_id) if alert.acknowledged_by_id else None
    return {
        "tier": alert.tier.value,
        "flag_label": label,
        "initials": alert.patient.initials if alert.patient else "?",
        "code": alert.code,
        "url": f"{app_settings.get_settings().public_url}/console/alerts/{alert.id}",
        "name": holder.name if holder else "",
    }


def log(
    session: Session,
    alert: Alert,
    kind: EventKind,
    *,
    staff_id: str | None = None,
    message_id: str | None = None,
    detail: str = "",
) -> None:
    """Add a line to the alert's timeline."""
    session.add(
        AlertEvent(
            clinic_id=alert.clinic_id,
            alert_id=alert.id,
            kind=kind,
            staff_id=staff_id,
            message_id=message_id,
            detail=detail,
        )
    )
    session.flush()


def _free_code(session: Session, clinic_id: str) -> str:
    """Two digits that no alert of the clinic that is still open uses; three when those run out."""
    used = set(
        session.scalars(
            select(Alert.code).where(Alert.clinic_id == clinic_id, Alert.status != AlertStatus.CLOSED)
        )
    )
    for first, last in ((10, 99), (100, 999), (1000, 99999)):
        free = [str(number) for number in range(first, last + 1) if str(number) not in used]
        if free:
            return random.choice(free)
    raise RuntimeError("no free alert code")
