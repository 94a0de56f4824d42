"""Why a file is not kept as a photo."""

from __future__ import annotations

from typing import Literal

from bot.channels.base import MEDIA_LIMIT

#: Bytes of a file. A phone's photo has 2 to 12 MB.
MAX_BYTES = MEDIA_LIMIT

Reason = Literal["empty", "too_big", "not_a_photo", "moving", "too_many_pixels", "damaged"]

#: For developers and logs; patients and staff get wording by the reason.
MEANING: dict[Reason, str] = {
    "empty": "The file is empty. Choose the photo again.",
    "too_big": "The file is larger than 20 MB. Send a smaller photo.",
    "not_a_photo": "The file is not a photo. Send a JPEG, PNG, HEIC or WebP picture.",
    "moving": "The file is a moving picture. Send a still photo.",
    "too_many_pixels": "The picture has more than 64 million pixels. Send a smaller photo.",
    "damaged": "The picture is damaged or was cut short. Send it again.",
}


class PhotoRefused(ValueError):
    """The bytes are not kept; `reason` is stable, the text says what to do."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(MEANING[reason])
        self.reason: Reason = reason


class PhotoDamaged(Exception):
    """A kept file is missing, or is not what it was."""
