"""Ways to reach members of staff, and the attempts at using them."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.clinic.models import Staff
from bot.db.base import Base, ClinicOwned, text_enum
from bot.triage.types import Tier


class ContactKind(enum.StrEnum):
    """What a contact method is."""

    SMS = "sms"
    VOICE = "voice"
    EMAIL = "email"
    APPRISE = "apprise"  #: a chat tool or paging service, by its apprise URL


class ContactMethod(ClinicOwned, Base):
    """One way to reach one person. Somebody without any is reached by their phone (`plan.ways`)."""

    __tablename__ = "contact_methods"

    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), index=True)
    kind: Mapped[ContactKind] = mapped_column(text_enum(ContactKind))
    #: E.164, an e-mail address, or an apprise URL. The last holds a secret: show and log `masked` only
    address: Mapped[str] = mapped_column(Text)
    #: seconds after the page, if nobody has taken the alert by then
    delay_s: Mapped[int] = mapped_column(default=0)
    #: used for alerts of this tier and more urgent ones
    least_tier: Mapped[Tier] = mapped_column(text_enum(Tier))
    place: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    #: removed ones stay: pages that went out by them name them
    removed_at: Mapped[datetime | None]
    #: why the newest message by it did not arrive; empty once one did
    error: Mapped[str] = mapped_column(String(200), default="")

    staff: Mapped[Staff] = relationship()


class NotificationAttempt(ClinicOwned, Base):
    """One try at a notification that is not a text. Written before the notifier is called, settled after."""

    __tablename__ = "notification_attempts"
    __table_args__ = (UniqueConstraint("notification_id", "number"),)

    notification_id: Mapped[str] = mapped_column(ForeignKey("notifications.id"))
    number: Mapped[int]
    settled_at: Mapped[datetime | None]
    provider_id: Mapped[str | None] = mapped_column(String(64), index=True)
    error: Mapped[str | None] = mapped_column(String(200))
