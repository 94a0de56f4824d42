"""Taking the steps of alerts and paging people, inside the caller's transaction. Decisions are `policy`'s."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import clock
from bot import settings as app_settings
from bot.clinic.models import Patient, Staff
from bot.escalation.models import (
    AS_DIRECTOR,
    AS_LEAD,
    BUNDLED,
    FALLBACK,
    IGNORED,
    NOBODY_REACHED,
    NOBODY_REACHED_AT_ALL,
    Alert,
    AlertEvent,
    AlertStatus,
    EventKind,
    Notification,
)
from bot.escalation.policy import (
    BUNDLE_WINDOW,
    Action,
    Done,
    Page,
    Policy,
    Remind,
    Reopen,
    Wait,
    after_nobody,
    how_to_page,
    leads_to_tell,
    next_action,
)
from bot.escalation.signs import flags_named
from bot.escalation.targets import filled, plan_of
from bot.ids import new_id
from bot.messaging.models import Channel, Conversation, Kind, Message, Status
from bot.messaging.threads import find_or_open, leads_for, say
from bot.notify import rows
from bot.notify.links import link_to
from bot.notify.models import ContactKind
from bot.notify.plan import Purpose, ways
from bot.oncall.roster import roster
from bot.protocols.phrases import as_language
from bot.protocols.render import Situation, render
from bot.triage.types import Tier

#: What happens to a member of staff; any other line of theirs in a timeline is something they did.
_HEARD_OF = (
    EventKind.PAGED,
    EventKind.PAGE_DELIVERED,
    EventKind.PAGE_FAILED,
    EventKind.REMINDED,
    EventKind.INFORMED,
)
#: The text that stands for several alerts.
BUNDLE = "staff.bundle"
#: What the fall-back phone is texted.
FALLBACK_PIECE = "staff.page_fallback"
#: How long a text that names the number of alerts waits for more of them.
BUNDLE_WAIT = timedelta(seconds=30)
#: What does not ask anybody to take the alert.
_PURPOSES: dict[EventKind, Purpose] = {EventKind.REMINDED: "remind", EventKind.INFORMED: "inform"}


def locked(session: Session, alert_id: str) -> Alert:
    """The alert, or what it has become part of, locked for changing it."""
    alert = session.get_one(Alert, alert_id, populate_existing=True)
    while True:
        alert = session.get_one(
            Alert, alert.joined_into_id or alert.id, with_for_update=True, populate_existing=True
        )
        if alert.joined_into_id is None:
            return alert


def page_anew(session: Session, alert: Alert, holders: set[str | None]) -> None:
    """It has become more urgent: it is open again from its first step, whoever had it. `holders` had it, or a
    part of it, and are paged too."""
    alert.status, alert.steps_taken, alert.next_step_at = AlertStatus.OPEN, 0, None
    alert.acknowledged_at = alert.acknowledged_by_id = None
    step = take_step(session, alert, clock.now())
    people = step.people if isinstance(step, Page) else ()
    for holder in sorted(one for one in holders if one and one not in people):  # may be off call by now
        page(session, alert, holder, "staff.page")


def on_call(session: Session, clinic_id: str) -> tuple[str, ...]:
    """The clinic's staff to page now, in their order."""
    return roster(session, clinic_id, clock.now()).people


def _leads(
    session: Session, conversation: Conversation, crisis: bool, patient: Patient | None
) -> tuple[str, ...]:
    """Whom a crisis is paged to beside those on call; nobody for anything else. Never `patient`, who may have
    written elsewhere too."""
    return tuple(lead.id for lead in leads_for(session, conversation, patient)) if crisis else ()


def policy_for(
    session: Session, conversation: Conversation, tier: Tier, crisis: bool, patient: Patient | None
) -> dict[str, Any]:
    """For the alert's row: the steps and times of `tier` as set now, and the people as they are now."""
    clinic, leads = conversation.clinic, _leads(session, conversation, crisis, patient)
    plan = plan_of(session, clinic.id, tier)
    policy = Policy.for_tier(tier, (), app_settings.get_settings(), leads, plan)
    return filled(session, clinic, tier, policy, leads, clock.now(), conversation.owner_id).as_json()


def tell_leads(session: Session, alert: Alert) -> tuple[str, ...]:
    """Page the leads who were not paged as such about `alert` yet, whatever step it is at. Returns whom."""
    told = session.scalars(
        select(AlertEvent.staff_id).where(
            AlertEvent.alert_id == alert.id, AlertEvent.kind == EventKind.PAGED, AlertEvent.detail == AS_LEAD
        )
    ).all()
    leads = leads_to_tell(Policy.from_json(alert.policy), [staff_id for staff_id in told if staff_id])
    for lead in leads:
        with_another = alert.acknowledged_by_id not in (None, lead)
        page(session, alert, lead, "staff.lead_taken" if with_another else "staff.page_lead", detail=AS_LEAD)
    return leads


def take_step(session: Session, alert: Alert, now: datetime, *, people_are_known: bool = False) -> Action:
    """Do whatever is due for `alert` at `now`. Returns what was decided. `people_are_known`: its policy was
    filled with those on call in this very transaction."""
    if alert.status is not AlertStatus.CLOSED and not people_are_known:
        refresh(session, alert)
    policy = Policy.from_json(alert.policy)
    named = not alert.with_fallback
    ignored = ignored_reminders(session, alert) if alert.status is AlertStatus.ACKNOWLEDGED and named else 0
    action = next_action(
        alert.status, alert.steps_taken, alert.next_step_at, policy, now, ignored, named=named
    )
    match action:
        case Page():
            _page_step(session, alert, policy, action)
        case Remind(next_at):
            if alert.acknowledged_by_id:
                page(session, alert, alert.acknowledged_by_id, "staff.reminder", EventKind.REMINDED)
            alert.next_step_at = next_at
        case Reopen():
            reopen(session, alert)
            return take_step(session, alert, now)
        case Wait() | Done():
            pass
    return action


def _page_step(session: Session, alert: Alert, policy: Policy, step: Page) -> None:
    if step.nameless:
        log(session, alert, EventKind.NAMES_NOBODY, detail=str(step.nameless))
    elif step.nobody:
        log(session, alert, EventKind.NOBODY_ON_CALL)
    elif policy.elsewhere and alert.steps_taken == 0:
        log(session, alert, EventKind.NOBODY_ON_CALL, detail=policy.location)
    round_id, written = new_id(), step.fallback
    for staff_id in step.people:
        as_lead = staff_id in policy.leads
        again = alert.steps_taken >= (1 if as_lead else max(1, policy.first_round))
        piece = "staff.page_again" if again else "staff.page_lead" if as_lead else "staff.page"
        if as_lead:  # never bundled: the patient was told that this person will phone
            wrote = page(
                session, alert, staff_id, piece, detail=AS_LEAD, urgent=step.urgent, round_id=round_id
            )
        else:
            why = AS_DIRECTOR if staff_id in step.directors else ""
            wrote = page_or_bundle(
                session, alert, staff_id, piece, urgent=step.urgent, detail=why, round_id=round_id
            )
        written = written or wrote
    if step.fallback:
        page_fallback(session, alert, policy.fallback_phone, round_id)
    # without anybody the next step starts with the first person, as soon as there is one
    starts_anew = step.nobody and policy.by_roster and not policy.everybody
    alert.steps_taken = 0 if starts_anew else alert.steps_taken + 1
    alert.next_step_at = step.next_at
    if not written:
        nobody_reached(session, alert)


def nobody_reached(session: Session, alert: Alert) -> None:
    """No way to anybody of the newest step worked: go on at once, unless that was the last round."""
    if alert.status is not AlertStatus.OPEN:
        return
    policy = Policy.from_json(alert.policy)
    steps_taken = after_nobody(alert.steps_taken, policy, rows.ever_reached(session, alert))
    detail = NOBODY_REACHED_AT_ALL if steps_taken is None else NOBODY_REACHED
    log(session, alert, EventKind.PAGE_FAILED, detail=detail)
    if steps_taken is not None:
        alert.steps_taken, alert.next_step_at = steps_taken, clock.now()


def reopen(session: Session, alert: Alert) -> None:
    """Its holder did nothing for too long, or is the fall-back phone: open again, where the steps had come
    to, and a holder with a name is told."""
    holder = alert.acknowledged_by_id
    alert.status, alert.next_step_at = AlertStatus.OPEN, None
    alert.acknowledged_at = alert.acknowledged_by_id = None
    log(session, alert, EventKind.REOPENED, staff_id=holder, detail=IGNORED if holder else FALLBACK)
    if holder:
        page(session, alert, holder, "staff.reopened", EventKind.INFORMED)


def ignored_reminders(session: Session, alert: Alert) -> int:
    """How many reminders its holder got since they last did something about the alert."""
    mine = select(AlertEvent.id).where(
        AlertEvent.alert_id == alert.id, AlertEvent.staff_id == alert.acknowledged_by_id
    )
    acted = session.scalar(
        select(func.max(AlertEvent.id)).where(AlertEvent.id.in_(mine), AlertEvent.kind.not_in(_HEARD_OF))
    )
    reminders = mine.where(AlertEvent.kind == EventKind.REMINDED, AlertEvent.id > (acted or ""))
    return session.scalar(select(func.count()).select_from(reminders.subquery())) or 0


def refresh(session: Session, alert: Alert) -> None:
    """The times stay as they were when the alert was raised; the people are those who are on call now. An
    alert whose holder has left the clinic has nobody: it is open again."""
    known = Policy.from_json(alert.policy)
    leads = _leads(session, alert.conversation, alert.psych, alert.patient)
    clinic = alert.conversation.clinic
    now = filled(session, clinic, alert.tier, known, leads, clock.now(), alert.patient_id)
    if now != known:
        alert.policy = now.as_json()
    holder = session.get(Staff, alert.acknowledged_by_id) if alert.acknowledged_by_id else None
    if alert.status is AlertStatus.ACKNOWLEDGED and holder is not None and not holder.active:
        alert.status, alert.steps_taken, alert.next_step_at = AlertStatus.OPEN, 0, None
        alert.acknowledged_at = alert.acknowledged_by_id = None
        log(session, alert, EventKind.REOPENED)


def page(
    session: Session,
    alert: Alert,
    staff_id: str,
    piece: str,
    event: EventKind = EventKind.PAGED,
    *,
    detail: str = "",
    urgent: bool = False,
    round_id: str | None = None,
) -> bool:
    """Notify one member of staff about `alert` by their contact methods (`notify.plan.ways`): every
    notification is written here, with the time at which it is due. The words carry initials and a link.
    `event` says what for: anything but a reminder or news asks to take the alert. `round_id`: of the step
    that this is part of. False: there is no way to reach this person.
    """
    staff = session.get_one(Staff, staff_id)
    purpose = _PURPOSES.get(event, "take")
    methods = {method.id: method for method in rows.methods_of(session, staff_id)}
    found = ways(list(methods.values()), bool(staff.phone), alert.tier, purpose, urgent)
    if not found:
        log(session, alert, EventKind.PAGE_FAILED, staff_id=staff_id, detail="no phone")
        return False
    if purpose == "take":
        step = rows.supersede(session, alert, staff_id)
    else:
        step = rows.next_step(session, alert.id, staff_id)
    message_id = None
    for place, way in enumerate(found):
        due = clock.now() + way.delay
        one = Notification(
            id=new_id(),
            clinic_id=alert.clinic_id,
            alert_id=alert.id,
            staff_id=staff_id,
            step=step,
            round_id=round_id,
            place=place,
            kind=way.kind,
            contact_method_id=way.method_id,
            piece=piece,
            purpose=purpose,
        )
        if way.kind is ContactKind.SMS:
            address = methods[way.method_id].address if way.method_id else staff.phone or ""
            one.message_id = _text(session, alert, address, piece, words_for(session, alert, one), due).id
            message_id = message_id or one.message_id
        else:
            one.status, one.send_after = Status.QUEUED, due
        session.add(one)
    log(session, alert, event, staff_id=staff_id, message_id=message_id, detail=detail)
    return True


def _text(
    session: Session, alert: Alert, address: str, piece: str, extra: dict[str, str], due: datetime
) -> Message:
    thread = find_or_open(session, alert.conversation.clinic, Channel.SMS, address)
    return say(session, thread, piece, Kind.PAGE, extra=extra, send_after=due)


def hurry(alert: Alert) -> None:
    """Somebody cannot be reached, or passed it on: take the next step now, unless everybody was paged."""
    if alert.status is AlertStatus.OPEN and alert.steps_taken < Policy.from_json(alert.policy).first_round:
        alert.next_step_at = clock.now()


def words_for(session: Session, alert: Alert, one: Notification) -> dict[str, str]:
    """`words` for a notification: its person's language, and a link that takes the alert if it asks for that
    and only its person reads it (a chat tool's channel is read by many)."""
    if one.staff_id is None:  # the fall-back phone: nobody's own, so no code, link or name of the patient
        return words(session, alert, rows.thread_of(session, one).language)
    staff = session.get_one(Staff, one.staff_id)
    extra = words(session, alert, staff.language) | {"code": _code_known_to(session, alert, staff.id)}
    if one.purpose == "take" and one.kind is not ContactKind.APPRISE:
        extra["url"] = link_to(one.id)
    if one.kind is not ContactKind.VOICE and alert.patient and alert.conversation.clinic.pages_name_patient:
        extra["initials"] = alert.patient.name
    return extra


def _code_known_to(session: Session, alert: Alert, staff_id: str) -> str:
    """The code with which a person first heard of `alert`: of one that has become part of it, maybe."""
    if not alert.joined:
        return alert.code
    first = (
        select(Alert.code)
        .join(Notification, Notification.alert_id == Alert.id)
        .where(Alert.id.in_(rows.with_joined(alert)), Notification.staff_id == staff_id)
        .where(Notification.purpose != "bundle")
    )
    return session.scalars(first.order_by(Notification.id).limit(1)).first() or alert.code


def page_or_bundle(
    session: Session,
    alert: Alert,
    staff_id: str,
    piece: str,
    *,
    urgent: bool = False,
    detail: str = "",
    round_id: str | None = None,
) -> bool:
    """Page one member of staff, or, after many pages, let one text stand for several alerts. False: there is
    no way to reach this person.

    The alert stays in the queue and its next step comes as if it had been paged by itself.
    """
    if alert.tier is Tier.T0:  # never bundled
        return page(session, alert, staff_id, piece, detail=detail, urgent=urgent, round_id=round_id)
    now = clock.now()
    recent = session.scalar(
        select(func.count())
        .select_from(AlertEvent)
        .join(Alert, Alert.id == AlertEvent.alert_id)
        .where(
            AlertEvent.staff_id == staff_id,
            AlertEvent.created_at > now - BUNDLE_WINDOW,
            AlertEvent.kind == EventKind.PAGED,
            AlertEvent.detail != BUNDLED,
            Alert.tier != Tier.T0,
        )
    )
    staff = session.get_one(Staff, staff_id)
    number = rows.text_number(session, staff)
    if not number or how_to_page(alert.tier, recent or 0, False) == "page":
        return page(session, alert, staff_id, piece, detail=detail, urgent=urgent, round_id=round_id)
    thread = find_or_open(session, alert.conversation.clinic, Channel.SMS, number)
    going = session.scalars(
        select(Message)
        .where(
            Message.conversation_id == thread.id,
            Message.content_id == BUNDLE,
            Message.status == Status.QUEUED,
            Message.attempts == 0,
        )
        .with_for_update()
    ).first()
    waiting = select(func.count()).where(Alert.clinic_id == alert.clinic_id, Alert.status == AlertStatus.OPEN)
    extra = {
        "count": str(session.scalar(waiting) or 1),
        "url": f"{app_settings.get_settings().public_url}/console",
    }
    if going is not None and how_to_page(alert.tier, recent or 0, True) == "join":
        going.body = render(BUNDLE, Situation(language=as_language(staff.language)), extra).text
    else:
        going = say(session, thread, BUNDLE, Kind.PAGE, extra=extra)
        going.send_after = now + BUNDLE_WAIT
    step = rows.next_step(session, alert.id, staff_id)
    _note_text(session, alert, staff_id, BUNDLE, "bundle", going, round_id, step)
    log(session, alert, EventKind.PAGED, staff_id=staff_id, message_id=going.id, detail=BUNDLED)
    return True


def page_fallback(session: Session, alert: Alert, phone: str, round_id: str | None = None) -> None:
    """Text the fall-back phone, and for T0 and T1 ring it once. It is nobody's own, so it cannot take the
    alert by a reply, but by a key. What still waits of an earlier round is called off."""
    step = rows.supersede(session, alert, None)
    thread = find_or_open(session, alert.conversation.clinic, Channel.SMS, phone)
    message = say(session, thread, FALLBACK_PIECE, Kind.PAGE, extra=words(session, alert, thread.language))
    _note_text(session, alert, None, FALLBACK_PIECE, "take", message, round_id, step)
    if alert.tier.at_least_as_urgent_as(Tier.T1):
        session.add(
            Notification(
                id=new_id(),
                clinic_id=alert.clinic_id,
                alert_id=alert.id,
                step=step,
                round_id=round_id,
                place=1,
                kind=ContactKind.VOICE,
                piece=FALLBACK_PIECE,
                status=Status.QUEUED,
                send_after=clock.now(),
            )
        )
        session.flush()
    log(session, alert, EventKind.PAGED, message_id=message.id, detail=FALLBACK)


def _note_text(
    session: Session,
    alert: Alert,
    staff_id: str | None,
    piece: str,
    purpose: Purpose,
    message: Message,
    round_id: str | None,
    step: int,
) -> None:
    """A text that is not one person's page about one alert: its timeline tells what becomes of it too."""
    session.add(
        Notification(
            clinic_id=alert.clinic_id,
            alert_id=alert.id,
            staff_id=staff_id,
            step=step,
            round_id=round_id,
            piece=piece,
            purpose=purpose,
            message_id=message.id,
        )
    )
    session.flush()


def words(session: Session, alert: Alert, language: str) -> dict[str, str]:
    """What texts to staff are filled with. Initials and a link: no name, no symptom beyond the flag."""
    situation = Situation(language=as_language(language))
    label = ", ".join(
        render(f"staff.flag_{flag.lower()}", situation, {}).text for flag in flags_named(session, alert)
    )
    holder = session.get(Staff, alert.acknowledged_by_id) if alert.acknowledged_by_id else None
    name = holder.name if holder else ""
    if alert.with_fallback:
        name = render("staff.fallback_name", situation, {}).text
    return {
        "tier": alert.tier.value,
        "flag_label": label,
        "initials": alert.patient.initials if alert.patient else "?",
        "code": alert.code,
        "url": f"{app_settings.get_settings().public_url}/console/alerts/{alert.id}",
        "name": name,
    }


def log(
    session: Session,
    alert: Alert,
    kind: EventKind,
    *,
    staff_id: str | None = None,
    message_id: str | None = None,
    detail: str = "",
    tier: Tier | None = None,
    flag: str = "",
) -> None:
    """Add a line to the alert's timeline. `tier` and `flag`: those of the sign that it tells of."""
    session.add(
        AlertEvent(
            clinic_id=alert.clinic_id,
            alert_id=alert.id,
            kind=kind,
            staff_id=staff_id,
            message_id=message_id,
            detail=detail,
            tier=tier,
            flag=flag,
        )
    )
    session.flush()
