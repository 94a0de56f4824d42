"""Passkeys (WebAuthn): made by somebody who is signed in, and used in place of password and code."""

from __future__ import annotations

import json
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from bot import settings as app_settings
from bot.access.models import Passkey
from bot.clinic.models import Staff


class PasskeyRefused(ValueError):
    """The browser's answer proves nothing, or proves somebody else."""


def origin() -> str:
    """Where the console is reached, as browsers name it."""
    parts = urlsplit(app_settings.get_settings().public_url)
    return f"{parts.scheme}://{parts.netloc}"


def relying_party() -> str:
    """The host name that passkeys are bound to. WebAuthn allows names (also localhost), no IP addresses."""
    return urlsplit(app_settings.get_settings().public_url).hostname or "localhost"


def to_register(session: Session, staff: Staff) -> tuple[str, str]:
    """What the browser needs to make a passkey, as JSON, and the challenge to keep."""
    options = generate_registration_options(
        rp_id=relying_party(),
        rp_name="Afterglow",
        user_id=staff.id.encode(),
        user_name=staff.email,
        user_display_name=staff.name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.credential_id))
            for key in of_staff(session, staff.id)
        ],
    )
    return options_to_json(options), bytes_to_base64url(options.challenge)


def register(session: Session, staff: Staff, credential: str, challenge: str, name: str) -> Passkey:
    """Keep the passkey that the browser made. Raises `PasskeyRefused`."""
    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=relying_party(),
            expected_origin=origin(),
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as problem:
        raise PasskeyRefused(str(problem)) from None
    known = bytes_to_base64url(made.credential_id)
    if session.scalars(select(Passkey.id).filter_by(credential_id=known)).first() is not None:
        raise PasskeyRefused("this passkey is registered already")
    passkey = Passkey(
        clinic_id=staff.clinic_id,
        staff_id=staff.id,
        credential_id=known,
        public_key=bytes_to_base64url(made.credential_public_key),
        sign_count=made.sign_count,
        name=name.strip()[:60] or "Passkey",
    )
    session.add(passkey)
    session.flush()
    return passkey


def to_sign_in() -> tuple[str, str]:
    """What the browser needs to use a passkey of ours, as JSON, and the challenge to keep.

    It names no passkey: which ones an account has is nobody's business before it is signed in.
    """
    options = generate_authentication_options(
        rp_id=relying_party(), user_verification=UserVerificationRequirement.REQUIRED
    )
    return options_to_json(options), bytes_to_base64url(options.challenge)


def use(session: Session, credential: str, challenge: str, now: datetime) -> Staff:
    """Whose passkey answered the challenge. Raises `PasskeyRefused`, also for somebody who has left."""
    try:
        given = json.loads(credential)
        known = str(given["id"])
    except (ValueError, KeyError, TypeError):
        raise PasskeyRefused("no passkey was sent") from None
    passkey = session.scalars(select(Passkey).filter_by(credential_id=known).with_for_update()).first()
    if passkey is None:
        raise PasskeyRefused("this passkey is not known here")
    try:
        proven = verify_authentication_response(
            credential=given,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=relying_party(),
            expected_origin=origin(),
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as problem:
        raise PasskeyRefused(str(problem)) from None
    staff = session.get_one(Staff, passkey.staff_id)
    if not staff.active:
        raise PasskeyRefused("its owner has left")
    passkey.sign_count, passkey.last_used_at = proven.new_sign_count, now
    return staff


def of_staff(session: Session, staff_id: str) -> list[Passkey]:
    """The person's passkeys, oldest first."""
    return list(session.scalars(select(Passkey).filter_by(staff_id=staff_id).order_by(Passkey.id)))
