"""The chat widget in a real browser: it survives reloads and broken lines, and works without a mouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect
from sqlalchemy import select

from bot.clinic.models import Clinic
from bot.db.engine import transaction
from bot.messaging.models import Kind
from tests.browser.live_site import LiveSite, accessibility_faults, chromium

pytestmark = pytest.mark.browser

#: Slow machines: a whole turn of server and browser.
SOON_MS = 15_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        expect.set_options(timeout=SOON_MS)
        yield opened


@pytest.fixture
def site(browser: Browser, tmp_path: Path) -> Iterator[LiveSite]:
    running = LiveSite(tmp_path)
    yield running
    running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1100, "height": 780})
    opened.set_default_timeout(SOON_MS)
    yield opened
    opened.close()


def clinic_page(context: BrowserContext, site: LiveSite) -> Page:
    page = context.new_page()
    page.goto(f"{site.url}/demo/clinic")
    return page


def open_chat(page: Page) -> None:
    page.get_by_role("button", name="Chat with us").click()
    expect(page.get_by_role("link", name="911")).to_be_visible()


def write(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def test_the_first_lines_say_what_it_is_and_whom_to_call(site: LiveSite, context: BrowserContext) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("automated assistant, not a person")
    expect(dialog).to_contain_text("not for emergencies")
    assert page.get_by_role("link", name="+1 555-010-0102").last.get_attribute("href") == "tel:+15550100102"


def test_a_question_is_answered_live_with_buttons(site: LiveSite, context: BrowserContext) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    write(page, "can I swim?")
    site.wait_for_web_messages(1)
    site.answer("Call +1 555-010-0102, or 911.", [{"title": "Talk to a person", "payload": "PERSON"}])
    log = page.get_by_role("log", name="Conversation")
    assert log.get_by_role("link", name="+1 555-010-0102").get_attribute("href") == "tel:+15550100102"
    assert log.get_by_role("link", name="911").get_attribute("href") == "tel:911"
    page.get_by_role("button", name="Talk to a person").click()
    assert [one.body for one in site.wait_for_web_messages(2)] == ["can I swim?", "PERSON"]
    expect(page.get_by_role("button", name="Talk to a person")).to_be_hidden()


def test_a_red_flag_brings_the_number_to_call_at_once_and_without_the_dialogue(
    site: LiveSite, context: BrowserContext
) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    write(page, "I can't see out of my left eye")
    call = page.get_by_role("log", name="Conversation").get_by_role("link", name="911").first
    expect(call).to_have_attribute("href", "tel:911")


def test_answers_are_shown_as_text_never_as_markup(site: LiveSite, context: BrowserContext) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    nasty = "<img src=x onerror=\"document.title='taken'\"> javascript:alert(1)"
    write(page, nasty)
    site.wait_for_web_messages(1)
    site.answer(nasty)
    expect(page.get_by_role("log", name="Conversation").get_by_text(nasty)).to_have_count(2)
    assert page.title() != "taken"


def test_the_conversation_survives_a_reload_and_its_words_are_not_left_on_the_device(
    site: LiveSite, context: BrowserContext
) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    write(page, "a private question")
    site.wait_for_web_messages(1)
    site.answer("a private answer")
    expect(page.get_by_text("a private answer")).to_be_visible()
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert "private" not in kept
    page.get_by_role("button", name="Close chat").click()
    page.reload()
    site.answer("written meanwhile")
    expect(page.locator("afterglow-chat .badge")).to_have_text("1")
    page.get_by_role("button", name="Chat with us, 1 new message").click()
    log = page.get_by_role("log", name="Conversation")
    for text in ("a private question", "a private answer", "written meanwhile"):
        expect(log.get_by_text(text)).to_have_count(1)


def top_of(page: Page, text: str) -> float:
    """Where the bubble with this text begins, in px below the upper edge of what is shown of the chat."""
    bubble = page.locator("afterglow-chat .bubble", has_text=text).last.bounding_box()
    shown = page.locator("afterglow-chat .scroll").bounding_box()
    assert bubble is not None
    assert shown is not None
    assert bubble["y"] < shown["y"] + shown["height"], "below what is shown"
    return bubble["y"] - shown["y"]


LONG = "The answer begins here. " + "And then it goes on, line after line. " * 60


def test_an_open_chat_is_open_again_after_a_reload_and_shows_what_to_do_now(
    site: LiveSite, context: BrowserContext
) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    write(page, "I can't see out of my left eye")
    call = page.get_by_role("log", name="Conversation").get_by_role("link", name="911").first
    expect(call).to_be_visible()
    page.reload()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(call).to_be_in_viewport()
    page.get_by_role("button", name="Close chat").click()
    page.reload()
    expect(page.get_by_role("button", name="Chat with us", exact=True)).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_another_tab_does_not_open_the_chat_by_itself(site: LiveSite, context: BrowserContext) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    other = clinic_page(context, site)
    expect(other.get_by_role("button", name="Chat with us")).to_be_visible()
    expect(other.get_by_role("dialog")).to_be_hidden()


def test_a_closed_chat_counts_and_announces_what_is_new(site: LiveSite, context: BrowserContext) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    write(page, "can I swim?")
    site.wait_for_web_messages(1)
    expect(page.get_by_text("Saved")).to_be_visible()
    page.get_by_role("button", name="Close chat").click()
    site.answer("Not for two days.")
    site.answer("After that, yes.")
    expect(page.get_by_role("button", name="Chat with us, 2 new messages")).to_be_visible()
    expect(page.locator("afterglow-chat [aria-live=assertive]")).to_have_text("Chat with us, 2 new messages")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_safety_text_opens_the_chat_by_itself_once_and_leaves_the_focus_alone(
    site: LiveSite, context: BrowserContext
) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    write(page, "something is odd")
    site.wait_for_web_messages(1)
    expect(page.get_by_text("Saved")).to_be_visible()
    page.get_by_role("button", name="Close chat").click()
    link = page.get_by_role("link", name="Call us")
    link.focus()
    site.answer("Call 911 now. " + LONG, kind=Kind.SAFETY)
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator("afterglow-chat [aria-live=assertive]")).to_contain_text("Call 911 now.")
    expect(link).to_be_focused()
    assert top_of(page, "Call 911 now.") >= 0
    page.get_by_role("button", name="Close chat").click()
    page.reload()
    expect(page.get_by_role("button", name="Chat with us", exact=True)).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_of_a_long_answer_the_beginning_is_in_sight(site: LiveSite, context: BrowserContext) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    write(page, "what may I do?")
    site.wait_for_web_messages(1)
    site.answer(LONG)
    expect(page.get_by_text("The answer begins here.")).to_be_visible()
    assert top_of(page, "The answer begins here.") >= 0
    page.reload()
    expect(page.get_by_text("The answer begins here.")).to_be_visible()
    assert top_of(page, "The answer begins here.") >= 0


def test_what_follows_a_safety_text_does_not_push_it_out_of_sight(
    site: LiveSite, context: BrowserContext
) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    write(page, "something is odd")
    site.wait_for_web_messages(1)
    site.answer("Call 911 now.", kind=Kind.SAFETY)
    expect(page.get_by_text("Call 911 now.")).to_be_visible()
    site.answer(LONG)
    expect(page.get_by_text("The answer begins here.")).to_be_visible()
    assert top_of(page, "Call 911 now.") >= 0


def test_somebody_who_scrolled_back_to_read_is_left_there(site: LiveSite, context: BrowserContext) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    write(page, "what may I do?")
    site.wait_for_web_messages(1)
    site.answer(LONG)
    expect(page.get_by_text("The answer begins here.")).to_be_visible()
    scroller = page.locator("afterglow-chat .scroll")
    scroller.evaluate("element => (element.scrollTop = 20)")
    site.answer("One more thing.")
    expect(page.get_by_text("One more thing.")).to_be_attached()
    assert scroller.evaluate("element => element.scrollTop") == 20


def test_leaving_the_chat_removes_it_from_the_device(site: LiveSite, context: BrowserContext) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    write(page, "a private question")
    site.wait_for_web_messages(1)
    page.get_by_role("button", name="Leave chat on this device").click()
    expect(page.get_by_role("log", name="Conversation")).to_be_empty()
    page.reload()
    open_chat(page)
    expect(page.get_by_text("a private question")).to_have_count(0)


def test_what_is_written_while_the_desk_is_down_arrives_once_it_is_back(
    site: LiveSite, context: BrowserContext
) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    write(page, "before")
    site.wait_for_web_messages(1)
    site.stop()
    write(page, "my lip is white")
    expect(page.get_by_text("No connection.")).to_be_visible()
    expect(page.get_by_text("Not sent yet")).to_be_visible()
    site.start()
    assert [one.body for one in site.wait_for_web_messages(2)] == ["before", "my lip is white"]
    expect(page.get_by_text("No connection.")).to_be_hidden()
    site.answer("we are here")
    expect(page.get_by_text("we are here")).to_be_visible()
    expect(page.get_by_role("log", name="Conversation").get_by_text("my lip is white")).to_have_count(1)


def test_a_message_whose_receipt_was_lost_is_sent_again_under_the_same_id_and_stored_once(
    site: LiveSite, context: BrowserContext
) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("/chat/messages"):
            sent.append(request.post_data_json["client_id"])

    page.on("request", note)
    lost = []

    def lose_the_first_receipt(route: object) -> None:
        if not lost:
            lost.append(route.fetch())
            route.abort()
        else:
            route.continue_()

    page.route("**/chat/messages", lose_the_first_receipt)
    write(page, "my lip is white")
    expect(page.get_by_text("Saved")).to_be_visible()
    assert len(sent) >= 2
    assert len(set(sent)) == 1
    assert len(site.web_messages()) == 1


def test_an_unsent_message_survives_closing_the_page(site: LiveSite, context: BrowserContext) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    page.route("**/chat/messages", lambda route: route.abort())
    write(page, "kept for later")
    expect(page.get_by_text("Not sent yet")).to_be_visible()
    page.close()
    clinic_page(context, site)
    assert [one.body for one in site.wait_for_web_messages(1)] == ["kept for later"]


def test_a_text_that_is_too_long_stays_in_the_box(site: LiveSite, context: BrowserContext) -> None:
    page = clinic_page(context, site)
    open_chat(page)
    write(page, "x" * 4001)
    expect(page.get_by_role("alert")).to_contain_text("4000 characters")
    expect(page.get_by_label("Your message")).to_have_value("x" * 4001)
    assert site.web_messages() == []


def test_while_nobody_answers_the_visitor_reads_that_the_message_is_saved(
    site: LiveSite, context: BrowserContext
) -> None:
    page = context.new_page()
    page.clock.install()
    page.goto(f"{site.url}/demo/clinic")
    open_chat(page)
    write(page, "hello?")
    site.wait_for_web_messages(1)
    expect(page.get_by_text("Sending")).to_be_hidden()
    page.clock.fast_forward(6_000)
    expect(page.get_by_text("Your message is saved.")).to_be_visible()
    site.answer("hello")
    expect(page.get_by_text("Your message is saved.")).to_be_hidden()


def test_everything_works_from_the_keyboard(site: LiveSite, context: BrowserContext) -> None:
    page = clinic_page(context, site)
    launcher = page.get_by_role("button", name="Chat with us")
    launcher.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your message")).to_be_focused()
    expect(page.get_by_role("dialog")).to_have_accessible_name("Blue Heron Clinic (demo)")
    page.keyboard.type("thank you")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("see you Tuesday")
    page.keyboard.press("Enter")
    assert site.wait_for_web_messages(1)[0].body == "thank you\nsee you Tuesday"
    # (nothing that triage would ask back about: an unseen safety text opens the dialog again)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(launcher).to_be_focused()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 320)])
def test_axe_finds_nothing_wrong(site: LiveSite, browser: Browser, scheme: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 700}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{site.url}/demo/clinic")
    assert accessibility_faults(page) == []
    open_chat(page)
    write(page, "can I swim?")
    site.wait_for_web_messages(1)
    site.answer("Not for two days.", [{"title": "Thank you"}])
    expect(page.get_by_role("button", name="Thank you")).to_be_visible()
    assert accessibility_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_on_a_small_screen_the_focus_stays_in_the_chat(site: LiveSite, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 640}, reduced_motion="reduce")
    page.goto(f"{site.url}/demo/clinic")
    open_chat(page)
    inside = "document.activeElement.tagName === 'AFTERGLOW-CHAT'"
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(inside)
    box = page.get_by_label("Your message").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 320
    page.close()


def test_on_a_spanish_page_the_widget_speaks_spanish(site: LiveSite, context: BrowserContext) -> None:
    page = context.new_page()
    key = "blue-heron-demo"
    body = f'<html lang="es-MX"><afterglow-chat clinic="{key}"></afterglow-chat>'
    script = '<script type="module" src="/widget.js"></script>'
    page.route("**/pagina", lambda route: route.fulfill(body=body + script, content_type="text/html"))
    page.goto(f"{site.url}/pagina")
    page.get_by_role("button", name="Escríbanos").click()
    expect(page.get_by_role("dialog")).to_contain_text("asistente automático")
    page.get_by_label("Su mensaje").fill("hola")
    page.keyboard.press("Enter")
    site.wait_for_web_messages(1)
    expect(page.get_by_text("Guardado")).to_be_visible()


def elsewhere(site: LiveSite) -> str:
    """The address of a page on another site that embeds the demo clinic's chat."""
    page = f'''<html lang="en"><afterglow-chat clinic="blue-heron-demo"></afterglow-chat>
        <script type="module" src="{site.url}/widget.js"></script>'''
    site.app.get("/elsewhere")(lambda: HTMLResponse(page))
    return site.url.replace("127.0.0.1", "localhost") + "/elsewhere"


def test_on_a_site_that_the_clinic_did_not_list_the_chat_says_to_call(
    site: LiveSite, context: BrowserContext
) -> None:
    page = context.new_page()
    page.clock.install()
    page.goto(elsewhere(site))
    page.get_by_role("button", name="Chat with us").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("In an emergency, call your local emergency number")
    write(page, "my lip is white")
    page.clock.fast_forward(10_000)
    expect(dialog).to_contain_text("If it matters now, call the clinic", timeout=30_000)
    expect(dialog).to_contain_text("Not sent yet")
    assert site.web_messages() == []


def test_on_another_site_that_the_clinic_listed_the_chat_works(
    site: LiveSite, context: BrowserContext
) -> None:
    with transaction() as session:
        session.scalars(select(Clinic)).one().widget_origins = [elsewhere(site)]
    page = context.new_page()
    page.goto(elsewhere(site))
    open_chat(page)
    write(page, "can I swim?")
    site.wait_for_web_messages(1)
    site.answer("Not for two days.")
    expect(page.get_by_text("Not for two days.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Not for two days.")).to_be_visible()
