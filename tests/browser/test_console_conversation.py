"""Taking a conversation over in a real browser: live, counted while one writes, faultless on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from bot import clock, events
from bot.clinic.models import Clinic, Patient
from bot.db.engine import transaction
from bot.escalation.models import Alert
from bot.messaging import inbox
from bot.messaging.models import Channel, Conversation
from bot.messaging.threads import add_inbound, find_or_open
from tests.browser.live_site import CHROMIUM
from tests.browser.test_console import ConsoleSite, violations
from tests.contract import console_clinic

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH; see scripts/ensure-chromium"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    """One running console for the module."""
    mine = ConsoleSite(tmp_path_factory.mktemp("console"))
    yield mine
    mine.stop()


def address(site: ConsoleSite, patient: str) -> str:
    with transaction() as session:
        found = select(Conversation.id).where(Conversation.patient_id == site.world.patients[patient])
        return f"{site.url}/console/messages/{session.scalars(found).one()}"


def phone(site: ConsoleSite, browser: Browser, key: str) -> Page:
    """A small phone on which that member of staff has signed in."""
    tab = browser.new_page(viewport={"width": 360, "height": 740})
    site.sign_in(tab, key)
    return tab


def test_a_conversation_is_taken_answered_and_handed_back_while_another_watches(
    site: ConsoleSite, browser: Browser
) -> None:
    nurse, doctor = phone(site, browser, "nurse"), phone(site, browser, "doctor")
    for tab in (nurse, doctor):
        tab.goto(address(site, "pat"))
    nurse.get_by_role("button", name="Take over").press("Enter")
    expect(nurse.get_by_role("status").filter(has_text="You hold this conversation now")).to_be_visible()
    events.committed(site.world.clinic)
    expect(doctor.get_by_text("Nurse Demo holds this")).to_be_visible()
    expect(doctor.get_by_role("button", name="Take over")).to_have_count(0)

    with transaction() as session:
        pat = session.get_one(Patient, site.world.patients["pat"])
        console_clinic.message(session, pat, "Is anybody there?", 0)
    field = nurse.get_by_label("Your reply")
    field.press_sequentially("Don't worry")
    expect(nurse.locator("#look")).to_contain_text("Reconsider these words")
    events.committed(site.world.clinic)
    expect(nurse.get_by_role("log")).to_contain_text("Is anybody there?")
    expect(field).to_have_value("Don't worry")
    expect(field).to_be_focused()
    assert violations(nurse) == []
    assert nurse.evaluate("document.documentElement.scrollWidth") <= 360

    field.fill("Yes, I am here. " * 12)
    expect(nurse.locator("#look")).to_contain_text("Parts of a text message: 2")
    nurse.get_by_role("button", name="Send").press("Enter")
    expect(nurse.get_by_role("status").filter(has_text="on its way")).to_be_visible()
    events.committed(site.world.clinic)
    expect(doctor.get_by_role("log")).to_contain_text("Yes, I am here.")
    nurse.get_by_role("button", name="Hand back").press("Enter")
    events.committed(site.world.clinic)
    expect(doctor.get_by_role("button", name="Take over")).to_be_visible()
    for tab in (nurse, doctor):
        tab.close()


def test_the_queue_counts_down_by_itself_and_says_when_time_is_over(
    site: ConsoleSite, browser: Browser
) -> None:
    with transaction() as session:
        for key, minutes in (("vision", 2), ("lip", 90)):
            alert = session.get_one(Alert, site.world.alerts[key])
            alert.created_at, alert.policy = clock.now() - timedelta(minutes=minutes), {"ack_minutes": 5}
    nurse = phone(site, browser, "nurse")
    left = nurse.locator(f"#alert-{site.world.alerts['vision']} time[data-due]")
    before = left.inner_text()
    assert before.endswith("left")
    expect(left).not_to_have_text(before)
    late = nurse.locator(f"#alert-{site.world.alerts['lip']} time[data-due]")
    expect(late).to_have_text("1 h over time")
    nurse.get_by_role("link", name="Nobody has it").press("Enter")
    expect(nurse.locator(".alert-card")).to_have_count(2)
    assert violations(nurse) == []
    nurse.close()


def test_the_settings_have_no_accessibility_violation_and_fit_a_phone(
    site: ConsoleSite, browser: Browser
) -> None:
    doctor = phone(site, browser, "doctor")
    doctor.goto(f"{site.url}/console/settings")
    for summary in doctor.locator("summary").all():
        summary.click()
    assert violations(doctor) == []
    assert doctor.evaluate("document.documentElement.scrollWidth") <= 360
    doctor.get_by_label("Ambulance").fill("soon")
    doctor.get_by_role("button", name="Save settings").press("Enter")
    expect(doctor.locator("[data-focus]")).to_be_focused()
    assert violations(doctor) == []
    doctor.locator("[data-focus] a").first.click()
    expect(doctor.get_by_label("Ambulance")).to_be_focused()
    doctor.close()


def test_a_chat_is_said_to_be_a_patients_by_keyboard(site: ConsoleSite, browser: Browser) -> None:
    with transaction() as session:
        chat = find_or_open(session, session.get_one(Clinic, site.world.clinic), Channel.WEB, "chat-1")
        words = "cant see out my left eye, its Pat 555 010 0112"
        inbox.handle(session, add_inbound(session, chat, Channel.WEB, "chat-1:1", words))
    tab = phone(site, browser, "nurse")
    tab.goto(f"{site.url}/console/alerts/{site.world.alerts['lip']}")
    expect(tab.get_by_text("Nobody has checked who writes there.")).to_be_visible()
    assert violations(tab) == []
    tab.get_by_role("link", name="Say whose chat it is").press("Enter")
    tab.get_by_role("button", name="Find the patient").press("Enter")
    confirm = tab.get_by_role("button", name="Yes, this is Pat Sample")
    expect(confirm).to_be_focused()
    assert violations(tab) == []
    confirm.press("Enter")
    expect(tab.get_by_role("status").filter(has_text="Noted whose conversation this is")).to_be_visible()
