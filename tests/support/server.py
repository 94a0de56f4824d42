"""The real server as a process of its own, to be killed.

`halt` says where it hangs, with a mark in the file `halted`, until somebody kills it: `before-page` (the page
is stored, the carrier has not been called), `after-page` (the carrier has it, we have not recorded that),
`before-reply`, `after-reply`, `before-call`, `after-call`, `in-turn` (the dialogue is at work),
`before-photo` (a file is being fetched), or `never`.
The dialogue is a scripted one: what is tested here is the durable work around it.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from datetime import datetime
from multiprocessing.process import BaseProcess
from typing import Any

import uvicorn

from bot import settings as app_settings
from bot.app import create_app
from bot.channels.base import Outbound, Sent
from bot.channels.simulator.calls import get_caller
from bot.channels.simulator.carrier import get_carrier
from bot.clinic import demo
from bot.durable.runtime import Runtime
from bot.notify.base import Notice
from bot.notify.models import ContactKind
from bot.settings import Settings
from bot.start import open_record
from tests.support.desk import HandDialogue, Say


def halt() -> None:
    """Say so, and hang until killed."""
    (app_settings.get_settings().var_dir / "halted").touch()
    time.sleep(600)


class HaltingCarrier:
    """The simulated carrier, hanging before or after it is handed a certain text."""

    name = "halting"

    def __init__(self, where: str) -> None:
        self._where, _, self._what = where.partition("-")

    def _meant(self, message: Outbound) -> bool:
        words = {"page": "AFTERGLOW", "reply": "You said"}.get(self._what)
        return words is not None and words in message.body

    def send(self, message: Outbound) -> Sent:
        if self._where == "before" and self._meant(message):
            halt()
        sent = get_carrier().send(message)
        if self._where == "after" and self._meant(message):
            halt()
        return sent

    def find(self, message: Outbound, since: datetime) -> Sent | None:
        return get_carrier().find(message, since)

    def fetch_media(self, url: str) -> bytes:
        if self._where == "before" and self._what == "photo":
            halt()
        return get_carrier().fetch_media(url)


class HaltingCaller:
    """The simulated calls, hanging before or after one is made."""

    can_look = True

    def __init__(self, where: str) -> None:
        self._where = where

    def send(self, notice: Notice) -> Sent:
        if self._where == "before-call":
            halt()
        sent = get_caller().send(notice)
        if self._where == "after-call":
            halt()
        return sent

    def find(self, notice: Notice, since: datetime) -> list[Sent]:
        return get_caller().find(notice, since)


class HaltingDialogue(HandDialogue):
    """Echoes; hangs in its turn when asked to."""

    def __init__(self, hang: bool) -> None:
        super().__init__()
        self._hang = hang

    def handle(self, conversation_id: str, text: str, metadata: dict[str, Any]) -> Sequence[Say]:
        if self._hang:
            halt()
        return super().handle(conversation_id, text, metadata)


def serve(settings: Settings, halt: str) -> None:
    """Serve the demo until killed."""
    app_settings.use_settings(settings)
    open_record(settings)
    demo.seed()
    runtime = Runtime(
        settings,
        HaltingCarrier(halt),
        lambda: HaltingDialogue(halt == "in-turn"),
        {ContactKind.VOICE: HaltingCaller(halt)},
    )
    uvicorn.run(create_app(runtime), host="127.0.0.1", port=settings.port, log_level="error", ws="none")


#: Forks servers from one process that has imported everything, which takes seconds each time.
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.support.server"])


def start(settings: Settings, halt: str) -> BaseProcess:
    """`serve` in a process of its own, with nothing in memory but what a new one imports."""
    process = _forks.Process(target=serve, args=(settings, halt), daemon=True)
    process.start()
    return process
