"""Raising alerts, inside the caller's transaction: a sign opens one, or joins the one that is open. One
patient has one open alert, wherever they write; a conversation whose patient nobody knows has its own. Where
a person took one apart, signs join the one of their flag, else the most urgent, and of several the newest."""

from __future__ import annotations

import random
from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.orm.attributes import set_committed_value

from bot import clock
from bot.clinic.models import Patient
from bot.escalation.alerts import log, page, page_anew, policy_for, refresh, reopen, take_step, tell_leads
from bot.escalation.joining import join
from bot.escalation.models import Alert, AlertStatus, EventKind, Notification
from bot.escalation.policy import is_crisis
from bot.escalation.signs import ALERT_STAYS_OPEN, Sign, standing, told_in
from bot.messaging.models import Channel, Conversation, Message
from bot.triage.calls import clinic_rang
from bot.triage.types import Assessment, Tier

#: The detail of a line of the timeline in which the patient says that the clinic has rung.
CLINIC_RANG = "clinic_rang"
#: The rule of what the silence after a question of triage amounts to.
SILENCE = "probe.unanswered"


def open_alert(session: Session, conversation: Conversation) -> Alert | None:
    """The alert that nobody has closed yet and that what is written here is about, if any.

    A chat where a patient's number was left has part in that patient's alert only once a sign of its own is
    in it: who writes there learns nothing of other signs.
    """
    query = select(Alert).where(Alert.status != AlertStatus.CLOSED, _belongs(conversation))
    if conversation.patient_id is None and conversation.named_patient_id is not None:
        query = query.where(
            or_(Alert.conversation_id == conversation.id, told_in(Message.conversation_id == conversation.id))
        )
    return _most_pressing(session.scalars(query))


def _most_pressing(alerts: Iterable[Alert]) -> Alert | None:
    """The most urgent; of several that are as urgent, the newest."""
    return max(alerts, key=lambda alert: (-alert.tier.urgency, alert.id), default=None)


def _belongs(conversation: Conversation) -> ColumnElement[bool]:
    """The condition for alerts that a sign in this conversation belongs to."""
    unknown = and_(Alert.patient_id.is_(None), Alert.conversation_id == conversation.id)
    owner = conversation.owner_id
    return unknown if owner is None else or_(Alert.patient_id == owner, unknown)


def locked_alerts(session: Session, conversation: Conversation) -> list[Alert]:
    """The open alerts that a sign here belongs to, oldest first, locked: somebody may be acknowledging or
    closing one at this moment."""
    query = select(Alert).where(Alert.status != AlertStatus.CLOSED, _belongs(conversation))
    query = query.order_by(Alert.id).with_for_update().execution_options(populate_existing=True)
    return list(session.scalars(query))


def _gathered(
    session: Session, conversation: Conversation, message: Message | None = None, flag: str = ""
) -> Alert | None:
    """The open alert that a sign here belongs to. Those that turn out to be one patient's become one, but not
    what a person took apart: there, more about a `message` that an open alert tells of goes to that one, and
    a sign to the one of its `flag`."""
    found = locked_alerts(session, conversation)
    whole = [one for one in found if one.split_from_id is None]
    for other in whole[1:]:
        join(session, whole[0], other, conversation.owner_id)
    left = [one for one in found if one.joined_into_id is None]
    for one in left:
        if one.patient_id is None and conversation.owner_id is not None:
            one.patient_id = conversation.owner_id
            session.flush()
    if message is not None and len(left) > 1:
        told = [one for one in left if message.id in standing(one.events)]
        left = told or [one for one in left if one.flag == flag] or left
    return _most_pressing(left)


def now_known(session: Session, conversation: Conversation) -> None:
    """It has become known, or was corrected, whose conversation this is: its alert goes to that patient's.

    What stands in an alert together with signs from elsewhere is not taken out of it again, nor what came
    from a phone number while it was somebody else's.
    """
    if conversation.channel is Channel.WEB:
        _let_go(session, conversation)
    _gathered(session, conversation)


def _let_go(session: Session, conversation: Conversation) -> None:
    """The alert of a chat alone is no longer that of whoever was named there before."""
    elsewhere = told_in(Message.conversation_id != conversation.id)
    query = select(Alert).where(
        Alert.status != AlertStatus.CLOSED, Alert.conversation_id == conversation.id, ~elsewhere
    )
    for alert in session.scalars(query.with_for_update(), execution_options={"populate_existing": True}):
        if alert.status is not AlertStatus.CLOSED and alert.patient_id != conversation.owner_id:
            alert.patient_id = None
    session.flush()


def raise_alert(session: Session, message: Message, assessment: Assessment) -> Alert:
    """Open an alert for `message`, or join it to the open one, raising that if this is more urgent.

    The first page is written in the same transaction: an alert without a page cannot exist.
    """
    conversation = message.conversation
    alert = _gathered(session, conversation, message, assessment.lead_flag)
    if alert is not None:
        _add(session, alert, message, assessment)
        return alert
    sign = Sign(message, assessment.tier, assessment.lead_flag, is_crisis(assessment))
    owner = session.get(Patient, conversation.owner_id) if conversation.owner_id else None
    alert = open_for(session, sign, owner)
    take_step(session, alert, clock.now(), people_are_known=True)
    return alert


def open_for(session: Session, sign: Sign, patient: Patient | None, split_from: Alert | None = None) -> Alert:
    """A new alert of `patient`, or of nobody we know, about `sign`, with a policy as set now. It is the
    caller's to page about it in the same transaction."""
    conversation = sign.message.conversation
    alert = Alert(
        clinic_id=conversation.clinic_id,
        patient_id=patient.id if patient else None,
        conversation_id=conversation.id,
        message_id=sign.message.id,
        split_from_id=split_from.id if split_from else None,
        tier=sign.tier,
        flag=sign.flag,
        psych=sign.psych,
        code=free_code(session, conversation.clinic_id),
        status=AlertStatus.OPEN,
        policy=policy_for(session, conversation, sign.tier, sign.psych, patient),
    )
    session.add(alert)
    session.flush()
    set_committed_value(alert, "joined", [])  # nothing can be part of it yet
    log(
        session,
        alert,
        EventKind.OPENED,
        message_id=sign.message.id,
        detail=sign.flag,
        tier=sign.tier,
        flag=sign.flag,
    )
    return alert


def _add(session: Session, alert: Alert, message: Message, assessment: Assessment) -> None:
    """A later sign never opens a second alert, and a less urgent one never lowers the first."""
    crisis = is_crisis(assessment)
    alert.psych = alert.psych or crisis
    refresh(session, alert)
    known = {event.flag for event in alert.events} | {alert.flag}
    silent = any(finding.rule == SILENCE for finding in assessment.findings)  # nothing was written
    raised = assessment.tier.urgency < alert.tier.urgency
    if not silent:
        nothing_new = all(finding.rule == ALERT_STAYS_OPEN for finding in assessment.findings)
        rang = nothing_new and clinic_rang(message.body)
        detail = CLINIC_RANG if rang else assessment.tier.value
        _log_sign(session, alert, EventKind.PATIENT_WROTE, message, assessment, detail)
    elif not raised:
        _log_sign(session, alert, EventKind.SILENT, message, assessment, assessment.tier.value)
    if raised:
        holder = alert.acknowledged_by_id
        alert.tier, alert.flag = assessment.tier, assessment.lead_flag
        alert.policy = policy_for(session, alert.conversation, alert.tier, alert.psych, alert.patient)
        _log_sign(session, alert, EventKind.RAISED, message, assessment, alert.tier.value)
        page_anew(session, alert, {holder})
    elif alert.status is AlertStatus.OPEN and alert.next_step_at is None:
        take_step(session, alert, clock.now())
    told = tell_leads(session, alert) if crisis else ()
    holder = alert.acknowledged_by_id
    told_now = [finding for finding in assessment.findings if finding.rule != ALERT_STAYS_OPEN]
    new_sign = bool(told_now)
    if not new_sign or not assessment.tier.at_least_as_urgent_as(Tier.T1):
        return
    if alert.with_fallback:  # nobody with a name would hear of it
        reopen(session, alert)
        take_step(session, alert, clock.now())
    elif alert.status is AlertStatus.ACKNOWLEDGED and holder and holder not in told:
        page(session, alert, holder, "staff.page_sign")
    elif alert.status is AlertStatus.OPEN and not raised and told_now[0].flag not in known:
        # whoever was told of the first sign must not prepare for that one alone
        for staff_id in sorted(_told_so_far(session, alert) - set(told)):
            page(session, alert, staff_id, "staff.page_sign")


def _told_so_far(session: Session, alert: Alert) -> set[str]:
    """The members of staff who were asked to take the alert."""
    asked = select(Notification.staff_id).where(
        Notification.alert_id == alert.id, Notification.purpose == "take", Notification.staff_id.is_not(None)
    )
    return {staff_id for staff_id in session.scalars(asked) if staff_id}


def _log_sign(
    session: Session, alert: Alert, kind: EventKind, message: Message, assessment: Assessment, detail: str
) -> None:
    tier, flag = assessment.tier, assessment.lead_flag
    log(session, alert, kind, message_id=message.id, detail=detail, tier=tier, flag=flag)


def free_code(session: Session, clinic_id: str) -> str:
    """Two digits that no alert of the clinic that is still open uses; three when those run out. A code of an
    alert that has become part of another works as long as that one is open."""
    whole = aliased(Alert)
    used = set(
        session.scalars(
            select(Alert.code)
            .outerjoin(whole, whole.id == Alert.joined_into_id)
            .where(Alert.clinic_id == clinic_id)
            .where(func.coalesce(whole.status, Alert.status) != AlertStatus.CLOSED)
        )
    )
    for first, last in ((10, 99), (100, 999), (1000, 99999)):
        free = [str(number) for number in range(first, last + 1) if str(number) not in used]
        if free:
            return random.choice(free)
    raise RuntimeError("no free alert code")
