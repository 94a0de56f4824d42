"""A patient's own pages on a phone of 360 px: by thumb, by screen reader, and without JavaScript."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from playwright.sync_api import Browser, Page, expect

from bot import settings as app_settings
from bot.db.engine import connect
from bot.db.migrate import upgrade
from bot.followup.models import CheckInStatus
from bot.links.models import LinkPurpose
from bot.patient_pages.router import router
from bot.photos.models import Photo
from bot.settings import ROOT, Settings
from tests.browser.live_site import CHROMIUM, accessibility_faults
from tests.support import pictures
from tests.support.calendar import start_on_a_tuesday
from tests.support.desk import Desk
from tests.support.patient_page import link_for, send_check_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH; see scripts/ensure-chromium"),
]

PHONE = {"width": 360, "height": 740}
PEOPLE = {"en": "+15550100181", "es": "+15550100182", "plain": "+15550100183"}


class Site:
    """Three patients with a check-in that waits for them."""

    def __init__(self, folder: Path) -> None:
        self._before = app_settings.get_settings()
        app_settings.use_settings(Settings(var_dir=folder, demo=True, _env_file=None))
        start_on_a_tuesday()
        self._engine = connect(f"sqlite:///{folder / 'record.db'}")
        upgrade(self._engine)
        self.desk = Desk.of_demo_clinic()
        for key, phone in PEOPLE.items():
            self.desk.enrol("Robin", f"Beispiel {key}", phone, language="es" if key == "es" else "en")
        self.check_ins = {key: send_check_in(self.desk, phone=phone) for key, phone in PEOPLE.items()}
        app = FastAPI()
        app.include_router(router)
        app.mount("/static", StaticFiles(directory=ROOT / "bot" / "web" / "static"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{port}"
        config = uvicorn.Config(app, port=port, log_level="critical", ws="none", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.02)

    def link(self, key: str, purpose: LinkPurpose = LinkPurpose.CHECK_IN) -> str:
        """The address of a new link for that patient."""
        return self.url + link_for(PEOPLE[key], purpose, self.check_ins[key].id)

    def status(self, key: str) -> CheckInStatus:
        """Where that patient's check-in stands."""
        return self.desk.rows(type(self.check_ins[key]), id=self.check_ins[key].id)[0].status

    def stop(self) -> None:
        """Close the port and the record."""
        self._server.should_exit = True
        self._thread.join(10)
        self._engine.dispose()
        app_settings.use_settings(self._before)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("pages"))
    yield running
    running.stop()


def choose(page: Page, question: str, value: str) -> None:
    page.locator(f'label.option:has(input[name="{question}"][value="{value}"])').click()


def fill(page: Page) -> None:
    for question, value in (("overall", "1"), ("pain", "2"), ("swelling", "3"), ("bruising", "1")):
        if page.locator(f"#{question}").count():
            choose(page, question, value)
    choose(page, "red_flags", "0")


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize("key", ["en", "es"])
def test_the_check_in_is_answered_by_thumb_in_both_languages(browser: Browser, site: Site, key: str) -> None:
    page = browser.new_page(viewport=PHONE)
    page.goto(site.link(key))
    expect(page.locator("html")).to_have_attribute("lang", key)
    assert fits(page)
    assert accessibility_faults(page) == []
    for box in page.locator("label.option, button, textarea").all():
        size = box.bounding_box()
        assert size
        assert size["height"] >= 44
        assert size["width"] >= 44
    page.locator("button").click()
    expect(page.locator(".problem")).to_be_visible()
    assert accessibility_faults(page) == []
    assert fits(page)
    fill(page)
    page.locator("textarea").fill("Todo bien" if key == "es" else "All well")
    page.locator("button").click()
    expect(page.locator(".said")).to_have_count(1)
    assert accessibility_faults(page) == []
    assert fits(page)
    assert site.status(key) is CheckInStatus.ANSWERED

    page.goto(site.link(key, LinkPurpose.TREND))
    page.locator("summary").click()
    expect(page.locator("table")).to_be_visible()
    assert page.locator("svg[role=img]").count() >= 2
    assert accessibility_faults(page) == []
    assert fits(page)
    page.goto(f"{site.url}/p/{'x' * 22}")
    assert accessibility_faults(page) == []
    page.close()


def test_the_check_in_works_without_javascript(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    page.goto(site.link("plain"))
    choose(page, "red_flags", "4")
    page.locator("button").click()
    expect(page.locator(".said")).to_contain_text("911")
    expect(page.locator(".problem")).to_be_visible()
    assert page.locator('input[name="red_flags"][value="4"]').is_checked()
    fill(page)
    page.locator("button").click()
    expect(page.locator("h1")).to_have_text("Your answers have arrived")
    assert site.status("plain") is CheckInStatus.ANSWERED
    assert len(site.desk.alerts()) == 1
    context.close()


SIZES = [{"width": 320, "height": 640}, {"width": 360, "height": 740}, {"width": 1280, "height": 900}]


@pytest.mark.parametrize("key", ["en", "es"])
def test_a_photo_is_sent_without_javascript_on_every_size_of_screen(
    browser: Browser, site: Site, key: str, tmp_path: Path
) -> None:
    check_in = send_check_in(site.desk, day=91, phone=PEOPLE[key])
    link = site.url + link_for(PEOPLE[key], subject_id=check_in.id)
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    looking = browser.new_page()
    for size in SIZES:
        looking.set_viewport_size(size)
        looking.goto(link)
        looking.locator("#photo summary").click()
        assert accessibility_faults(looking) == []
        assert fits(looking)
        for field in looking.locator("input[type=file]").all():
            box = field.bounding_box()
            assert box
            assert box["height"] >= 44
    looking.close()

    good, wrong = tmp_path / "good.jpg", tmp_path / "wrong.jpg"
    good.write_bytes(pictures.jpeg("tan" if key == "es" else "salmon"))
    wrong.write_bytes(b"no picture")
    page.goto(link)
    for question, value in (("overall", "1"), ("lumps", "0"), ("satisfaction", "8"), ("gais", "2")):
        choose(page, question, value)
    page.locator("#photo summary").click()
    page.locator("#photo-left_45").set_input_files(wrong)
    page.locator("button").click()
    expect(page.locator("#photo-left_45-error")).to_be_visible()  # the views below are open again
    page.locator("#photo-front").set_input_files(good)
    page.locator("button").click()
    expect(page.locator(".said")).not_to_have_count(0)
    kept = site.desk.rows(Photo, patient_id=check_in.patient_id)
    assert [photo.view for photo in kept] == ["front"]
    context.close()
