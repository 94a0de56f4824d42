"""From a stranger's bytes to a picture that is safe to keep and to show.

The file is really decoded, turned upright and encoded anew from its pixels alone: whatever else it carried -
place, camera, names, comments, hidden files - is not copied. Pure: bytes in, bytes out.
"""

from __future__ import annotations

import io
import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass

import pillow_heif
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from bot.photos.errors import MAX_BYTES, PhotoRefused

#: Pixels of a picture; a file of a few kilobytes can claim thousands of millions. Phones make 50
#: million at most.
MAX_PIXELS = 64_000_000
#: Pixels of the longer side that is kept: more than any screen shows, and enough to see pores.
LONGEST_SIDE = 4096
THUMBNAIL_SIDE = 480

#: What phones and computers make; JPEG includes MPO, which carries a depth map. Everything else that Pillow
#: can open is attack surface without use.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "HEIF", "AVIF")
#: Formats in which more than one frame means film; in the others it means a depth map or a burst.
_FILM = frozenset({"GIF", "PNG", "WEBP", "AVIF"})
_EXIF_IFD, _TAKEN, _TAKEN_OFFSET = 0x8769, 0x9003, 0x9011
#: A large picture takes some hundred megabytes while it is decoded.
_few_at_once = threading.Semaphore(2)

pillow_heif.register_heif_opener(thumbnails=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as JPEG without metadata, with its thumbnail. `taken` is the camera's clock in ISO form,
    with an offset when the camera knew one."""

    jpeg: bytes
    thumbnail: bytes
    width: int
    height: int
    taken: str | None


def decode(data: bytes) -> Picture:
    """The picture in `data`. Raises `PhotoRefused` with the reason when there is none that can be kept."""
    if not data:
        raise PhotoRefused("empty")
    if len(data) > MAX_BYTES:
        raise PhotoRefused("too_big")
    with _few_at_once:
        try:
            return _decoded(data)
        except PhotoRefused:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise PhotoRefused("too_many_pixels") from None
        except UnidentifiedImageError:
            raise PhotoRefused("not_a_photo") from None
        except Exception:  # decoders raise whatever they meet: OSError, SyntaxError, struct.error, ...
            raise PhotoRefused("damaged") from None


def _decoded(data: bytes) -> Picture:
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        # the header alone has been read so far
        if image.width * image.height > MAX_PIXELS:
            raise PhotoRefused("too_many_pixels")
        if image.format in _FILM and getattr(image, "is_animated", False):
            raise PhotoRefused("moving")
        taken = _taken(image)
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # JPEG decodes smaller at once
        image.load()
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        plain = _plain(upright)
    small = plain.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    return Picture(_jpeg(plain, 92), _jpeg(small, 80), plain.width, plain.height, taken)


def _plain(image: Image.Image) -> Image.Image:
    """The pixels in sRGB on white, in an image that has nothing else."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        image = Image.new("RGBA", layered.size, "white")
        image.alpha_composite(layered)
    else:
        image = _in_srgb(image)
    fresh = Image.new("RGB", image.size, "white")
    fresh.paste(image.convert("RGB"))
    return fresh


def _in_srgb(image: Image.Image) -> Image.Image:
    """Phones store wider colours with a profile. Dropping it unapplied would change the colour of skin."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "CMYK", "L"):
        return image
    with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
        return converted or image
    return image


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def _taken(image: Image.Image) -> str | None:
    """When the camera says it took the picture; None for anything that is no time."""
    with suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a damaged EXIF block is no reason to refuse the picture
        details = image.getexif().get_ifd(_EXIF_IFD)
        day, _, clock = str(details[_TAKEN]).strip("\0 ").partition(" ")
        offset = str(details.get(_TAKEN_OFFSET) or "").strip("\0 ")
        return f"{day.replace(':', '-')}T{clock}{offset}"
    return None
