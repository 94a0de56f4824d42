"""The simulated carrier keeps what it is given, reports how it ended, and fails as told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot import clock
from bot.channels.base import CarrierError, Inbound, Outbound, OutcomeUnknown
from bot.channels.simulator.carrier import UNREACHABLE, SimulatedCarrier, UnknownNumber
from bot.messaging.models import Channel, Status

CLINIC, PATIENT = "+15550100100", "+15550100111"
TEXT = Outbound("m1", CLINIC, PATIENT, "How are you today?")


class Desk:
    """The clinic's side: what it was told. `ready` False: it does not know the id yet."""

    def __init__(self) -> None:
        self.statuses: list[tuple[str, Status, str]] = []
        self.messages: list[Inbound] = []
        self.ready = True
        self.trouble: Exception | None = None
        self.told = threading.Event()

    def on_status(self, provider_id: str, status: Status, error_code: str) -> bool:
        if not self.ready:
            return False
        self.statuses.append((provider_id, status, error_code))
        self.told.set()
        return True

    def on_message(self, inbound: Inbound) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.messages.append(inbound)
        self.told.set()


@pytest.fixture
def desk() -> Desk:
    return Desk()


def open_carrier(path: Path, desk: Desk, *, auto_deliver: bool = False) -> SimulatedCarrier:
    return SimulatedCarrier(
        path, auto_deliver=auto_deliver, on_status=desk.on_status, on_message=desk.on_message
    )


@pytest.fixture
def carrier(tmp_path: Path, desk: Desk) -> Iterator[SimulatedCarrier]:
    opened = open_carrier(tmp_path / "carrier.db", desk)
    yield opened
    opened.close()


def test_a_text_is_sent_then_delivered_and_reported(carrier: SimulatedCarrier, desk: Desk) -> None:
    sent = carrier.send(TEXT)
    assert sent.status is Status.SENT
    assert sent.provider_id.startswith("SM")
    assert len(sent.provider_id) == 34
    int(sent.provider_id[2:], 16)
    carrier.deliver(sent.provider_id)
    assert desk.statuses == [(sent.provider_id, Status.DELIVERED, "")]
    (text,) = carrier.inbox_of(PATIENT)
    assert (text.body, text.status) == (TEXT.body, Status.DELIVERED)


def test_delivery_is_reported_by_itself_a_moment_later(tmp_path: Path, desk: Desk) -> None:
    carrier = open_carrier(tmp_path / "carrier.db", desk, auto_deliver=True)
    sent = carrier.send(TEXT)
    assert desk.statuses == [], "the report comes after the answer, not within it"
    assert desk.told.wait(10)
    carrier.close()
    assert desk.statuses == [(sent.provider_id, Status.DELIVERED, "")]


def test_the_report_is_repeated_until_our_side_knows_the_id(tmp_path: Path, desk: Desk) -> None:
    carrier = open_carrier(tmp_path / "carrier.db", desk, auto_deliver=True)
    desk.ready = False
    carrier.send(TEXT)
    time.sleep(0.8)
    desk.ready = True
    assert desk.told.wait(10)
    carrier.close()


def test_a_text_in_the_air_when_our_process_dies_still_ends(tmp_path: Path, desk: Desk) -> None:
    path = tmp_path / "carrier.db"
    before = open_carrier(path, Desk())
    sent = before.send(TEXT)
    before.close()
    after = open_carrier(path, desk, auto_deliver=True)
    assert desk.told.wait(10)
    assert after.find(TEXT, clock.now() - timedelta(minutes=1)) is not None
    after.close()
    assert desk.statuses == [(sent.provider_id, Status.DELIVERED, "")]


@pytest.mark.parametrize("permanent", [True, False])
def test_a_refused_text_is_not_kept(carrier: SimulatedCarrier, permanent: bool) -> None:
    carrier.refuse_next("21610", permanent=permanent)
    with pytest.raises(CarrierError) as refused:
        carrier.send(TEXT)
    assert (refused.value.code, refused.value.permanent) == ("21610", permanent)
    assert carrier.inbox_of(PATIENT) == []
    assert carrier.send(TEXT).status is Status.SENT, "only as many texts as were asked for are refused"


def test_a_lost_answer_leaves_a_text_that_can_be_found(carrier: SimulatedCarrier) -> None:
    since = clock.now()
    carrier.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        carrier.send(TEXT)
    found = carrier.find(TEXT, since)
    assert found is not None
    assert found.provider_id == carrier.inbox_of(PATIENT)[0].provider_id


def test_an_answer_lost_before_the_text_was_taken_leaves_nothing(carrier: SimulatedCarrier) -> None:
    since = clock.now()
    carrier.lose_next_answer(taken=False)
    with pytest.raises(OutcomeUnknown):
        carrier.send(TEXT)
    assert carrier.find(TEXT, since) is None


def test_find_looks_at_addresses_words_and_time(carrier: SimulatedCarrier) -> None:
    since = clock.now()
    carrier.send(TEXT)
    assert carrier.find(TEXT, since) is not None
    assert carrier.find(TEXT, clock.now() + timedelta(seconds=1)) is None
    assert carrier.find(Outbound("m2", CLINIC, "+15550100112", TEXT.body), since) is None
    assert carrier.find(Outbound("m3", CLINIC, PATIENT, "Other words"), since) is None
    assert carrier.find(Outbound("m4", "+15550100999", PATIENT, TEXT.body), since) is None


def test_a_phone_that_is_off_gets_nothing(carrier: SimulatedCarrier, desk: Desk) -> None:
    carrier.switch(PATIENT, on=False)
    sent = carrier.send(TEXT)
    carrier.deliver(sent.provider_id)
    assert desk.statuses == [(sent.provider_id, Status.FAILED, UNREACHABLE)]
    assert carrier.inbox_of(PATIENT) == []
    assert [phone.on for phone in carrier.phones() if phone.number == PATIENT] == [False]
    assert carrier.thread_of(PATIENT)[0].status is Status.FAILED


def test_a_phones_text_reaches_the_clinic_with_the_carriers_id(carrier: SimulatedCarrier, desk: Desk) -> None:
    photo = {"content_type": "image/jpeg"}
    text = carrier.receive(PATIENT, CLINIC, "hola", [photo])
    assert desk.messages == [Inbound(Channel.SMS, text.provider_id, CLINIC, PATIENT, "hola", [photo])]
    assert text.status is Status.DELIVERED


def test_carriers_repeat_themselves_under_the_same_id(carrier: SimulatedCarrier, desk: Desk) -> None:
    text = carrier.receive(PATIENT, CLINIC, "hello")
    carrier.repeat(text.provider_id)
    assert [message.provider_id for message in desk.messages] == [text.provider_id] * 2


def test_a_text_to_nobodys_number_ends_as_undeliverable(carrier: SimulatedCarrier, desk: Desk) -> None:
    desk.trouble = UnknownNumber("nobody")
    assert carrier.receive(PATIENT, "+15550100999", "hello").status is Status.FAILED


def test_a_phones_text_survives_a_clinic_that_is_down(tmp_path: Path, desk: Desk) -> None:
    path = tmp_path / "carrier.db"
    carrier = open_carrier(path, desk)
    desk.trouble = RuntimeError("down")
    with pytest.raises(RuntimeError):
        carrier.receive(PATIENT, CLINIC, "my lip is white")
    carrier.close()
    desk.trouble = None
    again = open_carrier(path, desk, auto_deliver=True)
    assert desk.told.wait(10)
    again.close()
    assert [message.body for message in desk.messages] == ["my lip is white"]


def test_many_threads_can_send_at_once(carrier: SimulatedCarrier) -> None:
    texts = [Outbound(f"m{n}", CLINIC, PATIENT, f"text {n}") for n in range(24)]
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda part=part: ids.extend(carrier.send(t).provider_id for t in part))
        for part in (texts[:8], texts[8:16], texts[16:])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 24
    assert {text.body for text in carrier.inbox_of(PATIENT)} == {text.body for text in texts}
