"""The secret part of a link, and how it gets into a text without being kept in the record.

A stored text names its link (`/p/~ID`), which opens nothing. The token is made from that id with the
installation's key when the text is handed to the carrier, so that neither the record nor the console shows a
link that works.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from bot import settings as app_settings
from bot.secrets import secret_key

#: Characters of a token: 132 bits, which nobody guesses.
LENGTH = 22
_MARK = re.compile(r"/p/~([0-9a-f]{32})")


def token_of(link_id: str) -> str:
    """The token of a link: 22 characters that fit a URL."""
    made = hmac.new(secret_key().encode(), b"patient-link:" + link_id.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode()[:LENGTH]


def hash_of(token: str) -> str:
    """What the record keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def marked(link_id: str) -> str:
    """The link's address as a stored text has it."""
    return f"{app_settings.get_settings().public_url.rstrip('/')}/p/~{link_id}"


def fill(text: str) -> str:
    """`text` with the addresses that work, for the carrier."""
    return _MARK.sub(lambda found: f"/p/{token_of(found[1])}", text)
