"""Which signs an alert is about: the patient's messages in its timeline, less those taken out of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session, aliased

from bot.escalation.models import Alert, AlertEvent, AlertStatus, EventKind
from bot.messaging.models import Message
from bot.records.models import AssessmentRecord
from bot.triage.answers import numbers_chosen
from bot.triage.types import ACUTE, Tier

#: The rule of a message that adds nothing to an open alert, and takes nothing away from it.
ALERT_STAYS_OPEN = "answer.alert-stays-open"
#: The lines of a timeline that say how urgent a message is.
_TELLING = (EventKind.OPENED, EventKind.PATIENT_WROTE, EventKind.RAISED, EventKind.SILENT)


@dataclass(frozen=True, slots=True)
class Sign:
    """A message of the patient and how urgent it is, at its most urgent."""

    message: Message
    tier: Tier
    flag: str
    psych: bool


def standing(events: Iterable[AlertEvent]) -> dict[str, list[AlertEvent]]:
    """The lines that tell of signs, by message, in the order in which they came; of what was taken out only
    what came after."""
    found: dict[str, list[AlertEvent]] = {}
    for event in events:
        if event.message_id is None:
            continue
        if event.kind is EventKind.SPLIT:
            found.pop(event.message_id, None)
        elif event.kind in _TELLING:
            found.setdefault(event.message_id, []).append(event)
    return found


def raised_by(alert: Alert) -> Message:
    """The message that made the alert as urgent as it is, or the first of those left in it."""
    lines = [line for some in standing(alert.events).values() for line in some]
    raised = [one for one in lines if one.kind is EventKind.RAISED and one.message]
    last = max(raised, key=lambda line: line.id, default=None)
    return last.message if last is not None and last.message else alert.message


def signs_of(session: Session, alert: Alert) -> dict[str, Sign]:
    """What `alert` is about now, oldest first, by message. "Never mind" is no sign."""
    lines = standing(alert.events)
    return _signs(alert, lines, _records(session, lines))


def flags_of(session: Session, alerts: Iterable[Alert]) -> dict[str, list[str]]:
    """By alert the flags of what it is about now: its own first, then the most urgent. A message that shows
    several signs has the flags of all that would raise an alert."""
    lines = {alert.id: (alert, standing(alert.events)) for alert in alerts}
    records = _records(session, [message_id for _alert, some in lines.values() for message_id in some])
    return {one: _flags(alert, _signs(alert, some, records), records) for one, (alert, some) in lines.items()}


def _flags(alert: Alert, signs: dict[str, Sign], records: Mapping[str, AssessmentRecord]) -> list[str]:
    found: dict[str, int] = {}
    for message_id, sign in signs.items():
        record = records.get(message_id)
        told = [(sign.flag, sign.tier)]
        told += [(str(one["flag"]), Tier(one["tier"])) for one in (record.findings if record else [])]
        for flag, tier in told:
            if flag != "NEG" and tier.at_least_as_urgent_as(Tier.T2):
                found[flag] = min(tier.urgency, found.get(flag, tier.urgency))
    found.pop(alert.flag, None)
    return [alert.flag, *sorted(found, key=lambda flag: found[flag])]


def _records(session: Session, message_ids: Iterable[str]) -> dict[str, AssessmentRecord]:
    query = select(AssessmentRecord).where(AssessmentRecord.message_id.in_(list(message_ids)))
    return {record.message_id: record for record in session.scalars(query)}


def _signs(
    alert: Alert, lines: dict[str, list[AlertEvent]], records: Mapping[str, AssessmentRecord]
) -> dict[str, Sign]:
    return {
        message_id: _sign(alert, events, records.get(message_id))
        for message_id, events in lines.items()
        if not _adds_nothing(records.get(message_id))
    }


def _adds_nothing(record: AssessmentRecord | None) -> bool:
    findings = record.findings if record else []
    return bool(findings) and all(finding["rule"] == ALERT_STAYS_OPEN for finding in findings)


def _sign(alert: Alert, events: list[AlertEvent], record: AssessmentRecord | None) -> Sign:
    leading = min(events, key=lambda event: _tier(alert, event).urgency)
    tier = _tier(alert, leading)
    flag = leading.flag or (leading.detail if leading.kind is EventKind.OPENED else "")
    if not flag:  # a line of before this was kept
        flag = str(record.findings[0]["flag"]) if record and record.findings else alert.flag
    psych = flag == "PSY" or (record is not None and record.psych)
    message = leading.message
    assert message is not None  # `standing` takes no line without one
    return Sign(message, tier, flag, psych and tier.at_least_as_urgent_as(Tier.T2))


def _tier(alert: Alert, event: AlertEvent) -> Tier:
    """Lines of before tiers were kept may say it in words; else the sign counts as urgent as the alert."""
    if event.tier is not None:
        return event.tier
    return Tier(event.detail) if event.detail in list(Tier) else alert.tier


def flags_named(session: Session, alert: Alert) -> list[str]:
    """What a page names: the flag that leads and, where body and mind were both told of, the other too."""
    if not alert.psych:
        return [alert.flag]
    if alert.flag != "PSY":
        return [alert.flag, "PSY"]
    lines = session.scalars(select(AlertEvent).where(AlertEvent.alert_id == alert.id).order_by(AlertEvent.id))
    told = [
        (Tier(finding["tier"]).urgency, str(finding["flag"]))
        for record in _records(session, standing(lines)).values()
        for finding in record.findings
        if finding["flag"] in ACUTE and Tier(finding["tier"]).at_least_as_urgent_as(Tier.T2)
    ]
    return [alert.flag, *(flag for _urgency, flag in sorted(told)[:1])]


def by_number(session: Session, message_ids: Collection[str]) -> dict[str, list[int]]:
    """The messages that answered the numbered list of danger signs, each with the signs that it chose."""
    return {
        message_id: numbers
        for message_id, record in _records(session, message_ids).items()
        if (numbers := numbers_chosen(str(finding["rule"]) for finding in record.findings))
    }


def apart(session: Session, alert: Alert, message_ids: Sequence[str]) -> dict[str, Alert]:
    """Which of these messages are signs of another alert of the patient and not of `alert`, and of which."""
    lines = (
        select(AlertEvent.message_id, Alert)
        .join(Alert, Alert.id == AlertEvent.alert_id)
        .where(AlertEvent.message_id.in_(message_ids), AlertEvent.kind.in_(_TELLING))
        .where(AlertEvent.alert_id != alert.id)
    )
    here = standing(alert.events)
    return {
        message_id: other
        for message_id, other in session.execute(lines.order_by(AlertEvent.id)).tuples()
        if message_id is not None and message_id not in here and message_id in standing(other.events)
    }


def others_open(session: Session, alert: Alert) -> list[Alert]:
    """The other alerts of the patient that nobody has closed yet; where nobody knows whose it is, those of
    the conversation. There is one only where a person took a sign out."""
    same = (
        and_(Alert.patient_id.is_(None), Alert.conversation_id == alert.conversation_id)
        if alert.patient_id is None
        else Alert.patient_id == alert.patient_id
    )
    query = select(Alert).where(same, Alert.id != alert.id, Alert.status != AlertStatus.CLOSED)
    return list(session.scalars(query.order_by(Alert.id)))


def told_in(where: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition for alerts that tell of a patient's message for which `where` holds, and out of which it
    was not taken since."""
    out = aliased(AlertEvent)
    taken_out = (
        select(out.id)
        .where(out.alert_id == AlertEvent.alert_id, out.message_id == AlertEvent.message_id)
        .where(out.kind == EventKind.SPLIT, out.id > AlertEvent.id)
    )
    told = select(AlertEvent.id).join(Message, Message.id == AlertEvent.message_id)
    signs = AlertEvent.kind.in_([EventKind.OPENED, EventKind.PATIENT_WROTE, EventKind.JOINED])
    return told.where(AlertEvent.alert_id == Alert.id, signs, ~taken_out.exists(), where).exists()
