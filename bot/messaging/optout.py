"""STOP, START and HELP, and plain sentences that mean the same (`lessons.md` C2, C4).

A carrier acts on a keyword only when it is the whole message; so do we, and on the plainest sentences, which
need no dialogue: they count while a person holds the conversation too. Others the dialogue must understand.
STOP is honoured at once and everywhere: what is still queued is suppressed, and one confirmation is sent.
"""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, events
from bot.clinic import consents
from bot.clinic.models import Clinic, ConsentPurpose, Patient
from bot.db.engine import transaction
from bot.escalation.raising import open_alert
from bot.followup.models import OPEN, CheckIn
from bot.messaging.models import Channel, Conversation, Kind, Message, Status
from bot.messaging.threads import find_or_open, note_status, say
from bot.records.models import TaskKind
from bot.records.tasks import open_task
from bot.triage.keywords import CARRIERS, SPANISH, Keyword, asks_no_more_texts
from bot.triage.normalise import flat
from bot.triage.types import Assessment, Tier

#: Carriers take YES as opting in again, but only from somebody who is opted out.
_START_WHEN_OUT = frozenset({"yes", "si", "sí"})


def keyword(text: str, *, opted_out: bool = False, answering: bool = False) -> Keyword | None:
    """The keyword that `text` consists of, in any case, with spaces and closing punctuation, or that it says
    in a plain sentence; else None.

    `opted_out`: the sender is; `answering`: a question of ours is open.
    """
    word = re.sub(r"[\s.!¡\"'*]+", "", text).lower()
    if opted_out and word in _START_WHEN_OUT:
        return "start"
    if asks_no_more_texts(text):
        return "stop"
    known = [CARRIERS] if answering else [CARRIERS, SPANISH]
    return next((name for words in known for name, those in words.items() if word in those), None)


def stop(session: Session, conversation: Conversation, message_id: str | None) -> str:
    """Opt the conversation's person out. Returns the id of the one confirmation to send.

    With an alert or a check-in open, silence would hide a sick patient: staff are asked to phone.
    """
    now = clock.now()
    conversation.opted_out_at = now
    _record_consent(session, conversation, granted=False, message_id=message_id)
    if conversation.patient is not None:
        conversation.patient.opted_out_at = now
    _suppress_queued(session, conversation)
    alert = open_alert(session, conversation)
    waiting = (
        conversation.patient_id is not None
        and session.scalars(
            select(CheckIn).where(
                CheckIn.patient_id == conversation.patient_id,
                CheckIn.status.in_(OPEN),
            )
        ).first()
    )
    if alert is not None or waiting:
        open_task(session, TaskKind.OPTED_OUT_PHONE, f"{conversation.id}:{now:%Y%m%d}", conversation)
    return "safety.stopped_alert_open" if alert is not None else "optout.stopped"


def start(session: Session, conversation: Conversation, message_id: str | None) -> str:
    """Take the opt-out back. Returns the id of the confirmation."""
    conversation.opted_out_at = None
    if conversation.patient is not None:
        conversation.patient.opted_out_at = None
    _record_consent(session, conversation, granted=True, message_id=message_id)
    return "optout.started"


def is_opted_out(conversation: Conversation) -> bool:
    """Whether nothing but answers to an emergency may be texted."""
    patient = conversation.patient
    return conversation.opted_out_at is not None or (patient is not None and patient.opted_out_at is not None)


def opt_out_by_message(message_id: str) -> str:
    """Opt out the sender of a message that asked for it in plain words. Returns the confirmation's id."""
    with transaction() as session:
        message = session.get_one(Message, message_id)
        piece = stop(session, message.conversation, message_id)
    events.committed(message.clinic_id, message.conversation_id)
    return piece


def carrier_says_opted_out(address: str, to: str) -> None:
    """The carrier refused a text because `address` opted out there: our record follows.

    `to` is the clinic's text number. An unknown clinic is ignored: there is nothing to correct.
    """
    with transaction() as session:
        clinic = session.scalars(select(Clinic).where(Clinic.text_number == to)).first()
        if clinic is None:
            return
        conversation = find_or_open(session, clinic, Channel.SMS, address)
        if not is_opted_out(conversation):
            stop(session, conversation, None)
    events.committed(conversation.clinic_id, conversation.id)


#: The whole of a text by which somebody says not to be the person we mean.
_WRONG_NUMBER = re.compile(
    r"(?:hi |hello |hola |sorry |perdon |disculpe |lo siento |i think |creo que )*"
    r"(?:(?:you (?:have|got|ve got)|youve got|this is|its|it is|tiene|tienes|esta es|es|se ha equivocado de|"
    r"te has equivocado de|se equivoco de) )?(?:(?:the|a|un|el) )?"
    r"(?:wrong (?:number|person)|numero equivocado|numero|persona equivocada|equivocado)"
    r"(?: (?:sorry|mate|pal|buddy|please stop|perdon|lo siento|gracias))*"
    r"|(?:sorry )?i(?:m| am) not (?:your patient|this person)"
    r"|no soy (?:esa persona|su paciente|paciente suy[oa])"
    r"|(?:sorry )?(?:who(?:s| is) this )?wrong number"
)


def says_wrong_number(text: str) -> bool:
    """Whether the whole of `text` says that we reached somebody else."""
    words = flat(text.replace("'", ""))
    return words not in ("numero", "equivocado") and _WRONG_NUMBER.fullmatch(words) is not None


def take_wrong_number(session: Session, message: Message, assessment: Assessment) -> bool:
    """Act on "wrong number": this number is texted no more, and staff find the patient's right one.

    Only where triage found nothing: whoever is in danger is answered, whoever it is.
    """
    conversation, patient = message.conversation, message.conversation.patient
    calm = assessment.tier is Tier.T4 and not assessment.probe
    if (
        message.channel is not Channel.SMS
        or patient is None
        or not calm
        or not says_wrong_number(message.body)
    ):
        return False
    conversation.opted_out_at = clock.now()
    _suppress_queued(session, conversation)
    key = f"{conversation.id}:{clock.now():%Y%m%d}"
    open_task(
        session, TaskKind.WRONG_NUMBER, key, conversation, note=message.body[:200], message_id=message.id
    )
    say(session, conversation, "optout.wrong_number", Kind.NOTICE, in_reply_to_id=message.id, position=90)
    return True


def _record_consent(
    session: Session, conversation: Conversation, *, granted: bool, message_id: str | None
) -> None:
    if conversation.patient is None:
        return
    consents.note(
        session,
        conversation.patient,
        ConsentPurpose.AFTERCARE_TEXTS,
        granted=granted,
        wording="optout.started-1" if granted else "optout.stopped-1",
        channel=conversation.channel.value,
        message_id=message_id,
    )


def _suppress_queued(session: Session, conversation: Conversation) -> None:
    """STOP racing a queued message wins, except over what answers an emergency."""
    for message in session.scalars(
        select(Message).where(
            Message.conversation_id == conversation.id,
            Message.status == Status.QUEUED,
            Message.kind != Kind.SAFETY,
        )
    ):
        message.status = Status.SUPPRESSED
        note_status(session, message, "opted out")
        phone_instead(session, message)


def leave_number(session: Session, patient: Patient) -> None:
    """The patient has another number now: what waits unasked for an old one must not reach whoever has that.
    Answers to what was written from there still go."""
    waiting = session.scalars(
        select(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Conversation.patient_id == patient.id,
            Conversation.channel == Channel.SMS,
            Conversation.address != patient.phone,
            Message.status == Status.QUEUED,
            Message.kind.in_([Kind.CHECK_IN, Kind.RECALL, Kind.NOTICE]),
        )
    )
    for message in waiting:
        suppress(session, message, "the number has changed")


def suppress(session: Session, message: Message, reason: str) -> None:
    """Leave `message` unsent on purpose, and say why."""
    message.status, message.error = Status.SUPPRESSED, reason
    note_status(session, message, reason)
    phone_instead(session, message)


def phone_instead(session: Session, message: Message) -> None:
    """A recall that may not be texted is told by phone: staff get a task. Other texts just stay unsent."""
    if message.kind is Kind.RECALL:
        key = f"recall:{message.id}"
        open_task(session, TaskKind.OPTED_OUT_PHONE, key, message.conversation, message_id=message.id)
