"""The demo and the chat on a port of this machine, over a record of their own, and a browser for them."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select

from bot import clock, events
from bot import settings as app_settings
from bot.channels.simulator import carrier as simulated
from bot.channels.simulator.calls import SimulatedCaller, use_caller
from bot.channels.simulator.router import router as demo_router
from bot.channels.web.photos import router as web_photos
from bot.channels.web.router import router as web_router
from bot.clinic import demo
from bot.clinic.models import Clinic
from bot.console.assets import router as console_assets
from bot.db import engine as db
from bot.db.migrate import upgrade
from bot.escalation.models import Notification
from bot.messaging import delivery
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, Status, Turn
from bot.notify.delivery import deliver as notify
from bot.notify.models import ContactKind
from bot.settings import ROOT, Settings
from bot.web.take import router as take_router
from tests.support.calendar import start_on_a_tuesday

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LiveSite:
    """A running desk without its dialogue: messages are stored and triaged, and tests answer by hand."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._before = app_settings.get_settings()
        app_settings.use_settings(Settings(var_dir=folder, demo=True, public_url=self.url))
        start_on_a_tuesday()
        upgrade(db.connect(f"sqlite:///{folder / 'record.db'}"))
        demo.seed()
        self.carrier = simulated.SimulatedCarrier(folder / "carrier.db")
        simulated.use_carrier(self.carrier)
        self.caller = SimulatedCaller(folder / "carrier.db")
        use_caller(self.caller)
        self.app = FastAPI()
        self.app.include_router(demo_router)
        self.app.include_router(web_router)
        self.app.include_router(take_router)
        self.app.include_router(console_assets, prefix="/console")
        self.app.include_router(web_photos)
        self.app.mount("/static", StaticFiles(directory=ROOT / "bot" / "web" / "static"))
        self.start()

    def start(self) -> None:
        """Serve, on the same port as before."""
        config = uvicorn.Config(
            self.app, port=self.port, log_level="critical", ws="none", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < deadline, "the test server did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop serving; the record stays."""
        self._server.should_exit = True
        self._thread.join(timeout=10)

    def close(self) -> None:
        """Stop for good and put the process's settings back."""
        self.stop()
        simulated.use_carrier(None)
        self.carrier.close()
        use_caller(None)
        self.caller.close()
        clock.keep_in(None)
        app_settings.use_settings(self._before)

    def hand_to_carrier(self) -> None:
        """Let the carrier have every text that waits for it."""
        with db.transaction() as session:
            waiting = session.scalars(
                select(Message.id).where(Message.channel == Channel.SMS, Message.status == Status.QUEUED)
            ).all()
        for message_id in waiting:
            delivery.deliver(message_id, self.carrier)

    def make_calls(self) -> None:
        """Let every phone ring that a call waits for."""
        with db.transaction() as session:
            waiting = session.scalars(
                select(Notification.id).where(
                    Notification.kind == ContactKind.VOICE, Notification.status == Status.QUEUED
                )
            ).all()
        for notification_id in waiting:
            notify(notification_id, {ContactKind.VOICE: self.caller})

    def web_messages(self) -> list[Message]:
        """What web visitors wrote, oldest first."""
        with db.transaction() as session:
            query = select(Message).where(Message.channel == Channel.WEB, Message.direction == Direction.IN)
            return list(session.scalars(query.order_by(Message.id)))

    def wait_for_web_messages(self, count: int) -> list[Message]:
        """The stored messages of web visitors, once there are `count`."""
        deadline = time.monotonic() + 20
        while len(found := self.web_messages()) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} messages were stored"
            time.sleep(0.05)
        return found

    def answer(self, text: str, buttons: list[dict[str, Any]] | None = None, kind: Kind = Kind.REPLY) -> None:
        """Answer in the newest web conversation, as the dialogue does."""
        with db.transaction() as session:
            clinic = session.scalars(select(Clinic)).one()
            thread = session.scalars(
                select(Conversation)
                .where(Conversation.channel == Channel.WEB)
                .order_by(Conversation.id.desc())
                .limit(1)
            ).one()
            for message in session.scalars(select(Message).where(Message.conversation_id == thread.id)):
                message.turn = Turn.ANSWERED if message.direction is Direction.IN else None
            session.add(
                Message(
                    clinic_id=clinic.id,
                    conversation_id=thread.id,
                    direction=Direction.OUT,
                    kind=kind,
                    channel=Channel.WEB,
                    body=text,
                    buttons=buttons or [],
                    status=Status.DELIVERED,
                )
            )
        events.committed(clinic.id, thread.id)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or a skipped test that says why."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (on Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def accessibility_faults(page: Page) -> list[str]:
    """What axe finds wrong with the page, one line each."""
    found = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {node['html'][:160]}" for fault in found for node in fault["nodes"]]
