"""Taking in the answers of a check-in page, as if they had been texted.

One transaction stores every answer as an inbound message of the patient's thread, triages it with the
question it answers, and writes the alert with its first page. Only then are the answers recorded and the
check-in finished. A form that is sent twice, or sent again after an error, stores nothing a second time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.db.engine import transaction
from bot.dialogue.reading import is_question, is_request
from bot.followup import answers, closing
from bot.followup.models import CheckIn, CheckInStatus
from bot.links.models import PatientLink
from bot.messaging import optout
from bot.messaging.inbox import storable
from bot.messaging.models import Channel, Conversation, Kind, Message, Status, Turn
from bot.messaging.reading import read, unreadable
from bot.messaging.threads import add_inbound, find_or_open, latest_treatment, note_status, say
from bot.patient_pages.questions import Given
from bot.photos.arrivals import expect
from bot.records.models import AssessmentRecord, TaskKind
from bot.records.symptoms import act_on
from bot.records.tasks import open_task
from bot.triage.types import PROBES, Tier

#: Where the last words stand among the replies to a form's last answer.
LAST_WORDS = 95

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """What to show: the desk's words, most urgent first, and whether the check-in is complete."""

    words: list[str] = field(default_factory=list)
    complete: bool = False


def submit(
    link_id: str, once: str, given: Sequence[Given], *, complete: bool, too_late: bool = False
) -> Taken:
    """Take in the answers `given` on the page of `link_id`. `once` names the form that was opened.

    An incomplete form is triaged and recorded all the same; the check-in stays open. What comes `too_late` is
    no answer any more, but it is stored and triaged: a danger sign does not expire. Raises what the database
    raises when it is away.
    """
    with transaction() as session:
        link = session.get_one(PatientLink, link_id)
        check_in = session.get_one(CheckIn, link.subject_id)
        thread = find_or_open(session, link.patient.clinic, Channel.SMS, link.patient.phone)
        session.refresh(thread, with_for_update={"of": Conversation})
        stored = [(one, _store(session, thread, link, check_in, once, one)) for one in given if one.words]
        link.used_at = link.used_at or clock.now()
        message_ids = [message.id for _one, message in stored]
        words = _desk_words(session, message_ids)
        settled = check_in.status is CheckInStatus.ANSWERED
        tier_before = answers.judgement(session, check_in)[0] if settled else Tier.T4
    events.committed(thread.clinic_id, thread.id)
    last = message_ids[-1] if message_ids else None
    if last is None or too_late:
        return Taken(words)
    by_question = {one.question.id: message.id for one, message in stored}
    answers.record_all(
        check_in.id,
        [
            answers.Told(one.question.id, one.value, one.words, by_question.get(one.question.id, last))
            for one in given
        ],
    )
    if not complete:
        return Taken(words)
    outcome = answers.finish(check_in.id, last)
    with transaction() as session:
        if settled:
            _corrected(session, check_in.id, last, tier_before)
        thread = session.get_one(
            Conversation, thread.id, with_for_update={"of": Conversation}, populate_existing=True
        )
        words.append(_done(session, thread, f"checkin.done_{outcome}", last).body)
    return Taken(words, complete=True)


def _store(
    session: Session, thread: Conversation, link: PatientLink, check_in: CheckIn, once: str, one: Given
) -> Message:
    """The stored and triaged message of one answer; the one that is there when the form is sent again."""
    pictures = (item["kept"]["source_sha256"] for item in one.media)
    name = "\x00".join((link.id, once, one.question.id, one.words, *pictures))
    provider_id = f"page:{hashlib.sha256(name.encode()).hexdigest()[:48]}"
    before = session.scalars(
        select(Message).where(Message.channel == Channel.WEB, Message.provider_id == provider_id)
    ).first()
    if before is not None:
        return before
    message = add_inbound(
        session,
        thread,
        Channel.WEB,
        provider_id,
        "" if one.media else storable(one.words),
        media=list(one.media),
        turn=Turn.NOT_NEEDED,
        check_in_id=check_in.id,
        question=one.question.content,
    )
    expect(session, message)
    _triage(session, thread, message, one)
    return message


def _triage(session: Session, thread: Conversation, message: Message, one: Given) -> None:
    """Read the answer as one to its question. What cannot be read is for a person, and stops nothing else."""
    waiting, since = thread.open_question, thread.open_question_at
    thread.open_question, thread.open_question_at = one.question.content, clock.now()
    try:
        with session.begin_nested():
            read(session, message)
            if one.question.answer == "text":
                _act_on_words(session, message)
    except Exception:
        log.exception("an answer cannot be read; a person must", message_id=message.id)
        unreadable(session, message)
    if thread.open_question not in PROBES:
        # what the page answers is not asked any more; a question of triage's own still is
        answered = (waiting or "").startswith("checkin.")
        thread.open_question, thread.open_question_at = (None, None) if answered else (waiting, since)


def _act_on_words(session: Session, message: Message) -> None:
    """Free words may ask for something. No dialogue answers a page, so a person does."""
    if optout.keyword(message.body, answering=True) == "stop":
        piece = optout.stop(session, message.conversation, message.id)
        say(session, message.conversation, piece, Kind.NOTICE, in_reply_to_id=message.id, position=90)
    elif is_question(message.body) or is_request(message.body):
        open_task(
            session,
            TaskKind.TALK_TO_PATIENT,
            message.id,
            message.conversation,
            note=message.body[:200],
            message_id=message.id,
        )


def _desk_words(session: Session, message_ids: Sequence[str]) -> list[str]:
    """What the desk says to these messages, most urgent first and nothing twice.

    The page shows all of it. Only the most urgent goes out as a text too, and only when somebody is paged or
    triage asks back: the patient may have put the page away.
    """
    rows = session.execute(
        select(Message, AssessmentRecord)
        .join(AssessmentRecord, AssessmentRecord.message_id == Message.in_reply_to_id)
        .where(Message.in_reply_to_id.in_(message_ids), Message.kind == Kind.SAFETY)
    ).all()
    ranked = sorted(rows, key=lambda row: (row[1].tier.urgency, row[0].id))
    said: dict[str, None] = {}
    for place, (reply, assessment) in enumerate(ranked):
        urgent = assessment.tier.at_least_as_urgent_as(Tier.T2) or assessment.probe
        if place > 0 or not urgent:
            _shown(session, reply)
        said.setdefault(reply.body)
    return list(said)


def _shown(session: Session, message: Message) -> Message:
    """Note that the page shows a message, so that it is not texted too."""
    if message.status is Status.QUEUED:
        message.channel, message.status, message.send_after = Channel.WEB, Status.DELIVERED, None
        note_status(session, message, "shown on the page")
    return message


def _done(session: Session, thread: Conversation, piece: str, message_id: str) -> Message:
    """The last words, said once for each form however often it is sent."""
    said = session.scalars(
        select(Message).where(Message.in_reply_to_id == message_id, Message.position == LAST_WORDS)
    ).first()
    if said is not None:
        return said
    own = closing.words_for(session, latest_treatment(session, thread.patient_id))
    words = say(
        session,
        thread,
        piece,
        Kind.REPLY,
        instead=own if own is not None and piece == closing.PIECE else None,
        in_reply_to_id=message_id,
        position=LAST_WORDS,
    )
    return _shown(session, words)


def _corrected(session: Session, check_in_id: str, message_id: str, before: Tier) -> None:
    """A correction for the worse starts what its answers call for; finishing did that for the first ones."""
    tier, note = answers.judgement(session, session.get_one(CheckIn, check_in_id))
    if tier.urgency < before.urgency:
        act_on(session, session.get_one(Message, message_id), tier, note)
