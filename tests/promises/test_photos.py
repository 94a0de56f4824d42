"""A photo that somebody sends is never lost, never more than a photo, and never somebody else's."""

from __future__ import annotations

import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from bot import clock
from bot.channels.base import CarrierError, Inbound, MediaTooBig
from bot.cli import app
from bot.clinic.demo import TEXT_NUMBER
from bot.clinic.models import Clinic, Patient
from bot.db.engine import transaction
from bot.messaging import inbox, spool
from bot.messaging.models import Channel, Direction, Message
from bot.photos import fetch, files, receive
from bot.photos.errors import PhotoDamaged, PhotoRefused
from bot.photos.models import ArrivalStatus, Photo, PhotoArrival
from bot.settings import Settings
from tests.support import pictures
from tests.support.desk import ANA, PAT, STRANGER, Desk
from tests.support.sent_photos import (
    URL,
    media,
    photo_tasks,
    statuses,
)

# --- in by MMS -----------------------------------------------------------------------------------------


def test_a_photo_is_kept_without_its_metadata_beside_the_database(desk: Desk, settings: Settings) -> None:
    desk.carrier.media[URL] = pictures.with_secrets(taken="2024:02:29 14:05:00")
    receipt = desk.text(PAT, "", media=media())
    desk.settle()

    (photo,) = desk.rows(Photo)
    (arrival,) = desk.rows(PhotoArrival)
    assert (arrival.status, arrival.photo_id) == (ArrivalStatus.KEPT, photo.id)
    assert arrival.message_id == receipt.message_id
    file = settings.var_dir / "photos" / photo.clinic_id / photo.sha256[:2] / f"{photo.sha256}.jpg"
    assert Image.open(io.BytesIO(file.read_bytes())).size == (photo.width, photo.height)
    assert b"Secret" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0, "nobody else on the machine may read it"
    assert photo.taken_at is not None
    assert photo.taken_at.isoformat() == "2024-02-29T19:05:00+00:00", "the camera's time is the patient's"
    assert photo.received_at == desk.message(receipt.message_id).created_at


def test_a_photo_alone_still_goes_through_triage_before_it_is_fetched(desk: Desk) -> None:
    desk.text(PAT, "", media=media())
    (alert,) = desk.alerts()
    assert alert.tier in ("T1", "T2")
    assert statuses(desk) == [ArrivalStatus.WAITING]


def test_a_photo_that_cannot_be_had_is_tried_again_until_it_is_there(desk: Desk) -> None:
    desk.text(PAT, "", media=media())
    desk.settle()
    for wait in fetch.RETRY_AFTER[:3]:
        assert statuses(desk) == [ArrivalStatus.WAITING]
        desk.advance(seconds=wait.total_seconds() - 2)
        before = desk.rows(PhotoArrival)[0].attempts
        desk.advance(seconds=3)
        assert desk.rows(PhotoArrival)[0].attempts == before + 1
    desk.carrier.media[URL] = pictures.jpeg()
    desk.advance(hours=1)
    assert statuses(desk) == [ArrivalStatus.KEPT]
    assert photo_tasks(desk) == []


def test_a_photo_that_cannot_be_had_for_a_day_ends_with_a_task_and_the_message_stays(desk: Desk) -> None:
    receipt = desk.text(PAT, "look at this", media=media())
    desk.settle()
    for wait in fetch.RETRY_AFTER:
        desk.advance(seconds=wait.total_seconds() + 1)
    assert statuses(desk) == [ArrivalStatus.LOST]
    assert photo_tasks(desk) == ["photo: unreachable"]
    assert desk.message(receipt.message_id).body == "look at this"
    attempts = desk.rows(PhotoArrival)[0].attempts
    desk.advance(days=2)
    assert desk.rows(PhotoArrival)[0].attempts == attempts, "what is settled is left alone"


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        pytest.param(b"<html>sign in</html>", ArrivalStatus.REFUSED, "not_a_photo", id="a page"),
        pytest.param(pictures.film("GIF"), ArrivalStatus.REFUSED, "moving", id="moving"),
        pytest.param(pictures.bomb(), ArrivalStatus.REFUSED, "too_many_pixels", id="bomb"),
        pytest.param(pictures.jpeg()[:-300], ArrivalStatus.REFUSED, "damaged", id="cut short"),
        pytest.param(b"", ArrivalStatus.REFUSED, "empty", id="empty"),
        pytest.param(MediaTooBig(), ArrivalStatus.REFUSED, "too_big", id="too big"),
        pytest.param(CarrierError("gone", permanent=True), ArrivalStatus.LOST, "gone", id="removed"),
    ],
)
def test_a_file_that_is_no_photo_goes_to_staff_and_its_sender_is_told(
    desk: Desk, answer: Any, status: ArrivalStatus, reason: str
) -> None:
    desk.carrier.media[URL] = answer
    desk.text(STRANGER, "hello there", media=media())
    desk.settle()
    (arrival,) = desk.rows(PhotoArrival)
    assert (arrival.status, arrival.reason, arrival.photo_id) == (status, reason, None)
    assert photo_tasks(desk) == [f"photo: {reason}"]
    assert sum("could not open" in text for text in desk.texts_to(STRANGER)) == 1


def test_several_wrong_files_are_said_once_and_the_right_one_among_them_is_kept(desk: Desk) -> None:
    desk.carrier.media |= {"a": b"%PDF-1.7", "b": pictures.jpeg(), "c": b"nonsense"}
    desk.text(STRANGER, "three files", media=media("a", "b", "c"))
    desk.settle()
    assert statuses(desk) == [ArrivalStatus.REFUSED, ArrivalStatus.KEPT, ArrivalStatus.REFUSED]
    assert sum("could not open" in text for text in desk.texts_to(STRANGER)) == 1
    assert len(photo_tasks(desk)) == 2


def test_a_video_is_not_even_fetched(desk: Desk) -> None:
    desk.carrier.media[URL] = AssertionError("it was asked for")
    desk.text(STRANGER, "film", media=media(content_type="video/3gpp"))
    desk.settle()
    assert statuses(desk) == [ArrivalStatus.REFUSED]


def test_a_file_that_is_announced_without_an_address_goes_to_staff(desk: Desk) -> None:
    desk.text(STRANGER, "", media=media(""))
    desk.settle()
    assert statuses(desk) == [ArrivalStatus.LOST]
    assert photo_tasks(desk) == ["photo: no_address"]


def test_who_has_opted_out_is_not_told_but_the_photo_is_kept(desk: Desk) -> None:
    desk.text(STRANGER, "STOP")
    desk.settle()
    desk.carrier.sent.clear()
    desk.carrier.media |= {"a": b"nonsense", "b": pictures.jpeg()}
    desk.text(STRANGER, "hello", media=media("a", "b"))
    desk.settle()
    assert statuses(desk) == [ArrivalStatus.REFUSED, ArrivalStatus.KEPT]
    assert desk.texts_to(STRANGER) == []


def test_a_disk_that_is_nearly_full_loses_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.carrier.media[URL] = pictures.jpeg()
    with monkeypatch.context() as patch:
        patch.setattr(files, "RESERVE", 10**18)
        desk.text(PAT, "", media=media())
        desk.settle()
        assert statuses(desk) == [ArrivalStatus.WAITING]
    desk.advance(minutes=1)
    assert statuses(desk) == [ArrivalStatus.KEPT]


def test_the_same_photo_sent_again_is_the_same_photo(desk: Desk) -> None:
    desk.carrier.media |= {"a": pictures.jpeg(), "b": pictures.jpeg(), "c": pictures.jpeg("salmon")}
    desk.text(PAT, "", media=media("a"))
    desk.text(PAT, "once more", media=media("b", "c"))
    desk.settle()
    first, again, other = desk.rows(PhotoArrival)
    assert first.photo_id == again.photo_id != other.photo_id
    assert len(desk.rows(Photo)) == 2


def test_the_same_picture_from_two_people_is_two_photos(desk: Desk) -> None:
    desk.carrier.media[URL] = pictures.jpeg()
    desk.text(PAT, "", media=media())
    desk.text(ANA, "", media=media())
    desk.settle()
    assert len({photo.patient_id for photo in desk.rows(Photo)}) == 2


def test_a_number_that_changed_hands_does_not_share_photos(desk: Desk) -> None:
    desk.carrier.media[URL] = pictures.jpeg()
    desk.text(PAT, "", media=media())
    desk.settle()
    with transaction() as session:
        session.query(Patient).filter_by(phone=PAT).one().phone = "+15550100172"
    desk.enrol("New", "Owner", PAT)
    desk.text(PAT, "", media=media())
    desk.settle()
    assert len({photo.patient_id for photo in desk.rows(Photo)}) == 2


@pytest.mark.parametrize(
    "taken", ["0000:00:00 00:00:00", "1970:01:01 00:00:00", "2199:01:01 00:00:00", "yesterday", "\0\0"]
)
def test_an_impossible_camera_time_is_no_time(desk: Desk, taken: str) -> None:
    desk.carrier.media[URL] = pictures.with_secrets(taken=taken)
    desk.text(PAT, "", media=media())
    desk.settle()
    (photo,) = desk.rows(Photo)
    assert photo.taken_at is None
    assert photo.shown_at == photo.received_at


def test_it_works_the_same_on_both_databases(either_record: str) -> None:
    desk = Desk.of_demo_clinic()
    desk.carrier.media |= {"a": pictures.jpeg(), "b": pictures.jpeg()}
    desk.text(PAT, "", media=media("a", "b", "c"))
    desk.settle()
    assert statuses(desk) == [ArrivalStatus.KEPT, ArrivalStatus.KEPT, ArrivalStatus.WAITING]
    assert len(desk.rows(Photo)) == 1
    desk.advance(minutes=16)
    assert desk.rows(Photo)[0].ask_consent_at > clock.now(), "an alert is open: asked for consent later"


# --- bytes that come straight to us ---------------------------------------------------------------------


def from_a_page(desk: Desk, data: bytes, view: str | None = None, key: str = "page-0001") -> inbox.Receipt:
    inbound = Inbound(Channel.SMS, key, TEXT_NUMBER, PAT, "day 3")
    return receive.receive(inbound, desk.rows(Clinic)[0].id, data, view)


def test_a_photo_from_a_page_is_in_the_record_with_its_message(desk: Desk) -> None:
    receipt = from_a_page(desk, pictures.jpeg(), "left_45")
    (photo,) = desk.rows(Photo)
    (arrival,) = desk.rows(PhotoArrival)
    assert (arrival.message_id, arrival.status) == (receipt.message_id, ArrivalStatus.KEPT)
    assert (photo.view, photo.view_by_id) == ("left_45", None)
    assert from_a_page(desk, pictures.jpeg(), "left_45").duplicate
    assert len(desk.rows(PhotoArrival)) == 1


def test_one_message_can_bring_the_whole_set_of_views(desk: Desk) -> None:
    clinic_id = desk.rows(Clinic)[0].id
    views = ("front", "left_45", "right_45")
    colours = ("red", "tan", "pink")
    items = [
        receive.as_media(clinic_id, pictures.jpeg(colour), view)
        for colour, view in zip(colours, views, strict=True)
    ]
    inbox.receive(Inbound(Channel.SMS, "set-0001", TEXT_NUMBER, PAT, "", items))
    assert [photo.view for photo in desk.rows(Photo)] == list(views)


def test_a_view_that_does_not_exist_is_left_open(desk: Desk) -> None:
    from_a_page(desk, pictures.jpeg(), "from_the_moon")
    assert desk.rows(Photo)[0].view is None


def test_a_wrong_file_from_a_page_is_refused_and_nothing_is_stored(desk: Desk) -> None:
    before = len(desk.rows(Message))
    with pytest.raises(PhotoRefused, match="Send a JPEG"):
        from_a_page(desk, b"GIF89a nonsense" * 3)
    assert len(desk.rows(Message)) == before


def test_with_the_database_away_a_photo_waits_on_disk_and_is_read_in(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        def away(inbound: Inbound) -> inbox.Receipt:
            raise OperationalError("INSERT", {}, Exception("away"))

        patch.setattr(inbox, "store", away)
        assert from_a_page(desk, pictures.jpeg(), "front").message_id == ""
    assert len(list(spool.waiting())) == 1
    desk.settle()
    (photo,) = desk.rows(Photo)
    assert photo.view == "front"
    assert files.read(photo.clinic_id, photo.sha256)


# --- files ---------------------------------------------------------------------------------------------


def test_a_write_that_is_cut_short_leaves_no_half_file(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(self: Path, target: Path) -> Path:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", cut)
        with pytest.raises(OSError, match="Input"):
            files.save("c1", b"picture")
    assert [path for path in (settings.var_dir / "photos").rglob("*") if path.is_file()] == []
    sha256 = files.save("c1", b"picture")
    assert files.read("c1", sha256) == b"picture"


def test_a_changed_file_is_noticed_when_it_is_read_and_mended_when_it_comes_again(settings: Settings) -> None:
    sha256 = files.save("c1", b"picture")
    files.path_of("c1", sha256).write_bytes(b"pictur3")
    with pytest.raises(PhotoDamaged, match="checksum"):
        files.read("c1", sha256)
    assert files.save("c1", b"picture") == sha256
    assert files.read("c1", sha256) == b"picture"


def test_verify_names_missing_and_damaged_files(desk: Desk) -> None:
    run = CliRunner().invoke
    desk.carrier.media |= {"a": pictures.jpeg("red"), "b": pictures.jpeg("tan"), "c": pictures.jpeg("pink")}
    desk.text(PAT, "", media=media("a", "b", "c"))
    desk.settle()
    sound = run(app, ["photos", "verify"])
    assert (sound.exit_code, sound.output) == (0, "3 photos, all in order.\n")

    missing, damaged, whole = desk.rows(Photo)
    files.path_of(missing.clinic_id, missing.sha256).unlink()
    files.path_of(damaged.clinic_id, damaged.thumb_sha256).write_bytes(b"x")
    result = run(app, ["photos", "verify"])
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == [f"photo {missing.id}", f"photo {damaged.id}"]
    assert "missing" in lines[0]
    assert "changed" in lines[1]
    assert lines[2] == "2 photos are damaged, 1 are in order. Restore the files from a backup."
    assert whole.id not in result.output


def test_what_is_spooled_holds_no_picture(desk: Desk) -> None:
    item = receive.as_media(desk.rows(Clinic)[0].id, pictures.jpeg())
    inbound = Inbound(Channel.SMS, "x", TEXT_NUMBER, PAT, "", [item])
    assert len(spool.keep(asdict(inbound)).read_bytes()) < 2_000


def test_in_messages_are_counted_once(desk: Desk) -> None:
    """The dialogue hears a photo with words as those words, and is not run a second time for the file."""
    desk.carrier.media[URL] = pictures.jpeg()
    desk.text(STRANGER, "hello", media=media())
    desk.settle()
    assert len(desk.rows(Message, direction=Direction.IN)) == 1
    assert desk.dialogue is not None
    assert [text for text, _ in desk.dialogue.heard] == ["hello"]
