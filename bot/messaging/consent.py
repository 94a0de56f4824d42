"""Consent to aftercare texts: signed at the clinic, and confirmed by text where the clinic wants both.

The first text identifies the clinic and asks for Y (in Spanish SÍ), which carriers leave alone (YES would
opt in, `lessons.md` C2). Until then no check-in goes out. Photos and marketing are asked for elsewhere, and
never with this.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from bot.clinic import consents
from bot.clinic.models import Consent, ConsentPurpose, Patient
from bot.messaging.models import Channel, Kind, Message
from bot.messaging.threads import say
from bot.records.models import TaskKind
from bot.records.tasks import open_task
from bot.triage.normalise import flat

#: Which wording a consent by text answers. Part of the record: change it when `enrol.welcome` changes.
WORDING = "enrol.welcome-3"
#: The channel of what staff noted at the clinic.
AT_THE_CLINIC = "staff"
_AGREE = frozenset(
    [
        *("y", "yes", "yep", "yeah", "yup", "ok", "okay", "sure", "agree", "agreed", "i agree", "yes please"),
        *(
            "y please",
            "y thanks",
            "y thank you",
            "s",
            "si",
            "acepto",
            "de acuerdo",
            "vale",
            "claro",
            "si acepto",
        ),
        *("si gracias", "si claro"),
    ]
)
_DECLINE = frozenset(["n", "no", "nope", "no thanks", "no thank you", "no gracias", "no quiero"])


_GIVEN = (
    select(Consent.granted, Consent.channel)
    .where(Consent.patient_id == bindparam("patient_id"), Consent.purpose == ConsentPurpose.AFTERCARE_TEXTS)
    .order_by(Consent.id)
)


def agreed_to_texts(session: Session, patient: Patient) -> bool:
    """Whether check-ins may be texted to `patient`: the newest answer is yes, and by text where that is
    asked."""
    given = session.execute(_GIVEN, {"patient_id": patient.id}).all()
    if not given or not given[-1].granted:
        return False
    since_no = given[max((at for at, row in enumerate(given) if not row.granted), default=-1) + 1 :]
    return not patient.clinic.consent_by_text or any(row.channel != AT_THE_CLINIC for row in since_no)


def awaits_answer(session: Session, patient: Patient) -> bool:
    """Whether the clinic has noted consent, and the text that asks for Y has no answer yet."""
    newest = session.scalars(
        select(Consent)
        .where(Consent.patient_id == patient.id, Consent.purpose == ConsentPurpose.AFTERCARE_TEXTS)
        .order_by(Consent.id.desc())
        .limit(1)
    ).first()
    return (
        newest is not None
        and newest.granted
        and newest.channel == AT_THE_CLINIC
        and not agreed_to_texts(session, patient)
    )


def take(session: Session, message: Message) -> bool:
    """Whether `message` answers the question for consent; then it is kept and confirmed."""
    conversation, patient = message.conversation, message.conversation.patient
    said = flat(message.body)
    if patient is None or message.channel is not Channel.SMS or said not in _AGREE | _DECLINE:
        return False
    if conversation.open_question is not None or not awaits_answer(session, patient):
        return False
    granted = said in _AGREE
    consents.note(
        session,
        patient,
        ConsentPurpose.AFTERCARE_TEXTS,
        granted=granted,
        wording=WORDING,
        channel=message.channel.value,
        message_id=message.id,
    )
    piece = "consent.thanks" if granted else "consent.declined"
    say(session, conversation, piece, Kind.NOTICE, in_reply_to_id=message.id, position=90)
    if not granted:
        open_task(session, TaskKind.NO_CONSENT, patient.id, conversation, note="declined")
    return True
