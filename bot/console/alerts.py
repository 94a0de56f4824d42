"""One alert: what the patient wrote, why it fired, who did what, and what to do next."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic.models import Treatment
from bot.console import counts, deadlines, judging, outcomes, pages
from bot.console.access import alert_for
from bot.console.highlight import split
from bot.console.pages import ConsoleRoute, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.steps import Steps, next_steps
from bot.console.wording import citation, flag_label, product_name
from bot.db.engine import reading
from bot.escalation import service
from bot.escalation.models import AS_LEAD, Alert, AlertEvent, AlertStatus, EventKind, Outcome
from bot.escalation.signs import apart, by_number, flags_of, others_open, signs_of
from bot.escalation.splitting import SplitRefused
from bot.escalation.splitting import split as take_out
from bot.handover import service as handover
from bot.judgement.models import Verdict
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message
from bot.messaging.threads import leads_for, local_day
from bot.photos import gallery
from bot.records.models import AssessmentRecord
from bot.triage.answers import numbers_chosen
from bot.triage.types import Tier

router = APIRouter(route_class=ConsoleRoute)

#: What a page may say it has just done; anything else in the address is ignored.
DONE = (
    *("acknowledged", "already", "noted", "joined", "split"),
    *("closed", "closed_back", "closed_waits", "closed_another"),
)


@router.get("/alerts/{alert_id}")
@door("alert.view", Permission.VIEW_ALERTS)
def alert_page(request: Request, who: SignedIn, alert_id: str, did: str = "") -> Response:
    """The alert. `did` is what a button on it has just done. One that has become part of another is shown
    there."""
    with reading() as session:
        standing = alert_for(session, who, alert_id).id
    if standing != alert_id:
        return _back(standing, did if did in ("acknowledged", "noted") else "joined")
    return _page(request, who, alert_id, did=did if did in DONE else "")


@router.get("/alerts/{alert_id}/live")
@door("alert.view", Permission.VIEW_ALERTS, refreshes=True)
def alert_live(request: Request, who: SignedIn, alert_id: str) -> Response:
    """The parts of the page that change by themselves, fetched by the live page."""
    return _page(request, who, alert_id, template="_alert_live.html")


@router.post("/alerts/{alert_id}/acknowledge")
@door("alert.acknowledge", Permission.HANDLE_ALERTS)
def acknowledge(who: SignedIn, _form: Posted, alert_id: str) -> Response:
    """Take the alert: nobody else is paged."""
    with reading() as session:
        alert_for(session, who, alert_id)
    took_it = service.acknowledge(alert_id, who.staff_id, via="console")
    return _back(alert_id, "acknowledged" if took_it else "already")


@router.post("/alerts/{alert_id}/note")
@door("alert.note", Permission.HANDLE_ALERTS)
def note(request: Request, who: SignedIn, form: Posted, alert_id: str) -> Response:
    """Add a line to the timeline."""
    with reading() as session:
        alert_for(session, who, alert_id)
    words = pages.text(form, "note")
    if not words:
        return _page(request, who, alert_id, errors={"note": "alert.note_empty"}, status=422)
    service.add_note(alert_id, who.staff_id, words)
    return _back(alert_id, "noted")


@router.post("/alerts/{alert_id}/close")
@door("alert.close", Permission.CLOSE_ALERTS)
def close(request: Request, who: SignedIn, form: Posted, alert_id: str) -> Response:
    """Close with an outcome from the list and a note; both are required."""
    with reading() as session:
        standing = alert_for(session, who, alert_id)
        joined, closed = standing.id != alert_id, standing.status is AlertStatus.CLOSED
    if joined:
        return _back(standing.id, "joined")
    if closed:
        return _back(alert_id, "already")
    outcome, words = pages.text(form, "outcome"), pages.text(form, "close_note")
    errors = {}
    if outcome not in list(Outcome):
        errors["outcome"] = "alert.outcome_missing"
    if not words:
        errors["close_note"] = "alert.close_note_empty"
    if problem := judging.problem_with(alert_id, form):
        errors["verdict"] = f"judge.problem_{problem}"
    if not errors:
        try:
            service.close(alert_id, who.staff_id, Outcome(outcome), words)
        except service.CloseRefused:
            return _back(alert_id, "already")
        judging.record(who, alert_id, form)
        match handover.done_with(alert_id, who.staff_id):
            case "back":
                return _back(alert_id, "closed_back")
            case "waits":
                return _back(alert_id, "closed_waits")
            case "another":
                return _back(alert_id, "closed_another")
        return _back(alert_id, "closed")
    typed = {name: pages.text(form, name) for name in ("outcome", "close_note", "verdict", "judged")}
    return _page(request, who, alert_id, errors=errors, typed=typed, status=422)


@router.post("/alerts/{alert_id}/split")
@door("alert.split", Permission.CLOSE_ALERTS)
def split_alert(request: Request, who: SignedIn, form: Posted, alert_id: str) -> Response:
    """Take one sign out into an alert of its own, which is shown then."""
    with reading() as session:
        alert_for(session, who, alert_id)
    sign, why = pages.text(form, "sign"), pages.text(form, "why")
    errors = {} if sign else {"sign": "alert.split_no_sign"}
    if not errors:
        try:
            return _back(take_out(alert_id, sign, who.staff_id, why), "split")
        except SplitRefused as refused:
            if refused.reason == "joined":
                return _back(alert_id, "joined")
            errors = {"why" if refused.reason == "no_why" else "sign": f"alert.split_{refused.reason}"}
    return _page(request, who, alert_id, errors=errors, typed={"sign": sign, "why": why}, status=422)


def _back(alert_id: str, did: str) -> Response:
    return RedirectResponse(f"/console/alerts/{alert_id}?did={did}", 303)


def _page(
    request: Request,
    who: Visitor,
    alert_id: str,
    *,
    template: str = "alert.html",
    status: int = 200,
    did: str = "",
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    with reading() as session:
        alert = alert_for(session, who, alert_id)
        began = _conversations(session, alert)
        thread, treatment = _thread(session, alert, began), _treatment(session, alert)
        elsewhere = apart(session, alert, [entry["message"].id for entry in thread])
        told = {entry["message"].id for entry in thread} | {one.message_id for one in alert.events}
        flags = flags_of(session, [alert])[alert.id]
        own = [entry for entry in thread if entry["message"].id not in elsewhere]
        return pages.render(
            request,
            template,
            who,
            status=status,
            alert=alert,
            treatment=treatment,
            patient=alert.patient,
            thread=thread,
            conversations=[session.get_one(Conversation, one) for one in began],
            arrivals=gallery.with_messages(session, [entry["message"].id for entry in thread]),
            elsewhere=elsewhere,
            signs=signs_of(session, alert),
            numbers=by_number(session, [one for one in told if one]),
            findings=[finding for entry in own for finding in _by_flag(entry["findings"])],
            judgements=judging.of_alert_page(session, alert, [entry["message"].id for entry in thread]),
            phone=_phone(alert),
            codes=[alert.code, *(one.code for one in alert.joined)],
            leads=_leads(session, alert),
            others=sorted(others_open(session, alert), key=counts.queue_order),
            as_lead=AS_LEAD,
            outcomes=list(Outcome),
            verdicts=list(Verdict),
            tiers=list(Tier),
            due=deadlines.of(session, [alert]).get(alert.id),
            flags=flags,
            steps=_steps(session, who, flags),
            trend=outcomes.shown(session, alert.patient, treatment)["trend"]
            if treatment and alert.patient
            else None,
            did=did,
            errors=pages.Fields(errors or {}),
            typed=pages.Fields(typed or {}),
            flag_label=flag_label,
            product_name=product_name,
            local_day=local_day,
        )


def _steps(session: Session, who: Visitor, flags: list[str]) -> list[tuple[str, Steps]]:
    """What to do next for each of the flags that has a suggestion."""
    found = ((flag, next_steps(session, who.clinic_id, flag, who.language)) for flag in flags)
    return [(flag, steps) for flag, steps in found if steps is not None]


def _phone(alert: Alert) -> str | None:
    """The number to call: the patient's, or the one that wrote when we know nobody by it."""
    if alert.patient is not None:
        return alert.patient.phone
    return alert.conversation.address if alert.conversation.channel is Channel.SMS else None


def _leads(session: Session, alert: Alert) -> list[str] | None:
    """Names of the safeguarding leads, None when the alert is no crisis; once closed, of those it went to."""
    if not alert.psych:
        return None
    if alert.status is not AlertStatus.CLOSED:
        return [lead.name for lead in leads_for(session, alert.conversation, alert.patient)]
    paged = (event for event in alert.events if event.kind is EventKind.PAGED and event.detail == AS_LEAD)
    return list(dict.fromkeys(event.staff.name for event in paged if event.staff))


def _treatment(session: Session, alert: Alert) -> Treatment | None:
    """The treatment the alert is about: the newest before it was raised, or before its sign was written."""
    if alert.patient_id is None:
        return None
    return session.scalars(
        select(Treatment)
        .where(Treatment.patient_id == alert.patient_id, Treatment.treated_at <= alert.waits_since)
        .order_by(Treatment.treated_at.desc())
        .limit(1)
    ).first()


def _conversations(session: Session, alert: Alert) -> dict[str, str]:
    """The conversations that have a part in the alert, in the order in which they came to it, each with its
    first message that does."""
    told = (
        select(Message.conversation_id, func.min(Message.id))
        .join(AlertEvent, AlertEvent.message_id == Message.id)
        .where(
            AlertEvent.alert_id == alert.id, Message.direction == Direction.IN, Message.kind == Kind.PATIENT
        )
        .group_by(Message.conversation_id)
    )
    began = {alert.conversation_id: alert.message_id}
    for conversation_id, first in session.execute(told):
        began[conversation_id] = min(first, began.get(conversation_id, first))
    return dict(sorted(began.items(), key=lambda one: one[1]))


def _thread(session: Session, alert: Alert, began: dict[str, str]) -> list[dict[str, Any]]:
    """What was written from the alert's first message on, in each conversation as it `began` to have a part
    in it, with what triage found and the words it found it in."""
    query = select(Message).where(
        or_(
            *(
                and_(Message.conversation_id == conversation_id, Message.id >= first)
                for conversation_id, first in began.items()
            )
        )
    )
    if alert.closed_at is not None:
        query = query.where(Message.created_at <= alert.closed_at)
    messages = list(session.scalars(query.order_by(Message.id)))
    records = {
        record.message_id: record
        for record in session.scalars(
            select(AssessmentRecord).where(AssessmentRecord.message_id.in_([m.id for m in messages]))
        )
    }
    found = {key: record.findings for key, record in records.items()}
    telling = [finding for some in found.values() for finding in some if finding["tier"] != Tier.T4]
    if telling:  # routine findings say why only when there is nothing else to say it
        found = {key: [finding for finding in some if finding in telling] for key, some in found.items()}
    return [_entry(message, records.get(message.id), found.get(message.id, [])) for message in messages]


def _entry(
    message: Message, record: AssessmentRecord | None, findings: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "message": message,
        "from_patient": message.direction is Direction.IN,
        "tier": record.tier.value if record else None,
        "pieces": split(message.body, [str(finding.get("words", "")) for finding in findings]),
        "findings": [
            {
                "tier": str(finding["tier"]),
                "flag": str(finding["flag"]),
                "rule": str(finding["rule"]),
                "words": str(finding.get("words", "")),
                "source": str(finding.get("source", "")),
                "citation": citation(str(finding.get("source", ""))),
                "probe": bool(finding.get("probe")),
                "at": message.created_at,
            }
            for finding in findings
        ],
    }


def _by_flag(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A message's findings, each flag once: as urgent as its most urgent rule, with all rules and words."""
    found: dict[str, dict[str, Any]] = {}
    for one in findings:
        same = found.setdefault(
            one["flag"], {**one, "rules": [], "words_found": [], "sources": {}, "probe": True}
        )
        if Tier(one["tier"]).urgency < Tier(same["tier"]).urgency:
            same["tier"] = one["tier"]
        same["probe"] = same["probe"] and one["probe"]
        same["rules"].append(one["rule"])
        same["numbers"] = numbers_chosen(same["rules"])
        if one["words"] not in same["words_found"]:
            same["words_found"].append(one["words"])
        same["sources"][one["source"]] = one["citation"]
    return list(found.values())
