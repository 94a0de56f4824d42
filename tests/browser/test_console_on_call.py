"""The rota's page in a real browser: accessible, and usable on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from bot.oncall.service import RotaForm, save_rota
from tests.browser.test_console import ConsoleSite, page, site, violations

pytestmark = pytest.mark.browser
__all__ = ["page", "site"]


def test_the_pages_of_a_director_are_accessible_and_fit_a_phone(site: ConsoleSite, page: Page) -> None:
    members = [site.world.staff["nurse"], site.world.staff["doctor"]]
    save_rota(site.world.clinic, RotaForm("Nurses", "America/New_York", "2026-01-05", members=members))
    page.context.clear_cookies()
    site.sign_in(page, "doctor")
    page.set_viewport_size({"width": 360, "height": 800})
    for path in ("/console/rota", "/console/escalation"):
        page.goto(f"{site.url}{path}")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_each_value_of_a_shift_keeps_the_name_of_its_column_on_a_phone(site: ConsoleSite, page: Page) -> None:
    members = [site.world.staff["nurse"], site.world.staff["doctor"]]
    save_rota(site.world.clinic, RotaForm("Weekends", "America/New_York", "2026-01-05", members=members))
    page.context.clear_cookies()
    site.sign_in(page, "doctor")
    for width, shown in ((360, ["From: ", "To: ", "Person: "]), (1280, ["none", "none", "none"])):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{site.url}/console/rota")
        before = page.evaluate(
            """[...document.querySelectorAll('table tbody tr:first-child td')].slice(0, 3).map((cell) =>
               getComputedStyle(cell, '::before').content.replaceAll('"', ''))"""
        )
        assert ["".join(one.split("  ")) for one in before] == shown, width
    assert page.get_by_role("columnheader", name="Person").first.is_visible()
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.get_by_role("cell").count() >= 3, "still a table to a screen reader"
    assert violations(page) == []
