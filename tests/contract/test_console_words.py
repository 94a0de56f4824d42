"""Whatever the record can hold, the console has words for it in both languages."""

from __future__ import annotations

import html
import inspect
import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from actions import record
from bot.clinic.models import Patient
from bot.console import strings, tasks
from bot.console.strings import translator
from bot.db.engine import transaction
from bot.dialogue import manner
from bot.escalation import service
from bot.escalation.alerts import log
from bot.escalation.models import EVERY_CHANNEL, Alert, EventKind
from bot.followup import planning
from bot.messaging.models import Message
from bot.records.models import StaffTask, TaskKind
from tests.contract import console_clinic
from tests.contract.console_browser import client_for
from tests.contract.console_clinic import World


def a_task(world: World, kind: TaskKind, note: str = "", message: Message | None = None) -> None:
    """Leaves this as the clinic's only task."""
    with transaction() as session:
        for old in session.scalars(select(StaffTask).where(StaffTask.clinic_id == world.clinic)):
            session.delete(old)
        session.flush()
        task = StaffTask(clinic_id=world.clinic, key=f"{kind}:test", kind=kind, note=note)
        task.patient_id, task.message_id = world.patients["pat"], message.id if message else None
        session.add(task)


def task_card(client: TestClient) -> str:
    """What the only task on the page says, without its form and markup."""
    found = re.search(r'<div class="task-main">(.*?)</div>', client.get("/console/tasks").text, re.DOTALL)
    assert found
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", found[1]).split()))


@pytest.mark.parametrize("kind", TaskKind)
def test_every_kind_of_task_has_a_title_in_both_languages(
    world: World, nurse: TestClient, kind: TaskKind
) -> None:
    a_task(world, kind, note=TaskKind.NOT_UNDERSTOOD)
    english, spanish = task_card(nurse), task_card(client_for("spanish"))
    assert english.startswith(translator("en")(f"task.{kind}"))
    assert spanish.startswith(translator("es")(f"task.{kind}"))
    assert english.split(" PS ")[0] != spanish.split(" PS ")[0]
    for words, card in (("A message was not understood", english), ("Un mensaje no se entendió", spanish)):
        assert card.count(words) == 1, "the reason is said once, in words"
        assert "_" not in card


def test_a_task_says_the_patients_words_once(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        pat = session.get_one(Patient, world.patients["pat"])
        row = console_clinic.message(session, pat, "Purple elephants " + "and a long story " * 20, 5)
    a_task(world, TaskKind.NOT_UNDERSTOOD, row.body[:200], row)
    assert task_card(nurse).count("Purple elephants") == 1
    a_task(world, TaskKind.REVIEW, "Wants another appointment.", row)
    assert "Wants another appointment." in task_card(nurse)


@pytest.mark.parametrize(
    ("note", "says"),
    [
        ("day 7", "Seguimiento, día 7"),
        ("day 7: too old to send", "Seguimiento, día 7: demasiado antiguo para enviarlo"),
        (
            "day 3: overtaken by the next check-in",
            "Seguimiento, día 3: lo alcanzó el siguiente seguimiento",
        ),
    ],
)
def test_a_task_about_a_check_in_names_its_day_in_the_readers_language(
    world: World, nurse: TestClient, note: str, says: str
) -> None:
    a_task(world, TaskKind.NO_CHECK_IN_ANSWER, note)
    card = task_card(client_for("spanish"))
    assert says in card
    assert "day" not in card


@pytest.mark.parametrize("reason", [record.IN_DISTRESS, manner.LEGAL, manner.OTHER_MEDICINE])
def test_why_a_conversation_was_handed_over_is_said_in_words(
    world: World, nurse: TestClient, reason: str
) -> None:
    a_task(world, TaskKind.TALK_TO_PATIENT, reason)
    english, spanish = task_card(nurse), task_card(client_for("spanish"))
    assert translator("en")(f"task.{reason}") in english
    assert translator("es")(f"task.{reason}") in spanish
    assert "_" not in english + spanish


def test_every_reason_to_give_a_check_in_up_is_translated() -> None:
    written = set(re.findall(r'Drop\("([^"]+)"\)', inspect.getsource(planning)))
    assert written == set(tasks._GIVEN_UP)


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_of_event_has_its_line_in_both_languages(
    world: World, nurse: TestClient, kind: EventKind
) -> None:
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["lip"])
        detail = "" if kind is EventKind.NOBODY_ON_CALL else "T0"  # a location has a line of its own
        log(session, alert, kind, staff_id=world.staff["doctor"], detail=detail)
    lines = []
    for client, language in ((nurse, "en"), (client_for("spanish"), "es")):
        page = client.get(f"/console/alerts/{world.alerts['lip']}")
        assert page.status_code == 200
        found = re.search(rf'class="event event-{kind}">(.*?)</li>', page.text, re.DOTALL)
        assert found
        t = translator(language)
        wanted = t(f"event.{kind}", name="Dr Demo", tier=t("tier.T0"), code="T0")
        assert wanted in html.unescape(found[1])
        lines.append(wanted)
    assert lines[0] != lines[1]


def test_somebody_whom_no_way_reaches_stands_at_the_top_of_the_alert_until_it_is_taken(
    world: World, nurse: TestClient
) -> None:
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["lip"])
        doctor = world.staff["doctor"]
        log(session, alert, EventKind.PAGE_FAILED, staff_id=doctor, detail=EVERY_CHANNEL)
        log(session, alert, EventKind.PAGE_FAILED, staff_id=doctor, detail="voice: nobody answered")
    page = nurse.get(f"/console/alerts/{world.alerts['lip']}").text
    assert page.count("No way of reaching Dr Demo worked") == 2, "above, and in the timeline"
    assert "Phone call: nobody answered" in page
    service.acknowledge(world.alerts["lip"], world.staff["nurse"], "console")
    page = nurse.get(f"/console/alerts/{world.alerts['lip']}").text
    assert page.count("No way of reaching Dr Demo worked") == 1
    assert (
        "No funcionó ninguna vía" in client_for("spanish").get(f"/console/alerts/{world.alerts['lip']}").text
    )


def test_events_that_leave_an_alert_without_anybody_stand_out() -> None:
    urgent = {EventKind.OPENED, EventKind.RAISED, EventKind.REOPENED}
    urgent |= {EventKind.PAGE_FAILED, EventKind.NOBODY_ON_CALL, EventKind.NAMES_NOBODY}
    sheet = (strings.FILE.parent / "static" / "console.css").read_text(encoding="utf-8")
    rules = [line for line in sheet.splitlines() if "::before" in line and "--ag-urgent" in line]
    assert set(re.findall(r"\.event-(\w+)::before", " ".join(rules))) == {kind.value for kind in urgent}
