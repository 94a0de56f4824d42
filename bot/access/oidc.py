"""Sign-in with the clinic's own provider: OpenID Connect, code flow with PKCE, state and nonce.

It lets in nobody that the clinic has not added: the provider's verified e-mail must be an active member's.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, cast

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization
from requests.adapters import BaseAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import settings as app_settings
from bot.clinic.models import Staff
from bot.settings import Settings

CALLBACK = "/console/sign-in/provider/callback"
TIMEOUT_S = 10.0
#: Signatures that are believed. `none` and those made with a shared secret are not.
ALGORITHMS = ["RS256", "PS256", "ES256"]
LEEWAY_S = 60

#: Set by tests, whose provider runs in the process.
transport: BaseAdapter | None = None


class ProviderRefused(Exception):
    """The provider's answer lets nobody in; `why` says so for the log and never holds a token."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Asked:
    """A sign-in on its way to the provider: where to send the browser, and what to remember meanwhile."""

    address: str
    remember: dict[str, str]


def configured(settings: Settings | None = None) -> bool:
    """Whether the settings name a provider."""
    chosen = settings or app_settings.get_settings()
    return bool(chosen.oidc_issuer and chosen.oidc_client_id and chosen.oidc_client_secret)


def ask() -> Asked:
    """Begin a sign-in. Raises `ProviderRefused` when the provider cannot be reached."""
    with _client() as client:
        metadata = _metadata(client)
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        address, state = client.create_authorization_url(
            _named(metadata, "authorization_endpoint"), nonce=nonce, code_verifier=verifier
        )
    return Asked(address, {"state": state, "nonce": nonce, "verifier": verifier})


def email_of(code: str, state: str, remembered: dict[str, Any]) -> str:
    """The verified e-mail of who came back from the provider. Raises `ProviderRefused`."""
    if not code or not secrets.compare_digest(state, str(remembered.get("state", ""))):
        raise ProviderRefused("state")
    with _client() as client:
        metadata = _metadata(client)
        try:
            token = client.fetch_token(
                _named(metadata, "token_endpoint"), code=code, code_verifier=str(remembered["verifier"])
            )
            keys = KeySet.import_key_set(
                cast(KeySetSerialization, _json(client, _named(metadata, "jwks_uri")))
            )
            decoded = jwt.decode(str(token["id_token"]), keys, algorithms=ALGORITHMS)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "value": metadata["issuer"]},
                    "aud": {"essential": True, "value": app_settings.get_settings().oidc_client_id},
                },
                params={
                    "nonce": str(remembered["nonce"]),
                    "client_id": app_settings.get_settings().oidc_client_id,
                },
            )
            claims.validate(leeway=LEEWAY_S)
        except (JoseError, AuthlibBaseError, requests.RequestException, KeyError, ValueError) as problem:
            raise ProviderRefused(type(problem).__name__) from None
    email = str(claims.get("email", "")).strip().lower()
    if not email or claims.get("email_verified") is not True:
        raise ProviderRefused("unverified_email")
    return email


def member(session: Session, email: str) -> Staff:
    """The active member of staff with this e-mail. Raises `ProviderRefused`; nobody is added."""
    staff = session.scalars(select(Staff).where(Staff.email == email, Staff.active)).first()
    if staff is None:
        raise ProviderRefused("unknown_staff")
    return staff


def _client() -> Any:
    settings = app_settings.get_settings()
    secret = settings.oidc_client_secret
    client = OAuth2Session(
        client_id=settings.oidc_client_id,
        client_secret=secret.get_secret_value() if secret else None,
        scope="openid email",
        redirect_uri=settings.public_url.rstrip("/") + CALLBACK,
        code_challenge_method="S256",
        default_timeout=TIMEOUT_S,
    )
    if transport is not None:
        client.mount("https://", transport)
    return client


def _metadata(client: Any) -> dict[str, Any]:
    issuer = str(app_settings.get_settings().oidc_issuer)
    try:
        found = _json(client, issuer.rstrip("/") + "/.well-known/openid-configuration")
    except (requests.RequestException, ValueError) as problem:
        raise ProviderRefused(f"unreachable: {type(problem).__name__}") from None
    if found.get("issuer") != issuer:
        raise ProviderRefused("issuer")
    return found


def _json(client: Any, address: str) -> dict[str, Any]:
    answer = client.request("GET", address, withhold_token=True)
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def _named(metadata: dict[str, Any], name: str) -> str:
    if not isinstance(metadata.get(name), str):
        raise ProviderRefused(f"no {name}")
    return str(metadata[name])
