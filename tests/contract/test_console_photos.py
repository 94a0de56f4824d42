"""Photos in the console: for signed-in staff of the clinic alone, by day and view, and side by side."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import select

from bot import clock
from bot.clinic.models import Consent, ConsentPurpose, Patient, Treatment
from bot.db.engine import transaction
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, Status
from bot.photos import files, keep
from bot.photos.arrivals import expect
from bot.photos.errors import MEANING
from bot.photos.models import ArrivalStatus, Photo, PhotoArrival
from bot.records.models import StaffTask, TaskKind
from tests.contract import console_clinic
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World
from tests.support import pictures


def sent(
    world: World, key: str, minutes: int, *colours: str, view: str | None = None, body: str = ""
) -> list[str]:
    """The patient sent these pictures so many minutes ago. Returns the photos' ids."""
    with transaction() as session:
        patient = session.get_one(Patient, world.patients[key])
        items = [
            keep.on_disk(patient.clinic_id, pictures.jpeg(colour), view).as_media() for colour in colours
        ]
        row = console_clinic.message(session, patient, body, minutes, media=items)
        expect(session, row)
        query = select(PhotoArrival.photo_id).where(PhotoArrival.message_id == row.id)
        return [str(found) for found in session.scalars(query.order_by(PhotoArrival.position))]


def page_of(world: World, key: str, tail: str = "") -> str:
    return f"/console/patients/{world.patients[key]}{tail}"


def agree(world: World, key: str, *, granted: bool = True) -> None:
    with transaction() as session:
        patient = session.get_one(Patient, world.patients[key])
        session.add(
            Consent(
                clinic_id=patient.clinic_id,
                patient_id=patient.id,
                purpose=ConsentPurpose.PHOTOS,
                granted=granted,
                wording_version="photos.consent-1",
                channel="sms",
            )
        )


# --- the pictures --------------------------------------------------------------------------------------


def test_a_picture_is_served_to_signed_in_staff_and_kept_by_no_cache(world: World, nurse: TestClient) -> None:
    (photo,) = sent(world, "pat", 30, "tan")
    for path in (f"/console/photos/{photo}.jpg", f"/console/photos/{photo}/thumbnail.jpg"):
        answer = nurse.get(path)
        assert answer.status_code == 200
        assert Image.open(io.BytesIO(answer.content)).format == "JPEG"
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "Pat" not in str(answer.headers)


@pytest.mark.parametrize("path", ["/console/photos/{}.jpg", "/console/photos/{}/thumbnail.jpg"])
def test_nobody_else_sees_a_picture(world: World, path: str) -> None:
    (photo,) = sent(world, "pat", 30, "tan")
    address = path.format(photo)
    nobody = client_for("nurse")
    nobody.cookies.clear()
    out = nobody.get(address, follow_redirects=False)
    assert (out.status_code, out.headers["location"].split("?")[0]) == (303, "/console/sign-in")
    stranger = client_for("stranger").get(address)
    assert stranger.status_code == 404
    assert stranger.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("tail", ["/photos", "/photos/compare"])
def test_another_clinics_patient_is_not_there(world: World, nurse: TestClient, tail: str) -> None:
    sent(world, "foreign", 30, "tan")
    assert nurse.get(page_of(world, "foreign", tail)).status_code == 404


def test_another_clinic_can_change_nothing(world: World) -> None:
    (photo,) = sent(world, "pat", 30, "tan")
    stranger = client_for("stranger")
    assert post(stranger, f"/console/photos/{photo}/view", view="front").status_code == 404
    assert post(stranger, page_of(world, "pat", "/photo-consent"), granted="yes").status_code == 404
    with transaction() as session:
        assert session.get_one(Photo, photo).view is None
        assert session.scalars(select(Consent).where(Consent.purpose == ConsentPurpose.PHOTOS)).all() == []


@pytest.mark.parametrize("what", ["missing", "changed"])
def test_a_damaged_file_is_never_shown(world: World, nurse: TestClient, what: str) -> None:
    (photo_id,) = sent(world, "pat", 30, "tan")
    with transaction() as session:
        photo = session.get_one(Photo, photo_id)
    path = files.path_of(photo.clinic_id, photo.sha256)
    if what == "missing":
        path.unlink()
    else:
        path.write_bytes(pictures.jpeg("red"))
    assert nurse.get(f"/console/photos/{photo_id}.jpg").status_code == 404


@pytest.mark.parametrize("photo_id", ["nothing", "..%2f..%2fafterglow", "a" * 200])
def test_a_strange_address_is_no_picture(nurse: TestClient, photo_id: str) -> None:
    assert nurse.get(f"/console/photos/{photo_id}.jpg").status_code == 404


# --- the pages -----------------------------------------------------------------------------------------


def test_the_patients_page_shows_photos_by_day_and_view_with_words_for_who_cannot_see(
    world: World, nurse: TestClient
) -> None:
    (old,) = sent(world, "pat", 2 * 1440, "tan", view="front")
    (new,) = sent(world, "pat", 20, "salmon")
    page = nurse.get(page_of(world, "pat")).text
    strip = page.split('class="photo-strip"')[1].split("</ul>")[0]
    assert re.findall(r"/console/photos/(\w+)\.jpg", strip) == [new, old]
    assert re.search(r'alt="Photo of Pat Sample, Front, [^"]+, day 1"', strip)
    assert re.search(r'alt="Photo of Pat Sample, View not named, [^"]+, day 3"', strip)
    assert "Consent is missing" in page


def test_the_photos_stand_with_their_message_in_the_alert_and_the_timeline(
    world: World, nurse: TestClient
) -> None:
    first, second = sent(world, "pat", 5, "tan", "salmon", body="look")
    for path in (f"/console/alerts/{world.alerts['lip']}", page_of(world, "pat", "?show=messages")):
        page = nurse.get(path).text
        shown = page.split('class="files"')[1].split("</ul>")[0]
        assert re.findall(r"/console/photos/(\w+)/thumbnail\.jpg", shown) == [first, second]
        assert re.search(r'alt="Photo 2 of the message of [^"]+"', shown)
    live = nurse.get(f"/console/alerts/{world.alerts['lip']}/live").text
    assert f"/console/photos/{first}/thumbnail.jpg" in live


def test_a_strangers_photo_is_seen_where_staff_are_asked_to_look_at_it(
    world: World, nurse: TestClient
) -> None:
    with transaction() as session:
        thread = Conversation(clinic_id=world.clinic, channel=Channel.WEB, address="visitor")
        session.add(thread)
        session.flush()
        items = [keep.on_disk(world.clinic, pictures.jpeg("tan")).as_media()]
        row = Message(
            clinic_id=world.clinic,
            conversation_id=thread.id,
            direction=Direction.IN,
            kind=Kind.PATIENT,
            channel=Channel.WEB,
            body="",
            media=items,
            status=Status.RECEIVED,
            assessed=True,
        )
        session.add(row)
        session.flush()
        expect(session, row)
        session.add(
            StaffTask(
                clinic_id=world.clinic, key="review:x", kind=TaskKind.REVIEW, message_id=row.id,
                conversation_id=thread.id,
            )
        )  # fmt: skip
        photo = session.scalars(select(Photo.id)).one()
    page = nurse.get("/console/tasks").text
    assert f'href="/console/photos/{photo}.jpg"' in page
    assert nurse.get(f"/console/photos/{photo}.jpg").status_code == 200
    assert post(nurse, f"/console/photos/{photo}/view", view="front").status_code == 404


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (ArrivalStatus.WAITING, None, "A file is being fetched"),
        (ArrivalStatus.REFUSED, "too_big", "A file was not kept: it is larger than 20 MB"),
        (ArrivalStatus.LOST, "unreachable", "A file could not be had: the carrier did not give it for a day"),
    ],
)
def test_a_file_that_is_not_here_is_said(
    world: World, nurse: TestClient, status: ArrivalStatus, reason: str | None, words: str
) -> None:
    with transaction() as session:
        patient = session.get_one(Patient, world.patients["pat"])
        row = console_clinic.message(session, patient, "", 5, media=[{"url": "x", "content_type": ""}])
        session.add(
            PhotoArrival(clinic_id=world.clinic, message_id=row.id, position=0, status=status, reason=reason)
        )
    assert words in nurse.get(f"/console/alerts/{world.alerts['lip']}").text


REASONS = (*MEANING, "gone", "unreachable", "no_address")


@pytest.mark.parametrize("reason", REASONS)
def test_a_task_says_why_a_file_is_not_there(world: World, reason: str) -> None:
    with transaction() as session:
        session.add(
            StaffTask(
                clinic_id=world.clinic,
                key=f"review:photo:{reason}",
                kind=TaskKind.REVIEW,
                patient_id=world.patients["pat"],
                note=f"photo: {reason}",
            )
        )
    for key, words in (("nurse", "could not be shown: "), ("spanish", "no se puede mostrar: ")):
        assert words in client_for(key).get("/console/tasks").text


def test_photos_of_one_day_stand_under_it_and_the_views_to_take_are_listed(
    world: World, nurse: TestClient
) -> None:
    sent(world, "pat", 2 * 1440, "tan", "salmon", view="front")
    sent(world, "pat", 10, "pink")
    page = nurse.get(page_of(world, "pat", "/photos")).text
    groups = page.split('class="photo-day"')[1:]
    assert [group.count("<figure>") for group in groups] == [1, 2]
    assert "Left side, 45 degrees" in page
    assert "turn your head to the right" in page


def test_an_area_of_its_own_has_views_of_its_own(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        treatments = select(Treatment).where(Treatment.patient_id == world.patients["pat"])
        session.scalars(treatments).one().areas = ["Hands"]
    page = nurse.get(page_of(world, "pat", "/photos")).text
    assert "<summary>Backs of both hands</summary>" in page


def test_staff_name_a_view_and_only_one_that_there_is(world: World, nurse: TestClient) -> None:
    (photo,) = sent(world, "pat", 10, "tan")
    done = post(nurse, f"/console/photos/{photo}/view", view="left_45")
    assert "The view is saved." in done.text
    with transaction() as session:
        row = session.get_one(Photo, photo)
        assert (row.view, row.view_by_id) == ("left_45", world.staff["nurse"])
    post(nurse, f"/console/photos/{photo}/view", view="<script>")
    with transaction() as session:
        assert session.get_one(Photo, photo).view is None


def test_a_form_without_its_token_changes_nothing(world: World, nurse: TestClient) -> None:
    (photo,) = sent(world, "pat", 10, "tan")
    assert nurse.post(f"/console/photos/{photo}/view", data={"view": "front"}).status_code == 403
    assert nurse.post(page_of(world, "pat", "/photo-consent"), data={"granted": "yes"}).status_code == 403


# --- side by side --------------------------------------------------------------------------------------


def compared(page: str) -> list[str]:
    return re.findall(r'<img src="/console/photos/(\w+)\.jpg"', page)


def test_the_oldest_and_the_newest_of_the_commonest_view_are_compared_first(
    world: World, nurse: TestClient
) -> None:
    agree(world, "pat")
    (first,) = sent(world, "pat", 3 * 1440, "tan", view="front")
    (middle,) = sent(world, "pat", 2 * 1440, "salmon", view="front")
    (last,) = sent(world, "pat", 1440, "pink", view="front")
    (side,) = sent(world, "pat", 10, "red", view="left_45")
    sent(world, "pat", 5, "blue", "green", "gray", "olive")
    address = page_of(world, "pat", "/photos/compare")
    assert compared(nurse.get(address).text) == [first, last]
    assert compared(nurse.get(f"{address}?view=front&first={middle}&second={last}").text) == [middle, last]
    only = nurse.get(f"{address}?view=left_45&first={first}&second={last}").text
    assert compared(only) == [side, side], "photos of another view are not mixed in"
    assert "only one photo of this view" in only
    assert compared(nurse.get(f"{address}?view=nonsense&first=x&second=y").text) == [first, last]
    page = nurse.get(f"{address}?view=").text
    assert len(compared(page)) == 2, "photos whose view nobody named can be compared too"


def test_without_photos_there_is_nothing_to_compare(world: World, nurse: TestClient) -> None:
    page = nurse.get(page_of(world, "kim", "/photos/compare"))
    assert page.status_code == 200
    assert "No photos yet" in page.text


def test_who_declined_is_not_compared_but_the_photos_stay_with_the_messages(
    world: World, nurse: TestClient
) -> None:
    (photo,) = sent(world, "pat", 10, "tan", view="front")
    agree(world, "pat", granted=False)
    page = nurse.get(page_of(world, "pat", "/photos/compare")).text
    assert compared(page) == []
    assert "The patient declined" in page
    assert f"/console/photos/{photo}.jpg" in nurse.get(page_of(world, "pat", "/photos")).text


@pytest.mark.parametrize(("said", "shown"), [("yes", "The patient agreed"), ("no", "The patient declined")])
def test_staff_record_what_the_patient_said(world: World, nurse: TestClient, said: str, shown: str) -> None:
    sent(world, "pat", 10, "tan")
    page = post(nurse, page_of(world, "pat", "/photo-consent"), granted=said)
    assert shown in page.text
    with transaction() as session:
        row = session.scalars(select(Consent).where(Consent.purpose == ConsentPurpose.PHOTOS)).one()
        assert (row.granted, row.channel) == (said == "yes", "staff")


def test_the_last_word_counts(world: World, nurse: TestClient) -> None:
    sent(world, "pat", 10, "tan")
    for said in ("yes", "no", "yes"):
        post(nurse, page_of(world, "pat", "/photo-consent"), granted=said)
    assert "The patient agreed" in nurse.get(page_of(world, "pat", "/photos")).text
    post(nurse, page_of(world, "pat", "/photo-consent"), granted="perhaps")
    assert "The patient agreed" in nurse.get(page_of(world, "pat", "/photos")).text


def test_the_pages_are_there_in_spanish(world: World) -> None:
    (photo,) = sent(world, "ana", 10, "tan", view="front")
    spanish = client_for("spanish")
    page = spanish.get(page_of(world, "ana", "/photos")).text
    assert "Falta el consentimiento" in page
    assert "De frente" in page
    assert "Comparar lado a lado" in spanish.get(page_of(world, "ana", "/photos/compare")).text
    assert f"/console/photos/{photo}.jpg" in page


# --- the chart note ------------------------------------------------------------------------------------


def test_the_chart_note_names_each_photo_with_its_times_and_view(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        patient = session.get_one(Patient, world.patients["pat"])
        taken = f"{clock.now() - timedelta(hours=2):%Y:%m:%d %H:%M:%S}"
        data = pictures.with_secrets(taken=taken, offset="+00:00")
        items = [
            keep.on_disk(world.clinic, data, "front").as_media(),
            keep.on_disk(world.clinic, pictures.jpeg("tan")).as_media(),
            {"url": "x", "content_type": "video/mp4"},
        ]
        expect(session, console_clinic.message(session, patient, "left side", 30, media=items))
        first = session.scalars(select(Photo).order_by(Photo.id)).first()
        assert first is not None
    note = nurse.get(page_of(world, "pat", "/chart-note.txt")).text
    section = note.split("PHOTOS AND OTHER FILES RECEIVED")[1]
    assert "files: 3 (image/jpeg, video/mp4)" in section
    assert re.search(r"Front · taken .+ E[SD]T by the camera's clock · day 3 · SHA-256 \w{16}", section)
    assert first.sha256[:16] in section
    assert "View not named · the camera gave no time · SHA-256" in section
    assert nurse.get(page_of(world, "pat", "/chart-note.pdf")).content.startswith(b"%PDF-")


def test_a_number_that_changed_hands_does_not_show_the_old_owners_photos(
    world: World, nurse: TestClient
) -> None:
    (photo,) = sent(world, "kim", 10, "tan")
    with transaction() as session:
        row = session.get_one(Photo, photo)
        row.patient_id = row.owner = world.patients["pat"]
        assert row.conversation.patient_id == world.patients["kim"]
    assert photo not in nurse.get(page_of(world, "kim", "/photos")).text
    assert photo in nurse.get(page_of(world, "pat", "/photos")).text
