"""Live conversations: who is writing, who holds which, and writing in one's own name."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.access.door import door as staff_door
from bot.access.permissions import Permission
from bot.clinic.models import Patient
from bot.console import pages
from bot.console.access import conversation_for, patient_for
from bot.console.counts import queue_order
from bot.console.inbox import recent
from bot.console.pages import ConsoleRoute, NotThere, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.wording import flag_label
from bot.db.engine import reading
from bot.escalation.raising import open_alert
from bot.escalation.signs import by_number, others_open
from bot.handover import door, service, words
from bot.handover.holds import authors, holder_of
from bot.handover.models import Takeover
from bot.handover.waiting import waiting_message
from bot.handover.watch import hands_back_at
from bot.messaging import whose
from bot.messaging.models import Conversation, Direction, Kind, Message
from bot.photos import gallery
from bot.records.models import AssessmentRecord

router = APIRouter(route_class=ConsoleRoute)

#: Messages of a conversation on its page; the patient's page has them all.
SHOWN = 100
#: What a page may say it has just done; anything else in the address is ignored.
DONE = ("taken", "sent", "back", "still", "not_held", "judged", "identified", "known")


@router.get("/messages")
@staff_door("conversation.list", Permission.VIEW_PATIENTS)
def conversations_page(request: Request, who: SignedIn) -> Response:
    """The conversations of the last weeks: held ones and waiting ones first."""
    return _list(request, who, "conversations.html")


@router.get("/messages/list")
@staff_door("conversation.list", Permission.VIEW_PATIENTS, refreshes=True)
def conversations_list(request: Request, who: SignedIn) -> Response:
    """The list alone, fetched by the live page when something changed."""
    return _list(request, who, "_conversations_list.html")


@router.get("/messages/{conversation_id}")
@staff_door("conversation.view", Permission.VIEW_PATIENTS)
def conversation_page(request: Request, who: SignedIn, conversation_id: str, did: str = "") -> Response:
    """One conversation as it goes. `did` is what a button on it has just done."""
    return _page(request, who, conversation_id, did=did if did in DONE else "")


@router.get("/messages/{conversation_id}/live")
@staff_door("conversation.view", Permission.VIEW_PATIENTS, refreshes=True)
def conversation_live(request: Request, who: SignedIn, conversation_id: str) -> Response:
    """The parts of the page that change by themselves."""
    return _page(request, who, conversation_id, file="_conversation_live.html")


@router.post("/messages/{conversation_id}/take")
@staff_door("conversation.take", Permission.WRITE_TO_PATIENTS)
def take(request: Request, who: SignedIn, _form: Posted, conversation_id: str) -> Response:
    """Hold the conversation: the bot is silent from now on."""
    _mine_to_see(who, conversation_id)
    try:
        service.take_over(conversation_id, who.staff_id)
    except service.HeldByAnother as other:
        return _page(request, who, conversation_id, held_by=other.name, status=409)
    return _back(conversation_id, "taken")


@router.post("/messages/{conversation_id}/still-here")
@staff_door("conversation.hold", Permission.WRITE_TO_PATIENTS)
def still_here(who: SignedIn, _form: Posted, conversation_id: str) -> Response:
    """The holder is still at it: the automatic hand-back is put off."""
    _mine_to_see(who, conversation_id)
    try:
        service.still_here(conversation_id, who.staff_id)
    except service.NotHeld:
        return _back(conversation_id, "not_held")
    return _back(conversation_id, "still")


@router.post("/messages/{conversation_id}/hand-back")
@staff_door("conversation.hand_back", Permission.WRITE_TO_PATIENTS)
def hand_back(who: SignedIn, form: Posted, conversation_id: str) -> Response:
    """Let the bot answer again."""
    _mine_to_see(who, conversation_id)
    try:
        service.hand_back(conversation_id, who.staff_id, leave_task=bool(pages.text(form, "leave_task")))
    except service.NotHeld:
        return _back(conversation_id, "not_held")
    return _back(conversation_id, "back")


@router.post("/messages/{conversation_id}/look")
@staff_door("conversation.look_at_reply", Permission.WRITE_TO_PATIENTS, refreshes=True)
def look(request: Request, who: SignedIn, form: Posted, conversation_id: str) -> Response:
    """What a text takes and which of its words to reconsider, for the page to show while it is written."""
    with reading() as session:
        channel = conversation_for(session, who, conversation_id).channel
    text = _typed(form)
    return pages.render(request, "_look.html", who, **_look(text, door.look_at(text, channel)))


@router.post("/messages/{conversation_id}/identify")
@staff_door("conversation.identify", Permission.WRITE_TO_PATIENTS)
def identify(request: Request, who: SignedIn, form: Posted, conversation_id: str) -> Response:
    """Say whose chat this is: by phone number, and then, with the name before one's eyes, for certain."""
    number, chosen = pages.text(form, "number"), pages.text(form, "patient")
    with reading() as session:
        conversation = conversation_for(session, who, conversation_id)
        if chosen:
            chosen = patient_for(session, who, chosen).id
        else:
            found = whose.by_number(session, conversation.clinic, number)
            status = 200 if found else 422
            return _page(request, who, conversation_id, number=number, found=found, status=status)
    try:
        whose.identify(conversation_id, chosen)
    except whose.NotIdentified:
        return _back(conversation_id, "known")
    return _back(conversation_id, "identified")


@router.get("/messages/{conversation_id}/{form}")
@staff_door("conversation.address", Permission.VIEW_PATIENTS)
def form_address(who: SignedIn, conversation_id: str, form: str) -> Response:
    """The address that a form was sent to, opened again: the conversation's page."""
    _mine_to_see(who, conversation_id)
    if form not in ("take", "reply", "look", "hand-back", "still-here", "identify"):
        raise NotThere
    return RedirectResponse(f"/console/messages/{conversation_id}", 303)


@router.post("/messages/{conversation_id}/reply")
@staff_door("conversation.reply", Permission.WRITE_TO_PATIENTS)
def reply(request: Request, who: SignedIn, form: Posted, conversation_id: str) -> Response:
    """Send a reply, add a ready-made one to the text, or only look at it.

    Words on the never-say list are shown once before they go out: the writer decides, but not by accident.
    """
    text, template = _typed(form), pages.text(form, "template")
    with reading() as session:
        conversation = conversation_for(session, who, conversation_id)
        looked = door.look_at(text, conversation.channel)
        if pages.text(form, "do") == "insert":
            ready = words.template_text(session, conversation, template)
            text = "\n\n".join(part for part in (text, ready.text if ready else "") if part)
            return _page(request, who, conversation_id, text=text, template=template)
    sends = pages.text(form, "do") == "send"
    unseen = bool(looked.breaches) and pages.text(form, "seen") != _mark(text)
    if not sends or unseen:
        return _page(request, who, conversation_id, text=text, template=template, warned=sends and unseen)
    try:
        service.reply(conversation_id, who.staff_id, text, template, after=pages.text(form, "after"))
    except service.NotHeld:
        return _page(request, who, conversation_id, text=text, did="not_held", status=409)
    except service.ReplyRefused as refused:
        return _page(request, who, conversation_id, text=text, refused=refused.refusal.value, status=422)
    return _back(conversation_id, "sent")


def _typed(form: Any) -> str:
    return pages.text(form, "text", limit=20_000).replace("\r\n", "\n")


def _mark(text: str) -> str:
    """Stands for a text whose warnings were shown."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _look(text: str, looked: door.Look) -> dict[str, Any]:
    return {"look": looked, "mark": _mark(text)}


def _mine_to_see(who: Visitor, conversation_id: str) -> None:
    with reading() as session:
        conversation_for(session, who, conversation_id)


def _back(conversation_id: str, did: str) -> Response:
    return RedirectResponse(f"/console/messages/{conversation_id}?did={did}", 303)


def _list(request: Request, who: Visitor, template: str) -> Response:
    with reading() as session:
        return pages.render(request, template, who, rows=recent(session, who.clinic_id))


def _page(
    request: Request,
    who: Visitor,
    conversation_id: str,
    *,
    file: str = "conversation.html",
    template: str = "",
    status: int = 200,
    did: str = "",
    text: str = "",
    warned: bool = False,
    refused: str = "",
    held_by: str = "",
    number: str | None = None,
    found: Patient | None = None,
) -> Response:
    """The page, or its live parts. `text` is what was typed, begun with the ready-made reply `template`;
    `found` is the patient with the phone `number` that was asked for."""
    with reading() as session:
        conversation = conversation_for(session, who, conversation_id)
        held = holder_of(session, conversation_id)
        thread = _thread(session, conversation)
        written = [entry["message"].id for entry in thread]
        alert = open_alert(session, conversation)
        return pages.render(
            request,
            file,
            who,
            status=status,
            conversation=conversation,
            patient=conversation.patient,
            alerts=sorted([alert, *others_open(session, alert)], key=queue_order) if alert else [],
            thread=thread,
            arrivals=gallery.with_messages(session, written),
            numbers=by_number(session, written),
            held=held,
            mine=held is not None and held.staff_id == who.staff_id,
            state="free" if held is None else "mine" if held.staff_id == who.staff_id else "other",
            waiting=waiting_message(session, held) if held else None,
            hands_back_at=hands_back_at(session, held) if held else None,
            closed_to=door.closed_to(session, conversation),
            templates=_ready(who),
            ended=_ended(session, conversation),
            did=did,
            text=text,
            ready=template,
            warned=warned,
            refused=refused,
            held_by=held_by,
            number=number,
            found=found,
            flag_label=flag_label,
            **_look(text, door.look_at(text, conversation.channel)),
        )


def _ready(who: Visitor) -> list[tuple[str, str]]:
    """Id and title of each ready-made reply."""
    return [
        (piece.id, piece.title.es if who.language == "es" else piece.title.en) for piece in words.templates()
    ]


def _thread(session: Session, conversation: Conversation) -> list[dict[str, Any]]:
    rows = session.execute(
        select(Message, AssessmentRecord)
        .outerjoin(AssessmentRecord, AssessmentRecord.message_id == Message.id)
        .where(Message.conversation_id == conversation.id, Message.kind.notin_([Kind.STAFF, Kind.PAGE]))
        .order_by(Message.id.desc())
        .limit(SHOWN)
    ).all()
    people = authors(session, [message.id for message, _record in rows])
    return [
        {
            "message": message,
            "from_patient": message.direction is Direction.IN,
            "tier": record.tier.value if record else None,
            "probe": bool(record and record.probe),
            "by": people[message.id].staff.name if message.id in people else "",
        }
        for message, record in reversed(rows)
    ]


def _ended(session: Session, conversation: Conversation) -> list[Takeover]:
    """The take-overs that ended last, newest first."""
    query = (
        select(Takeover)
        .where(Takeover.conversation_id == conversation.id, Takeover.released_at.is_not(None))
        .order_by(Takeover.id.desc())
        .limit(5)
    )
    return list(session.scalars(query))
