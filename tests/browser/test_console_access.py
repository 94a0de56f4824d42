"""Signing in and managing access in a real browser: passkeys, keyboard, phone width, no axe faults."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from bot import settings as app_settings
from bot.clinic.models import Role, Staff
from bot.console import sessions
from bot.db.engine import transaction
from tests.browser.live_site import CHROMIUM, accessibility_faults
from tests.browser.test_console import ConsoleSite
from tests.contract.console_clinic import PASSWORD

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH; see scripts/ensure-chromium"),
]

#: A fingerprint reader that says yes.
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    """A running console under a name: passkeys are bound to one, and an IP address is none."""
    mine = ConsoleSite(tmp_path_factory.mktemp("access"))
    mine.url = mine.url.replace("127.0.0.1", "localhost")
    app_settings.use_settings(app_settings.get_settings().model_copy(update={"public_url": mine.url}))
    with transaction() as session:
        session.get_one(Staff, mine.world.staff["doctor"]).role = Role.ADMIN
    yield mine
    mine.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A phone-sized window with a passkey authenticator. A script error fails the test."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    devtools = context.new_cdp_session(tab)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    yield tab
    context.close()
    assert faults == []


def is_sound(page: Page) -> None:
    """No accessibility fault, and nothing wider than the phone."""
    assert accessibility_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} is too wide"


def test_a_passkey_is_made_and_signs_in_without_a_password(site: ConsoleSite, page: Page) -> None:
    site.sign_in(page)
    page.goto(f"{site.url}/console/account")
    is_sound(page)
    page.get_by_label("Name of the device").fill("Test phone")
    page.get_by_role("button", name="Add a passkey").press("Enter")
    expect(page.get_by_role("status").filter(has_text="Your passkey is added")).to_be_visible()
    expect(page.get_by_text("Test phone").first).to_be_visible()
    is_sound(page)

    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/console/sign-in")
    is_sound(page)
    page.get_by_role("button", name="Sign in with a passkey").press("Enter")
    page.wait_for_url(f"{site.url}/console")
    page.goto(f"{site.url}/console/account")
    expect(page.get_by_text("passkey", exact=False).filter(has_text="last seen").first).to_be_visible()

    # with a passkey on the account, a password alone opens nothing; the passkey then does
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.fill("#email", "nurse@demo.example")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/sign-in/second**")
    is_sound(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{site.url}/console")


def test_a_browser_without_the_passkey_says_so(site: ConsoleSite, browser: Browser) -> None:
    context = browser.new_context()
    tab = context.new_page()
    devtools = context.new_cdp_session(tab)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR | {"hasResidentKey": False}})
    tab.goto(f"{site.url}/console/sign-in")
    tab.get_by_role("button", name="Sign in with a passkey").click()
    expect(tab.get_by_text("No passkey was used. Try again")).to_be_visible()
    context.close()


def test_an_app_is_set_up_by_keyboard_and_its_code_signs_in(site: ConsoleSite, page: Page) -> None:
    site.sign_in(page, "spanish")
    page.goto(f"{site.url}/console/account")
    page.get_by_role("link", name="Activar una aplicación").press("Enter")
    expect(page.get_by_role("img", name="Código QR")).to_be_visible()
    is_sound(page)
    key = (page.locator(".secret").text_content() or "").replace(" ", "")
    page.fill("#code", pyotp.TOTP(key).at(sessions.real_now()))
    page.press("#code", "Enter")
    expect(page.get_by_role("heading", name="Códigos de recuperación")).to_be_visible()
    assert page.locator(".codes li").count() == 10
    is_sound(page)
    page.get_by_role("button", name=re.compile("^Salir$")).click()
    page.fill("#email", "spanish@demo.example")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    expect(page.locator("#code")).to_be_focused()
    page.fill("#code", pyotp.TOTP(key).at(sessions.real_now(), counter_offset=1))
    page.press("#code", "Enter")
    page.wait_for_url(f"{site.url}/console")


def test_the_staff_pages_have_no_accessibility_fault_on_a_phone(site: ConsoleSite, page: Page) -> None:
    site.sign_in(page, "doctor")
    for path in ("/console/staff", f"/console/staff/{site.world.staff['nurse']}"):
        page.goto(site.url + path)
        is_sound(page)
    page.get_by_role("button", name="Make a link for a new password").click()
    link = page.get_by_label("One-time link").input_value()
    is_sound(page)
    page.goto(f"{site.url}/console/staff")
    page.get_by_role("button", name="Add, and make a link").click()
    expect(page.get_by_role("alert")).to_be_focused()
    is_sound(page)
    page.goto(link)
    is_sound(page)
    page.goto(f"{site.url}/console/reset/made-up")
    is_sound(page)
    page.goto(f"{site.url}/console/alerts/{site.world.alerts['lip']}")
    assert page.get_by_role("button", name="Close alert").count() == 0


def test_the_audit_log_is_found_narrowed_and_checked_by_keyboard(site: ConsoleSite, page: Page) -> None:
    site.sign_in(page, "doctor")
    page.goto(f"{site.url}/console/patients/{site.world.patients['pat']}")
    page.get_by_role("link", name="Who has seen this").press("Enter")
    page.wait_for_url("**/console/audit?patient_id=*")
    expect(page.get_by_role("checkbox", name="Only about Pat Sample")).to_be_checked()
    is_sound(page)
    page.get_by_label("What was done").select_option("patient.view")
    page.get_by_role("button", name="Show", exact=True).press("Enter")
    page.wait_for_url("**action=patient.view**")
    line = page.get_by_role("row").filter(has_text="Viewed a patient").first
    expect(line).to_contain_text("Dr Demo")
    line.locator("summary").press("Enter")
    expect(line.get_by_text("Check number")).to_be_visible()
    is_sound(page)
    page.get_by_role("button", name="Check from the first entry").press("Enter")
    expect(page.get_by_role("status").filter(has_text="whole")).to_be_visible()
    is_sound(page)
    page.get_by_label("Patient: name or phone number").fill("l")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Several patients fit")).to_be_visible()
    is_sound(page)
    page.get_by_role("link", name="Kim Placeholder").press("Enter")
    page.wait_for_url("**/console/audit?patient_id=*")
    page.goto(f"{site.url}/console/audit?from=2026-11-09&to=2026-11-01")
    expect(page.get_by_role("alert")).to_be_focused()
    is_sound(page)


def test_settings_and_warnings_about_a_shared_number_have_no_accessibility_fault(
    site: ConsoleSite, page: Page
) -> None:
    with transaction() as session:
        nurse = session.get_one(Staff, site.world.staff["nurse"])
        before, nurse.phone = nurse.phone, "+15550100114"
    site.sign_in(page, "doctor")
    paths = ("settings", "staff", f"staff/{nurse.id}", f"patients/{site.world.patients['kim']}")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for path in (*paths, "audit", f"alerts/{site.world.alerts['done']}"):
            page.goto(f"{site.url}/console/{path}")
            is_sound(page)
    with transaction() as session:
        session.get_one(Staff, nurse.id).phone = before
