"""The protocol editor in a real browser: thresholds by keyboard, what gets weaker, and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.live_site import CHROMIUM
from tests.browser.test_console import ConsoleSite, site, violations

__all__ = ["site"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH; see scripts/ensure-chromium"),
]


@pytest.mark.parametrize("width", [1280, 360])
def test_a_threshold_is_weighed_and_put_in_force_by_keyboard(
    site: ConsoleSite, browser: Browser, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, reduced_motion="reduce")
    site.sign_in(page, "doctor")
    page.goto(f"{site.url}/console/protocols/harmonyca")
    assert violations(page) == []
    page.locator("#t-swelling-0-at_least").fill("nine")
    page.locator("#t-swelling-0-at_least").press("Enter")
    expect(page.locator("[data-focus]")).to_be_focused()
    assert violations(page) == []
    page.locator("[data-focus] a").press("Enter")
    page.locator("#t-swelling-0-at_least").fill("9")
    page.get_by_role("button", name="Show what it changes").press("Enter")
    expect(
        page.get_by_text("Swelling, answer 7 on day 0: T2 Same day as shipped, T4 Routine")
    ).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.locator('[name="weighed"]').press("Space")
    page.get_by_role("button", name="Put in force").press("Enter")
    expect(page.locator(".done")).to_be_visible()
    expect(page.locator("#t-swelling legend")).to_contain_text("changed by your clinic")
    page.locator("#t-swelling-0-at_least").fill("7")
    page.get_by_role("button", name="Show what it changes").press("Enter")
    page.get_by_role("button", name="Put in force").press("Enter")
    expect(page.locator(".done")).to_be_visible()
    assert page.get_by_text("changed by your clinic").count() == 0, "as shipped again"
    page.close()


#: The lists whose longest choice is wider than the room for it, measured in the list's own font.
CUT = """[...document.querySelectorAll('select')].filter((list) => {
  const style = getComputedStyle(list), pen = document.createElement('canvas').getContext('2d');
  pen.font = style.font;
  const arrow = 24, edges = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
  const longest = Math.max(...[...list.options].map((one) => pen.measureText(one.text).width));
  return list.clientWidth - edges - arrow < longest;
}).map((list) => list.id)"""


@pytest.mark.parametrize("key", ["doctor", "spanish"])
def test_no_list_of_choices_is_cut_off_on_a_phone(site: ConsoleSite, browser: Browser, key: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 800}, reduced_motion="reduce")
    site.sign_in(page, key)
    page.goto(f"{site.url}/console/protocols/harmonyca")
    assert page.locator("select").count() > 10
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.close()


def test_two_tabs_change_one_protocol_and_nothing_is_overwritten_unseen(
    site: ConsoleSite, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800}, reduced_motion="reduce")
    first, second = context.new_page(), context.new_page()
    site.sign_in(first, "doctor")
    for tab in (first, second):
        tab.goto(f"{site.url}/console/protocols/ha_filler")
    first.locator("#hour").fill("15")
    first.locator("#w-swelling-last").fill("9")
    first.get_by_role("button", name="Show what it changes").press("Enter")
    expect(first.get_by_text("Hour of the day: 15, instead of: 10.")).to_be_visible()
    first.get_by_role("button", name="Put in force").press("Enter")
    expect(first.locator(".done")).to_be_visible()
    second.locator("#hour").fill("9")
    second.get_by_role("button", name="Show what it changes").press("Enter")
    expect(second.locator("[data-focus]")).to_be_focused()
    expect(second.locator("#collision-h")).to_be_visible()
    assert violations(second) == []
    assert second.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert second.locator("#w-swelling-last").input_value() == "9", "what it never touched is the new value"
    second.get_by_role("button", name="Show what it changes").press("Enter")
    second.get_by_role("link", name="Hour of the day").press("Enter")
    second.get_by_role("group", name="Hour of the day").get_by_label("As you want it: 9").press("Space")
    second.get_by_role("button", name="Show what it changes").press("Enter")
    expect(second.get_by_text("Hour of the day: 9, instead of: 15.")).to_be_visible()
    assert violations(second) == []
    second.get_by_role("button", name="Put in force").press("Enter")
    expect(second.locator(".done")).to_be_visible()
    assert (second.locator("#hour").input_value(), second.locator("#w-swelling-last").input_value()) == (
        "9",
        "9",
    )
    assert violations(second) == []
    context.close()


def test_enter_in_a_field_looks_again_and_puts_nothing_in_force(site: ConsoleSite, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    site.sign_in(page, "doctor")
    page.goto(f"{site.url}/console/protocols/sculptra")
    page.locator("#hour").fill("11")
    page.locator("#hour").press("Enter")
    in_force = page.get_by_role("button", name="Put in force")
    expect(in_force).to_be_visible()
    page.locator("#note").fill("later in the morning")
    page.locator("#note").press("Enter")
    expect(in_force).to_be_visible()
    assert page.locator("#note").input_value() == "later in the morning"
    assert page.locator(".done").count() == 0
    page.close()


def test_a_condition_shaded_days_and_closing_words_are_put_in_force_by_keyboard(
    site: ConsoleSite, browser: Browser
) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 800}, reduced_motion="reduce")
    site.sign_in(page, "doctor")
    page.goto(f"{site.url}/console/protocols/radiesse")
    waits = page.locator("#b-swelling")
    waits.get_by_label("Asked").press("H")  # chooses "How the patient is"
    waits.get_by_label("not well").press("Space")
    page.get_by_label("Last day").nth(1).fill("x")
    page.locator("#all_well-en").fill("Bye.")
    page.get_by_role("button", name="Show what it changes").press("Enter")
    refused = page.locator("[data-focus]")
    expect(refused).to_be_focused()
    assert violations(page) == []
    assert refused.locator("a").count() == 2
    refused.get_by_role("link", name="Swelling").press("Enter")
    page.locator("#w-swelling-last").fill("9")
    call = "{emergency_phone}, {emergency_number}"
    page.locator("#all_well-en").fill(f"Lovely to hear. {call}")
    page.locator("#all_well-es").fill(f"Qué bien. {call}")
    page.get_by_role("button", name="Show what it changes").press("Enter")
    expect(page.get_by_text("Swelling, from day 0: only after How the patient is: not well.")).to_be_visible()
    expect(page.locator("q").first).to_contain_text("Lovely to hear. +1")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.locator('[name="weighed"]').press("Space")
    page.get_by_role("button", name="Put in force").press("Enter")
    expect(page.locator(".done")).to_be_visible()
    assert page.get_by_text("changed by your clinic").count() == 3
    assert violations(page) == []
    page.close()
