"""Reads the rows that a chart note is made from."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from bot.clinic.models import Consent, Patient, Treatment
from bot.counselling import service as counselling
from bot.escalation.models import Alert, AlertEvent
from bot.escalation.signs import by_number
from bot.followup.models import CheckIn, CheckInStatus, Enrolment
from bot.handover.models import StaffReply
from bot.messaging.models import Conversation, Direction, Kind, Message
from bot.messaging.threads import belongs_to
from bot.photos import gallery
from bot.records.chart_note import Chart
from bot.records.models import SymptomReport

_NOT_OUT = (CheckInStatus.PLANNED, CheckInStatus.CANCELLED)


def load_chart(session: Session, patient: Patient) -> Chart:
    """All of the patient's rows."""
    messages = _messages(session, patient)
    with_media = tuple(row for row in messages if row.direction is Direction.IN and row.media)
    return Chart(
        clinic=patient.clinic,
        patient=patient,
        treatments=tuple(
            session.scalars(
                select(Treatment)
                .where(Treatment.patient_id == patient.id)
                .options(selectinload(Treatment.injector))
                .order_by(Treatment.treated_at, Treatment.id)
            )
        ),
        sent=tuple(row for row in messages if row.direction is Direction.OUT),
        with_media=with_media,
        chosen=by_number(session, [row.id for row in messages if row.direction is Direction.IN]),
        arrivals=gallery.with_messages(session, [row.id for row in with_media]),
        reports=tuple(
            session.scalars(
                select(SymptomReport)
                .join(Conversation, Conversation.id == SymptomReport.conversation_id)
                .where(belongs_to(patient.id, SymptomReport.patient_id))
                .order_by(SymptomReport.created_at, SymptomReport.id)
            )
        ),
        alerts=tuple(
            session.scalars(
                select(Alert)
                .join(Conversation, Conversation.id == Alert.conversation_id)
                .where(belongs_to(patient.id, Alert.patient_id), Alert.joined_into_id.is_(None))
                .options(
                    selectinload(Alert.message).selectinload(Message.conversation),
                    selectinload(Alert.events)
                    .selectinload(AlertEvent.message)
                    .selectinload(Message.conversation),
                    selectinload(Alert.events).selectinload(AlertEvent.staff),
                )
                .order_by(Alert.created_at, Alert.id)
            )
        ),
        check_ins=tuple(
            session.scalars(
                select(CheckIn)
                .where(CheckIn.patient_id == patient.id, CheckIn.status.notin_(_NOT_OUT))
                .options(selectinload(CheckIn.enrolment).selectinload(Enrolment.treatment))
                .order_by(CheckIn.due_at, CheckIn.id)
            )
        ),
        acknowledgements=tuple(counselling.of_patient(session, patient.id)),
        by_staff=tuple(
            session.scalars(
                select(StaffReply)
                .join(Message, Message.id == StaffReply.message_id)
                .join(Conversation, Conversation.id == Message.conversation_id)
                .where(belongs_to(patient.id, Message.patient_id))
                .options(
                    selectinload(StaffReply.staff),
                    selectinload(StaffReply.message).selectinload(Message.events),
                )
                .order_by(Message.created_at, Message.id)
            )
        ),
        consents=tuple(
            session.scalars(
                select(Consent)
                .where(Consent.patient_id == patient.id)
                .order_by(Consent.created_at, Consent.id)
            )
        ),
    )


def _messages(session: Session, patient: Patient) -> list[Message]:
    """What was said both ways, without pages to staff and their answers: a patient may also work here."""
    query = (
        select(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(belongs_to(patient.id, Message.patient_id), Message.kind.notin_([Kind.STAFF, Kind.PAGE]))
        .options(selectinload(Message.events))
        .order_by(Message.created_at, Message.id)
    )
    return list(session.scalars(query))
