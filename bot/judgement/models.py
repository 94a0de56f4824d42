"""Judgements of triage by the people who saw what the message was about."""

from __future__ import annotations

import enum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.clinic.models import Role, Staff
from bot.db.base import Base, ClinicOwned, text_enum
from bot.messaging.models import Message
from bot.triage.types import Tier


class Verdict(enum.StrEnum):
    """How triage did."""

    CORRECT = "correct"
    FALSE_ALARM = "false_alarm"
    MORE_URGENT = "more_urgent"
    MISSED = "missed"


class Judgement(ClinicOwned, Base):
    """One person's word on one message. Never overwritten: the newest of a person counts."""

    __tablename__ = "judgements"
    __table_args__ = (Index("ix_judgements_clinic_time", "clinic_id", "created_at"),)

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"), index=True)
    alert_id: Mapped[str | None] = mapped_column(ForeignKey("alerts.id"), index=True)
    verdict: Mapped[Verdict] = mapped_column(text_enum(Verdict))
    given: Mapped[Tier] = mapped_column(text_enum(Tier))
    judged: Mapped[Tier] = mapped_column(text_enum(Tier, "judged_tier"))
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"))
    #: as it was then: people change roles
    role: Mapped[Role] = mapped_column(text_enum(Role))

    message: Mapped[Message] = relationship()
    staff: Mapped[Staff] = relationship()
