"""Saying whether triage was right: about one message, and when an alert is closed."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload
from starlette.datastructures import FormData

from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic.models import Staff
from bot.console import pages
from bot.console.access import message_for
from bot.console.pages import ConsoleRoute, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.db.engine import reading, transaction
from bot.escalation.models import Alert
from bot.judgement.models import Judgement, Verdict
from bot.judgement.service import JudgementInvalid, given_tier, of_alert, of_message
from bot.judgement.service import record as write
from bot.triage.types import Tier

router = APIRouter(route_class=ConsoleRoute)

#: Tiers that a verdict may name, by what the form sends.
TIERS = {tier.value: tier for tier in Tier}
#: What can be said of a single message: that an alert for it would be missing is `missed`.
OF_MESSAGE = (Verdict.MISSED, Verdict.FALSE_ALARM, Verdict.CORRECT)


@router.get("/judge/{message_id}")
@door("message.view", Permission.JUDGE)
def judge_page(request: Request, who: SignedIn, message_id: str) -> Response:
    """The form about one message of a patient."""
    return _page(request, who, message_id)


@router.post("/judge/{message_id}")
@door("message.judge", Permission.JUDGE)
def judge(request: Request, who: SignedIn, form: Posted, message_id: str) -> Response:
    """Record the verdict and go back to the patient, or to the conversation of somebody we do not know."""
    problem = ""
    with transaction() as session:
        message = message_for(session, who, message_id)
        verdict = chosen_verdict(form)
        if verdict not in OF_MESSAGE:
            problem = "verdict"
        else:
            try:
                judged = of_message(session, message, verdict, chosen_tier(form))
                write(session, judged, session.get_one(Staff, who.staff_id))
            except JudgementInvalid as invalid:
                problem = invalid.problem
        patient_id, conversation_id = message.patient_id, message.conversation_id
    if problem:
        typed = {"verdict": pages.text(form, "verdict"), "judged": pages.text(form, "judged")}
        return _page(request, who, message_id, problem=problem, typed=typed, status=422)
    if patient_id is not None:
        return RedirectResponse(f"/console/patients/{patient_id}?did=judged", 303)
    return RedirectResponse(f"/console/messages/{conversation_id}?did=judged", 303)


def chosen_verdict(form: FormData) -> Verdict | None:
    """The verdict that a form carries; None without one."""
    said = pages.text(form, "verdict")
    return Verdict(said) if said in list(Verdict) else None


def chosen_tier(form: FormData) -> Tier | None:
    """The tier that a form says would have been right; None without one."""
    return TIERS.get(pages.text(form, "judged"))


def problem_with(alert_id: str, form: FormData) -> str:
    """What is wrong with the judgement in a closing form; "" when it is fit to record or there is none."""
    verdict = chosen_verdict(form)
    if verdict is None:
        return ""
    try:
        with reading() as session:
            of_alert(session, session.get_one(Alert, alert_id), verdict, chosen_tier(form))
    except JudgementInvalid as invalid:
        return invalid.problem
    return ""


def record(who: Visitor, alert_id: str, form: FormData) -> None:
    """Record the judgement in a closing form, if there is one."""
    verdict = chosen_verdict(form)
    if verdict is None:
        return
    with transaction() as session:
        alert = session.get_one(Alert, alert_id)
        judged = of_alert(session, alert, verdict, chosen_tier(form))
        write(session, judged, session.get_one(Staff, who.staff_id), alert)


def of_alert_page(session: Session, alert: Alert, message_ids: Sequence[str]) -> list[Judgement]:
    """What staff said of an alert, or of a message in it: the newest word of each on each message."""
    query = (
        select(Judgement)
        .where(or_(Judgement.alert_id == alert.id, Judgement.message_id.in_(message_ids)))
        .options(joinedload(Judgement.staff), joinedload(Judgement.message))
        .order_by(Judgement.id)
    )
    newest = {(one.message_id, one.staff_id): one for one in session.scalars(query)}
    return sorted(newest.values(), key=lambda one: one.id, reverse=True)


def _page(
    request: Request,
    who: Visitor,
    message_id: str,
    *,
    problem: str = "",
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    with reading() as session:
        message = message_for(session, who, message_id)
        return pages.render(
            request,
            "judge.html",
            who,
            status=status,
            message=message,
            given=given_tier(session, message_id).value,
            verdicts=OF_MESSAGE,
            tiers=list(Tier),
            problem=problem,
            typed=pages.Fields(typed or {}),
        )
