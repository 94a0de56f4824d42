"""The console in a real browser: live, by keyboard, without accessibility faults, on a phone."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from bot import events
from bot import settings as app_settings
from bot.clinic.models import Patient
from bot.console.router import router
from bot.db.engine import connect, reading, transaction
from bot.db.migrate import upgrade
from bot.escalation import service
from bot.escalation.models import Alert, Outcome
from bot.escalation.signs import signs_of
from bot.escalation.splitting import split
from bot.messaging.models import Direction, Message
from bot.recall import service as recall
from bot.settings import ROOT, Settings
from tests.browser.live_site import CHROMIUM
from tests.contract import console_clinic
from tests.contract.console_clinic import World
from tests.support.calendar import start_on_a_tuesday
from tests.support.contacts import reach

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH; see scripts/ensure-chromium"),
]


class ConsoleSite:
    """The console over a busy clinic on a port of this machine."""

    def __init__(self, folder: Path) -> None:
        self._before = app_settings.get_settings()
        app_settings.use_settings(Settings(var_dir=folder, demo=True, _env_file=None))
        start_on_a_tuesday()
        self._engine = connect(f"sqlite:///{folder / 'record.db'}")
        upgrade(self._engine)
        self.world: World = console_clinic.build()
        self.recall = recall.draft(self.world.staff["nurse"], "harmonyca", "DEMO-0042", "The maker's letter")
        reach("+15550100121", ("sms", "+15550100121", 0), ("apprise", "slack://a/b/c", 120))
        self.parts = {"database": "ok", "sweeper": "ok", "dialogue": "ok"}
        app = FastAPI()
        app.include_router(router)
        app.mount("/static", StaticFiles(directory=ROOT / "bot" / "web" / "static"))
        app.get("/readyz")(lambda: {"ready": True, "parts": self.parts})
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

    def stop(self) -> None:
        """Close the port and the record."""
        self._server.should_exit = True
        self._thread.join(10)
        self._engine.dispose()
        app_settings.use_settings(self._before)

    def sign_in(self, page: Page, key: str = "nurse") -> None:
        """Sign in through the form."""
        page.goto(f"{self.url}/console/sign-in")
        page.fill("#email", f"{key}@demo.example")
        page.fill("#password", console_clinic.PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_url(f"{self.url}/console")

    def pages(self) -> dict[str, str]:
        """Every page that a visit of the console can show, by name."""
        with transaction() as session:
            found = select(Message).where(Message.patient_id == self.world.patients["pat"])
            message = session.scalars(found.where(Message.direction == Direction.IN)).first()
        assert message is not None
        return {
            "messages": "/console/messages",
            "conversation": f"/console/messages/{message.conversation_id}",
            "judge": f"/console/judge/{message.id}",
            "figures": "/console/figures",
            "check_ins": "/console/check-ins",
            "protocols": "/console/protocols",
            "protocol": "/console/protocols/harmonyca",
            "queue": "/console",
            "closed": "/console/closed",
            "alert": f"/console/alerts/{self.world.alerts['lip']}",
            "alert_closed": f"/console/alerts/{self.world.alerts['done']}",
            "patients": "/console/patients",
            "patient": f"/console/patients/{self.world.patients['pat']}",
            "tasks": "/console/tasks",
            "recalls": "/console/recall?product=harmonyca&lot=DEMO-0042",
            "recall": f"/console/recall/{self.recall}",
            "enrol": "/console/enrol",
            "triage": "/console/triage",
            "contact": "/console/contact",
            "words": "/console/content",
            "words_of_one_text": "/console/content/aftercare.sleep?phase=after&day=2&product=harmonyca",
            "rota": "/console/rota",
            "escalation": "/console/escalation",
            "told": f"/console/patients/{self.world.patients['pat']}/told?topic=aftercare.sleep",
            "not_found": "/console/patients/nobody",
            "no_such_page": "/console/nothing/at/all",
        }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    """One running console for the module."""
    mine = ConsoleSite(tmp_path_factory.mktemp("console"))
    yield mine
    mine.stop()


@pytest.fixture
def page(site: ConsoleSite, browser: Browser) -> Iterator[Page]:
    """A browser window of its own, signed in as the nurse. A script error fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    site.sign_in(tab)
    yield tab
    context.close()
    assert faults == []


def violations(page: Page, *only: str) -> list[str]:
    """What axe finds wrong, by all its rules or `only` some, one line each."""
    found = Axe().run(page, options={"runOnly": list(only)} if only else None).response["violations"]
    return [f"{v['id']}: {node['html'][:120]} {node['failureSummary']}" for v in found for node in v["nodes"]]


def test_no_page_has_an_accessibility_violation_in_either_colour_scheme(
    site: ConsoleSite, page: Page
) -> None:
    for name, path in site.pages().items():
        page.emulate_media(color_scheme="light")
        page.goto(site.url + path)
        assert violations(page) == [], f"{name} (light)"
        page.emulate_media(color_scheme="dark")  # which changes nothing but colours
        assert violations(page, "color-contrast") == [], f"{name} (dark)"


def test_sign_in_and_form_errors_have_no_accessibility_violation(site: ConsoleSite, browser: Browser) -> None:
    tab = browser.new_page()
    tab.goto(f"{site.url}/console/sign-in")
    assert violations(tab) == []
    tab.fill("#email", "nobody@demo.example")
    tab.fill("#password", "wrong")
    tab.press("#password", "Enter")
    expect(tab.get_by_role("alert")).to_be_visible()
    expect(tab.locator("#password")).to_be_focused()
    assert violations(tab) == []
    site.sign_in(tab)
    tab.goto(f"{site.url}/console/enrol")
    tab.click("main button.primary")
    expect(tab.locator("[data-focus]")).to_be_focused()
    assert violations(tab) == []
    tab.locator("[data-focus] a").first.click()
    expect(tab.locator("#first_name")).to_be_focused()
    tab.close()


def test_no_page_scrolls_sideways_on_a_small_phone(site: ConsoleSite, page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    for name, path in site.pages().items():
        page.goto(site.url + path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, f"{name} is {wide} px wide"


def test_every_section_is_in_sight_on_a_small_phone_in_both_languages(
    site: ConsoleSite, browser: Browser
) -> None:
    for key in ("nurse", "spanish"):
        tab = browser.new_page(viewport={"width": 360, "height": 740})
        site.sign_in(tab, key)
        assert tab.locator("header").evaluate("header => header.offsetHeight") <= 160
        tab.locator("header nav summary").click()
        links = tab.locator("header nav a").all()
        assert len(links) >= 14
        for link in links:
            box = link.bounding_box()
            assert box is not None, link.inner_text()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360, link.inner_text()
        tab.close()


def test_the_menu_of_further_sections_opens_by_keyboard_marks_where_one_is_and_closes(
    site: ConsoleSite, page: Page
) -> None:
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{site.url}/console/recall")
        menu = page.locator("header nav details")
        expect(menu.locator("summary")).to_have_class("here")
        menu.locator("summary").press("Enter")
        expect(menu.locator("a[aria-current]")).to_have_text("Recall")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert violations(page) == []
        menu.get_by_role("link", name="On call").press("Escape")
        expect(menu.get_by_role("link", name="On call")).to_be_hidden()
        expect(menu.locator("summary")).to_be_focused()
        menu.locator("summary").press("Enter")
        page.mouse.click(5, 780)
        expect(menu.get_by_role("link", name="On call")).to_be_hidden()


def test_the_header_is_one_line_on_a_desk_in_both_languages(site: ConsoleSite, browser: Browser) -> None:
    for key in ("doctor", "spanish"):
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        site.sign_in(tab, key)
        assert tab.locator("header").evaluate("header => header.offsetHeight") <= 72
        tab.close()


def test_a_new_alert_appears_and_is_announced_without_losing_the_focus(site: ConsoleSite, page: Page) -> None:
    link = page.locator(f"#open-{site.world.alerts['redness']}")
    link.focus()
    expect(link).to_be_focused()
    before = page.locator(".alert-card").count()
    with transaction() as session:
        kim = session.get_one(Patient, site.world.patients["kim"])
        console_clinic.wrote(session, site.world, "new", kim, "I suddenly cannot see with my left eye", 0)
    events.committed(site.world.clinic)
    expect(page.locator(".alert-card")).to_have_count(before + 1)
    expect(page.locator("#announce")).to_contain_text("Kim Placeholder")
    expect(page.locator('[data-count="alerts"]')).to_have_text(str(before + 1))
    expect(link).to_be_focused()
    service.close(site.world.alerts["new"], site.world.staff["nurse"], Outcome.FALSE_ALARM, "Test over.")
    expect(page.locator(".alert-card")).to_have_count(before)


def test_an_open_alert_page_follows_what_somebody_else_does(site: ConsoleSite, page: Page) -> None:
    page.goto(f"{site.url}/console/alerts/{site.world.alerts['vision']}")
    expect(page.get_by_role("button", name="Acknowledge")).to_be_visible()
    assert service.acknowledge(site.world.alerts["vision"], site.world.staff["doctor"], via="sms")
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    expect(page.locator(".alert-status")).to_contain_text("Taken by Dr Demo")


def test_an_open_alert_page_shows_a_second_sign_and_a_second_alert_as_they_come(
    site: ConsoleSite, page: Page
) -> None:
    with transaction() as session:
        kim = session.get_one(Patient, site.world.patients["kim"])
        eye = console_clinic.writes_now(session, kim, "I suddenly cannot see with my left eye").id
    page.goto(f"{site.url}/console/alerts/{eye}")
    page.get_by_label("Add a note").fill("Rang, no answer yet.")
    expect(page.locator(".also")).to_have_count(0)
    with transaction() as session:
        kim = session.get_one(Patient, site.world.patients["kim"])
        console_clinic.writes_now(session, kim, "Now I can't breathe well")
    events.committed(site.world.clinic)
    expect(page.locator(".also")).to_have_text("Also: Allergy or airway")
    steps = page.locator("section[aria-labelledby=steps-h]")
    expect(steps.get_by_role("heading", level=3)).to_have_text(["Sight", "Allergy or airway"])
    with reading() as session:
        breath = list(signs_of(session, session.get_one(Alert, eye)))[1]
    other = split(eye, breath, site.world.staff["doctor"], "About her dinner.")
    expect(page.get_by_role("link", name="Allergy or airway")).to_have_attribute(
        "href", f"/console/alerts/{other}"
    )
    expect(page.locator(".also")).to_have_count(0)
    expect(page.get_by_label("Add a note")).to_have_value("Rang, no answer yet.")
    assert violations(page) == []
    for one in (eye, other):
        service.close(one, site.world.staff["nurse"], Outcome.FALSE_ALARM, "Test over.")


def test_an_alert_can_be_taken_and_closed_with_the_keyboard_alone(site: ConsoleSite, page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    alert = site.world.alerts["lip"]
    for _press in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == f"open-{alert}":
            break
    expect(page.locator(f"#open-{alert}")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/alerts/*")
    page.get_by_role("button", name="Acknowledge").press("Enter")
    expect(page.get_by_role("status").filter(has_text="You have this alert")).to_be_visible()
    page.get_by_label("Seen in the clinic").press("Space")
    page.get_by_label("What was done").press_sequentially("Seen at once.")
    page.get_by_role("button", name="Close alert").press("Enter")
    expect(page.locator(".alert-status")).to_contain_text("Closed by Nurse Demo")


def test_staff_are_told_when_the_dialogue_is_not_ready(site: ConsoleSite, page: Page) -> None:
    site.parts["dialogue"] = "loading"
    try:
        page.goto(f"{site.url}/console")
        expect(page.locator("#health")).to_contain_text("Automatic answers are not ready")
    finally:
        site.parts["dialogue"] = "ok"


def test_a_session_that_ends_takes_the_open_page_to_sign_in(site: ConsoleSite, page: Page) -> None:
    other = page.context.new_page()
    other.goto(f"{site.url}/console")
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url("**/sign-in*")
    events.committed(site.world.clinic)
    page.wait_for_url("**/sign-in?next=*")
