"""Row keys: opaque, and sorted by the moment they were made (uuid7, monotonic within a process)."""

from __future__ import annotations

import uuid_utils


def new_id() -> str:
    """A new key of 32 hexadecimal characters; later keys sort after earlier ones."""
    return uuid_utils.uuid7().hex
