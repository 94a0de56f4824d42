"""Sign-in throttle and where sign-in may lead, without a record."""

from __future__ import annotations

import pytest

from bot.console import throttle
from bot.console.sessions import hashed, local_path
from bot.console.throttle import FAILURES, WAIT_S, Throttle


def failing(times: int, at: float = 0.0) -> Throttle:
    """A throttle that has seen `times` failures of one pair."""
    mine = Throttle()
    for _time in range(times):
        mine.failed("a@x.example", "10.0.0.1", at)
    return mine


def test_a_few_typing_slips_cost_nothing() -> None:
    assert failing(FAILURES - 1).wait_s("a@x.example", "10.0.0.1", 1) == 0


def test_more_failures_must_wait_and_then_may_try_again() -> None:
    mine = failing(FAILURES)
    assert mine.wait_s("a@x.example", "10.0.0.1", 10) == WAIT_S - 10
    assert mine.wait_s("a@x.example", "10.0.0.1", WAIT_S) == 0


def test_others_at_the_same_address_and_the_same_person_elsewhere_are_not_held_up() -> None:
    mine = failing(FAILURES)
    assert mine.wait_s("b@x.example", "10.0.0.1", 1) == 0
    assert mine.wait_s("a@x.example", "10.0.0.2", 1) == 0


def test_old_failures_no_longer_count() -> None:
    mine = failing(FAILURES - 1)
    mine.failed("a@x.example", "10.0.0.1", WAIT_S + 1)
    assert mine.wait_s("a@x.example", "10.0.0.1", WAIT_S + 2) == 0


def test_a_sign_in_that_worked_wipes_the_slate() -> None:
    mine = failing(FAILURES)
    mine.forget("a@x.example", "10.0.0.1")
    assert mine.wait_s("a@x.example", "10.0.0.1", 1) == 0


def test_memory_stays_bounded_under_a_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "KEPT", 10)
    mine = Throttle()
    for number in range(50):
        mine.failed(f"{number}@x.example", "10.0.0.1", 0)
    assert len(mine._failed) == 10


@pytest.mark.parametrize(
    "path", ["/console", "/console/alerts/1", "/console?x=1", "/console/patients?q=a&page=2"]
)
def test_pages_of_the_console_are_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "/",
        "//x",
        "https://x",
        "/consolex",
        "/console/\\x",
        "/console/ x",
        "/console/\tx",
        "console",
    ],
)
def test_everything_else_becomes_the_queue(path: str | None) -> None:
    assert local_path(path) == "/console"


def test_a_token_is_stored_as_its_sha_256() -> None:
    assert hashed("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
