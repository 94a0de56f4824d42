"""Pages do not wait for the sweeper: the queues run, the sweeper stands still."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.channels.base import Inbound, Outbound, Sent
from bot.clinic import demo
from bot.durable.runtime import Runtime
from bot.messaging import inbox
from bot.messaging.models import Channel
from bot.settings import Settings, use_settings
from bot.start import open_record
from tests.support.desk import NURSE, PAT, HandCarrier, HandDialogue


class HoldingCarrier(HandCarrier):
    """Holds texts to some numbers back until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.held: set[str] = set()
        self.go_on = threading.Event()

    def send(self, message: Outbound) -> Sent:
        if message.to in self.held:
            self.go_on.wait(20)
        return super().send(message)

    def texts_to(self, number: str) -> list[str]:
        return [message.body for message in self.sent if message.to == number]


@pytest.fixture
def carrier() -> HoldingCarrier:
    return HoldingCarrier()


@contextmanager
def running(folder: Path, carrier: HoldingCarrier, *, sweeper: bool) -> Iterator[Runtime]:
    chosen = Settings(var_dir=folder, demo=True, carrier="simulator", log_level="ERROR", _env_file=None)
    use_settings(chosen)
    open_record(chosen)
    demo.seed()
    runtime = Runtime(chosen, carrier, HandDialogue)
    if not sweeper:
        runtime.sweep = lambda: None  # type: ignore[method-assign]
    runtime.start()
    try:
        yield runtime
    finally:
        carrier.go_on.set()
        runtime.stop()


def soon(what: Callable[[], bool]) -> bool:
    end = time.monotonic() + 15
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    return what()


def arrives(body: str, number: str = PAT) -> None:
    inbox.receive(Inbound(Channel.SMS, f"in-{body}-{number}", demo.TEXT_NUMBER, number, body))


def test_a_page_and_safety_words_go_out_although_the_sweeper_stands_still(
    tmp_path: Path, carrier: HoldingCarrier
) -> None:
    with running(tmp_path, carrier, sweeper=False):
        arrives("my lip has gone white")
        assert soon(lambda: bool(carrier.texts_to(NURSE)) and bool(carrier.texts_to(PAT)))
    assert "ACK" in carrier.texts_to(NURSE)[0]


def test_with_the_sweeper_at_work_every_page_still_goes_once(tmp_path: Path, carrier: HoldingCarrier) -> None:
    with running(tmp_path, carrier, sweeper=True) as runtime:
        for body in ("my lip has gone white", "I cannot see out of my left eye"):
            arrives(body)
        assert soon(lambda: len(carrier.texts_to(NURSE)) >= 1)
        for _ in range(5):
            runtime.sweep()
        time.sleep(0.5)
    bodies = [message.message_id for message in carrier.sent]
    assert len(bodies) == len(set(bodies))


def test_a_page_that_hangs_at_the_carrier_is_not_started_a_second_time(
    tmp_path: Path, carrier: HoldingCarrier
) -> None:
    carrier.held.add(NURSE)
    with running(tmp_path, carrier, sweeper=True) as runtime:
        arrives("my lip has gone white")
        for _ in range(10):
            runtime.sweep()
            time.sleep(0.05)
        carrier.go_on.set()
        assert soon(lambda: bool(carrier.texts_to(NURSE)))
        time.sleep(0.3)
    assert len(carrier.texts_to(NURSE)) == 1
