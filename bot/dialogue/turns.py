"""One dialogue turn: from a stored, triaged message to stored replies. Safe to run again at any time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from bot import clock, events
from bot.clinic.facts import content_values
from bot.clinic.models import Treatment
from bot.db.engine import reading, transaction
from bot.dialogue.reading import PICTURE
from bot.dialogue.turn import NOT_APPROVED
from bot.escalation.raising import open_alert
from bot.followup import closing
from bot.followup.models import CheckIn
from bot.governance.standing import decided, standing_of, standings
from bot.handover.holds import is_held
from bot.intake import service as intake
from bot.messaging import still_open
from bot.messaging.models import Conversation, Kind, Message, Turn
from bot.messaging.threads import WITH_PEOPLE, add_outbound, latest_treatment, say, situation_of
from bot.protocols.render import Rendered
from bot.records.models import AssessmentRecord, TaskKind
from bot.records.tasks import open_task
from bot.triage.types import PROBES

log = structlog.get_logger(__name__)


#: The dialogue's own form of a check-in does not outlive this.
ANSWERED_LATELY = timedelta(days=4)
#: What confirms a STOP in plain words must go out although the person has just opted out.
_CONFIRMATIONS = frozenset({"optout.stopped", "optout.started", "safety.stopped_alert_open"})
#: Who a message is from, read with it.
_WITH_THREAD = joinedload(Message.conversation, innerjoin=True).options(*WITH_PEOPLE)


class Reply(Protocol):
    """What the dialogue says, in approved words."""

    @property
    def text(self) -> str: ...
    @property
    def content_id(self) -> str: ...
    @property
    def content_version(self) -> int: ...
    @property
    def question(self) -> str | None: ...
    @property
    def buttons(self) -> Sequence[dict[str, Any]]: ...


class Dialogue(Protocol):
    """The dialogue model. A repeated call with the same `message_id` in the metadata answers the same."""

    def handle(self, conversation_id: str, text: str, metadata: dict[str, Any]) -> Sequence[Reply]:
        """The replies to a message; raises when it cannot answer."""
        ...

    def start_check_in(self, conversation_id: str, metadata: dict[str, Any]) -> Sequence[Reply]:
        """The first words of a check-in."""
        ...


def run_turn(message_id: str, dialogue: Dialogue | None) -> None:
    """Answer `message_id`, after whatever its sender wrote before it. `dialogue` None: it is not available,
    and the scripted words answer."""
    with reading() as session:
        message = session.get_one(Message, message_id)
        waiting = session.scalars(
            select(Message.id)
            .where(
                Message.conversation_id == message.conversation_id,
                Message.turn == Turn.PENDING,
                Message.id <= message_id,
            )
            .order_by(Message.id)
        ).all()
    for waiting_id in waiting:
        _answer(waiting_id, dialogue)


def _answer(message_id: str, dialogue: Dialogue | None) -> None:
    with reading() as session:
        message = session.get_one(Message, message_id, options=(_WITH_THREAD,))
        conversation = message.conversation
        held = is_held(session, conversation)
        metadata = describe(session, conversation, message)
    replies: Sequence[Reply] | None = None
    words = message.body.strip()
    if not words and message.media and metadata["question"] == "checkin.photo":
        words = PICTURE
    if dialogue is not None and words and not held:
        try:
            replies = dialogue.handle(conversation.id, words, metadata)
        except Exception:
            log.exception("dialogue failed; the scripted words answer", message_id=message_id)
    with transaction() as session:
        message = session.get_one(Message, message_id, with_for_update=True)
        if message.turn is not Turn.PENDING:
            return
        # somebody may have taken the conversation while the dialogue was thinking
        session.get_one(
            Conversation, conversation.id, options=WITH_PEOPLE, with_for_update={"of": Conversation}
        )
        if held or is_held(session, message.conversation):
            message.turn = Turn.NOT_NEEDED
        else:
            _reply(session, message, replies, safety_sent=metadata["safety_sent"])
            message.turn = Turn.ANSWERED
    events.committed(message.clinic_id, message.conversation_id)


def _reply(session: Session, message: Message, replies: Sequence[Reply] | None, *, safety_sent: bool) -> None:
    if replies:
        store(session, message.conversation, replies, Kind.REPLY, message)
        if not safety_sent and _answers_something(replies):
            still_open.remind(session, message, len(replies) + 1)
    elif not safety_sent:
        _scripted(session, message, failed=replies is None)
    elif replies is None and message.body.strip():
        _ask_staff(session, message)


def _answers_something(replies: Sequence[Reply]) -> bool:
    """Whether the desk gave an answer of its own accord, and neither asks something nor hands over."""
    silent = _CONFIRMATIONS | {"dialogue.handover_alert"}
    return not any(reply.question or reply.content_id in silent for reply in replies)


def _scripted(session: Session, message: Message, *, failed: bool) -> None:
    """Nobody is left without an answer: ask again for an empty message, and own up to a failure."""
    if failed and message.body.strip():
        piece = "dialogue.technical"
        _ask_staff(session, message)
    else:
        piece = "dialogue.fallback"
    say(session, message.conversation, piece, Kind.REPLY, in_reply_to_id=message.id, position=1)


def _ask_staff(session: Session, message: Message) -> None:
    open_task(
        session,
        TaskKind.NOT_UNDERSTOOD,
        message.id,
        message.conversation,
        note=message.body[:200],
        message_id=message.id,
    )


def store(
    session: Session,
    conversation: Conversation,
    replies: Sequence[Reply],
    kind: Kind,
    answered: Message | None = None,
    check_in_id: str | None = None,
) -> None:
    """Write replies to the record, to be sent in order, and remember the question that the last one asks."""
    asked: str | None = None
    for position, reply in enumerate(replies, start=1):
        rendered = Rendered(
            reply.text,
            reply.content_id,
            reply.content_version,
            "draft",
            (),
            own_version=_own_version(session, conversation, reply.content_id),
        )
        if reply.content_id == NOT_APPROVED and answered is not None:
            _ask_staff(session, answered)
        add_outbound(
            session,
            conversation,
            rendered,
            Kind.NOTICE if reply.content_id in _CONFIRMATIONS else kind,
            in_reply_to_id=answered.id if answered else None,
            position=position if answered else None,
            question=reply.question,
            buttons=list(reply.buttons),
            check_in_id=check_in_id,
        )
        asked = reply.question or asked
    if asked is not None or conversation.open_question not in PROBES:
        conversation.open_question, conversation.open_question_at = asked, clock.now()


def _own_version(session: Session, conversation: Conversation, piece_id: str) -> int | None:
    """The number of the clinic's version whose words are part of a text: of the text itself, or, of what ends
    a check-in, of the protocol that says it."""
    if piece_id == closing.PIECE:
        own = closing.words_for(session, latest_treatment(session, conversation.patient_id))
        if own is not None:
            return own.version
    return standing_of(session, conversation.clinic_id, piece_id).own_version


def _words_of(session: Session, conversation: Conversation, treatment: Treatment | None) -> dict[str, Any]:
    """What the clinic says in its own words, and what it does not say at all."""
    clinic = conversation.clinic
    # what a clinic has not decided on are drafts, and those are looked at only where drafts are withheld
    look = standings if clinic.approved_words_only else decided
    found = look(session, clinic.id)
    sayable = ("approved",) if clinic.approved_words_only else ("approved", "outdated", "stale", "draft")
    own = {here.piece.id: here.piece.model_dump(mode="json") for here in found if here.own}
    if (ending := closing.words_for(session, treatment)) is not None:
        own[closing.PIECE] = ending.piece.model_dump(mode="json")
    return {
        "own_words": own,
        "withheld": [
            here.piece.id for here in found if here.piece.kind == "topic" and here.name not in sayable
        ],
    }


def _answered(session: Session, patient_id: str | None) -> list[str]:
    """Check-ins that were answered lately, by text or on their page."""
    if patient_id is None:
        return []
    lately = clock.now() - ANSWERED_LATELY
    found = select(CheckIn.id).where(CheckIn.patient_id == patient_id, CheckIn.answered_at > lately)
    return list(session.scalars(found))


def _open_alert(session: Session, conversation: Conversation) -> str | None:
    """The tier of the alert that is open here, None without one."""
    alert = open_alert(session, conversation)
    return alert.tier.value if alert is not None else None


def _intake_status(session: Session, conversation: Conversation) -> str | None:
    """How far the questions before a treatment have come; None when they were never begun."""
    found = intake.latest(session, conversation.id)
    return found.status.value if found is not None else None


def describe(session: Session, conversation: Conversation, message: Message | None = None) -> dict[str, Any]:
    """What the dialogue may know about a message and its sender: no name but the first, no phone number."""
    treatment = latest_treatment(session, conversation.patient_id)
    situation = situation_of(conversation, treatment)
    metadata: dict[str, Any] = {
        "conversation_id": conversation.id,
        "clinic_id": conversation.clinic_id,
        "patient_id": conversation.patient_id,
        "language": situation.language,
        "channel": situation.channel,
        "phase": situation.phase,
        "product": situation.product,
        "day": situation.day,
        "areas": list(situation.areas),
        "figures": situation.figures,
        "check_in_id": None,
        "open_alert": _open_alert(session, conversation),
        "answered_check_ins": _answered(session, conversation.patient_id),
        "intake": _intake_status(session, conversation),
        **_words_of(session, conversation, treatment),
        "values": {
            **content_values(conversation.clinic, situation.language, situation.product),
            "first_name": conversation.patient.first_name if conversation.patient else "",
        },
    }
    if message is None:
        return metadata | {
            "tier": None,
            "probe": False,
            "flags": [],
            "safety_sent": False,
            "question": None,
            "asked_now": None,
        }
    assessment = session.scalars(
        select(AssessmentRecord).where(AssessmentRecord.message_id == message.id)
    ).first()
    safety = session.scalars(
        select(Message.id).where(Message.in_reply_to_id == message.id, Message.kind == Kind.SAFETY)
    ).first()
    return metadata | {
        "message_id": message.id,
        "tier": assessment.tier.value if assessment else None,
        "probe": bool(assessment and assessment.probe),
        "flags": list(dict.fromkeys(f["flag"] for f in assessment.findings)) if assessment else [],
        "safety_sent": safety is not None,
        "question": assessment.context.get("question") if assessment else None,
        "number": assessment.context.get("number") if assessment else None,
        "asked_now": conversation.open_question if conversation.open_question in PROBES else None,
    }
