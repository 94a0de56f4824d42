"""The record of the clinic's words: what was shipped, what the clinic decided, what it was like then."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.clinic.models import Staff
from bot.db.base import Base, ClinicOwned, Keyed, text_enum


class Decision(enum.StrEnum):
    """What became of a clinic's version of a text. A decided version never changes again."""

    DRAFT = "draft"
    APPROVED = "approved"
    RETIRED = "retired"


class ShippedText(Keyed, Base):
    """A piece of content as it stood in the files from `created_at` on. Kept for good."""

    __tablename__ = "shipped_texts"
    __table_args__ = (
        UniqueConstraint("digest", "created_at"),
        Index("ix_shipped_texts_piece", "piece_id", "created_at"),
    )

    digest: Mapped[str] = mapped_column(String(64))
    piece_id: Mapped[str] = mapped_column(String(80))
    body: Mapped[dict[str, Any]]  #: the piece, see `bot.protocols.schema.Piece`


class ContentVersion(ClinicOwned, Base):
    """A clinic's word on a text: as shipped, with these sentences changed, it may be sent; or it may not."""

    __tablename__ = "content_versions"
    __table_args__ = (UniqueConstraint("clinic_id", "piece_id", "number"),)

    piece_id: Mapped[str] = mapped_column(String(80))
    number: Mapped[int]  #: counts the clinic's versions of the piece
    digest: Mapped[str] = mapped_column(String(64))  #: of the shipped text that it stands on
    #: see `bot.governance.sentences.Change`
    changes: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    status: Mapped[Decision] = mapped_column(text_enum(Decision), default=Decision.DRAFT)
    note: Mapped[str] = mapped_column(Text, default="")
    #: the last day on which the clinic's own sentences hold without being checked again; None: for good
    review_by: Mapped[date | None] = mapped_column(Date)
    author_id: Mapped[str] = mapped_column(ForeignKey("staff.id"))
    approver_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]

    author: Mapped[Staff] = relationship(foreign_keys=[author_id])
    approver: Mapped[Staff | None] = relationship(foreign_keys=[approver_id])


class ClinicSnapshot(ClinicOwned, Base):
    """What texts were filled with from `created_at` on: the clinic's names, numbers, hours and settings."""

    __tablename__ = "clinic_snapshots"

    facts: Mapped[dict[str, Any]]
