"""The one door to a clinic's rows: whatever belongs to another clinic is not there (404)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clinic.models import Patient
from bot.console.pages import NotThere
from bot.console.sessions import Visitor
from bot.escalation.models import Alert
from bot.followup.models import CheckIn, Enrolment
from bot.intake.models import Intake
from bot.messaging.models import Conversation, Kind, Message
from bot.photos.models import Photo
from bot.recall.models import Recall
from bot.records.models import AssessmentRecord, StaffTask


def alert_for(session: Session, who: Visitor, alert_id: str) -> Alert:
    """The alert of the visitor's clinic. Raises `NotThere`."""
    alert = session.get(Alert, alert_id)
    if alert is None or alert.clinic_id != who.clinic_id:
        raise NotThere
    return alert


def conversation_for(session: Session, who: Visitor, conversation_id: str) -> Conversation:
    """A conversation of the visitor's clinic, not one with staff alone. Raises `NotThere`."""
    conversation = session.get(Conversation, conversation_id)
    if conversation is None or conversation.clinic_id != who.clinic_id:
        raise NotThere
    if conversation.staff_id is not None and conversation.patient_id is None:
        raise NotThere
    return conversation


def message_for(session: Session, who: Visitor, message_id: str) -> Message:
    """What a patient wrote to the visitor's clinic. Raises `NotThere`."""
    message = session.get(Message, message_id)
    if message is None or message.clinic_id != who.clinic_id or message.kind is not Kind.PATIENT:
        raise NotThere
    return message


def patient_for(session: Session, who: Visitor, patient_id: str) -> Patient:
    """The patient of the visitor's clinic. Raises `NotThere`."""
    patient = session.get(Patient, patient_id)
    if patient is None or patient.clinic_id != who.clinic_id:
        raise NotThere
    return patient


def intake_for(session: Session, who: Visitor, intake_id: str) -> Intake:
    """The intake of the visitor's clinic. Raises `NotThere`."""
    intake = session.get(Intake, intake_id)
    if intake is None or intake.clinic_id != who.clinic_id:
        raise NotThere
    return intake


def recall_for(session: Session, who: Visitor, recall_id: str) -> Recall:
    """The recall of the visitor's clinic. Raises `NotThere`."""
    recall = session.get(Recall, recall_id)
    if recall is None or recall.clinic_id != who.clinic_id:
        raise NotThere
    return recall


def enrolment_for(session: Session, who: Visitor, enrolment_id: str) -> Enrolment:
    """The enrolment of the visitor's clinic. Raises `NotThere`."""
    enrolment = session.get(Enrolment, enrolment_id)
    if enrolment is None or enrolment.clinic_id != who.clinic_id:
        raise NotThere
    return enrolment


def check_in_for(session: Session, who: Visitor, check_in_id: str) -> CheckIn:
    """The check-in of the visitor's clinic. Raises `NotThere`."""
    check_in = session.get(CheckIn, check_in_id)
    if check_in is None or check_in.clinic_id != who.clinic_id:
        raise NotThere
    return check_in


def task_for(session: Session, who: Visitor, task_id: str) -> StaffTask:
    """The task of the visitor's clinic. Raises `NotThere`."""
    task = session.get(StaffTask, task_id)
    if task is None or task.clinic_id != who.clinic_id:
        raise NotThere
    return task


def photo_for(session: Session, who: Visitor, photo_id: str) -> Photo:
    """The photo of the visitor's clinic. Raises `NotThere`."""
    photo = session.get(Photo, photo_id)
    if photo is None or photo.clinic_id != who.clinic_id:
        raise NotThere
    return photo


def assessment_for(session: Session, who: Visitor, message_id: str) -> AssessmentRecord:
    """What triage said of a message that the visitor's clinic was sent. Raises `NotThere`."""
    record = session.scalars(
        select(AssessmentRecord).where(
            AssessmentRecord.message_id == message_id, AssessmentRecord.clinic_id == who.clinic_id
        )
    ).first()
    if record is None:
        raise NotThere
    return record
