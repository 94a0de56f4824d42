"""A call on a demo phone by keyboard, and the page behind the link in a page, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from bot.clinic.models import Staff
from bot.db.engine import reading, transaction
from bot.escalation.models import Alert, AlertStatus
from bot.messaging.models import Kind, Message
from tests.browser.live_site import LiveSite, accessibility_faults

pytestmark = pytest.mark.browser

CLINIC, PAT, NURSE = "+15550100100", "+15550100112", "+15550100121"


@pytest.fixture
def site(browser: Browser, tmp_path: Path) -> Iterator[LiveSite]:
    """A patient has just texted an emergency."""
    expect.set_options(timeout=15_000)
    running = LiveSite(tmp_path)
    running.carrier.receive(PAT, CLINIC, "cant see out my left eye")
    yield running
    running.close()


@pytest.fixture
def page(browser: Browser, site: LiveSite) -> Iterator[Page]:
    """A phone's browser."""
    opened = browser.new_page(viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


def alert() -> Alert:
    with reading() as session:
        return session.scalars(select(Alert)).one()


def link() -> str:
    with reading() as session:
        text = session.scalars(select(Message.body).where(Message.kind == Kind.PAGE).limit(1)).one()
    found = re.search(r"http\S+/a/\S+", text)
    assert found
    return found[0]


def test_a_call_is_answered_and_the_alert_taken_by_keyboard_alone(page: Page, site: LiveSite) -> None:
    page.goto(f"{site.url}/demo")
    nurse = page.get_by_role("region", name="Phone of Nurse Demo")
    expect(nurse).to_be_visible()
    site.make_calls()
    call = nurse.get_by_role("group", name="Call on the phone of Nurse Demo")
    expect(call).to_contain_text("Incoming call")
    assert accessibility_faults(page) == []
    call.get_by_role("button", name="Answer").focus()
    page.keyboard.press("Enter")
    expect(call).to_contain_text("Press 4 to take it")
    expect(call.get_by_role("button", name="Key 1")).to_be_focused()
    page.keyboard.press("7")
    expect(call).to_contain_text("does nothing here")
    assert accessibility_faults(page) == []
    page.keyboard.press("4")
    expect(call).to_contain_text("You have taken it")
    assert alert().status is AlertStatus.ACKNOWLEDGED
    call.get_by_role("button", name="Hang up").click()
    expect(call).to_be_hidden()


@pytest.mark.parametrize(("language", "button"), [("en", "I take it"), ("es", "La asumo")])
def test_the_link_takes_the_alert_on_a_phone_without_script(
    browser: Browser, site: LiveSite, language: str, button: str
) -> None:
    with transaction() as session:
        session.scalars(select(Staff).where(Staff.phone == NURSE)).one().language = language
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(link())
    assert alert().status is AlertStatus.OPEN
    page.get_by_role("button", name=button).press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Nurse Demo")
    assert alert().status is AlertStatus.ACKNOWLEDGED
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_the_page_behind_the_link(
    browser: Browser, site: LiveSite, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(link())
    assert accessibility_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert accessibility_faults(page) == []
    page.goto(link()[:-3])
    assert accessibility_faults(page) == []
    page.close()
