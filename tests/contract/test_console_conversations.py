"""Conversations in the console: taking over, writing, handing back, and the list."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot import clock
from bot.clinic.models import Patient
from bot.db.engine import transaction
from bot.handover.models import StaffReply, Takeover
from bot.handover.watch import watch
from bot.messaging.models import Conversation, Direction, Kind, Message, Status
from bot.records.models import StaffTask
from tests.contract import console_clinic
from tests.contract.console_browser import client_for, csrf, post
from tests.contract.console_clinic import World


def address(world: World, patient: str = "pat") -> str:
    """The page of that patient's conversation."""
    with transaction() as session:
        found = select(Conversation.id).where(Conversation.patient_id == world.patients[patient])
        return f"/console/messages/{session.scalars(found).one()}"


def writes(world: World, text: str, patient: str = "pat") -> None:
    """The patient writes `text` now."""
    with transaction() as session:
        console_clinic.message(session, session.get_one(Patient, world.patients[patient]), text, 0)


def replies() -> list[Message]:
    """What staff wrote, oldest first."""
    with transaction() as session:
        query = select(Message).join(StaffReply, StaffReply.message_id == Message.id).order_by(Message.id)
        return list(session.scalars(query))


def test_a_conversation_opens_with_its_messages_and_who_answers(world: World, nurse: TestClient) -> None:
    page = nurse.get(address(world)).text
    assert "My lip looks white" in page
    assert "Afterglow answers by itself." in page
    assert "Take over" in page
    assert "<textarea" not in page, "only the holder writes"


def test_taking_over_shows_the_holder_to_everybody_and_the_form_to_one(
    world: World, nurse: TestClient
) -> None:
    page = post(nurse, f"{address(world)}/take").text
    assert "You hold this conversation" in page
    assert 'name="text"' in page
    other = client_for("doctor").get(address(world)).text
    assert "Nurse Demo holds this" in other
    assert 'name="text"' not in other
    assert "Nurse Demo holds this" in nurse.get("/console/messages").text


def test_the_second_to_take_over_is_told_who_was_first(world: World, nurse: TestClient) -> None:
    doctor = client_for("doctor")
    post(doctor, f"{address(world)}/take")
    reply = post(nurse, f"{address(world)}/take")
    assert reply.status_code == 409
    assert "Dr Demo holds this conversation already" in reply.text


def test_a_reply_is_sent_and_shown_under_its_writers_name(world: World, nurse: TestClient) -> None:
    post(nurse, f"{address(world)}/take")
    page = post(nurse, f"{address(world)}/reply", text="Can you send a picture?", do="send").text
    assert "Your reply is on its way." in page
    assert re.search(r"Nurse Demo\s*· ", page)
    (sent,) = replies()
    assert (sent.body, sent.status, sent.kind) == ("Can you send a picture?", Status.QUEUED, Kind.REPLY)


def test_a_second_click_sends_nothing_twice_and_the_same_words_later_do(
    world: World, nurse: TestClient
) -> None:
    page = post(nurse, f"{address(world)}/take").text

    def send(page: str) -> str:
        seen = re.search(r'name="after" value="(\w+)"', page)
        assert seen
        return post(nurse, f"{address(world)}/reply", text="Ok.", do="send", after=seen[1]).text

    again = send(page)
    assert "on its way" in send(page)
    assert len(replies()) == 1
    send(again)
    assert len(replies()) == 2


def test_the_chart_note_says_what_staff_wrote_and_who(world: World, nurse: TestClient) -> None:
    path = f"/console/patients/{world.patients['pat']}/chart-note.txt"
    assert "Can you send a picture?" not in nurse.get(path).text
    post(nurse, f"{address(world)}/take")
    post(nurse, f"{address(world)}/reply", text="Can you send a picture?", do="send")
    note = " ".join(nurse.get(path).text.split())
    assert re.search(r"Nurse Demo · [^“]+: “Can you send a picture\?”", note)


def test_words_on_the_never_say_list_are_shown_before_they_go_out(world: World, nurse: TestClient) -> None:
    post(nurse, f"{address(world)}/take")
    text = "Don't worry, that pain is normal."
    page = post(nurse, f"{address(world)}/reply", text=text, do="send").text
    assert "Not sent yet" in page
    assert "Reconsider these words" in page
    assert replies() == []
    seen = re.search(r'name="seen" value="(\w+)"', page)
    assert seen
    changed = post(nurse, f"{address(world)}/reply", text=text + " Don't worry.", do="send", seen=seen[1])
    assert "Not sent yet" in changed.text, "a warning seen for one text is none for another"
    post(nurse, f"{address(world)}/reply", text=text, do="send", seen=seen[1])
    assert [sent.body for sent in replies()] == [text]


def test_a_look_counts_the_parts_and_sends_nothing(world: World, nurse: TestClient) -> None:
    post(nurse, f"{address(world)}/take")
    part = nurse.post(f"{address(world)}/look", data={"csrf": csrf(nurse), "text": "x" * 161}).text
    assert "Parts of a text message: 2 (161 characters)." in part
    page = post(nurse, f"{address(world)}/reply", text="“quoted”", do="look").text
    assert "These signs make it longer: “”" in page
    assert "“quoted”</textarea>" in page
    assert replies() == []


def test_a_ready_made_reply_joins_what_was_typed(world: World, nurse: TestClient) -> None:
    post(nurse, f"{address(world)}/take")
    page = post(
        nurse, f"{address(world)}/reply", text="Hello Pat.", template="reply.call_now", do="insert"
    ).text
    assert "Hello Pat.\n\nI am calling you now from +1 555-010-0101." in page
    assert 'value="reply.call_now" selected' in page
    spanish = post(
        nurse, f"{address(world, 'ana')}/reply", text="", template="reply.call_now", do="insert"
    ).text
    assert "Le llamo ahora" in spanish, "in the patient's language"


@pytest.mark.parametrize(
    ("patient", "text", "complaint"),
    [("pat", "  ", "Write the reply first."), ("lee", "Hello", "Phone instead.")],
)
def test_a_reply_that_may_not_go_out_is_explained_and_kept(
    world: World, nurse: TestClient, patient: str, text: str, complaint: str
) -> None:
    post(nurse, f"{address(world, patient)}/take")
    page = post(nurse, f"{address(world, patient)}/reply", text=text, do="send")
    assert page.status_code == 422
    assert complaint in page.text
    assert f"{text.strip()}</textarea>" in page.text
    assert replies() == []


def test_a_text_too_long_is_refused_and_kept(world: World, nurse: TestClient) -> None:
    post(nurse, f"{address(world)}/take")
    page = post(nurse, f"{address(world)}/reply", text="x" * 1700, do="send")
    assert "1600 characters" in page.text
    assert "x" * 1700 in page.text


def test_who_no_longer_holds_it_loses_no_words(world: World, nurse: TestClient) -> None:
    post(nurse, f"{address(world)}/take")
    post(nurse, f"{address(world)}/hand-back")
    page = post(nurse, f"{address(world)}/reply", text="Half a thought", do="send")
    assert page.status_code == 409
    assert "You no longer hold this conversation" in page.text
    assert "Half a thought</textarea>" in page.text
    for button in ("hand-back", "still-here"):
        assert "You no longer hold" in post(nurse, f"{address(world)}/{button}").text


def test_handing_back_leaves_a_summary_with_the_patient_and_a_task_if_asked(
    world: World, nurse: TestClient
) -> None:
    post(nurse, f"{address(world)}/take")
    clock.advance(timedelta(minutes=4))
    writes(world, "And can I fly on Friday?")
    post(nurse, f"{address(world)}/hand-back", leave_task="yes")
    summary = "Nurse Demo talked with the patient for 4 min: 1 messages in, 0 out."
    assert summary in nurse.get(address(world)).text
    assert summary in nurse.get(f"/console/patients/{world.patients['pat']}?show=handovers").text
    tasks = nurse.get("/console/tasks").text
    assert "And can I fly on Friday?" in tasks
    assert "was not answered while a person held the conversation" in tasks


def test_signing_out_releases_and_an_empty_form_does_not(world: World, nurse: TestClient) -> None:
    post(nurse, f"{address(world)}/take")
    watch()
    assert "Nurse Demo holds this" in client_for("doctor").get(address(world)).text
    post(nurse, "/console/sign-out")
    watch()
    with transaction() as session:
        (held,) = session.scalars(select(Takeover)).all()
    assert held.released_at is not None


def test_a_waiting_patient_is_counted_and_listed_first(world: World, nurse: TestClient) -> None:
    post(nurse, f"{address(world, 'ana')}/take")
    clock.advance(timedelta(minutes=1))
    writes(world, "¿Hola?", "ana")
    writes(world, "Later than Ana", "pat")
    page = nurse.get("/console/messages").text
    assert "the patient waits" in page
    assert page.index("¿Hola?") < page.index("Later than Ana")
    assert re.search(r'data-count="waiting"[^>]*>1<', page)


@pytest.mark.parametrize(
    "what", ["", "/live", "/take", "/reply", "/hand-back", "/still-here", "/look", "/identify"]
)
def test_another_clinics_conversation_is_not_there(world: World, nurse: TestClient, what: str) -> None:
    path = address(world, "foreign") + what
    reply = nurse.get(path) if what in ("", "/live") else post(nurse, path, text="x", do="send")
    assert reply.status_code == 404
    with transaction() as session:
        assert session.scalars(select(Takeover)).all() == []
    assert "Fremd" not in nurse.get("/console/messages").text


def test_the_address_of_a_form_leads_back_to_the_conversation(world: World, nurse: TestClient) -> None:
    post(nurse, f"{address(world)}/take")
    assert "You hold this conversation" in nurse.get(f"{address(world)}/reply").text
    assert nurse.get(f"{address(world)}/nonsense").status_code == 404
    assert nurse.get(f"{address(world, 'foreign')}/reply").status_code == 404


def test_a_thread_with_a_member_of_staff_is_no_patients_conversation(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        staff = session.scalars(select(Conversation.id).where(Conversation.staff_id.is_not(None))).first()
    assert staff is not None
    assert nurse.get(f"/console/messages/{staff}").status_code == 404
    assert staff not in nurse.get("/console/messages").text


def test_what_is_written_is_text_and_never_markup(world: World, nurse: TestClient) -> None:
    writes(world, "<script>alert(1)</script>")
    post(nurse, f"{address(world)}/take")
    page = post(nurse, f"{address(world)}/reply", text="</textarea><b>", do="look").text
    assert "<script>alert" not in page
    assert "</textarea><b>" not in page


def test_the_pages_speak_spanish(world: World) -> None:
    spanish = client_for("spanish")
    post(spanish, f"{address(world)}/take")
    page = spanish.get(address(world)).text
    for words in ("Usted lleva esta conversación", "Devolver", "Respuesta preparada", "Le llamo ahora"):
        assert words in page
    with transaction() as session:
        tasks = session.scalars(select(StaffTask)).all()
        sent = session.scalars(select(Message).where(Message.direction == Direction.OUT)).all()
    assert tasks
    assert sent
