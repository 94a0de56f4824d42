"""Is this request from Twilio? Checked against the public address from the settings, never the request's own.

Proxies change scheme, host and port; Twilio signs the address that it was told to call.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Annotated
from urllib.parse import parse_qsl

import structlog
from fastapi import Depends, HTTPException, Request
from starlette.datastructures import ImmutableMultiDict
from twilio.request_validator import RequestValidator

from bot import settings as app_settings
from bot.settings import Settings

log = structlog.get_logger(__name__)

#: A message of 10,000 emoji is 120 kB as a form; whoever sends more is not Twilio.
MAX_BODY_BYTES = 1_000_000
_MAX_FIELDS = 500

Form = ImmutableMultiDict[str, str]


async def signed_form(request: Request) -> Form:
    """The fields of a request that Twilio signed; NUL characters, which no database keeps, are left out.

    Raises HTTPException 403 for any other request, 413 for an enormous one. Both are logged.
    """
    path: str = request.scope["path"]
    tokens = _tokens(app_settings.get_settings())
    if not tokens:
        log.error(
            "twilio_refused", path=path, reason="set AFTERGLOW_TWILIO_AUTH_TOKEN to receive from Twilio"
        )
        raise HTTPException(403, "Twilio is not set up here.")
    body = await _read(request)
    address = app_settings.get_settings().public_url.rstrip("/") + path
    if query := request.scope["query_string"].decode("latin-1"):
        address += "?" + query
    pairs = _fields(body)
    signature = request.headers.get("X-Twilio-Signature", "")
    if pairs is None or not signature or not any(_valid(t, address, pairs, signature) for t in tokens):
        log.warning(
            "twilio_refused",
            path=path,
            reason="the signature does not fit" if signature else "unsigned",
            expected_address=address.partition("?")[0],
            client=request.client.host if request.client else None,
        )
        raise HTTPException(403, "The signature does not fit.")
    return Form([(_text(name), _text(value).replace("\0", "")) for name, value in pairs])


SignedForm = Annotated[Form, Depends(signed_form)]


def _tokens(settings: Settings) -> list[str]:
    """The tokens to try, primary first. A blank one is none: anybody can sign with it."""
    secrets = (settings.twilio_auth_token, settings.twilio_auth_token_secondary)
    return [value for secret in secrets if secret and (value := secret.get_secret_value().strip())]


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            log.warning("twilio_refused", path=request.scope["path"], reason="the request is too large")
            raise HTTPException(413, "The request is too large.")
    return bytes(body)


def _fields(body: bytes) -> list[tuple[bytes, bytes]] | None:
    """The form's fields as bytes, in order, blank and repeated ones too; None when there are too many."""
    try:
        # Latin-1 maps every byte to one character and back, so that no byte is lost on the way.
        pairs = parse_qsl(
            body.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=_MAX_FIELDS
        )
    except ValueError:
        return None
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _valid(token: str, address: str, pairs: list[tuple[bytes, bytes]], signature: str) -> bool:
    form = Form([(_text(name), _text(value)) for name, value in pairs])
    if RequestValidator(token).validate(address, form, signature):
        return True
    try:
        b"".join(part for pair in pairs for part in pair).decode("utf-8")
    except UnicodeDecodeError:
        # Bytes that are no text: the library can only sign text, so the same sum is made over the bytes.
        signed = address.encode() + b"".join(name + value for name, value in sorted(set(pairs)))
        expected = base64.b64encode(hmac.new(token.encode(), signed, hashlib.sha1).digest())
        return hmac.compare_digest(expected, signature.encode("utf-8"))
    return False
