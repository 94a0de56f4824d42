"""The sign of life to somebody outside, who raises the alarm when it stays away."""

from __future__ import annotations

import requests
import structlog

from bot.settings import Settings

log = structlog.get_logger(__name__)

_TIMEOUT_S = 10.0
OK, OFF, WITHHELD = "ok", "off", "withheld"


def ping(settings: Settings) -> str:
    """Call the heartbeat URL: `OK`, `OFF` without one, or why it failed. The URL is a secret: not logged."""
    if settings.heartbeat_url is None or not settings.heartbeat_url.get_secret_value().strip():
        return OFF
    try:
        answer = requests.get(settings.heartbeat_url.get_secret_value().strip(), timeout=_TIMEOUT_S)
    except requests.RequestException as error:
        why = f"cannot be reached ({type(error).__name__})"
    else:
        if answer.status_code < 400:
            return OK
        why = f"answered HTTP {answer.status_code}"
    log.error("heartbeat failed; whoever watches it will think that the desk is dead", why=why)
    return why
