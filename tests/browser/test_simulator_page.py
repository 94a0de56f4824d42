"""The demo page in a real browser: phones that text, ring and show what the carrier did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import select

from bot import clock
from bot.channels.base import Outbound
from bot.clinic.models import Staff
from bot.db.engine import reading
from bot.escalation import service
from bot.escalation.models import Alert
from tests.browser.live_site import LiveSite, accessibility_faults, chromium

pytestmark = pytest.mark.browser

CLINIC, PAT, NURSE = "+15550100100", "+15550100112", "+15550100121"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        expect.set_options(timeout=15_000)
        yield opened


@pytest.fixture
def site(browser: Browser, tmp_path: Path) -> Iterator[LiveSite]:
    running = LiveSite(tmp_path)
    yield running
    running.close()


@pytest.fixture
def page(browser: Browser, site: LiveSite) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    opened.set_default_timeout(15_000)
    opened.goto(f"{site.url}/demo")
    expect(opened.locator(".phone")).to_have_count(4)
    yield opened
    opened.close()


def page_the_nurse(site: LiveSite) -> str:
    """A patient texts a red flag and the nurse is paged. Returns the alert's code."""
    site.carrier.receive(PAT, CLINIC, "my lip is white and it hurts")
    site.hand_to_carrier()
    with reading() as session:
        return session.scalars(select(Alert)).one().code


def phone(page: Page, owner: str) -> Locator:
    return page.get_by_role("region", name=f"Phone of {owner}")


def test_a_text_sent_with_enter_appears_as_delivered_with_its_size(page: Page, site: LiveSite) -> None:
    page.get_by_label("Text as Pat Sample").fill("when can I go to the gym?")
    page.keyboard.press("Enter")
    text = phone(page, "Pat Sample").locator(".text.mine")
    expect(text).to_contain_text("when can I go to the gym?")
    expect(text).to_contain_text("delivered · 1 SMS GSM-7")
    expect(page.get_by_label("Text as Pat Sample")).to_have_value("")
    assert site.carrier.thread_of(PAT)[-1].body == "when can I go to the gym?"


def test_a_phone_shows_the_carriers_state_and_a_failure_with_its_code(page: Page, site: LiveSite) -> None:
    phone(page, "Pat Sample").get_by_role("switch").uncheck()
    expect(page.get_by_label("Text as Pat Sample")).to_be_disabled()
    site.carrier.send(Outbound("m", CLINIC, PAT, "¿Cómo está? 🌸"))
    text = phone(page, "Pat Sample").locator(".text.failed")
    expect(text).to_contain_text("not delivered (30003) · 1 SMS UCS-2")


def test_a_staff_phone_rings_aloud_for_a_page_and_is_ready_to_acknowledge(page: Page, site: LiveSite) -> None:
    code = page_the_nurse(site)
    nurse = phone(page, "Nurse Demo")
    expect(page.locator("#announce")).to_contain_text("The phone of Nurse Demo is ringing")
    expect(page.get_by_label("Text as Nurse Demo")).to_have_value(f"ACK {code}")
    motion = nurse.evaluate("element => getComputedStyle(element).animationName")
    assert motion == "none", "this visitor asked for less motion"
    nurse.get_by_role("button", name=f"ACK {code}").click()
    expect(nurse.locator(".text.mine")).to_contain_text(f"ACK {code}")
    expect(nurse.get_by_role("button", name=f"ACK {code}")).to_have_count(0)
    expect(page.get_by_label("Text as Nurse Demo")).to_have_value("")


def test_once_somebody_took_the_alert_the_phone_no_longer_offers_to(page: Page, site: LiveSite) -> None:
    code = page_the_nurse(site)
    chip = phone(page, "Nurse Demo").get_by_role("button", name=f"ACK {code}")
    expect(chip).to_be_visible()
    with reading() as session:
        alert = session.scalars(select(Alert)).one()
        doctor = session.scalars(select(Staff).where(Staff.name == "Dr Demo")).one()
    assert service.acknowledge(alert.id, doctor.id, via="console")
    site.hand_to_carrier()
    expect(chip).to_have_count(0)
    expect(page.get_by_label("Text as Nurse Demo")).to_have_value("")


def test_a_page_moves_the_phone_of_those_who_like_motion_for_at_most_five_seconds(
    browser: Browser, site: LiveSite
) -> None:
    page = browser.new_page(reduced_motion="no-preference")
    page.goto(f"{site.url}/demo")
    nurse = phone(page, "Nurse Demo")
    expect(nurse).to_be_visible()
    page_the_nurse(site)
    ringing = "element => getComputedStyle(element).animationName === 'ring'"
    page.wait_for_function(f"element => ({ringing})(element)", arg=nurse.element_handle())
    page.wait_for_function(f"element => !({ringing})(element)", arg=nurse.element_handle(), timeout=6_500)
    page.close()


def test_the_clock_is_moved_from_the_page(page: Page) -> None:
    before = clock.offset()
    shown = page.locator("#now").get_attribute("datetime")
    page.get_by_role("button", name="+1 hour").click()
    page.wait_for_function(
        "shown => new Date(document.querySelector('#now').dateTime) - new Date(shown) > 3.5e6", arg=shown
    )
    assert clock.offset() - before == timedelta(hours=1)


def test_the_page_comes_back_by_itself_when_the_desk_was_down(page: Page, site: LiveSite) -> None:
    site.stop()
    expect(page.get_by_text("The connection to the desk is lost")).to_be_visible()
    page.get_by_label("Text as Pat Sample").fill("hello?")
    page.keyboard.press("Enter")
    expect(phone(page, "Pat Sample").get_by_role("alert")).to_contain_text("Your text is still here")
    site.start()
    expect(page.get_by_text("The connection to the desk is lost")).to_be_hidden(timeout=20_000)
    expect(page.get_by_label("Text as Pat Sample")).to_have_value("hello?")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 320)])
def test_axe_finds_nothing_wrong(site: LiveSite, browser: Browser, scheme: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{site.url}/demo")
    page_the_nurse(site)
    expect(page.locator(".text.page")).to_be_visible()
    phone(page, "Dr Demo").get_by_role("switch").uncheck()
    assert accessibility_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
