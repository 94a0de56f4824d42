"""Try triage: what a message would be assessed as, and why. Nothing is stored and nobody is paged."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot.access.door import door
from bot.access.permissions import Permission
from bot.console import pages, triage_form, triage_result
from bot.console.access import assessment_for
from bot.console.pages import ConsoleRoute, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.strings import translator
from bot.console.triage_form import Typed, context_of, errors_of
from bot.console.wording import AREAS, citation, flag_label, product_name
from bot.db.engine import reading
from bot.escalation.models import Alert, AlertEvent
from bot.protocols.phrases import as_language
from bot.records.models import AssessmentRecord
from bot.triage.explain import MAX_WORDS, Explanation, explain
from bot.triage.health import problems
from bot.triage.language import detect
from bot.triage.reader import served
from bot.triage.rules import RuleError
from bot.triage.shelf import shelf
from bot.triage.types import Context

router = APIRouter(route_class=ConsoleRoute)


@router.get("/triage")
@door("message.triage", Permission.TRY_TRIAGE)
def triage_page(request: Request, who: SignedIn, message: str = "") -> Response:
    """The empty form, or a stored `message` (its id) in its context and why it has its tier."""
    if not message:
        return _page(request, who, Typed())
    with reading() as session:
        record = assessment_for(session, who, message)
        typed = triage_form.from_record(record)
        return _page(request, who, typed, found=_explain(typed, who), stored=_stored(session, record))


@router.post("/triage")
@door("", Permission.TRY_TRIAGE)
def try_triage(request: Request, who: SignedIn, form: Posted) -> Response:
    """Assess what was typed and show why."""
    typed = triage_form.from_form(form)
    errors = errors_of(typed, translator(who.language))
    if errors:
        return _page(request, who, typed, errors=errors)
    return _page(request, who, typed, found=_explain(typed, who))


def _explain(typed: Typed, who: Visitor) -> tuple[Explanation, Context] | None:
    """None when no rules can be used: `problems` says so."""
    context = context_of(typed, who.language)
    try:
        return explain(typed.message, context), context
    except RuleError:
        return None


def _stored(session: Session, record: AssessmentRecord) -> dict[str, Any]:
    """The message that the form was filled from, what was said of it then, and the alert it belongs to."""
    message = record.message
    alert = session.scalars(
        select(Alert)
        .outerjoin(AlertEvent, AlertEvent.alert_id == Alert.id)
        .where(
            Alert.clinic_id == record.clinic_id,
            or_(Alert.message_id == message.id, AlertEvent.message_id == message.id),
        )
        .limit(1)
    ).first()
    patient = message.conversation.patient
    alert = alert.standing if alert else None
    return {"record": record, "message": message, "alert": alert, "patient": patient}


def _page(
    request: Request,
    who: Visitor,
    typed: Typed,
    *,
    errors: dict[str, str] | None = None,
    found: tuple[Explanation, Context] | None = None,
    stored: dict[str, Any] | None = None,
) -> Response:
    t = translator(who.language)
    return pages.render(
        request,
        "triage.html",
        who,
        status=422 if errors else 200,
        typed=typed,
        errors=pages.Fields(errors or {}),
        stored=stored,
        result=_result(who, typed, *found) if found else None,
        problems=problems(),
        areas=AREAS,
        phases=triage_form.PHASES,
        alert_tiers=triage_form.ALERT_TIERS,
        products=triage_form.products(typed),
        questions=triage_form.questions(typed, t, who.language),
        flag_label=flag_label,
        product_name=product_name,
        citation=citation,
    )


def _result(who: Visitor, typed: Typed, found: Explanation, context: Context) -> dict[str, Any]:
    def shown(number: str) -> str:
        return triage_result.decimal(number, who.language)

    reader = served()
    kept, aside = triage_result.rows(found, shelf.book())
    with reading() as session:
        heard = triage_result.heard(session, who, found, context)
    return {
        "assessment": found.assessment,
        "by_rules": found.by_rules,
        "heard": heard,
        "kept": kept,
        "aside": aside,
        "has_reader": reader is not None,
        "judged": found.judgement,
        "odds": triage_result.odds(found.judgement, reader.decision if reader else None),
        "pieces": triage_result.shaded(typed.message, found.words),
        "top": triage_result.top_words(found.words),
        "unweighed": len(typed.message.split()) > MAX_WORDS,
        "max_words": MAX_WORDS,
        "neighbours": [
            (near, detect(near.text, as_language(who.language)), shown(f"{near.likeness:.2f}"))
            for near in found.neighbours
        ],
        "language": context.language,
        "percent": lambda share: triage_result.percent(share, who.language),
        "points": lambda weight: shown(f"{100 * abs(weight):.1f}"),
    }
