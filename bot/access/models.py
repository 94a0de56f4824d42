"""Second factors, one-time links and failed tries. Secrets that need not be read back are kept as hashes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db.base import Base, ClinicOwned, Keyed


class TotpKey(ClinicOwned, Base):
    """The key that a member of staff shares with an authenticator app (RFC 6238)."""

    __tablename__ = "totp_keys"

    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), unique=True)
    secret: Mapped[str] = mapped_column(String(64))  #: base32; must be readable to check a code
    confirmed_at: Mapped[datetime | None]  #: None until a first code was right: not asked for before
    last_step: Mapped[int | None] = mapped_column(Integer)  #: of the newest code that was used


class RecoveryCode(ClinicOwned, Base):
    """Opens the console once in place of a second factor."""

    __tablename__ = "recovery_codes"

    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    used_at: Mapped[datetime | None]


class Passkey(ClinicOwned, Base):
    """A WebAuthn credential of a member of staff."""

    __tablename__ = "passkeys"

    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), index=True)
    credential_id: Mapped[str] = mapped_column(Text, unique=True)  #: base64url
    public_key: Mapped[str] = mapped_column(Text)  #: COSE key, base64url
    sign_count: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(60))
    last_used_at: Mapped[datetime | None]


class ResetLink(ClinicOwned, Base):
    """A one-time link to choose a password. Only a hash of its token is kept."""

    __tablename__ = "reset_links"

    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInTicket(Keyed, Base):
    """What the desk must remember of a sign-in that goes by way of a passkey or a provider. Taken once."""

    __tablename__ = "sign_in_tickets"

    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    expires_at: Mapped[datetime]


class SignInFailure(Base):
    """How often sign-in failed lately, per account (a hash of its name) and per kind of browser."""

    __tablename__ = "sign_in_failures"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[datetime]
