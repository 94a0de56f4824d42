"""The pictures' files: outside the database, each named by its checksum and checked when read."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from pathlib import Path

from bot import settings as app_settings
from bot.ids import new_id
from bot.photos.errors import PhotoDamaged

#: Bytes that photos leave free: the record needs the disk more than they do.
RESERVE = 500_000_000


def path_of(clinic_id: str, sha256: str) -> Path:
    """Where the file with this checksum lies."""
    return app_settings.get_settings().var_dir / "photos" / clinic_id / sha256[:2] / f"{sha256}.jpg"


def save(clinic_id: str, data: bytes) -> str:
    """Write `data` so that it survives a crash, whole or not at all. Returns its checksum.

    Raises OSError when the disk refuses.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    path = path_of(clinic_id, sha256)
    try:
        read(clinic_id, sha256)
        return sha256
    except PhotoDamaged:
        pass  # not there yet, or damaged since: written (again)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if shutil.disk_usage(path.parent).free < RESERVE:
        raise OSError(errno.ENOSPC, "photos leave the last 500 MB of the disk to the record")
    part = path.with_name(f".{new_id()}.part")
    try:
        with open(part, "xb", opener=_private) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name must survive too
    finally:
        os.close(folder)
    return sha256


def read(clinic_id: str, sha256: str) -> bytes:
    """The file with this checksum. Raises `PhotoDamaged` when it is missing or no longer what it was."""
    try:
        data = path_of(clinic_id, sha256).read_bytes()
    except OSError as error:
        raise PhotoDamaged(f"missing or unreadable ({type(error).__name__})") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise PhotoDamaged("changed: its checksum does not fit")
    return data


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
