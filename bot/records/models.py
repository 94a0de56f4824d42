"""The clinical record beside messages: assessments, symptom reports, staff tasks."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.clinic.models import Staff
from bot.db.base import Base, ClinicOwned, text_enum
from bot.messaging.models import Message
from bot.triage.types import Tier


class Trend(enum.StrEnum):
    """Compared with before, in the patient's own judgement."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"


class ReportSource(enum.StrEnum):
    """Where a symptom report comes from."""

    DIALOGUE = "dialogue"
    CHECK_IN = "check_in"
    MENTION = "mention"


class TaskKind(enum.StrEnum):
    """What staff are asked to do."""

    TALK_TO_PATIENT = "talk_to_patient"
    NO_CHECK_IN_ANSWER = "no_check_in_answer"
    OPTED_OUT_PHONE = "opted_out_phone"
    REVIEW = "review"
    NOT_UNDERSTOOD = "not_understood"
    NOT_DELIVERED = "not_delivered"
    CONFIRM_FACT = "confirm_fact"
    PHONE_CHECK_IN = "phone_check_in"
    NO_CONSENT = "no_consent"
    WRONG_NUMBER = "wrong_number"


class AssessmentRecord(ClinicOwned, Base):
    """What triage said about one message, and why."""

    __tablename__ = "assessments"

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"), unique=True)
    tier: Mapped[Tier] = mapped_column(text_enum(Tier))
    probe: Mapped[bool]
    psych: Mapped[bool]
    hold: Mapped[bool]
    findings: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    reasons: Mapped[list[str]] = mapped_column(default=list)
    context: Mapped[dict[str, Any]] = mapped_column(default=dict)
    engine: Mapped[str] = mapped_column(String(40))

    message: Mapped[Message] = relationship()


class SymptomReport(ClinicOwned, Base):
    """A symptom in the patient's words, with severity 0-10 and trend where they gave them."""

    __tablename__ = "symptom_reports"
    __table_args__ = (
        # The same message never logs the same symptom twice, however often its turn is run.
        UniqueConstraint("message_id", "what"),
        CheckConstraint("severity IS NULL OR severity BETWEEN 0 AND 10", name="severity_0_to_10"),
        Index("ix_symptom_reports_patient", "patient_id", "created_at"),
    )

    patient_id: Mapped[str | None] = mapped_column(ForeignKey("patients.id"))
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"))
    check_in_id: Mapped[str | None] = mapped_column(ForeignKey("check_ins.id"))
    source: Mapped[ReportSource] = mapped_column(text_enum(ReportSource))
    what: Mapped[str] = mapped_column(String(200))
    where: Mapped[str] = mapped_column(String(200), default="")
    since: Mapped[str] = mapped_column(String(200), default="")
    severity: Mapped[int | None]
    trend: Mapped[Trend | None] = mapped_column(text_enum(Trend))
    #: whole local days since treatment, None before one
    day: Mapped[int | None]
    tier: Mapped[Tier] = mapped_column(text_enum(Tier))


class StaffTask(ClinicOwned, Base):
    """Something a person must do. `key` keeps the same reason from opening two."""

    __tablename__ = "staff_tasks"
    __table_args__ = (UniqueConstraint("clinic_id", "key"),)

    key: Mapped[str] = mapped_column(String(120))
    kind: Mapped[TaskKind] = mapped_column(text_enum(TaskKind))
    patient_id: Mapped[str | None] = mapped_column(ForeignKey("patients.id"), index=True)
    conversation_id: Mapped[str | None] = mapped_column(ForeignKey("conversations.id"))
    message_id: Mapped[str | None] = mapped_column(ForeignKey("messages.id"))
    note: Mapped[str] = mapped_column(Text, default="")
    #: who said, or was told, that they will do it; anybody may
    assigned_to_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
    done_at: Mapped[datetime | None]
    done_by_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
    done_note: Mapped[str] = mapped_column(Text, default="")

    assigned_to: Mapped[Staff | None] = relationship(foreign_keys=[assigned_to_id])
