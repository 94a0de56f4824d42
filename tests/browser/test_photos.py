"""Photos in a real browser: sent from the chat, and compared in the console without a mouse or a fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.clinic.models import Consent, ConsentPurpose, Patient
from bot.db.engine import reading, transaction
from bot.photos import keep
from bot.photos.arrivals import expect as write_down
from bot.photos.models import Photo
from tests.browser.live_site import CHROMIUM, LiveSite, accessibility_faults
from tests.browser.test_console import ConsoleSite, violations
from tests.contract import console_clinic
from tests.support import pictures

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH; see scripts/ensure-chromium"),
]


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleSite]:
    """The console, with four photos of one patient in two views."""
    site = ConsoleSite(tmp_path)
    with transaction() as session:
        patient = session.get_one(Patient, site.world.patients["pat"])
        session.add(
            Consent(
                clinic_id=patient.clinic_id,
                patient_id=patient.id,
                purpose=ConsentPurpose.PHOTOS,
                granted=True,
                wording_version="photos.consent-1",
                channel="sms",
            )
        )
        for minutes, colour, view in (
            (4000, "tan", "front"),
            (3999, "wheat", "left_45"),
            (1000, "salmon", "front"),
            (999, "pink", "left_45"),
        ):
            item = keep.on_disk(patient.clinic_id, pictures.jpeg(colour), view).as_media()
            write_down(session, console_clinic.message(session, patient, "", minutes, media=[item]))
    yield site
    site.stop()


def test_two_dates_of_a_view_stand_side_by_side_on_a_phone_and_by_keyboard(
    console: ConsoleSite, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    console.sign_in(page)
    address = f"{console.url}/console/patients/{console.world.patients['pat']}"
    for path in ("", "/photos"):
        page.goto(address + path)
        _is_sound(page)
    page.get_by_role("link", name="Compare side by side").press("Enter")
    page.get_by_label("View").select_option(label="Left side, 45 degrees")
    page.get_by_role("button", name="Show").press("Enter")
    expect(page.get_by_label("View")).to_have_value("left_45")
    pair = page.locator(".compare img")
    expect(pair).to_have_count(2)
    left, right = (pair.nth(place).bounding_box() for place in (0, 1))
    assert left is not None
    assert right is not None
    assert left["x"] + left["width"] <= right["x"]
    assert left["y"] == right["y"]
    for place, day in ((0, "day 0"), (1, "day 2")):
        assert pair.nth(place).get_attribute("alt").endswith(day)
        assert pair.nth(place).evaluate("(image) => image.naturalWidth") == 320, "the picture is there"
    _is_sound(page)
    context.close()


def _is_sound(page: Page) -> None:
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_visitor_sends_a_photo_and_is_told_when_a_file_is_none(browser: Browser, tmp_path: Path) -> None:
    site = LiveSite(tmp_path / "var")
    photo, wrong = tmp_path / "face.jpg", tmp_path / "page.jpg"
    photo.write_bytes(pictures.with_secrets())
    wrong.write_text("<html>no photo</html>")
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(f"{site.url}/demo/clinic")
    page.get_by_role("button", name="Chat with us").click()
    button = page.get_by_role("button", name="Send a photo")
    with page.expect_file_chooser() as chooser:
        button.press("Enter")
    chooser.value.set_files(photo)
    mine = page.locator(".message.you")
    expect(mine.first).to_contain_text("Photo", timeout=15_000)
    expect(mine.first).to_contain_text("Saved", timeout=15_000)
    with page.expect_file_chooser() as chooser:
        button.press("Enter")
    chooser.value.set_files(wrong)
    expect(page.get_by_role("alert")).to_contain_text("could not be opened as a photo", timeout=15_000)
    expect(mine).to_have_count(1)
    assert accessibility_faults(page) == []
    with reading() as session:
        assert session.query(Photo).count() == 1
    context.close()
    site.close()
