"""Where sign-in may lead, and what is kept of a token, without a record."""

from __future__ import annotations

import pytest

from bot.console.sessions import hashed, local_path


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
