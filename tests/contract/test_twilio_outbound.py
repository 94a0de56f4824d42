"""Texts out through Twilio's API: sent once, refused for a reason, or unknown and looked up."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import SecretStr

from bot.channels.base import Carrier, CarrierError, Outbound, OutcomeUnknown, Sent
from bot.channels.twilio.carrier import TwilioCarrier
from bot.channels.twilio.errors import is_permanent, meaning
from bot.channels.twilio.transport import Transport
from bot.messaging.models import Status
from bot.settings import Settings
from tests.contract.fake_twilio import FakeTwilio, Fault

CLINIC, PATIENT = "+15550100100", "+15550100111"
SERVICE = "MG" + "1" * 32
MESSAGE = Outbound("our-id", CLINIC, PATIENT, "¿Cómo está hoy? 👋 Conteste 0-10.")


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as twilio:
        yield twilio


def carrier_for(twilio: FakeTwilio, read_s: float = 5.0, **changes: Any) -> TwilioCarrier:
    values: dict[str, Any] = {
        "public_url": "https://desk.example.test/",
        "twilio_account_sid": twilio.account_sid,
        "twilio_auth_token": SecretStr(twilio.auth_token),
        "twilio_api_base": twilio.api_base,
    }
    settings = Settings(_env_file=None, **(values | changes))  # type: ignore[call-arg]
    return TwilioCarrier(settings, Transport(connect_s=2.0, read_s=read_s))


def just_now() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=1)


def test_a_text_goes_out_from_the_clinics_number_and_asks_for_callbacks(twilio: FakeTwilio) -> None:
    carrier: Carrier = carrier_for(twilio)
    sent = carrier.send(MESSAGE)
    record = twilio.expect_sms(PATIENT)
    assert sent == Sent(record["sid"], Status.QUEUED)
    assert twilio.requests == [
        (
            f"POST /2010-04-01/Accounts/{twilio.account_sid}/Messages.json",
            {
                "To": PATIENT,
                "From": CLINIC,
                "Body": MESSAGE.body,
                "StatusCallback": "https://desk.example.test/twilio/status",
            },
        )
    ]


def test_a_messaging_service_takes_the_place_of_the_number(twilio: FakeTwilio) -> None:
    carrier_for(twilio, twilio_messaging_service_sid=SERVICE).send(MESSAGE)
    form = twilio.requests[0][1]
    assert form["MessagingServiceSid"] == SERVICE
    assert "From" not in form


@pytest.mark.parametrize("missing", ["twilio_account_sid", "twilio_auth_token"])
def test_without_credentials_it_says_what_to_set(missing: str, twilio: FakeTwilio) -> None:
    with pytest.raises(ValueError, match="AFTERGLOW_TWILIO_ACCOUNT_SID and AFTERGLOW_TWILIO_AUTH_TOKEN"):
        carrier_for(twilio, **{missing: None})


@pytest.mark.parametrize(
    ("http_status", "code", "permanent"),
    [
        (400, 21211, True),
        (400, 21610, True),
        (400, 21614, True),
        (400, 21635, True),
        (400, 30006, True),
        (400, 21999, True),  # not known to us: the same request will be refused again
        (400, 30003, False),
        (400, 21606, False),  # the clinic's account, which somebody can put right
        (400, 21611, False),
        (401, 20003, False),
        (403, 20005, False),
        (429, 20429, False),
        (500, 20500, False),
        (503, 20503, False),
    ],
)
def test_a_refusal_says_whether_another_try_can_help(
    http_status: int, code: int, permanent: bool, twilio: FakeTwilio
) -> None:
    twilio.fail_next(Fault(http_status, code, f"The number {PATIENT} is refused"))
    with pytest.raises(CarrierError) as refused:
        carrier_for(twilio).send(MESSAGE)
    assert (refused.value.code, refused.value.permanent) == (str(code), permanent)
    assert PATIENT not in str(refused.value)
    assert refused.value.__cause__ is None, "the library's error quotes the number"
    assert refused.value.__suppress_context__
    assert twilio.messages == []
    assert len(twilio.requests) == 1, "a refusal is not repeated by the carrier itself"


def test_a_refusal_without_a_code_goes_by_its_http_status(twilio: FakeTwilio) -> None:
    for http_status in (429, 401, 302):
        twilio.fail_next(Fault(http_status, raw=b"<html>slow down</html>"))
        with pytest.raises(CarrierError) as refused:
            carrier_for(twilio).send(MESSAGE)
        assert (refused.value.code, refused.value.permanent) == (str(http_status), False)


def test_wrong_credentials_are_a_refusal_that_says_what_to_check(twilio: FakeTwilio) -> None:
    with pytest.raises(CarrierError, match="AFTERGLOW_TWILIO_ACCOUNT_SID") as refused:
        carrier_for(twilio, twilio_auth_token=SecretStr("old-token")).send(MESSAGE)
    assert (refused.value.code, refused.value.permanent) == ("20003", False)


@pytest.mark.parametrize("stored", [True, False], ids=["stored", "not stored"])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"delay_s": 1.0}, id="no answer in time"),
        pytest.param({}, id="connection closed"),
        pytest.param({"status": 201, "raw": b"<html>welcome</html>"}, id="answer is no JSON"),
        pytest.param({"status": 201, "raw": b'{"sid": "SM'}, id="answer is cut off"),
        pytest.param({"status": 201, "raw": b"[]"}, id="answer is no record"),
        pytest.param({"status": 201, "raw": b'{"status": "queued"}'}, id="answer has no id"),
        pytest.param({"status": 502, "raw": b"<html>Bad gateway</html>"}, id="gateway error"),
        pytest.param({"status": 504, "raw": b""}, id="gateway timeout"),
    ],
)
def test_an_unknown_outcome_is_settled_by_looking_it_up(
    fault: dict[str, Any], stored: bool, twilio: FakeTwilio
) -> None:
    carrier, since = carrier_for(twilio, read_s=0.3), just_now()
    twilio.fail_next(Fault(stored=stored, **fault))
    begun = time.monotonic()
    with pytest.raises(OutcomeUnknown) as unknown:
        carrier.send(MESSAGE)
    assert time.monotonic() - begun < 0.9, "a late answer is not waited for"
    assert PATIENT not in str(unknown.value)
    found = carrier.find(MESSAGE, since)
    assert found == (Sent(twilio.messages[0]["sid"], Status.QUEUED) if stored else None)
    assert sum(request.startswith("POST") for request, _ in twilio.requests) == 1


def test_when_no_connection_is_made_nothing_needs_looking_up(twilio: FakeTwilio) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        base = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(CarrierError) as refused:
            carrier_for(twilio, twilio_api_base=base).send(MESSAGE)
    assert (refused.value.code, refused.value.permanent) == ("unreachable", False)


def test_looking_up_finds_this_text_to_this_person_since_then(twilio: FakeTwilio) -> None:
    since = just_now()
    right = twilio.store({"To": PATIENT, "From": CLINIC, "Body": MESSAGE.body})
    twilio.store({"To": PATIENT, "From": CLINIC, "Body": "another text"})
    twilio.store({"To": "+15550100112", "From": CLINIC, "Body": MESSAGE.body})
    twilio.store(
        {"To": PATIENT, "From": CLINIC, "Body": MESSAGE.body}, direction="inbound", status="received"
    )
    long_ago = format_datetime(datetime.now(UTC) - timedelta(days=1))
    twilio.store(
        {"To": PATIENT, "From": CLINIC, "Body": MESSAGE.body}, date_created=long_ago, date_sent=long_ago
    )
    found = carrier_for(twilio).find(MESSAGE, since)
    assert found is not None
    assert found.provider_id == right["sid"]
    assert carrier_for(twilio).find(MESSAGE, since + timedelta(minutes=10)) is None


def test_of_two_equal_texts_the_one_nearest_in_time_is_found(twilio: FakeTwilio) -> None:
    begun = datetime.now(UTC) - timedelta(hours=2)
    for minutes in (0, 60):
        moment = format_datetime(begun + timedelta(minutes=minutes))
        twilio.store({"To": PATIENT, "Body": MESSAGE.body}, date_created=moment)
    found = carrier_for(twilio).find(MESSAGE, begun)
    assert found is not None
    assert found.provider_id == twilio.messages[1]["sid"]


@pytest.mark.parametrize(
    ("word", "status"),
    [("sent", Status.SENT), ("delivered", Status.DELIVERED), ("undelivered", Status.FAILED)],
)
def test_looking_up_tells_how_far_the_text_has_come(word: str, status: Status, twilio: FakeTwilio) -> None:
    since = just_now()
    twilio.store({"To": PATIENT, "Body": MESSAGE.body}, status=word)
    assert carrier_for(twilio).find(MESSAGE, since) == Sent(twilio.messages[0]["sid"], status)


def test_looking_up_reads_on_over_several_pages(twilio: FakeTwilio) -> None:
    twilio.page_size, since = 2, just_now()
    right = twilio.store({"To": PATIENT, "Body": MESSAGE.body})
    for number in range(5):
        twilio.store({"To": PATIENT, "Body": f"later text {number}"})
    found = carrier_for(twilio).find(MESSAGE, since)
    assert found is not None
    assert found.provider_id == right["sid"]
    assert len(twilio.requests) == 3


def test_a_trial_accounts_preamble_does_not_hide_a_text(twilio: FakeTwilio) -> None:
    since = just_now()
    twilio.store({"To": PATIENT, "Body": f"Sent from your Twilio trial account - {MESSAGE.body}"})
    assert carrier_for(twilio).find(MESSAGE, since) is not None


@pytest.mark.parametrize(
    "fault",
    [
        Fault(),
        Fault(delay_s=1.0),
        Fault(500, 20500, "oops"),
        Fault(429, 20429, "slow down"),
        Fault(200, raw=b"<html></html>"),
        Fault(200, raw=b"{}"),
        Fault(200, raw=b"[]"),
    ],
    ids=["closed", "late", "500", "429", "no JSON", "no list", "wrong shape"],
)
def test_a_failed_look_up_is_not_taken_for_a_no(fault: Fault, twilio: FakeTwilio) -> None:
    carrier, since = carrier_for(twilio, read_s=0.3), just_now()
    carrier.send(MESSAGE)
    twilio.fail_next(fault, method="GET")
    with pytest.raises(OutcomeUnknown):
        carrier.find(MESSAGE, since)
    assert carrier.find(MESSAGE, since) is not None


def test_texts_sent_at_the_same_time_get_their_own_ids(twilio: FakeTwilio) -> None:
    carrier = carrier_for(twilio)
    texts = [Outbound(f"our-{n}", CLINIC, f"+1555010{n:04d}", f"text {n}") for n in range(60)]
    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(carrier.send, texts))
    to = {m["sid"]: m["to"] for m in twilio.messages}
    assert [to[s.provider_id] for s in sent] == [text.to for text in texts]


def test_no_phone_number_or_text_reaches_the_log(
    twilio: FakeTwilio, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    carrier = carrier_for(twilio)
    carrier.send(MESSAGE)
    carrier.find(MESSAGE, just_now())
    assert "Conteste" not in caplog.text
    assert PATIENT not in caplog.text
    assert PATIENT.removeprefix("+") not in caplog.text


def test_a_callbacks_reason_tells_whether_another_try_can_help() -> None:
    assert [is_permanent(code) for code in ("30003", "30008", "30001", "39999", "")] == [False] * 5
    assert [is_permanent(code) for code in ("30006", "21610", "30005")] == [True] * 3
    assert meaning("21610") == "the recipient has opted out"
