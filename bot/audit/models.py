"""The audit log's tables. Triggers in the database refuse to change or delete an entry."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db.base import Base, ClinicOwned, Keyed

#: The chain of what belongs to no clinic, such as a sign-in with an e-mail that nobody has.
INSTALLATION = "installation"


class AuditEntry(Keyed, Base):
    """One view or change: who, what, which records, when, from where, and how it ended."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        UniqueConstraint("chain", "seq"),
        Index("ix_audit_entries_subject", "clinic_id", "subject_id"),
        Index("ix_audit_entries_actor", "chain", "actor_id", "seq"),
        Index("ix_audit_entries_action", "chain", "action", "seq"),
        Index("ix_audit_entries_at", "chain", "at"),
    )

    clinic_id: Mapped[str | None] = mapped_column(ForeignKey("clinics.id"))
    chain: Mapped[str] = mapped_column(String(32))  #: the clinic's id, or `INSTALLATION`
    seq: Mapped[int] = mapped_column(Integer)  #: 1, 2, 3 … within the chain, without gaps
    at: Mapped[datetime]  #: the time outside, whatever the demo's clock says
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str] = mapped_column(String(64))  #: opaque; a command's is the account of the machine
    action: Mapped[str] = mapped_column(String(64))  #: e.g. `patient.view`
    subject_kind: Mapped[str] = mapped_column(String(24))
    subject_id: Mapped[str] = mapped_column(String(80))
    #: ids of patients whose rows were read or written, and what else tells; no names, no words of a patient
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    ip: Mapped[str] = mapped_column(String(45))
    outcome: Mapped[str] = mapped_column(String(24))
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """Where a chain ends. Its row is locked while the next entry is added."""

    __tablename__ = "audit_heads"

    chain: Mapped[str] = mapped_column(String(32), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer)
    hash: Mapped[str] = mapped_column(String(64))


class AuditCheck(ClinicOwned, Base):
    """Somebody had the clinic's chain checked: how far that has got, and what it found. Done in pieces."""

    __tablename__ = "audit_checks"

    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"))
    seq: Mapped[int] = mapped_column(Integer, default=0)  #: whole up to this entry
    hash: Mapped[str] = mapped_column(String(64), default="0" * 64)  #: of that entry
    at: Mapped[datetime]  #: of the last piece, the time outside
    ended: Mapped[bool] = mapped_column(default=False)
    fault: Mapped[str | None] = mapped_column(String(24))  #: a `chain.Fault`
    broken_seq: Mapped[int | None] = mapped_column(Integer)  #: the first entry that is not as it was written
