"""Rotas, who covers, days on which the clinic is closed, calendar feeds, and escalation policies."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.clinic.models import Role, Staff
from bot.db.base import Base, ClinicOwned, text_enum


class RotaRow(ClinicOwned, Base):
    """A rota as the clinic wrote it; `bot.oncall.rota.Rota` says what the fields mean."""

    __tablename__ = "rotas"

    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[Role | None] = mapped_column(text_enum(Role))
    location: Mapped[str] = mapped_column(String(80), default="")
    time_zone: Mapped[str] = mapped_column(String(64))  #: IANA name
    turn_days: Mapped[int]
    handover: Mapped[str] = mapped_column(String(5))  #: "09:00", local
    start: Mapped[date] = mapped_column(Date)
    members: Mapped[list[str]] = mapped_column(default=list)  #: staff ids in order
    hours: Mapped[dict[str, Any]] = mapped_column(default=dict)
    position: Mapped[int] = mapped_column(default=0)  #: rotas are paged in this order
    ended_at: Mapped[datetime | None]


class RotaOverride(ClinicOwned, Base):
    """Somebody covers for whoever's turn it is. Taken back by `cancelled_at`, never deleted."""

    __tablename__ = "rota_overrides"

    rota_id: Mapped[str] = mapped_column(ForeignKey("rotas.id"), index=True)
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    made_by_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
    cancelled_at: Mapped[datetime | None]

    staff: Mapped[Staff] = relationship(foreign_keys=[staff_id])


class ClosedDay(ClinicOwned, Base):
    """A day on which the clinic is closed, beside the public holidays of its country."""

    __tablename__ = "closed_days"
    __table_args__ = (UniqueConstraint("clinic_id", "day"),)

    day: Mapped[date] = mapped_column(Date)
    name: Mapped[str] = mapped_column(String(80), default="")


class CalendarFeed(ClinicOwned, Base):
    """An address at which a person's calendar reads shifts. The token itself is shown once."""

    __tablename__ = "calendar_feeds"

    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    everybody: Mapped[bool] = mapped_column(default=False)  #: all shifts, not only one's own
    revoked_at: Mapped[datetime | None]

    staff: Mapped[Staff] = relationship()


class EscalationPolicy(ClinicOwned, Base):
    """A clinic's policy for a tier, as `bot.escalation.plan.Plan` reads it. The newest counts; none is
    ever changed."""

    __tablename__ = "escalation_policies"

    tier: Mapped[str] = mapped_column(String(4))
    plan: Mapped[dict[str, Any]]
    made_by_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
