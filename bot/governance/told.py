"""What a patient was told about a topic on a day, or would have been told had they asked: from the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clinic.facts import content_values
from bot.clinic.models import Clinic, Patient, Treatment
from bot.governance.models import ClinicSnapshot
from bot.governance.standing import Standing, standing_at
from bot.messaging.models import Direction, Message
from bot.messaging.threads import areas_of, local_day
from bot.protocols.phrases import as_language
from bot.protocols.render import Channel, Rendered, Situation, render_piece


@dataclass(frozen=True, slots=True)
class Told:
    """`rendered` is None when nothing could have been said: the text was not there yet, or was retired.

    `facts_since` is when the clinic's facts and settings were written down that fill the text; None when they
    are today's, because none are on record for that time. `sent` are the messages of the day that said it.
    """

    at: datetime
    situation: Situation
    standing: Standing | None
    rendered: Rendered | None
    facts_since: datetime | None
    sent: Sequence[Message]


def told(session: Session, patient: Patient, piece_id: str, on: date, channel: Channel = "sms") -> Told:
    """What `patient` would have read about `piece_id` at the end of the local day `on`.

    The patient's language is today's: the record does not keep former ones. Raises `ContentError` when the
    text of that time cannot be filled.
    """
    zone = ZoneInfo(patient.time_zone)
    start = datetime.combine(on, time.min, zone)
    at = start + timedelta(days=1, microseconds=-1)
    situation = _situation(session, patient, at, channel)
    standing = standing_at(session, patient.clinic_id, piece_id, at)
    snapshot = session.scalars(
        select(ClinicSnapshot)
        .where(ClinicSnapshot.clinic_id == patient.clinic_id, ClinicSnapshot.created_at <= at)
        .order_by(ClinicSnapshot.created_at.desc(), ClinicSnapshot.id.desc())
        .limit(1)
    ).first()
    rendered = None
    if standing is not None and standing.name != "retired":
        clinic = patient.clinic if snapshot is None else Clinic(**snapshot.facts)
        values = content_values(clinic, situation.language, situation.product)
        rendered = render_piece(standing.piece, situation, values | {"first_name": patient.first_name})
    sent = session.scalars(
        select(Message)
        .where(
            Message.patient_id == patient.id,
            Message.direction == Direction.OUT,
            Message.content_id == piece_id,
            Message.created_at.between(start, at),
        )
        .order_by(Message.id)
    ).all()
    return Told(at, situation, standing, rendered, snapshot.created_at if snapshot else None, sent)


def _situation(session: Session, patient: Patient, at: datetime, channel: Channel) -> Situation:
    treatment = session.scalars(
        select(Treatment)
        .where(Treatment.patient_id == patient.id, Treatment.treated_at <= at)
        .order_by(Treatment.treated_at.desc())
        .limit(1)
    ).first()
    return Situation(
        language=as_language(patient.language),
        channel=channel,
        phase="after" if treatment else "before",
        product=treatment.product if treatment else None,
        day=local_day(treatment.treated_at, at, patient.time_zone) if treatment else None,
        areas=areas_of(treatment),
        figures=patient.clinic.show_figures,
    )
