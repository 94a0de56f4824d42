"""Where messages wait while the database is away: one small file each, read in as soon as it is back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot import settings as app_settings
from bot.ids import new_id


def _folder() -> Path:
    return app_settings.get_settings().var_dir / "spool"


def keep(message: dict[str, Any]) -> Path:
    """Write `message` so that it survives a crash, and return its file."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{new_id()}.json"
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(message, file)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    return path


def waiting() -> Iterator[Path]:
    """The files of spooled messages, oldest first."""
    yield from sorted(_folder().glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    """What a spool file holds. Raises ValueError when it is no message. The caller removes it once stored."""
    message = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(message, dict):
        raise ValueError("not a message")
    return message


def set_aside(path: Path) -> None:
    """Keep a file that cannot be stored, out of the way, for a person to look at."""
    path.rename(path.with_suffix(".bad"))
