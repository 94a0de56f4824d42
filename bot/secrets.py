"""The key that signs tokens: from the settings, or made once and kept beside the database."""

from __future__ import annotations

import os
import secrets
from functools import lru_cache
from pathlib import Path

from bot import settings as app_settings


def secret_key() -> str:
    """The signing key of this installation. Several processes must share one by setting it."""
    settings = app_settings.get_settings()
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    return _kept(settings.var_dir / "secret")


@lru_cache(maxsize=8)
def _kept(path: Path) -> str:
    """The key in this file, which never changes once it is made."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text()
