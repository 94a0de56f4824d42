"""Photos whose bytes come straight to us: from the chat widget and the patient's pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.channels.base import Inbound
from bot.messaging import inbox
from bot.photos import keep, views


def as_media(clinic_id: str, data: bytes, view: str | None = None) -> dict[str, Any]:
    """Keep the picture in `data` and return the entry for `Inbound.media` that brings it into the record.

    A message may have several. `view` is the id of a view (`bot.photos.views`); an unknown one is dropped.
    Raises `PhotoRefused` with a reason, and OSError when the disk refuses; then nothing was kept.
    """
    known = view if view and views.is_known(view) else None
    return keep.on_disk(clinic_id, data, known).as_media()


def receive(inbound: Inbound, clinic_id: str, data: bytes, view: str | None = None) -> inbox.Receipt:
    """Take in a message that is, or comes with, one photo: kept, stored and triaged like any other.

    `clinic_id` is the clinic that `inbound.to` names. Raises what `as_media` and `inbox.receive` raise.
    """
    return inbox.receive(replace(inbound, media=[*inbound.media, as_media(clinic_id, data, view)]))
