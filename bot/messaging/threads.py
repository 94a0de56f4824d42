"""Conversations: finding them, reading them, and adding what we say to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, case, exists, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from bot import clock
from bot.clinic.facts import content_values
from bot.clinic.models import Clinic, Patient, Staff, Treatment
from bot.clinic.safeguarding import leads
from bot.governance.standing import standing_of
from bot.messaging.models import (
    Channel,
    Conversation,
    Direction,
    Kind,
    Message,
    MessageEvent,
    Status,
)
from bot.notify.models import ContactKind, ContactMethod
from bot.protocols.names import person_or_team
from bot.protocols.phrases import Language, as_language, on_day
from bot.protocols.render import Rendered, Situation, render_piece
from bot.protocols.schema import Piece
from bot.triage.language import detect_first

#: Read with a conversation where its person and clinic are looked at anyway.
WITH_PEOPLE = (joinedload(Conversation.patient), joinedload(Conversation.clinic, innerjoin=True))

# Asked for every message and every check-in. Made once: putting them together takes longer than answering.
_NUMBER: BindParameter[str] = bindparam("number")
_OF_CLINIC: BindParameter[str] = bindparam("clinic_id")
_THREAD = (
    select(Conversation)
    .where(
        Conversation.clinic_id == _OF_CLINIC,
        Conversation.channel == bindparam("channel"),
        Conversation.address == _NUMBER,
    )
    .options(joinedload(Conversation.patient))
)
_PATIENT = select(Patient).where(Patient.clinic_id == _OF_CLINIC, Patient.phone == _NUMBER)
#: Whose own number it is, or else who gave it to be texted at.
_MEMBER = (
    select(Staff)
    .where(
        Staff.clinic_id == _OF_CLINIC,
        Staff.active.is_(True),
        or_(
            Staff.phone == _NUMBER,
            exists().where(
                ContactMethod.staff_id == Staff.id,
                ContactMethod.kind == ContactKind.SMS,
                ContactMethod.address == _NUMBER,
                ContactMethod.removed_at.is_(None),
            ),
        ),
    )
    .order_by(case((Staff.phone == _NUMBER, 0), else_=1))
    .limit(1)
)


_TREATED = (
    select(Treatment)
    .where(Treatment.patient_id == bindparam("patient_id"), Treatment.treated_at <= bindparam("now"))
    .order_by(Treatment.treated_at.desc())
    .limit(1)
)


def local_day(treated_at: datetime, now: datetime, time_zone: str) -> int:
    """Whole calendar days in `time_zone` from treatment to now; the day itself is 0."""
    zone = ZoneInfo(time_zone)
    return (now.astimezone(zone).date() - treated_at.astimezone(zone).date()).days


def belongs_to(patient_id: str, owner: InstrumentedAttribute[str | None]) -> ColumnElement[bool]:
    """The condition for rows of a patient, joined with their conversation; `owner` is the rows' patient.

    What a number wrote before it was enrolled belongs to the patient whose number it is now; what it wrote as
    another patient's number does not.
    """
    return or_(owner == patient_id, and_(owner.is_(None), Conversation.patient_id == patient_id))


def latest_treatment(session: Session, patient_id: str | None) -> Treatment | None:
    """The patient's newest treatment that has taken place, if any."""
    if patient_id is None:
        return None
    return session.scalars(_TREATED, {"patient_id": patient_id, "now": clock.now()}).first()


def find_or_open(
    session: Session, clinic: Clinic, channel: Channel, address: str, *, first_words: str = ""
) -> Conversation:
    """The clinic's conversation with `address`, opened if there is none; knows patient or staff by phone."""
    where = {"clinic_id": clinic.id, "channel": channel, "number": address}
    known = session.scalars(_THREAD, where).first()
    conversation = known
    if conversation is None:
        conversation = Conversation(clinic_id=clinic.id, channel=channel, address=address)
        conversation.language = detect_first(first_words, as_language(clinic.locale))
    set_committed_value(conversation, "clinic", clinic)  # it is at hand: not read once more
    if channel is Channel.SMS:
        with session.no_autoflush:  # a new one is written once, when it is known whose it is
            _recognise(session, conversation)
    if known is None:
        try:
            with session.begin_nested():
                session.add(conversation)
        except IntegrityError:  # somebody else has opened it since we looked
            conversation = session.scalars(_THREAD, where).one()
            set_committed_value(conversation, "clinic", clinic)
    session.flush()
    return conversation


def _recognise(session: Session, conversation: Conversation) -> None:
    """Whose number this is, looked up each time: people are enrolled, hired and leave. It may be both a
    patient's and a member of staff's."""
    clinic_id, number = conversation.clinic_id, conversation.address
    patient = conversation.patient
    if patient is None or patient.phone != number:
        patient = session.scalars(_PATIENT, {"clinic_id": clinic_id, "number": number}).first()
    staff = staff_at(session, clinic_id, number)
    if patient is not None and conversation.patient_id != patient.id:
        conversation.patient_id, conversation.language = patient.id, patient.language
    elif patient is None and staff is not None:
        conversation.language = staff.language
    conversation.staff_id = staff.id if staff else None


def staff_at(session: Session, clinic_id: str, number: str) -> Staff | None:
    """The member of staff whose phone this is, or who gave the number to be texted at."""
    return session.scalars(_MEMBER, {"clinic_id": clinic_id, "number": number}).first()


def patients_at(session: Session, staff: Sequence[Staff]) -> dict[str, str]:
    """Ids of patients by the id of the active member of staff whose number theirs is too (`staff_at`)."""
    people = {one.id: one for one in staff if one.active}
    methods = session.execute(
        select(ContactMethod.staff_id, ContactMethod.address).where(
            ContactMethod.staff_id.in_(people),
            ContactMethod.kind == ContactKind.SMS,
            ContactMethod.removed_at.is_(None),
        )
    )
    numbers = [(one.id, one.phone) for one in people.values() if one.phone]
    numbers += [(staff_id, address) for staff_id, address in methods]
    wanted = {number for _staff_id, number in numbers}
    clinics = {one.clinic_id for one in people.values()}
    patients = session.execute(
        select(Patient.phone, Patient.id).where(Patient.clinic_id.in_(clinics), Patient.phone.in_(wanted))
    )
    by_number = dict(patients.tuples().all())
    return {staff_id: by_number[number] for staff_id, number in numbers if number in by_number}


def leads_for(session: Session, conversation: Conversation, patient: Patient | None = None) -> list[Staff]:
    """The safeguarding leads for whoever writes here, never that person, nor `patient`."""
    own = {conversation.address}
    own.update(one.phone for one in (conversation.patient, patient) if one is not None)
    return leads(session, conversation.clinic_id, but_not=own)


def lead_name(session: Session, conversation: Conversation) -> str:
    """Who phones in a crisis, as this conversation's texts say it."""
    found = leads_for(session, conversation)
    name = found[0].name if found else None
    return person_or_team(name, as_language(conversation.language), conversation.channel.value)


def areas_of(treatment: Treatment | None) -> tuple[str, ...]:
    """The treated areas by id; staff write them in words."""
    return tuple(area.lower().replace(" ", "_") for area in treatment.areas) if treatment else ()


def situation_of(
    conversation: Conversation,
    treatment: Treatment | None,
    *,
    tier: str | None = None,
    flag: str | None = None,
) -> Situation:
    """What decides the wording for this conversation now."""
    day = None
    if treatment is not None:
        zone = conversation.patient.time_zone if conversation.patient else conversation.clinic.time_zone
        day = local_day(treatment.treated_at, clock.now(), zone)
    return Situation(
        language=as_language(conversation.language),
        channel=conversation.channel.value,
        phase=None if conversation.patient_id is None else ("after" if treatment else "before"),
        product=treatment.product if treatment else conversation.interest,
        day=day,
        areas=areas_of(treatment),
        figures=conversation.clinic.show_figures,
        tier=tier,
        flag=flag,
    )


def say(
    session: Session,
    conversation: Conversation,
    piece_id: str,
    kind: Kind,
    *,
    extra: Mapping[str, str] | None = None,
    tier: str | None = None,
    flag: str | None = None,
    instead: tuple[Piece, int | None] | None = None,
    **fields: object,
) -> Message:
    """Add approved wording `piece_id` to the conversation, to be sent. `extra` fills its own placeholders.

    `instead` are the words of a clinic's protocol for that piece, with the version that they belong to.
    """
    treatment = latest_treatment(session, conversation.patient_id)
    situation = situation_of(conversation, treatment, tier=tier, flag=flag)
    values = {
        **content_values(conversation.clinic, situation.language, situation.product),
        "first_name": conversation.patient.first_name if conversation.patient else "",
        "treated_on_phrase": treated_on(treatment, conversation, situation.language),
        "told_at": "",
        **(extra or {}),
    }
    if instead is None:
        here = standing_of(session, conversation.clinic_id, piece_id)
        instead = here.piece, here.own_version
    piece, own_version = instead
    rendered = replace(render_piece(piece, situation, values), own_version=own_version)
    return add_outbound(session, conversation, rendered, kind, **fields)


def add_inbound(
    session: Session,
    conversation: Conversation,
    channel: Channel,
    provider_id: str,
    body: str,
    **fields: object,
) -> Message:
    """Record what a patient sent; nobody has read it yet. `body` has been through `inbox.storable`."""
    message = Message(
        clinic_id=conversation.clinic_id,
        conversation_id=conversation.id,
        patient_id=conversation.patient_id,
        direction=Direction.IN,
        kind=Kind.PATIENT,
        channel=channel,
        provider_id=provider_id,
        body=body,
        status=Status.RECEIVED,
        language=conversation.language,
        created_at=clock.now(),
        **fields,
    )
    set_committed_value(message, "conversation", conversation)
    session.add(message)
    session.flush()
    note_status(session, message)
    return message


def add_outbound(
    session: Session, conversation: Conversation, rendered: Rendered, kind: Kind, **fields: object
) -> Message:
    """Record an outbound message. SMS waits for the carrier; a web message is there once it is stored."""
    on_web = conversation.channel is Channel.WEB
    message = Message(
        clinic_id=conversation.clinic_id,
        conversation_id=conversation.id,
        patient_id=conversation.patient_id,
        direction=Direction.OUT,
        kind=kind,
        channel=conversation.channel,
        body=rendered.text,
        language=conversation.language,
        status=Status.DELIVERED if on_web else Status.QUEUED,
        content_id=rendered.content_id,
        content_version=rendered.version,
        content_own_version=rendered.own_version,
        **{"send_after": clock.now(), **fields},
    )
    session.add(message)
    session.flush()
    note_status(session, message)
    return message


def note_status(session: Session, message: Message, detail: str | None = None) -> None:
    """Write the message's present status to its history."""
    session.add(
        MessageEvent(clinic_id=message.clinic_id, message_id=message.id, status=message.status, detail=detail)
    )


def treated_on(treatment: Treatment | None, conversation: Conversation, language: Language) -> str:
    """The treatment date as a patient repeats it to an ambulance; empty when not known."""
    if treatment is None or conversation.patient is None:
        return ""
    return on_day(treatment.treated_at.astimezone(ZoneInfo(conversation.patient.time_zone)).date(), language)


def history(session: Session, conversation_id: str, after_id: str | None = None) -> list[Message]:
    """The messages of a conversation that its owner may see, oldest first, those after `after_id` only."""
    query = select(Message).where(
        Message.conversation_id == conversation_id, Message.status.notin_([Status.SUPPRESSED, Status.FAILED])
    )
    if after_id:
        query = query.where(Message.id > after_id)
    return list(session.scalars(query.order_by(Message.id)))
