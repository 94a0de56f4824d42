"""The files that the simulated carrier holds for the clinic, beside its records."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from bot.channels.base import MEDIA_LIMIT, CarrierError, MediaTooBig
from bot.channels.simulator.picture import draw

_OWN = re.compile(r"demo:file/([0-9a-f]{32})")


class CarriedFiles:
    """Files by address: those that were sent from a phone, and drawn ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, data: bytes) -> str:
        """Hold `data`. Returns its address."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = secrets.token_hex(16)
        (self._folder / name).write_bytes(data)
        return f"demo:file/{name}"

    def get(self, url: str) -> bytes:
        """The file at `url`. Raises MediaTooBig, and CarrierError for an address that is none of ours."""
        try:
            if own := _OWN.fullmatch(url):
                path = self._folder / own[1]
                if path.stat().st_size > MEDIA_LIMIT:
                    raise MediaTooBig
                return path.read_bytes()
            return draw(url)
        except (OSError, ValueError):
            raise CarrierError("this carrier has no such file", code="gone", permanent=True) from None
