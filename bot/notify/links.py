"""Links that take an alert without signing in: signed, good for a day, once, and for one person."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import timedelta

from bot import settings as app_settings
from bot.secrets import secret_key

LIFETIME = timedelta(hours=24)
_SIGNATURE_BYTES = 12


def link_to(notification_id: str) -> str:
    """The address that takes the alert of this notification."""
    raw = bytes.fromhex(notification_id)
    token = base64.urlsafe_b64encode(raw + _signature(raw)).decode().rstrip("=")
    return f"{app_settings.get_settings().public_url.rstrip('/')}/a/{token}"


def notification_of(token: str) -> str | None:
    """The id of the notification whose link holds `token`; None when we did not sign it. How old the link is
    and whether it was used is on record with the notification."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    body, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
    return body.hex() if body and hmac.compare_digest(signature, _signature(body)) else None


def _signature(raw: bytes) -> bytes:
    key = b"afterglow-take-link:" + secret_key().encode()
    return hmac.new(key, raw, hashlib.sha256).digest()[:_SIGNATURE_BYTES]
