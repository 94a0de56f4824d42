"""What the auditor found, and when it looked."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db.base import Base, ClinicOwned, Keyed, text_enum


class Neglect(enum.StrEnum):
    """What was left undone."""

    ALERT_STEP = "alert_step"  #: an alert's next step is overdue
    NOT_ASSESSED = "not_assessed"  #: a message that triage has not read
    NOT_ANSWERED = "not_answered"
    CHECK_IN = "check_in"  #: due and not sent
    TEXT = "text"  #: waits for the carrier, or hangs in it
    NOTIFICATION = "notification"  #: a call, e-mail or chat message that waits or hangs
    NOBODY_ON_CALL = "nobody_on_call"  #: now or within a day; the row is the clinic


class Incident(ClinicOwned, Base):
    """One neglected row, from when it was found until it is in order again. Paged about once."""

    __tablename__ = "auditor_incidents"
    __table_args__ = (
        Index(
            "uq_auditor_incidents_open",
            "kind",
            "row_id",
            unique=True,
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
    )

    kind: Mapped[Neglect] = mapped_column(text_enum(Neglect))
    row_id: Mapped[str] = mapped_column(String(32))
    since: Mapped[datetime]  #: when it should have been done
    repairs: Mapped[int] = mapped_column(default=0)
    paged_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]


class AuditorRun(Keyed, Base):
    """One look at everything, in all clinics."""

    __tablename__ = "auditor_runs"

    finished_at: Mapped[datetime | None]
    found: Mapped[int] = mapped_column(default=0)
    repaired: Mapped[int] = mapped_column(default=0)
    paged: Mapped[int] = mapped_column(default=0)
    #: what kept the check from doing its work; empty when it did
    error: Mapped[str] = mapped_column(String(200), default="")
    #: "ok", "off" (no URL is set), "withheld" (the check failed), or why the ping failed
    heartbeat: Mapped[str] = mapped_column(String(200), default="")
