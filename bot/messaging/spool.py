"""Where messages wait while the database is away: one small file each, read in as soon as it is back."""

from __future__ import annotations

import json
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
    part.write_text(json.dumps(message), encoding="utf-8")
    part.rename(path)
    return path


def waiting() -> Iterator[tuple[Path, dict[str, Any]]]:
    """The spooled messages, oldest first. The caller removes each file once the message is stored."""
    for path in sorted(_folder().glob("*.json")):
        yield path, json.loads(path.read_text(encoding="utf-8"))
