"""A drawn face for the demo's phones: plainly no real person, another one each time."""

from __future__ import annotations

import io
import random
from datetime import datetime

from PIL import Image, ImageDraw

_PREFIX = "demo:photo/"
_SIDE = (960, 1200)


def address(moment: datetime) -> str:
    """The media address of a picture taken at `moment` by the patient's clock."""
    return f"{_PREFIX}{moment:%Y-%m-%dT%H:%M:%S.%f}"


def draw(url: str) -> bytes:
    """The picture at `url` as JPEG, with a camera's capture time. Raises ValueError if it is none."""
    moment = datetime.fromisoformat(url.removeprefix(_PREFIX)) if url.startswith(_PREFIX) else None
    if moment is None:
        raise ValueError("not a demo picture")
    chance = random.Random(url)
    image = Image.new("RGB", _SIDE, (214, 226, 226))
    pen = ImageDraw.Draw(image)
    skin = (226 + chance.randint(-14, 8), 188 + chance.randint(-14, 8), 164)
    pen.ellipse((230, 200, 730, 900), fill=skin)
    pen.rectangle((400, 860, 560, 1200), fill=skin)
    for x in (370, 590):
        pen.ellipse((x - 38, 470, x + 38, 505), fill="white")
        pen.ellipse((x - 15, 472, x + 15, 502), fill=(70, 80, 90))
    pen.line((480, 520, 462, 640, 500, 640), fill=(180, 130, 110), width=6)
    pen.arc((390, 660, 570, 780), 20, 160, fill=(170, 80, 80), width=9)
    x, y, size = chance.randint(560, 620), chance.randint(600, 690), chance.randint(24, 60)
    pen.ellipse((x - size, y - size, x + size, y + size), fill=(206, 128, 118))
    pen.text((30, 1150), f"Afterglow demo, {moment:%Y-%m-%d %H:%M}", fill=(60, 70, 70), font_size=26)
    exif = Image.Exif()
    exif[0x010F] = "Afterglow demo phone"
    exif.get_ifd(0x8769)[0x9003] = f"{moment:%Y:%m:%d %H:%M:%S}"
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88, exif=exif)
    return out.getvalue()
