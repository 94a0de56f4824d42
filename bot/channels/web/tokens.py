"""Signed, expiring, origin-bound tokens: what a browser must show to read or write one web conversation.

Knowing a session id is worth nothing; only the token opens it. A token is good for a few hours on the site it
was made for. After that, for some weeks, it is good for one thing only: being exchanged for a fresh one.
"""

from __future__ import annotations

import secrets
from dataclasses import astuple, dataclass
from datetime import timedelta

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from bot.secrets import secret_key

#: How long a token reads and writes.
LIFETIME = timedelta(hours=2)
#: How long it can be exchanged for a fresh one: a patient who comes back for the last check-in still can.
REFRESHABLE = timedelta(days=21)


class TokenRefused(Exception):
    """The token opens nothing. `expired`: it may still be exchanged."""

    def __init__(self, message: str, *, expired: bool = False) -> None:
        super().__init__(message)
        self.expired = expired


@dataclass(frozen=True, slots=True)
class WebSession:
    """Who a token speaks for."""

    session_id: str
    clinic_id: str
    clinic_key: str  #: the clinic's widget key, so that a message can be taken in without looking it up
    origin: str
    language: str  #: "en", "es", or "" when the page did not say


def new_session(clinic_id: str, clinic_key: str, origin: str, language: str) -> WebSession:
    """A session that nobody has had before."""
    return WebSession(secrets.token_urlsafe(16), clinic_id, clinic_key, origin, language)


def sign(session: WebSession) -> str:
    """The token of `session`, valid from now on."""
    return _serializer().dumps(astuple(session))


def read(token: str, origin: str, *, for_refresh: bool = False) -> WebSession:
    """The session of `token` shown by a page of `origin`.

    Raises TokenRefused when the token is forged, too old, or was made for another site.
    """
    age = REFRESHABLE if for_refresh else LIFETIME
    try:
        content = _serializer().loads(token, max_age=int(age.total_seconds()))
        session = WebSession(*content)
    except SignatureExpired:
        raise TokenRefused("The chat session has expired.", expired=True) from None
    except (BadSignature, TypeError):
        raise TokenRefused("The chat session is not valid.") from None
    if session.origin != origin:
        raise TokenRefused("The chat session belongs to another site.")
    return session


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key(), salt="afterglow-web-chat")
