"""Clinics, their staff, patients, treatments, consents."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db.base import Base, ClinicOwned, Keyed, text_enum


class Role(enum.StrEnum):
    """What a member of staff does at the clinic."""

    FRONT_DESK = "front_desk"
    NURSE = "nurse"
    INJECTOR = "injector"
    MEDICAL_DIRECTOR = "medical_director"
    ADMIN = "admin"


class ConsentPurpose(enum.StrEnum):
    """Consent is per purpose; aftercare and marketing never mix."""

    AFTERCARE_TEXTS = "aftercare_texts"
    PHOTOS = "photos"
    MARKETING = "marketing"


class Clinic(Keyed, Base):
    """A clinic: the owner of every other row."""

    __tablename__ = "clinics"

    name: Mapped[str] = mapped_column(String(120))
    time_zone: Mapped[str] = mapped_column(String(64))  #: IANA name
    locale: Mapped[str] = mapped_column(String(16))  #: e.g. en-US
    country: Mapped[str] = mapped_column(String(2))  #: ISO 3166, default region of phone numbers
    phone: Mapped[str] = mapped_column(String(20))  #: front desk, E.164
    emergency_phone: Mapped[str] = mapped_column(String(20))  #: clinical line that is always answered
    emergency_number: Mapped[str] = mapped_column(String(8))  #: ambulance: 911, 999, 112
    crisis_line: Mapped[str] = mapped_column(String(32))  #: US 988, UK 116 123 [GK]
    text_number: Mapped[str] = mapped_column(String(20), unique=True)  #: the number patients text, E.164
    #: weekday (mon..sun) -> list of ["09:00", "18:00"] spans, local time
    opening_hours: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: the clinic's own values where published advice disagrees (clinical.md 3)
    care_settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: where patients book; the front desk's phone is named without it
    booking_url: Mapped[str | None] = mapped_column(String(200))
    #: counselling texts that the medical director has not approved are not sent; staff answer instead
    approved_words_only: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: from when on everybody needs a second factor to work in the console; None: each decides alone
    second_factor_from: Mapped[datetime | None]
    #: pages by text, e-mail and chat tool name the patient; otherwise they carry initials only
    pages_name_patient: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: local hours between which patients are texted unasked; the installation's own without them
    texts_from_hour: Mapped[int | None]
    texts_until_hour: Mapped[int | None]
    #: whether unasked texts go out on public holidays of the clinic's country
    texts_on_holidays: Mapped[bool] = mapped_column(default=True, server_default=true())
    #: check-ins wait until the patient has agreed by text, beside what was signed at the clinic
    consent_by_text: Mapped[bool] = mapped_column(default=True, server_default=true())
    #: texts may tell how many patients something happens to; the medical director decides
    show_figures: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: names the clinic's web widget; not a secret
    widget_key: Mapped[str] = mapped_column(String(32), unique=True)
    #: sites that may embed the widget
    widget_origins: Mapped[list[str]] = mapped_column(default=list)


class Staff(ClinicOwned, Base):
    """A person who signs in to the console, and may be paged."""

    __tablename__ = "staff"

    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(text_enum(Role))
    phone: Mapped[str | None] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(2), default="en")
    #: order in which this person is paged; None: never
    on_call_order: Mapped[int | None]
    #: paged for every crisis beside whoever is on call, and named to the patient in it; needs a phone
    safeguarding_lead: Mapped[bool] = mapped_column(default=False, server_default=false())
    active: Mapped[bool] = mapped_column(default=True)


class StaffSession(ClinicOwned, Base):
    """A signed-in browser. The cookie's token is kept as a hash only."""

    __tablename__ = "staff_sessions"

    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    csrf_token: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]  #: when a page was last asked for; a page's own refreshing is none
    #: False while the password was right and the second factor is still to come
    verified: Mapped[bool] = mapped_column(default=True, server_default=true())
    #: how it was opened: `password` alone, or with `totp`, `recovery`, `passkey`; or by the `provider`
    method: Mapped[str] = mapped_column(String(16), default="password", server_default="password")
    ip: Mapped[str] = mapped_column(String(45), default="", server_default="")
    device: Mapped[str] = mapped_column(String(80), default="", server_default="")  #: browser and system
    challenge: Mapped[str | None] = mapped_column(String(128))  #: of the passkey being made or asked for

    staff: Mapped[Staff] = relationship()


class ApiKey(ClinicOwned, Base):
    """Lets another system of the clinic in. The key itself is shown once and kept as a hash only."""

    __tablename__ = "api_keys"

    name: Mapped[str] = mapped_column(String(80))  #: which system it was given to
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Patient(ClinicOwned, Base):
    """A person who is, was or may be treated. `id` is opaque and may appear in logs; names may not."""

    __tablename__ = "patients"
    __table_args__ = (UniqueConstraint("clinic_id", "phone"),)

    first_name: Mapped[str] = mapped_column(String(80))
    last_name: Mapped[str] = mapped_column(String(80))
    phone: Mapped[str] = mapped_column(String(20))  #: E.164
    language: Mapped[str] = mapped_column(String(2), default="en")
    time_zone: Mapped[str] = mapped_column(String(64))
    opted_out_at: Mapped[datetime | None]

    clinic: Mapped[Clinic] = relationship()
    treatments: Mapped[list[Treatment]] = relationship(
        back_populates="patient", order_by="Treatment.treated_at.desc()"
    )

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"

    @property
    def initials(self) -> str:
        """All that a page may say of a patient."""
        return f"{self.first_name[:1]}{self.last_name[:1]}".upper()


class Treatment(ClinicOwned, Base):
    """What was injected, where, by whom, from which lot (S2, S10)."""

    __tablename__ = "treatments"
    __table_args__ = (Index("ix_treatments_clinic_lot", "clinic_id", "lot"),)

    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    product: Mapped[str] = mapped_column(String(40))  #: catalogue id
    lot: Mapped[str] = mapped_column(String(40))
    expiry: Mapped[date] = mapped_column(Date)
    areas: Mapped[list[str]] = mapped_column(default=list)
    #: where, in a clinic of several places; rotas of the same location are paged. Empty: not said
    location: Mapped[str] = mapped_column(String(80), default="", server_default="")
    technique_note: Mapped[str] = mapped_column(Text, default="")
    goals_endpoints: Mapped[str] = mapped_column(Text, default="")  #: contour, projection, symmetry
    goals_longer: Mapped[str] = mapped_column(Text, default="")  #: quality, texture, firmness
    injector_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
    treated_at: Mapped[datetime]
    #: a small addition to an earlier treatment with the same product
    touch_up: Mapped[bool] = mapped_column(default=False, server_default=false())

    patient: Mapped[Patient] = relationship(back_populates="treatments")
    injector: Mapped[Staff | None] = relationship()


class Consent(ClinicOwned, Base):
    """One yes or no, for one purpose, to one wording, over one channel. Never overwritten."""

    __tablename__ = "consents"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    purpose: Mapped[ConsentPurpose] = mapped_column(text_enum(ConsentPurpose))
    granted: Mapped[bool]
    wording_version: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(16))
    message_id: Mapped[str | None] = mapped_column(ForeignKey("messages.id"))


Index("ix_staff_on_call", Staff.clinic_id, Staff.on_call_order, postgresql_where=text("active"))
