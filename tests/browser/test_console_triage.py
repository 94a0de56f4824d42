"""Trying triage in a real browser: by keyboard, without accessibility faults, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.live_site import CHROMIUM
from tests.browser.test_console import ConsoleSite, violations
from tests.support.triage_reader import WordReader, serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH; see scripts/ensure-chromium"),
]

#: Milliseconds for a result: the first one reads the rules, on a machine that may be busy.
PATIENCE = 60_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    """One running console, with a stand-in for the trained reader."""
    with serving(WordReader()):
        mine = ConsoleSite(tmp_path_factory.mktemp("triage"))
        yield mine
        mine.stop()


def signed_in(site: ConsoleSite, browser: Browser, key: str = "nurse", width: int = 1280) -> Page:
    """A window of its own on the page, signed in."""
    tab = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    site.sign_in(tab, key)
    tab.goto(f"{site.url}/console/triage")
    return tab


def test_a_message_is_tried_with_the_keyboard_alone(site: ConsoleSite, browser: Browser) -> None:
    page = signed_in(site, browser)
    blocked: list[str] = []
    page.on("console", lambda line: blocked.append(line.text) if line.type == "error" else None)
    assert violations(page) == []
    page.get_by_role("link", name="Skip to content").press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("What the patient writes")).to_be_focused()
    page.keyboard.type("Hi, my lip has gone white and it hurts, no coffee today")
    page.keyboard.press("Tab")
    expect(page.get_by_label("A picture came with it")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Day since treatment")).to_be_focused()
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    heading = page.get_by_role("heading", name="Result: T1 Within the hour")
    expect(heading).to_be_focused(timeout=PATIENCE)
    expect(page.get_by_role("meter", name="Within the hour, or an emergency")).to_be_visible()
    expect(page.get_by_label("What the patient writes")).to_have_value(
        "Hi, my lip has gone white and it hurts, no coffee today"
    )
    expect(page.locator(".top-words li").first).to_contain_text("white raises by")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], scheme
    assert blocked == []
    page.get_by_label("What the patient writes").fill(" ")
    page.get_by_role("button", name="Assess").press("Enter")
    expect(page.locator("[data-focus]")).to_be_focused()
    assert violations(page) == []
    page.locator("[data-focus] a").press("Enter")
    expect(page.get_by_label("What the patient writes")).to_be_focused()
    page.close()


def test_an_alert_leads_to_its_explanation_and_back(site: ConsoleSite, browser: Browser) -> None:
    page = signed_in(site, browser)
    page.goto(f"{site.url}/console/alerts/{site.world.alerts['lip']}")
    page.get_by_role("link", name="Why this tier?").first.press("Enter")
    expect(page.get_by_role("heading", name="Result: T1 Within the hour")).to_be_focused(timeout=PATIENCE)
    assert violations(page) == []
    page.get_by_role("link", name="Back to alert").press("Enter")
    page.wait_for_url("**/alerts/*")
    page.close()


def test_form_and_result_fit_a_small_phone_in_both_languages(site: ConsoleSite, browser: Browser) -> None:
    for key in ("nurse", "spanish"):
        page = signed_in(site, browser, key, width=360)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.locator("#message").fill("Mi labio está blanco, my lip is white " + "supercalifragilistico" * 4)
        page.locator("#day").fill("1")
        page.locator("main button.primary").click()
        expect(page.locator("#result")).to_be_focused(timeout=PATIENCE)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert violations(page) == []
        page.close()
