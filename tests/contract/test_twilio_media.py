"""Files from Twilio: from the signed webhook to a photo in the record; whom the credentials are shown."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from bot import settings as app_settings
from bot.channels.base import CarrierError, MediaTooBig
from bot.channels.twilio import media
from bot.channels.twilio.carrier import TwilioCarrier
from bot.channels.twilio.router import router
from bot.clinic.demo import TEXT_NUMBER
from bot.messaging.models import Direction, Message
from bot.photos.fetch import fetch
from bot.photos.models import ArrivalStatus, Photo, PhotoArrival
from bot.settings import Settings
from tests.contract.fake_twilio import FakeTwilio, Fault
from tests.support import pictures
from tests.support.desk import PAT, Desk

PATH = "/2010-04-01/Accounts/AC0/Messages/MM1/Media/ME1"


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as mine:
        yield mine


def carrier(twilio: FakeTwilio) -> TwilioCarrier:
    return TwilioCarrier(
        Settings(
            twilio_account_sid=twilio.account_sid,
            twilio_auth_token=SecretStr(twilio.auth_token),
            twilio_api_base=twilio.api_base,
            _env_file=None,
        )
    )


def test_a_signed_mms_becomes_a_photo_of_the_patient(
    desk: Desk, settings: Settings, twilio: FakeTwilio
) -> None:
    app_settings.use_settings(
        settings.model_copy(
            update={
                "public_url": twilio.public_url,
                "twilio_auth_token": SecretStr(twilio.auth_token),
                "twilio_account_sid": twilio.account_sid,
                "twilio_api_base": twilio.api_base,
            }
        )
    )
    twilio.media |= {PATH: "/storage/ME1", "/storage/ME1": pictures.with_secrets()}
    app = FastAPI()
    app.include_router(router)
    with TestClient(app) as client:
        twilio.client = client
        url = twilio.api_base + PATH
        answer = twilio.reply("", sender=PAT, to=TEXT_NUMBER, sid="MM1", media=[(url, "image/jpeg")])
        again = twilio.reply("", sender=PAT, to=TEXT_NUMBER, sid="MM1", media=[(url, "image/jpeg")])
        forged = twilio.reply("", sender=PAT, to=TEXT_NUMBER, media=[(url, "image/jpeg")], token="wrong")
    assert (answer.status_code, again.status_code, forged.status_code) == (204, 204, 403)
    assert twilio.media_requests == [], "Twilio is answered before the file is asked for"

    (arrival,) = desk.rows(PhotoArrival)
    fetch(arrival.id, TwilioCarrier(app_settings.get_settings()))
    (photo,) = desk.rows(Photo)
    (message,) = desk.rows(Message, direction=Direction.IN)
    assert desk.rows(PhotoArrival)[0].status is ArrivalStatus.KEPT
    assert (photo.patient_id, message.provider_id) == (message.patient_id, "MM1")


def test_the_credentials_go_to_twilio_and_not_to_where_it_redirects(twilio: FakeTwilio) -> None:
    twilio.media |= {PATH: "/storage/ME1", "/storage/ME1": b"file"}
    assert carrier(twilio).fetch_media(twilio.api_base + PATH) == b"file"
    basic = "Basic " + base64.b64encode(f"{twilio.account_sid}:{twilio.auth_token}".encode()).decode()
    assert twilio.media_requests == [(PATH, basic), ("/storage/ME1", None)]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/2010-04-01/Accounts/AC0/Messages/MM1/Media/ME1",
        "https://api.twilio.com.evil.example/x",
        "https://eviltwilio.com/x",
        "http://api.twilio.com/x",
        "https://api.twilio.com@evil.example/x",
        "file:///etc/passwd",
        "http://127.0.0.1:1/x",
        "//api.twilio.com/x",
        "nonsense",
    ],
)
def test_an_address_that_is_not_twilios_is_never_asked(url: str, twilio: FakeTwilio) -> None:
    with pytest.raises(CarrierError, match="not Twilio's") as refused:
        carrier(twilio).fetch_media(url)
    assert refused.value.permanent


@pytest.mark.parametrize(("status", "permanent"), [(401, False), (404, False), (410, True), (500, False)])
def test_a_refusal_is_tried_again_unless_the_file_was_removed(
    status: int, permanent: bool, twilio: FakeTwilio
) -> None:
    twilio.fail_next(Fault(status=status), "GET")
    with pytest.raises(CarrierError) as refused:
        carrier(twilio).fetch_media(twilio.api_base + PATH)
    assert refused.value.permanent is permanent
    assert PATH not in str(refused.value), "the address opens the picture: it stays out of logs"


def test_a_broken_line_is_tried_again(twilio: FakeTwilio) -> None:
    twilio.fail_next(Fault(status=0), "GET")
    with pytest.raises(CarrierError) as refused:
        carrier(twilio).fetch_media(twilio.api_base + PATH)
    assert not refused.value.permanent
    assert PATH not in str(refused.value)


def test_a_file_over_the_limit_is_not_read_to_its_end(
    twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "MEDIA_LIMIT", 1000)
    twilio.media[PATH] = b"x" * 1001
    with pytest.raises(MediaTooBig):
        carrier(twilio).fetch_media(twilio.api_base + PATH)
    twilio.media[PATH] = b"x" * 1000
    assert len(carrier(twilio).fetch_media(twilio.api_base + PATH)) == 1000


@pytest.mark.parametrize("target", [PATH, "ftp://storage.example/ME1", "file:///etc/passwd"])
def test_redirects_end_and_lead_to_the_web_only(target: str, twilio: FakeTwilio) -> None:
    twilio.media[PATH] = target
    with pytest.raises(CarrierError, match="redirects"):
        carrier(twilio).fetch_media(twilio.api_base + PATH)
