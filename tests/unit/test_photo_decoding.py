"""What is taken for a photo, what is refused, and what is left of what a file knew."""

from __future__ import annotations

import io
import os

import pytest
from PIL import Image

from bot.photos.decode import LONGEST_SIDE, MAX_PIXELS, THUMBNAIL_SIDE, decode
from bot.photos.errors import MAX_BYTES, PhotoRefused
from tests.support import pictures


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(pictures.jpeg(), id="jpeg"),
        pytest.param(pictures.jpeg(progressive=True), id="progressive jpeg"),
        pytest.param(pictures.encoded(pictures.still(), "PNG"), id="png"),
        pytest.param(pictures.encoded(pictures.still(), "WEBP"), id="webp"),
        pytest.param(pictures.encoded(pictures.still(), "GIF"), id="still gif"),
        pytest.param(pictures.heic(), id="heic"),
        pytest.param(
            pictures.encoded(pictures.still(), "MPO", save_all=True, append_images=[pictures.still("red")]),
            id="jpeg with a depth map",
        ),
        pytest.param(pictures.encoded(pictures.still().convert("CMYK")), id="cmyk"),
        pytest.param(pictures.encoded(pictures.still().convert("L")), id="grey"),
        pytest.param(pictures.encoded(pictures.still().convert("RGBA"), "PNG"), id="transparent"),
        pytest.param(pictures.encoded(Image.new("I;16", (64, 48), 40_000), "PNG"), id="16 bits"),
        pytest.param(pictures.jpeg() + b"\0" * 1000 + b"trailing", id="bytes after its end"),
    ],
)
def test_what_phones_send_becomes_a_plain_jpeg_with_a_thumbnail(data: bytes) -> None:
    picture = decode(data)
    kept, small = opened(picture.jpeg), opened(picture.thumbnail)
    assert (kept.format, kept.mode, kept.size) == ("JPEG", "RGB", (picture.width, picture.height))
    assert small.format == "JPEG"
    assert max(small.size) <= THUMBNAIL_SIDE


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b"\xff\xd8\xff" + b"\0" * MAX_BYTES, "too_big", id="one byte more than 20 MB"),
        pytest.param(b"<!doctype html><script>alert(1)</script>", "not_a_photo", id="a page"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_photo", id="svg"),
        pytest.param(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "not_a_photo", id="pdf"),
        pytest.param(b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2mp41", "not_a_photo", id="video"),
        pytest.param(b"BEGIN:VCARD\nEND:VCARD", "not_a_photo", id="contact"),
        pytest.param(pictures.encoded(pictures.still(), "TIFF"), "not_a_photo", id="tiff"),
        pytest.param(pictures.encoded(pictures.still(), "PDF"), "not_a_photo", id="pdf of a photo"),
        pytest.param(os.urandom(5000), "not_a_photo", id="noise"),
        pytest.param(pictures.film("GIF"), "moving", id="moving gif"),
        pytest.param(pictures.film("WEBP"), "moving", id="moving webp"),
        pytest.param(pictures.film("PNG"), "moving", id="moving png"),
        pytest.param(pictures.bomb(), "too_many_pixels", id="10,000 million pixels"),
        pytest.param(pictures.bomb(8001, 8000), "too_many_pixels", id="a little too many pixels"),
        pytest.param(pictures.bomb(8000, 4000), "damaged", id="a picture without its data"),
        pytest.param(pictures.jpeg()[:-400], "damaged", id="cut short jpeg"),
        pytest.param(pictures.encoded(pictures.still(), "PNG")[:-60], "damaged", id="cut short png"),
        pytest.param(pictures.encoded(pictures.still(), "WEBP")[:-40], "damaged", id="cut short webp"),
        pytest.param(pictures.heic()[:-200], "damaged", id="cut short heic"),
    ],
)
def test_what_is_no_photo_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(PhotoRefused) as refused:
        decode(data)
    assert refused.value.reason == reason
    assert str(refused.value).count(".") >= 2, "it says what is wrong and what to do"


def test_nothing_of_place_camera_or_comment_is_left() -> None:
    source = pictures.with_secrets()
    assert b"SecretPhone" in source
    picture = decode(source)
    for data in (picture.jpeg, picture.thumbnail):
        kept = opened(data)
        assert not kept.getexif()
        assert not {"exif", "icc_profile", "xmp", "comment", "photoshop"} & kept.info.keys()
        for secret in (b"Secret", b"Exif", b"ICC_PROFILE", b"http://ns.adobe.com", b"GPS"):
            assert secret not in data


@pytest.mark.parametrize(
    ("taken", "offset", "expected"),
    [
        ("2026:11:20 14:05:00", "", "2026-11-20T14:05:00"),
        ("2026:11:20 14:05:00", "-05:00", "2026-11-20T14:05:00-05:00"),
    ],
)
def test_the_cameras_time_is_kept(taken: str, offset: str, expected: str) -> None:
    assert decode(pictures.with_secrets(taken, offset)).taken == expected


def test_a_picture_without_a_time_has_none() -> None:
    assert decode(pictures.jpeg()).taken is None


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_picture_is_turned_upright(orientation: int) -> None:
    kept = opened(decode(pictures.with_secrets(orientation=orientation)).jpeg)
    dark = [
        place
        for place, at in {
            "left": (5, kept.height // 2),
            "right": (kept.width - 5, kept.height // 2),
            "top": (kept.width // 2, 5),
            "bottom": (kept.width // 2, kept.height - 5),
        }.items()
        if sum(kept.getpixel(at)) < 250
    ]
    expected = {1: "left", 3: "right", 6: "top", 8: "bottom"}[orientation]
    assert expected in dark
    assert {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[expected] not in dark


def test_wide_colours_are_converted_before_their_profile_is_dropped() -> None:
    def red_and_blue(**options: bytes) -> tuple[int, int]:
        red, _, blue = opened(decode(pictures.jpeg("salmon", **options)).jpeg).getpixel((300, 100))
        return red, blue

    red, blue = red_and_blue()
    wide_red, wide_blue = red_and_blue(icc_profile=pictures.profile(swapped=True))
    assert red > blue + 50
    assert wide_blue > wide_red + 50
    assert red_and_blue(icc_profile=b"no profile") == (red, blue)


def test_a_very_large_picture_is_kept_smaller() -> None:
    picture = decode(pictures.encoded(pictures.still(size=(6000, 3000)), quality=30))
    assert (picture.width, picture.height) == (LONGEST_SIDE, LONGEST_SIDE // 2)
    assert MAX_PIXELS > 6000 * 3000


def test_the_same_file_gives_the_same_bytes() -> None:
    assert decode(pictures.with_secrets()) == decode(pictures.with_secrets())
