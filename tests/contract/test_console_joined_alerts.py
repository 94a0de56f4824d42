"""An alert that another became part of, in the console, and saying whose a chat is."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from bot.clinic.models import Clinic
from bot.db.engine import reading, transaction
from bot.escalation.alerts import page_fallback
from bot.escalation.models import Alert, Notification
from bot.messaging import inbox
from bot.messaging.models import Channel, Conversation, Message, Status
from bot.messaging.threads import add_inbound, find_or_open
from bot.notify import outcome
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World

CHAT = "chat-1"
WORDS = "cant see out my left eye"


@pytest.fixture
def chat(world: World) -> str:
    """A visitor of the chat, in whose conversation an alert is open. Its id."""
    with transaction() as session:
        clinic = session.get_one(Clinic, world.clinic)
        conversation = find_or_open(session, clinic, Channel.WEB, CHAT)
        write(session, conversation, WORDS)
        return conversation.id


def write(session: Session, conversation: Conversation, words: str) -> None:
    """The visitor writes, as the chat takes it in."""
    message = add_inbound(session, conversation, Channel.WEB, f"w-{words[:20]}", words)
    inbox.handle(session, message)


def alert_of(chat: str) -> str:
    with reading() as session:
        return session.query(Alert).filter_by(conversation_id=chat).one().id


def identify(nurse: TestClient, world: World, chat: str, patient: str = "pat"):
    return post(nurse, f"/console/messages/{chat}/identify", patient=world.patients[patient])


def test_a_chat_is_identified_by_number_and_then_by_name(world: World, nurse: TestClient, chat: str) -> None:
    page = nurse.get(f"/console/messages/{chat}").text
    assert "Who is writing?" in page
    found = post(nurse, f"/console/messages/{chat}/identify", number="(555) 010-0112")
    assert "Yes, this is Pat Sample" in found.text
    with reading() as session:
        assert session.get_one(Conversation, chat).patient_id is None, "not before it is confirmed"
    done = identify(nurse, world, chat)
    assert "Noted whose conversation this is." in done.text
    assert "Who is writing?" not in done.text
    assert "Pat Sample" in done.text


def test_a_number_that_no_patient_has_is_said_to_be_nobodys(
    world: World, nurse: TestClient, chat: str
) -> None:
    answer = post(nurse, f"/console/messages/{chat}/identify", number="555 010 0199")
    assert answer.status_code == 422
    assert "No patient has this number" in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_a_patient_of_another_clinic_is_not_there(world: World, nurse: TestClient, chat: str) -> None:
    assert "Fremd" not in post(nurse, f"/console/messages/{chat}/identify", number="+15550100211").text
    assert identify(nurse, world, chat, "foreign").status_code == 404


def test_text_messages_are_not_given_to_anybody(world: World, nurse: TestClient) -> None:
    with reading() as session:
        thread = session.query(Conversation).filter_by(patient_id=world.patients["ana"]).one().id
    assert "Who is writing?" not in nurse.get(f"/console/messages/{thread}").text
    assert "so nothing was changed" in identify(nurse, world, thread).text


def test_the_page_shows_the_words_of_both_conversations_and_both_codes(
    world: World, nurse: TestClient, chat: str
) -> None:
    joined = alert_of(chat)
    identify(nurse, world, chat)
    page = nurse.get(f"/console/alerts/{world.alerts['lip']}").text
    assert WORDS in re.sub(r"</?mark>", "", page)
    assert "My lip looks white" in re.sub(r"</?mark>", "", page)
    assert page.count("Web chat") >= 2
    assert page.count("Text messages") >= 2
    with reading() as session:
        code = session.get_one(Alert, joined).code
        assert f", {code}</span>" in page
    assert f"Alert {code} of the same patient became part of this one" in page
    assert f'href="/console/messages/{chat}"' in page


def test_the_address_of_the_joined_alert_leads_to_the_one_that_is_left(
    world: World, nurse: TestClient, chat: str
) -> None:
    joined = alert_of(chat)
    identify(nurse, world, chat)
    answer = nurse.get(f"/console/alerts/{joined}")
    assert str(answer.url).endswith(f"/console/alerts/{world.alerts['lip']}?did=joined")
    assert "has become part of this one" in answer.text
    closing = post(
        nurse, f"/console/alerts/{joined}/close", outcome="false_alarm", close_note="Nothing there."
    )
    assert "has become part of this one" in closing.text
    assert f"alert-{joined}" not in nurse.get("/console").text
    assert joined not in nurse.get("/console/closed").text


def test_a_number_left_in_the_chat_is_shown_as_what_it_is(world: World, nurse: TestClient, chat: str) -> None:
    with transaction() as session:
        write(session, session.get_one(Conversation, chat), "its Pat 555 010 0112")
    page = nurse.get(f"/console/alerts/{world.alerts['lip']}").text
    assert WORDS in re.sub(r"</?mark>", "", page)
    assert "Nobody has checked who writes there." in page
    assert f'href="/console/messages/{chat}"' in page
    assert 'value="+15550100112"' in nurse.get(f"/console/messages/{chat}").text
    note = f"/console/patients/{world.patients['pat']}/chart-note.txt"
    assert "nobody had checked who" in " ".join(client_for("doctor").get(note).text.split())
    identify(nurse, world, chat)
    assert "nobody had checked who" not in " ".join(client_for("doctor").get(note).text.split())
    assert "Nobody has checked" not in nurse.get(f"/console/alerts/{world.alerts['lip']}").text


def test_the_timeline_names_the_fall_back_phone(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["lip"])
        page_fallback(session, alert, "+15550100155")
        one = (
            session.query(Notification).filter(Notification.staff_id.is_(None), Notification.place == 0).one()
        )
        session.get_one(Message, one.message_id).status = Status.DELIVERED
        outcome.reached(session, one)
    page = nurse.get(f"/console/alerts/{world.alerts['lip']}").text
    assert "Page to the fall-back phone delivered" in page
