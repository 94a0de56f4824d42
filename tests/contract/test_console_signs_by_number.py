"""A danger sign that a patient chose by its number is shown in words, beside what they wrote."""

from __future__ import annotations

import html
import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot.clinic.models import Patient
from bot.console.strings import translator
from bot.db.engine import reading, transaction
from bot.escalation.models import Alert
from bot.escalation.raising import raise_alert
from bot.followup.models import CheckIn, CheckInStatus
from bot.protocols.phrases import as_language
from bot.protocols.render import Situation, render
from bot.triage import assess
from bot.triage.answers import RED_FLAG_LIST
from bot.triage.types import PROBE, Context
from tests.contract.console_browser import client_for
from tests.contract.console_clinic import World, _assessed, message

ENGLISH = "Chosen from the list of danger signs: trouble breathing or swallowing; severe or rising pain"
SPANISH = "Elegido de la lista de señales de peligro: le cuesta respirar o tragar; dolor fuerte o que aumenta"


@pytest.fixture(params=[PROBE, "checkin.red_flags"])
def answered(world: World, request: pytest.FixtureRequest) -> str:
    """An alert of "2 and 5", in answer to the six signs. Its id."""
    with transaction() as session:
        kim = session.get_one(Patient, world.patients["kim"])
        row = message(session, kim, "2 and 5", 3)
        found = assess(row.body, Context(day=1, language="en", question=request.param))
        _assessed(session, row, found)
        return raise_alert(session, row, found).id


def text(client: TestClient, path: str) -> str:
    page = client.get(path)
    assert page.status_code == 200
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", page.text)).split())


@pytest.mark.parametrize(("reader", "said"), [("nurse", ENGLISH), ("spanish", SPANISH)])
def test_alert_queue_and_chart_note_say_the_signs_in_the_readers_language(
    world: World, answered: str, reader: str, said: str
) -> None:
    client = client_for(reader)
    page = text(client, f"/console/alerts/{answered}")
    thread, _, why = page.partition(translator("en" if reader == "nurse" else "es")("alert.why") + " ")
    assert f"2 and 5 {said}" in thread, "beside the patient's own words"
    assert said.partition("; ")[0] in why
    assert f"2 and 5 {said}" in text(client, "/console")
    note = text(client, f"/console/patients/{world.patients['kim']}/chart-note.txt")
    assert f"“2 and 5” · {said}" in note


@pytest.mark.parametrize(("reader", "said"), [("nurse", ENGLISH), ("spanish", SPANISH)])
def test_timeline_and_conversation_say_them_too(world: World, answered: str, reader: str, said: str) -> None:
    client = client_for(reader)
    with reading() as session:
        thread = session.get_one(Alert, answered).conversation_id
    kim = f"/console/patients/{world.patients['kim']}"
    for path in (
        f"/console/messages/{thread}",
        f"/console/messages/{thread}/live",
        kim,
        f"{kim}?show=messages",
    ):
        assert f"2 and 5 {said}" in text(client, path)


@pytest.mark.parametrize(("reader", "said"), [("nurse", ENGLISH), ("spanish", SPANISH)])
def test_the_check_in_that_they_answered_says_them_in_the_timeline(
    world: World, reader: str, said: str
) -> None:
    with transaction() as session:
        check_in = session.scalars(
            select(CheckIn).filter_by(patient_id=world.patients["pat"], status=CheckInStatus.ANSWERED)
        ).one()
        check_in.answers = {
            "checkin.red_flags": {"value": [2, 5, 9], "words": "2, 5 and 9"},
            "checkin.pain": {"value": 2, "words": "2"},
        }
    page = text(client_for(reader), f"/console/patients/{world.patients['pat']}?show=check_ins")
    assert f"“2, 5 and 9” {said}" in page, "9 is no sign of the list"
    assert page.count(said.partition(":")[0]) == 1, "a score is no sign"


def test_a_number_that_answered_something_else_is_no_sign(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        kim = session.get_one(Patient, world.patients["kim"])
        row = message(session, kim, "9", 3)
        found = assess(row.body, Context(day=1, language="en", question="checkin.pain"))
        _assessed(session, row, found)
        alert = raise_alert(session, row, found).id
        thread = session.get_one(Alert, alert).conversation_id
    assert "list of danger signs" not in text(nurse, f"/console/alerts/{alert}")
    assert "list of danger signs" not in text(nurse, f"/console/messages/{thread}")
    assert "list of danger signs" not in text(nurse, f"/console/patients/{world.patients['kim']}")
    assert "list of danger signs" not in text(
        nurse, f"/console/patients/{world.patients['kim']}/chart-note.txt"
    )


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_words_are_those_of_the_list_that_patients_get(language: str) -> None:
    situation = Situation(language=as_language(language), channel="web")
    asked = render("safety.probe", situation, {}).text.replace("your ", "").splitlines()
    t = translator(language)
    for number in RED_FLAG_LIST:
        assert f"{number} {t(f'danger_sign.{number}')}" in asked
