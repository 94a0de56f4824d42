"""Second factors that are typed: codes of an authenticator app, and recovery codes."""

from __future__ import annotations

import hashlib
import hmac
import io
import secrets
from datetime import datetime

import pyotp
import segno
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bot.access.models import Passkey, RecoveryCode, TotpKey
from bot.clinic.models import Staff

STEP_S = 30
DRIFT_STEPS = 1  #: a phone's clock may be one step off, either way
CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is read as something else


def matching_step(secret: str, code: str, now: datetime, last_step: int | None) -> int | None:
    """The time step whose code this is, within the drift and after `last_step`; None for a wrong or used."""
    digits = "".join(sign for sign in code if sign in "0123456789")
    if len(digits) != 6:
        return None
    totp = pyotp.TOTP(secret, interval=STEP_S)
    current = int(now.timestamp()) // STEP_S
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        right = hmac.compare_digest(totp.generate_otp(step), digits)
        if right and (last_step is None or step > last_step):
            return step
    return None


def start_totp(session: Session, staff: Staff) -> TotpKey:
    """The key that `staff` is setting up; made anew unless one waits for its first code."""
    key = totp_of(session, staff.id)
    if key is None:
        key = TotpKey(clinic_id=staff.clinic_id, staff_id=staff.id, secret=pyotp.random_base32())
        session.add(key)
        session.flush()
    return key


def totp_of(session: Session, staff_id: str) -> TotpKey | None:
    """The key of the person's authenticator app, confirmed or not."""
    return session.scalars(select(TotpKey).filter_by(staff_id=staff_id)).first()


def use_totp(session: Session, key: TotpKey, code: str, now: datetime) -> bool:
    """Whether `code` is right and was not used before; it is used from now on, and confirms the key."""
    session.refresh(key, with_for_update=True)
    step = matching_step(key.secret, code, now, key.last_step)
    if step is None:
        return False
    key.last_step = step
    key.confirmed_at = key.confirmed_at or now
    return True


def drop_totp(session: Session, staff_id: str) -> None:
    """Forget the person's authenticator app."""
    session.execute(delete(TotpKey).where(TotpKey.staff_id == staff_id))


def address_for_app(key: TotpKey, email: str) -> str:
    """The otpauth address that authenticator apps read."""
    return pyotp.TOTP(key.secret, interval=STEP_S).provisioning_uri(name=email, issuer_name="Afterglow")


def qr_svg(text: str, title: str) -> str:
    """`text` as a QR code: an SVG element to stand in a page, dark on light in every theme."""
    out = io.BytesIO()
    segno.make(text, error="m").save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=True,
        omitsize=True,
        border=4,
        dark="#000",
        light="#fff",
        title=title,
    )
    return out.getvalue().decode()


def new_recovery_codes(session: Session, staff: Staff) -> list[str]:
    """Ten fresh codes, to be shown once; older ones no longer open anything."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff.id))
    codes = [
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(3)) for _ in range(CODES)
    ]
    for code in codes:
        session.add(RecoveryCode(clinic_id=staff.clinic_id, staff_id=staff.id, code_hash=_hash(code)))
    session.flush()
    return codes


def use_recovery_code(session: Session, staff_id: str, code: str, now: datetime) -> bool:
    """Whether `code` is one of the person's that was not used; it is used from now on."""
    found = session.scalars(
        select(RecoveryCode)
        .filter_by(staff_id=staff_id, code_hash=_hash(code), used_at=None)
        .with_for_update()
    ).first()
    if found is None:
        return False
    found.used_at = now
    return True


def codes_left(session: Session, staff_id: str) -> int:
    """How many recovery codes are still good."""
    query = select(func.count()).select_from(RecoveryCode).filter_by(staff_id=staff_id, used_at=None)
    return session.scalar(query) or 0


def drop_codes(session: Session, staff_id: str) -> None:
    """Forget the person's recovery codes."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))


def drop_codes_without_factor(session: Session, staff_id: str) -> None:
    """Forget the person's recovery codes once there is no second factor that they could stand in for."""
    if not kinds_of(session, staff_id):
        drop_codes(session, staff_id)


def kinds_of(session: Session, staff_id: str) -> set[str]:
    """The second factors that the person has set up: `totp`, `passkey`."""
    key = totp_of(session, staff_id)
    found = {"totp"} if key is not None and key.confirmed_at is not None else set()
    if session.scalars(select(Passkey.id).filter_by(staff_id=staff_id).limit(1)).first() is not None:
        found.add("passkey")
    return found


def drop_all(session: Session, staff_id: str) -> None:
    """Forget every second factor: for somebody who lost theirs, by an admin who knows who asks."""
    drop_totp(session, staff_id)
    drop_codes(session, staff_id)
    session.execute(delete(Passkey).where(Passkey.staff_id == staff_id))


def _hash(code: str) -> str:
    plain = "".join(sign for sign in code.casefold() if sign.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
