"""Recalls: search a lot, draft, approve, and watch who has been reached."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic.facts import content_values
from bot.clinic.models import Clinic, Staff
from bot.console import pages
from bot.console.access import recall_for
from bot.console.chart import as_file
from bot.console.pages import ConsoleRoute, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.strings import translator
from bot.console.wording import product_name
from bot.db.engine import reading
from bot.governance.standing import standing_of
from bot.links.tokens import marked
from bot.protocols.catalogue import catalogue
from bot.protocols.render import Situation, render_piece
from bot.recall import progress, service
from bot.recall.models import Recall, RecallStatus

router = APIRouter(route_class=ConsoleRoute)

_DID = ("drafted", "withdrawn", "approved")
_COLUMNS = ("last_name", "first_name", "phone", "days", "lot", "state", "at")


@router.get("/recall")
@door("recall.search", Permission.VIEW_PATIENTS)
def search_page(request: Request, who: SignedIn, product: str = "", lot: str = "") -> Response:
    """All recalls; and for a product and lot, everybody who was treated with it."""
    return _search(request, who, product, lot)


@router.post("/recall")
@door("recall.draft", Permission.DRAFT_RECALLS)
def draft(request: Request, who: SignedIn, form: Posted) -> Response:
    """Draft a recall of a product and lot."""
    product, lot, reason = (pages.text(form, name, 500) for name in ("product", "lot", "reason"))
    try:
        recall_id = service.draft(who.staff_id, product, lot[:40], reason)
    except service.Refused as refused:
        return _search(request, who, product, lot, reason=reason, refused=refused.code, status=422)
    return RedirectResponse(f"/console/recall/{recall_id}?did=drafted", 303)


@router.get("/recall/{recall_id}.csv")
@door("recall.csv", Permission.EXPORT)
def as_csv(who: SignedIn, recall_id: str) -> Response:
    """Who is in it and how far it has got, for a spreadsheet."""
    t = translator(who.language)
    with reading() as session:
        recall = recall_for(session, who, recall_id)
        header = [t(f"recall.column_{name}") for name in _COLUMNS]
        body = progress.as_csv(
            progress.lines(session, recall), header, lambda state: t(f"recall.state_{state}")
        )
    name = f'attachment; filename="recall-{recall_id}.csv"'
    return as_file("\ufeff" + body, "text/csv; charset=utf-8", name)


@router.get("/recall/{recall_id}")
@door("recall.view", Permission.VIEW_PATIENTS)
def recall_page(request: Request, who: SignedIn, recall_id: str, did: str = "") -> Response:
    """One recall: what patients read, and how far it has got."""
    return _recall(request, who, recall_id, did=did)


@router.post("/recall/{recall_id}/approve")
@door("recall.approve", Permission.APPROVE_RECALLS)
def approve(request: Request, who: SignedIn, form: Posted, recall_id: str) -> Response:  # noqa: ARG001
    """Let it go out."""
    with reading() as session:
        recall_for(session, who, recall_id)
    try:
        service.approve(who.staff_id, recall_id)
    except service.Refused as refused:
        return _recall(request, who, recall_id, refused=refused.code, status=422)
    return RedirectResponse(f"/console/recall/{recall_id}?did=approved", 303)


@router.post("/recall/{recall_id}/withdraw")
@door("recall.withdraw", Permission.DRAFT_RECALLS)
def withdraw(request: Request, who: SignedIn, form: Posted, recall_id: str) -> Response:  # noqa: ARG001
    """Take a draft back."""
    with reading() as session:
        recall_for(session, who, recall_id)
    try:
        service.withdraw(who.staff_id, recall_id)
    except service.Refused as refused:
        return _recall(request, who, recall_id, refused=refused.code, status=422)
    return RedirectResponse(f"/console/recall/{recall_id}?did=withdrawn", 303)


def _search(
    request: Request,
    who: Visitor,
    product: str,
    lot: str,
    *,
    reason: str = "",
    refused: str = "",
    status: int = 200,
) -> Response:
    product, lot = product.strip()[:40], lot.strip()[:40]
    with reading() as session:
        people = service.treated_with(session, who.clinic_id, product, lot) if lot else []
        query = select(Recall).where(Recall.clinic_id == who.clinic_id).order_by(Recall.drafted_at.desc())
        return pages.render(
            request,
            "recalls.html",
            who,
            status=status,
            recalls=session.scalars(query).all(),
            products=list(catalogue().products),
            product=product,
            lot=lot,
            reason=reason,
            people=people,
            refused=refused,
            product_name=product_name,
        )


def _recall(
    request: Request, who: Visitor, recall_id: str, *, did: str = "", refused: str = "", status: int = 200
) -> Response:
    with reading() as session:
        recall = recall_for(session, who, recall_id)
        lines = progress.lines(session, recall)
        me = session.get_one(Staff, who.staff_id)
        return pages.render(
            request,
            "recall.html",
            who,
            status=status,
            recall=recall,
            lines=lines,
            counts=progress.counts(lines),
            words=_words(session, who, recall),
            unapproved=service.words_missing(session, who.clinic_id),
            draft=recall.status is RecallStatus.DRAFT,
            may_approve=me.role in service.APPROVERS,
            did=did if did in _DID else "",
            refused=refused,
            product_name=product_name,
        )


def _words(session: Session, who: Visitor, recall: Recall) -> list[tuple[str, str, str]]:
    """What patients get: piece, language, text. The page is shown for a patient of an unnamed day."""
    clinic = session.get_one(Clinic, who.clinic_id)
    shown = []
    for piece_id in (service.TEXT, service.PAGE):
        piece = standing_of(session, clinic.id, piece_id).piece
        for language in ("en", "es"):
            values = {
                **content_values(clinic, language, recall.product),
                "url": marked("…"),
                "product_name": product_name(recall.product),
                "lot": recall.lot,
                "treated_on_phrase": "…",
            }
            shown.append((piece_id, language, render_piece(piece, Situation(language=language), values).text))
    return shown
