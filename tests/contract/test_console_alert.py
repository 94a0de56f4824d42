"""One alert's page: why it fired, how triage was judged, and what closing it does to a held conversation."""

from __future__ import annotations

import html
import re

from fastapi.testclient import TestClient
from sqlalchemy import select

from bot.clinic.models import Patient, Staff
from bot.db.engine import reading, transaction
from bot.escalation.models import Alert
from bot.handover.holds import holder_of
from bot.handover.models import Release, Takeover
from bot.messaging.models import Conversation
from bot.records.models import AssessmentRecord
from tests.contract import console_clinic
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World


def card(client: TestClient, world: World, name: str, alert: str = "lip") -> str:
    """A part of the alert's page as it is read."""
    page = client.get(f"/console/alerts/{world.alerts[alert]}").text
    found = re.search(rf'<section class="card" aria-labelledby="{name}">(.*?)</section>', page, re.DOTALL)
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", found[1]).split())) if found else ""


def close(client: TestClient, world: World, **fields: str) -> str:
    form = {"outcome": "seen_in_clinic", "close_note": "Seen.", **fields}
    return html.unescape(post(client, f"/console/alerts/{world.alerts['lip']}/close", **form).text)


# --- why it fired ---


def test_two_rules_of_one_flag_are_one_reason(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["lip"])
        record = session.scalars(select(AssessmentRecord).filter_by(message_id=alert.message_id)).one()
        (first, *_others) = record.findings
        second = {**first, "rule": "vo.second", "tier": "T0", "words": "really hurts"}
        record.findings = [
            {**first, "tier": "T1", "rule": "vo.first"},
            second,
            second | {"flag": "R9", "rule": "x"},
        ]
    why = card(nurse, world, "why-h")
    assert why.count("vo.first") == why.count("vo.second") == 1
    assert re.search(r"T0 Emergency now [^“]*Words “[^”]+”, “really hurts” Rule vo.first , vo.second", why)
    assert "T1 Within the hour" not in why.partition("vo.second")[0], "as urgent as the most urgent rule"


# --- how triage did ---


def test_a_closed_alert_says_how_triage_did_and_who_says_so(world: World, nurse: TestClient) -> None:
    assert card(nurse, world, "judged-h") == "", "an alert that is open has not been judged"
    close(nurse, world, verdict="false_alarm", judged="T3")
    said = card(nurse, world, "judged-h")
    assert re.search(r"False alarm : given T[01] [\w ]+, right would have been T3 Next working day", said)
    assert "Nurse Demo (Nurse)," in said
    spanish = card(client_for("spanish"), world, "judged-h")
    assert "Falsa alarma : dado T" in spanish
    assert "Nurse Demo (Enfermería)," in spanish


def test_what_was_missed_names_the_message_before(world: World, nurse: TestClient) -> None:
    close(nurse, world, verdict="missed", judged="T0")
    said = card(nurse, world, "judged-h")
    assert "About the message before: “" in said
    assert "Missed: it should have raised an alert earlier" in said


def test_of_each_person_the_newest_word_is_shown_and_of_nobody_that_nobody_has_said(
    world: World, nurse: TestClient
) -> None:
    assert "Nobody has said yet." in card(nurse, world, "judged-h", "done")
    with reading() as session:
        message = session.get_one(Alert, world.alerts["done"]).message_id
    for verdict in ("correct", "false_alarm"):
        post(nurse, f"/console/judge/{message}", verdict=verdict)
    post(client_for("doctor"), f"/console/judge/{message}", verdict="correct")
    said = card(nurse, world, "judged-h", "done")
    assert said.count("Nurse Demo") == 1
    assert said.index("Correct Dr Demo (Medical director)") < said.index("False alarm")
    assert said.count("Correct") == 1


# --- a conversation that somebody holds ---


def the_thread(world: World) -> str:
    with reading() as session:
        return session.get_one(Alert, world.alerts["lip"]).conversation_id


def holds(thread: str) -> bool:
    with reading() as session:
        return holder_of(session, thread) is not None


def test_whoever_closes_the_alert_hands_the_conversation_back(world: World, nurse: TestClient) -> None:
    thread = the_thread(world)
    post(nurse, f"/console/messages/{thread}/take")
    assert holds(thread)
    said = close(nurse, world)
    assert "the desk answers in it again" in said
    assert not holds(thread)
    with reading() as session:
        (one,) = session.scalars(select(Takeover).filter_by(conversation_id=thread))
    assert one.released_because is Release.HANDED_BACK


def test_a_patient_who_waits_for_the_holders_answer_keeps_the_holder(world: World, nurse: TestClient) -> None:
    thread = the_thread(world)
    post(nurse, f"/console/messages/{thread}/take")
    with transaction() as session:
        pat = session.get_one(Patient, world.patients["pat"])
        console_clinic.message(session, pat, "And when may I run again?", 0)
    assert "the patient waits for your answer" in close(nurse, world)
    assert holds(thread)


def test_a_conversation_that_another_holds_stays_theirs(world: World, nurse: TestClient) -> None:
    thread = the_thread(world)
    post(client_for("doctor"), f"/console/messages/{thread}/take")
    said = close(nurse, world)
    assert "The alert is closed." in said
    assert "conversation; the desk" not in said
    assert holds(thread)
    with reading() as session:
        held = holder_of(session, thread)
        assert held is not None
        assert held.staff_id == world.staff["doctor"]


def test_closing_without_holding_says_nothing_of_a_conversation(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        session.get_one(Staff, world.staff["nurse"]).language = "es"
        assert session.scalars(select(Conversation.id).filter_by(patient_id=world.patients["pat"])).one()
    said = close(nurse, world)
    assert "La alerta está cerrada." in said
    assert "asistente vuelve" not in said
