"""The one door to a clinic's rows: whatever belongs to another clinic is not there (404)."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.audit import trail
from bot.clinic.models import Patient, Treatment
from bot.console.pages import NotThere
from bot.console.sessions import Visitor
from bot.db.base import ClinicOwned
from bot.escalation.models import Alert
from bot.followup.models import CheckIn, Enrolment
from bot.intake.models import Intake
from bot.messaging.models import Conversation, Kind, Message
from bot.photos.models import Photo
from bot.recall.models import Recall
from bot.records.models import AssessmentRecord, StaffTask

R = TypeVar("R", bound=ClinicOwned)


def _of_clinic(session: Session, who: Visitor, model: type[R], row_id: str) -> R:
    row = session.get(model, row_id)
    if row is None or row.clinic_id != who.clinic_id:
        raise NotThere
    trail.concerns(getattr(row, "patient_id", None))
    return row


def alert_for(session: Session, who: Visitor, alert_id: str) -> Alert:
    """The alert of the visitor's clinic, or what it has become part of. Raises `NotThere`."""
    return _of_clinic(session, who, Alert, alert_id).standing


def conversation_for(session: Session, who: Visitor, conversation_id: str) -> Conversation:
    """A conversation of the visitor's clinic, not one with staff alone. Raises `NotThere`."""
    conversation = _of_clinic(session, who, Conversation, conversation_id)
    if conversation.staff_id is not None and conversation.patient_id is None:
        raise NotThere
    return conversation


def message_for(session: Session, who: Visitor, message_id: str) -> Message:
    """What a patient wrote to the visitor's clinic. Raises `NotThere`."""
    message = _of_clinic(session, who, Message, message_id)
    if message.kind is not Kind.PATIENT:
        raise NotThere
    trail.concerns(message.conversation.patient_id)  # whose number it is by now
    return message


def patient_for(session: Session, who: Visitor, patient_id: str) -> Patient:
    """The patient of the visitor's clinic. Raises `NotThere`."""
    return _of_clinic(session, who, Patient, patient_id)


def treatment_for(session: Session, who: Visitor, treatment_id: str) -> Treatment:
    """The treatment of a patient of the visitor's clinic. Raises `NotThere`."""
    return _of_clinic(session, who, Treatment, treatment_id)


def intake_for(session: Session, who: Visitor, intake_id: str) -> Intake:
    """The intake of the visitor's clinic. Raises `NotThere`."""
    return _of_clinic(session, who, Intake, intake_id)


def recall_for(session: Session, who: Visitor, recall_id: str) -> Recall:
    """The recall of the visitor's clinic. Raises `NotThere`."""
    return _of_clinic(session, who, Recall, recall_id)


def enrolment_for(session: Session, who: Visitor, enrolment_id: str) -> Enrolment:
    """The enrolment of the visitor's clinic. Raises `NotThere`."""
    return _of_clinic(session, who, Enrolment, enrolment_id)


def check_in_for(session: Session, who: Visitor, check_in_id: str) -> CheckIn:
    """The check-in of the visitor's clinic. Raises `NotThere`."""
    return _of_clinic(session, who, CheckIn, check_in_id)


def task_for(session: Session, who: Visitor, task_id: str) -> StaffTask:
    """The task of the visitor's clinic. Raises `NotThere`."""
    return _of_clinic(session, who, StaffTask, task_id)


def photo_for(session: Session, who: Visitor, photo_id: str) -> Photo:
    """The photo of the visitor's clinic. Raises `NotThere`."""
    return _of_clinic(session, who, Photo, photo_id)


def assessment_for(session: Session, who: Visitor, message_id: str) -> AssessmentRecord:
    """What triage said of a message that the visitor's clinic was sent. Raises `NotThere`."""
    record = session.scalars(
        select(AssessmentRecord).where(
            AssessmentRecord.message_id == message_id, AssessmentRecord.clinic_id == who.clinic_id
        )
    ).first()
    if record is None:
        raise NotThere
    trail.concerns(record.message.patient_id or record.message.conversation.patient_id)
    return record
