"""Pictures made for tests: faces of nobody, and files that only pretend to be pictures."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pillow_heif
from PIL import Image, ImageCms

GPS_IFD, EXIF_IFD = 0x8825, 0x8769


def still(colour: str = "peachpuff", size: tuple[int, int] = (320, 240)) -> Image.Image:
    """A picture whose left half differs from its right, so that it shows when it was turned."""
    image = Image.new("RGB", size, colour)
    image.paste("navy", (0, 0, size[0] // 2, size[1]))
    return image


def encoded(image: Image.Image, format: str = "JPEG", **options: Any) -> bytes:
    """`image` as a file."""
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def jpeg(colour: str = "peachpuff", **options: Any) -> bytes:
    """A small photo as JPEG."""
    return encoded(still(colour), **options)


def with_secrets(taken: str = "2026:11:20 14:05:00", offset: str = "", orientation: int = 1) -> bytes:
    """A photo as a phone makes it: place, camera, comment and profile inside."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "SecretPhone", orientation
    details = exif.get_ifd(EXIF_IFD)
    details[0x9003] = taken
    if offset:
        details[0x9011] = offset
    exif.get_ifd(GPS_IFD).update({1: "N", 2: (40.0, 44.0, 55.0), 3: "W", 4: (73.0, 59.0, 11.0)})
    return jpeg(
        exif=exif, comment=b"SecretComment", xmp=b"<x:xmpmeta>SecretPlace</x:xmpmeta>", icc_profile=profile()
    )


def profile(*, swapped: bool = False) -> bytes:
    """A colour profile; `swapped`: one in which red stands for blue."""
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if not swapped:
        return plain
    return plain.replace(b"rXYZ", b"????", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"????", b"bXYZ", 1)


def heic() -> bytes:
    """A photo as an iPhone sends it."""
    out = io.BytesIO()
    pillow_heif.from_pillow(still()).save(out, quality=80)
    return out.getvalue()


def film(format: str) -> bytes:
    """A moving picture."""
    frames = [still("white"), still("pink")]
    return encoded(frames[0], format, save_all=True, append_images=frames[1:], duration=200, loop=0)


def bomb(width: int = 100_000, height: int = 100_000) -> bytes:
    """A PNG of a few hundred bytes that claims `width` times `height` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
