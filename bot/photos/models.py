"""What came with a message, and the pictures that were kept of it."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.clinic.models import Patient
from bot.db.base import Base, ClinicOwned, text_enum
from bot.messaging.models import Conversation, Message


class ArrivalStatus(enum.StrEnum):
    """How far one file of a message has come."""

    WAITING = "waiting"  #: still at the carrier; `next_try_at` says when we ask for it
    KEPT = "kept"  #: there is a photo
    REFUSED = "refused"  #: the file is no photo that can be shown; `reason` says why
    LOST = "lost"  #: the carrier no longer has it, or did not give it for a day


class Photo(ClinicOwned, Base):
    """One picture, re-encoded without any metadata. Its files lie in `var/photos` under their checksums."""

    __tablename__ = "photos"
    __table_args__ = (
        # the same file sent again is the same photo
        UniqueConstraint("owner", "source_sha256"),
        Index("ix_photos_patient", "patient_id", "received_at"),
        Index("ix_photos_ask_consent", "ask_consent_at"),
    )

    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    patient_id: Mapped[str | None] = mapped_column(ForeignKey("patients.id"))
    #: whose picture it is: the patient's id, or the conversation's while we know nobody by it
    owner: Mapped[str] = mapped_column(String(32))
    source_sha256: Mapped[str] = mapped_column(String(64))  #: of the file as it was sent
    sha256: Mapped[str] = mapped_column(String(64))  #: of the picture that is kept
    thumb_sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]  #: bytes of the picture that is kept
    width: Mapped[int]
    height: Mapped[int]
    received_at: Mapped[datetime]
    #: what the camera said, None when it said nothing or nothing possible
    taken_at: Mapped[datetime | None]
    #: id of a view (`bot.photos.views`), None until somebody names it
    view: Mapped[str | None] = mapped_column(String(40))
    #: the member of staff who named the view; None: the patient did
    view_by_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))

    #: when to ask the patient for consent, None once that is settled
    ask_consent_at: Mapped[datetime | None]

    conversation: Mapped[Conversation] = relationship()
    patient: Mapped[Patient | None] = relationship()

    @property
    def shown_at(self) -> datetime:
        """The moment that the picture shows, as far as is known: taken, or else received."""
        return self.taken_at or self.received_at


class PhotoArrival(ClinicOwned, Base):
    """One file that came with a message. Written with the message, before the file itself is here."""

    __tablename__ = "photo_arrivals"
    __table_args__ = (
        UniqueConstraint("message_id", "position"),
        Index("ix_photo_arrivals_due", "status", "next_try_at"),
    )

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"))
    position: Mapped[int]  #: its place in the message's media, from 0
    status: Mapped[ArrivalStatus] = mapped_column(text_enum(ArrivalStatus))
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(40))
    photo_id: Mapped[str | None] = mapped_column(ForeignKey("photos.id"), index=True)

    message: Mapped[Message] = relationship()
    photo: Mapped[Photo | None] = relationship()
