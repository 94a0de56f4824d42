"""Photos on the mobile check-in page: kept as texted ones are, and a wrong file costs no answer beside it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from bot import clock
from bot.clinic.models import Treatment
from bot.db.engine import transaction
from bot.followup.models import CheckIn, CheckInStatus
from bot.links import service as links
from bot.messaging.models import Direction, Message
from bot.patient_pages import forms, photos
from bot.patient_pages import submit as submitting
from bot.photos import files
from bot.photos.errors import MAX_BYTES
from bot.photos.models import Photo, PhotoArrival
from bot.protocols.catalogue import catalogue
from bot.records.models import AssessmentRecord
from bot.triage.types import Tier
from tests.support import pictures
from tests.support.desk import PAT, Desk
from tests.support.patient_page import browser, link_for, once_of, send_check_in

#: Answers of somebody who is well and pleased, to the check-in of month 3.
PLEASED: dict[str, Any] = {"overall": "1", "lumps": "0", "satisfaction": "8", "gais": "2"}


@pytest.fixture
def phone() -> TestClient:
    return browser()


@pytest.fixture
def check_in(desk: Desk) -> CheckIn:
    """Pat's check-in of month 3, which asks for photos, sent."""
    return send_check_in(desk, day=91)


@pytest.fixture
def path(check_in: CheckIn) -> str:
    return link_for(subject_id=check_in.id)


def now_of(desk: Desk, check_in: CheckIn) -> CheckIn:
    return desk.rows(CheckIn, id=check_in.id)[0]


def send(phone: TestClient, path: str, chosen: dict[str, bytes], once: str = "", **changes: Any) -> Response:
    """Fill the page in, choose a file for some views, and send it as a browser does."""
    once = once or once_of(phone.get(path).text)
    uploads = {f"photo-{view}": (f"{view}.jpg", data, "image/jpeg") for view, data in chosen.items()}
    return phone.post(path, data={"once": once, **PLEASED, **changes}, files=uploads)


def picture_messages(desk: Desk) -> list[Message]:
    return desk.rows(Message, question="checkin.photo", direction=Direction.IN)


def test_the_page_asks_for_the_views_of_the_treated_area_with_the_camera(
    desk: Desk, phone: TestClient, path: str
) -> None:
    page = phone.get(path).text
    fields = re.findall(
        r'<input type="file" id="photo-(\w+)" name="photo-\1" accept="image/\*" capture="user"', page
    )
    (treatment,) = desk.rows(Treatment)[:1]
    wanted = catalogue().photo_views
    assert fields == [
        *dict.fromkeys(view for area in treatment.areas for view in wanted.get(area, wanted["default"]).views)
    ]
    assert 'enctype="multipart/form-data"' in page
    assert "look straight into the camera" in page
    assert "You may leave this out." in page


def test_hands_are_photographed_with_the_camera_that_looks_away(
    desk: Desk, phone: TestClient, path: str
) -> None:
    with transaction() as session:
        for treatment in session.query(Treatment):
            treatment.areas = ["hands"]
    page = phone.get(path).text
    assert re.findall(r'name="photo-(\w+)"', page) == ["hands_back"]
    assert 'capture="environment"' in page


def test_an_early_check_in_asks_for_none(desk: Desk, phone: TestClient) -> None:
    page = phone.get(link_for(subject_id=send_check_in(desk).id)).text
    assert 'type="file"' not in page


def test_photos_become_one_message_of_the_thread_and_are_triaged_and_kept(
    desk: Desk, phone: TestClient, check_in: CheckIn, path: str
) -> None:
    chosen = {"front": pictures.with_secrets(), "left_45": pictures.heic()}
    assert send(phone, path, chosen).status_code == 200
    assert now_of(desk, check_in).status is CheckInStatus.ANSWERED
    assert now_of(desk, check_in).answers["photo"]["value"] == "sent"
    (message,) = picture_messages(desk)
    assert (message.body, len(message.media)) == ("", 2)
    (assessed,) = desk.rows(AssessmentRecord, message_id=message.id)
    assert (assessed.tier, assessed.findings[0]["rule"]) == (Tier.T3, "answer.media-asked")
    kept = {photo.view: photo for photo in desk.rows(Photo)}
    assert set(kept) == {"front", "left_45"}
    assert b"Secret" not in files.read(kept["front"].clinic_id, kept["front"].sha256)
    assert len(desk.rows(PhotoArrival, message_id=message.id)) == 2
    assert all(photo.patient_id == check_in.patient_id for photo in kept.values())


def test_consent_to_comparing_is_asked_afterwards_as_for_texted_photos(
    desk: Desk, phone: TestClient, path: str
) -> None:
    send(phone, path, {"front": pictures.jpeg()})
    assert desk.rows(Message, content_id="photos.consent") == []
    desk.advance(minutes=16)
    assert len(desk.rows(Message, content_id="photos.consent")) == 1
    assert "your photos" in desk.texts_to(PAT)[-1]


def test_without_a_photo_nothing_is_missing(
    desk: Desk, phone: TestClient, check_in: CheckIn, path: str
) -> None:
    once = once_of(phone.get(path).text)
    left_alone = {"photo-front": ("", b"", "application/octet-stream")}  # what a browser sends then
    assert phone.post(path, data={"once": once, **PLEASED}, files=left_alone).status_code == 200
    assert now_of(desk, check_in).status is CheckInStatus.ANSWERED
    assert "photo" not in now_of(desk, check_in).answers


@pytest.mark.parametrize(
    ("data", "words", "spanish"),
    [
        pytest.param(b"%PDF-1.7 this is no picture", "not a photo", "no es una foto", id="no photo"),
        pytest.param(
            b"\xff\xd8" + b"\0" * (MAX_BYTES + 5), "larger than 20 MB", "más de 20 MB", id="too big"
        ),
        pytest.param(pictures.bomb(), "64 million pixels", "64 millones de píxeles", id="bomb"),
        pytest.param(pictures.jpeg()[:-300], "damaged", "dañada", id="cut short"),
        pytest.param(pictures.film("GIF"), "moving picture", "imagen en movimiento", id="film"),
        pytest.param(b"", "empty", "vacío", id="empty"),
    ],
)
def test_a_wrong_file_is_said_in_the_patients_language_and_the_answers_are_kept(
    desk: Desk, phone: TestClient, check_in: CheckIn, path: str, data: bytes, words: str, spanish: str
) -> None:
    page = send(phone, path, {"front": data, "left_45": pictures.jpeg()}, other="all <well>")
    assert page.status_code == 422
    assert words in page.text
    assert 'href="#photo-front"' in page.text
    assert "Your answers have arrived" in page.text
    assert "all &lt;well&gt;" in page.text
    answers = now_of(desk, check_in).answers
    assert now_of(desk, check_in).status is CheckInStatus.ANSWERED, "a photo is not needed"
    assert (answers["satisfaction"]["value"], answers["photo"]["value"]) == (8, "sent")
    assert [photo.view for photo in desk.rows(Photo)] == ["left_45"], "the good one beside it is kept"
    again = send(phone, f"{path}?lang=es", {"front": data}, once=once_of(page.text))
    assert spanish in again.text

    done = send(phone, path, {"front": pictures.jpeg("tan")}, once=once_of(page.text))
    assert done.status_code == 200
    assert {photo.view for photo in desk.rows(Photo)} == {"front", "left_45"}
    lumps = desk.rows(Message, check_in_id=check_in.id, question="checkin.lumps")
    assert len(lumps) == 1, "what had arrived is not stored again"


def test_a_form_sent_twice_keeps_its_photo_once(desk: Desk, phone: TestClient, path: str) -> None:
    once = once_of(phone.get(path).text)
    for _ in range(2):
        assert send(phone, path, {"front": pictures.jpeg()}, once=once).status_code == 200
    assert len(picture_messages(desk)) == len(desk.rows(Photo)) == 1
    assert "We have received a photo from you" in phone.get(path).text


def test_a_danger_sign_does_not_wait_for_pictures_to_be_decoded(
    desk: Desk, phone: TestClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paged = []

    def slow(*_args: object) -> dict[str, Any]:
        paged.extend(alert.tier for alert in desk.alerts())
        raise OSError("the disk is full")

    monkeypatch.setattr(photos, "as_media", slow)
    page = send(phone, path, {"front": pictures.jpeg()}, other="one eye went blurry")
    assert paged == [Tier.T0]
    assert page.text.index("911") < page.text.index("could not store this photo")


def test_what_comes_too_late_is_kept_too(desk: Desk, phone: TestClient, path: str) -> None:
    once = once_of(phone.get(path).text)
    clock.advance(links.LASTS)
    page = send(phone, path, {"front": pictures.jpeg(), "left_45": b"no picture"}, once=once)
    assert page.status_code == 410
    assert "not a photo" in page.text
    assert [photo.view for photo in desk.rows(Photo)] == ["front"]


def test_no_more_of_a_file_is_kept_than_shows_that_it_is_too_large(
    desk: Desk, phone: TestClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []

    def weigh(_clinic_id: str, sent: list[photos.Sent]) -> tuple[list[Any], dict[str, str]]:
        held.extend(len(one.file.file.read()) for one in sent)
        return [], {}

    monkeypatch.setattr("bot.patient_pages.check_in.keep", weigh)
    send(phone, path, {"front": b"x" * (MAX_BYTES + 3_000_000)})
    assert held == [MAX_BYTES + 1]


@pytest.mark.parametrize("to", ["a stranger's", "more than any form"])
def test_millions_of_bytes_are_read_for_a_check_in_only_and_not_without_end(
    desk: Desk, phone: TestClient, path: str, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if to == "more than any form":
        monkeypatch.setattr(forms, "PHOTO_FORM_LIMIT", 90_000)
    address = "/p/" + "x" * 22 if to == "a stranger's" else path
    page = send(phone, address, {"front": b"x" * 100_000}, once="x")
    assert page.status_code == 413
    assert "fewer or smaller photos" in page.text
    assert picture_messages(desk) == []


def test_when_the_record_is_away_the_answers_come_back_and_the_photo_is_asked_for_again(
    desk: Desk, phone: TestClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_more: object) -> None:
        raise RuntimeError("the database is away")

    once = once_of(phone.get(path).text)
    monkeypatch.setattr(submitting, "transaction", away)
    page = send(phone, path, {"front": pictures.jpeg()}, once=once, other="my words")
    assert page.status_code == 503
    assert 'name="other" value="my words"' in page.text
    assert "Only photos are not on this page any more" in page.text
