"""The words of the clinic: preview any text for any patient, compare, change a sentence, approve, retire."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from bot import clock
from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic.models import Clinic, Staff
from bot.console import content_view as view
from bot.console import pages
from bot.console.access import patient_for
from bot.console.pages import ConsoleRoute, Fields, NotThere, Posted, SignedIn
from bot.console.patients import folded
from bot.console.sessions import Visitor
from bot.console.wording import AREAS, product_name
from bot.db.engine import reading, transaction
from bot.governance import service
from bot.governance.sentences import Change, differences, digest, split
from bot.governance.standing import history, standing_of, standings
from bot.governance.told import told
from bot.protocols.catalogue import catalogue, texts
from bot.protocols.errors import ContentError
from bot.protocols.phrases import as_language

router = APIRouter(route_class=ConsoleRoute)

SHOWN = ("all", "draft", "outdated", "stale", "own", "approved", "retired")
PHASES = ("before", "after")


@router.get("/content")
@door("", Permission.VIEW_WORDS)
def content_page(request: Request, who: SignedIn, q: str = "", show: str = "all", did: str = "") -> Response:
    """Every text with how it stands."""
    show = show if show in SHOWN else SHOWN[0]
    words = folded(q.strip()[:100]).split()
    with reading() as session:
        everything = standings(session, who.clinic_id)
        counts: Counter[str] = Counter(here.name for here in everything)
        counts["own"] = sum(here.own for here in everything)
        counts["all"] = len(everything)
        shown = [
            here
            for here in everything
            if (show in ("all", here.name) or (show == "own" and here.own)) and view.fits(here.piece, words)
        ]
        return pages.render(
            request,
            "content.html",
            who,
            q=q.strip()[:100],
            show=show,
            filters=SHOWN,
            counts=counts,
            rows=shown,
            digest=digest,
            shipped=catalogue().pieces,
            may_approve=view.staff(session, who).role in service.APPROVERS,
            did=did if did in ("approved",) else "",
        )


@router.post("/content")
@door("text.approve_several", Permission.APPROVE_WORDS)
def approve_several(request: Request, who: SignedIn, form: Posted) -> Response:
    """Approve the texts that were ticked, each as it was shown."""
    refused: list[str] = []
    with transaction() as session:
        staff = view.staff(session, who)
        for ticked in form.getlist("text"):
            piece_id, _, seen = str(ticked).partition("@")
            try:
                service.approve(session, staff, piece_id, seen, view.own_number(session, who, piece_id))
            except (service.NotAllowed, service.Refused, ContentError) as problem:
                refused.append(f"{piece_id}: {problem}")
    if refused:
        return pages.render(request, "content_refused.html", who, status=422, problems=refused)
    return RedirectResponse("/console/content?show=draft&did=approved", 303)


@router.get("/content/{piece_id}")
@door("", Permission.VIEW_WORDS)
def piece_page(
    request: Request,
    who: SignedIn,
    piece_id: str,
    phase: str = "",
    product: str = "",
    day: str = "",
    area: str = "",
    language: str = "",
    channel: str = "sms",
    since: str = "",
    did: str = "",
) -> Response:
    """One text as a patient would read it, its versions, and what may be done with it."""
    fields = Fields(
        phase=phase if phase in PHASES else "",
        product=product if product in catalogue().products else "",
        day=day if day.isdecimal() and len(day) < 5 else "",
        area=area if area in AREAS else "",
        language=language if language in ("en", "es") else who.language,
        channel="web" if channel == "web" else "sms",
        since=since,
    )
    return _piece_page(request, who, piece_id, fields, did=did)


@router.post("/content/{piece_id}/approve")
@door("text.approve", Permission.APPROVE_WORDS)
def approve(request: Request, who: SignedIn, form: Posted, piece_id: str) -> Response:
    """Let the text be sent, as it was shown."""
    number = pages.text(form, "number")
    return _decided(
        request,
        who,
        piece_id,
        lambda session, staff: service.approve(
            session, staff, piece_id, pages.text(form, "digest"), int(number) if number.isdecimal() else None
        ),
        "approved",
    )


@router.post("/content/{piece_id}/retire")
@door("text.retire", Permission.APPROVE_WORDS)
def retire(request: Request, who: SignedIn, form: Posted, piece_id: str) -> Response:
    """Let the text be sent no more."""

    def act(session: Session, staff: Staff) -> None:
        service.retire(session, staff, piece_id, pages.text(form, "note", 500))

    return _decided(request, who, piece_id, act, "retired")


@router.post("/content/{piece_id}/change")
@door("text.propose", Permission.PROPOSE_WORDS)
def change(request: Request, who: SignedIn, form: Posted, piece_id: str) -> Response:
    """Propose sentences of the clinic's own for one text, beside those that it has already."""

    def propose(session: Session, staff: Staff) -> None:
        here = standing_of(session, who.clinic_id, piece_id)
        shipped = catalogue().piece(piece_id)
        place = view.place_of(pages.text(form, "place"))
        wording = dict(texts(shipped)).get(place) if place else None
        if place is None or wording is None:
            raise service.Refused("choose which text to change")
        sentences = split(wording)
        wanted = [pages.text(form, f"sentence-{at}", 1000) for at in range(len(sentences))]
        fresh = [
            Change(place, was, " ".join(to.split()))
            for was, to in zip(sentences, wanted, strict=True)
            if was != " ".join(to.split())
        ]
        kept = [
            old
            for old in map(Change.of, here.version.changes if here.version and here.own else ())
            if old.place != place and old not in here.lost
        ]
        if not fresh and not (here.own and here.version):
            raise service.Refused("no sentence was changed")
        until = pages.text(form, "review_by")
        try:
            review_by = date.fromisoformat(until) if until else None
        except ValueError:
            raise service.Refused(f"“{until}” is no date") from None
        service.propose(session, staff, piece_id, [*kept, *fresh], pages.text(form, "note", 500), review_by)

    return _decided(request, who, piece_id, propose, "proposed", place=pages.text(form, "place"))


@router.get("/patients/{patient_id}/told")
@door("patient.told", Permission.VIEW_PATIENTS)
def told_page(request: Request, who: SignedIn, patient_id: str, topic: str = "", on: str = "") -> Response:
    """What this patient was or would have been told about a topic on a day."""
    today = clock.now().date()
    try:
        day = date.fromisoformat(on) if on else today
    except ValueError:
        day = today
    with reading() as session:
        patient = patient_for(session, who, patient_id)
        topics = [piece.id for piece in catalogue().topics()]
        chosen = topic if topic in topics else topics[0]
        return pages.render(
            request,
            "told.html",
            who,
            patient=patient,
            topics=topics,
            title_of=lambda piece_id: getattr(catalogue().piece(piece_id).title, as_language(who.language)),
            chosen=chosen,
            on=day,
            told=told(session, patient, chosen, min(day, today)) if topic else None,
            product_name=product_name,
        )


def _piece_page(
    request: Request,
    who: Visitor,
    piece_id: str,
    fields: Fields,
    *,
    did: str = "",
    problem: str = "",
    status: int = 200,
) -> Response:
    with reading() as session:
        if piece_id not in catalogue().pieces:
            raise NotThere
        here = standing_of(session, who.clinic_id, piece_id)
        versions = history(session, who.clinic_id, piece_id)
        shipped = catalogue().piece(piece_id)
        draft = view.open_draft(shipped, versions)
        proposed = view.with_changes(shipped, draft) if draft else here.piece
        clinic = session.get_one(Clinic, who.clinic_id)
        role = view.staff(session, who).role
        return pages.render(
            request,
            "content_piece.html",
            who,
            status=status,
            here=here,
            shipped=shipped,
            digest=digest(shipped),
            shown=view.preview(clinic, here.piece, fields),
            draft=draft,
            proposed=view.preview(clinic, proposed, fields),
            compared=list(differences(here.piece, proposed)),
            changed=list(differences(shipped, here.piece)),
            updated=view.since_approval(session, shipped, here),
            versions=versions,
            fields=fields,
            phases=PHASES,
            products=catalogue().products,
            places=view.editable(shipped, proposed),
            may_approve=role in service.APPROVERS,
            may_propose=role in service.AUTHORS,
            did=did if did in ("approved", "retired", "proposed") else "",
            problem=problem,
        )


def _decided(
    request: Request,
    who: Visitor,
    piece_id: str,
    act: Callable[[Session, Staff], object],
    did: str,
    place: str = "",
) -> Response:
    if piece_id not in catalogue().pieces:
        raise NotThere
    try:
        with transaction() as session:
            act(session, view.staff(session, who))
    except (service.NotAllowed, service.Refused) as problem:
        fields = Fields(language=who.language, channel="sms", place=place)
        return _piece_page(request, who, piece_id, fields, problem=str(problem), status=422)
    return RedirectResponse(f"/console/content/{piece_id}?did={did}", 303)
