"""The chart note in a real browser: copied by keyboard, or downloaded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.live_site import CHROMIUM
from tests.browser.test_console import ConsoleSite, violations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH; see scripts/ensure-chromium"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    """One running console for the module."""
    mine = ConsoleSite(tmp_path_factory.mktemp("chart"))
    yield mine
    mine.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A phone's window that may use the clipboard."""
    mine = browser.new_context(viewport={"width": 360, "height": 800}, reduced_motion="reduce")
    mine.grant_permissions(["clipboard-read", "clipboard-write"])
    yield mine
    mine.close()


def patient_page(site: ConsoleSite, context: BrowserContext) -> Page:
    """The patient's page, signed in as the nurse."""
    tab = context.new_page()
    site.sign_in(tab)
    tab.goto(f"{site.url}{site.pages()['patient']}")
    return tab


def test_the_text_is_copied_with_the_keyboard(site: ConsoleSite, context: BrowserContext) -> None:
    page = patient_page(site, context)
    button = page.get_by_role("button", name="Copy the text")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#copied")).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()").replace("\r\n", "\n")
    assert copied.startswith("Chart note\nMade from the record on ")
    assert "\nName: Pat Sample\n" in copied
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_signed_out_nothing_is_copied_and_the_page_says_so(
    site: ConsoleSite, context: BrowserContext
) -> None:
    page = patient_page(site, context)
    page.evaluate("navigator.clipboard.writeText('before')")
    page.route("**/console/live", lambda route: route.abort())
    context.clear_cookies()
    page.get_by_role("button", name="Copy the text").click()
    expect(page.locator("#copied")).to_have_text("Not copied. Open the text and copy it there.")
    assert page.evaluate("navigator.clipboard.readText()") == "before"


def test_the_pdf_is_downloaded_under_a_name_without_the_patients(
    site: ConsoleSite, context: BrowserContext
) -> None:
    page = patient_page(site, context)
    with page.expect_download() as download:
        page.get_by_role("link", name="Chart note (PDF)").click()
    assert re.fullmatch(r"chart-note-PS-\d{4}-\d\d-\d\d\.pdf", download.value.suggested_filename)
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")


def test_the_text_opens_in_the_browser(site: ConsoleSite, context: BrowserContext) -> None:
    page = patient_page(site, context)
    page.get_by_role("link", name="Chart note (text)").click()
    expect(page.locator("body")).to_contain_text("RETURN PRECAUTIONS GIVEN")
