"""A patient with two open alerts: each page leads to the other, and nothing is taken for done too early."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from bot import clock
from bot.db.engine import reading, transaction
from bot.escalation import service
from bot.escalation.models import Alert
from bot.escalation.signs import signs_of
from bot.escalation.splitting import split
from bot.handover.holds import holder_of
from bot.triage.types import Tier
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World


@pytest.fixture
def lip(world: World) -> str:
    """The alert that keeps the white lip."""
    return world.alerts["lip"]


@pytest.fixture
def cold(world: World, lip: str) -> str:
    """The alert of the sign that the doctor took out of it."""
    with reading() as session:
        sign = list(signs_of(session, session.get_one(Alert, lip)))[1]
    return split(lip, sign, world.staff["doctor"], "About something else.")


def read(client: TestClient, path: str) -> str:
    page = client.get(path)
    assert page.status_code == 200
    return page.text


def others(page: str) -> list[str]:
    """The lines about other alerts, as they are read."""
    found = re.findall(r'<p class="other-alert">(.*?)</p>', page, re.DOTALL)
    return [html.unescape(" ".join(re.sub(r"<[^>]+>", " ", one).split())) for one in found]


def code_of(alert_id: str) -> str:
    with reading() as session:
        return session.get_one(Alert, alert_id).code


def close(client: TestClient, alert_id: str) -> str:
    form = {"outcome": "advised_by_phone", "close_note": "Spoke to her."}
    return html.unescape(post(client, f"/console/alerts/{alert_id}/close", **form).text)


def holds(alert_id: str) -> bool:
    with reading() as session:
        return holder_of(session, session.get_one(Alert, alert_id).conversation_id) is not None


def hold(client: TestClient, alert_id: str) -> None:
    with reading() as session:
        thread = session.get_one(Alert, alert_id).conversation_id
    post(client, f"/console/messages/{thread}/take")
    assert holds(alert_id)


# --- each leads to the other -------------------------------------------------------------------------------


def test_each_page_names_the_other_alert_its_tier_its_flag_and_who_has_it(
    world: World, nurse: TestClient, lip: str, cold: str
) -> None:
    service.acknowledge(cold, world.staff["doctor"], via="console")
    for here, there, holder in ((lip, cold, "Taken by Dr Demo"), (cold, lip, "Nobody has taken it")):
        for path in (f"/console/alerts/{here}", f"/console/alerts/{here}/live"):
            page = read(nurse, path)
            (line,) = others(page)
            assert line.startswith(f"Another open alert of this patient: Alert {code_of(there)}: ")
            assert re.search(r"T[0-2] ", line)
            assert holder in line
            status = page.partition('data-part="status"')[2].partition("data-part=")[0]
            assert f'href="/console/alerts/{there}"' in status, "in the part that changes by itself"
    spanish = others(read(client_for("spanish"), f"/console/alerts/{lip}"))
    assert spanish[0].startswith(f"Otra alerta abierta de este paciente: Alerta {code_of(cold)}: ")


def test_of_a_patient_with_one_open_alert_and_of_other_patients_nothing_is_said(
    world: World, nurse: TestClient, lip: str, cold: str
) -> None:
    assert not others(read(nurse, f"/console/alerts/{world.alerts['vision']}"))
    close(nurse, cold)
    assert not others(read(nurse, f"/console/alerts/{lip}"))
    assert others(read(nurse, f"/console/alerts/{cold}")), "whoever has closed one hears of the other"


def test_the_conversation_shows_both_alerts(world: World, nurse: TestClient, lip: str, cold: str) -> None:
    with reading() as session:
        thread = session.get_one(Alert, lip).conversation_id
    for path in (f"/console/messages/{thread}", f"/console/messages/{thread}/live"):
        page = read(nurse, path)
        assert all(f'href="/console/alerts/{one}"' in page for one in (lip, cold))


# --- the times of a sign that was taken out ----------------------------------------------------------------


def wrote(alert_id: str, *, minutes: int) -> datetime:
    """The sign of that alert was written so long ago, and its alert asks to be taken within 5 minutes."""
    with transaction() as session:
        alert = session.get_one(Alert, alert_id)
        alert.message.created_at = clock.now() - timedelta(minutes=minutes)
        alert.policy = alert.policy | {"ack_minutes": 5}
        return alert.message.created_at


def card(page: str, alert_id: str) -> str:
    found = re.search(rf'<li [^>]*id="alert-{alert_id}".*?</li>', page, re.DOTALL)
    assert found
    return found[0]


def test_age_and_time_to_take_it_count_from_when_the_patient_wrote(
    world: World, nurse: TestClient, cold: str
) -> None:
    moment = wrote(cold, minutes=45).isoformat()
    for shown in (card(read(nurse, "/console"), cold), read(nurse, f"/console/alerts/{cold}")):
        assert f'<time datetime="{moment}" data-age>' in shown
        assert 'class="late">40 min over time<' in shown


def test_its_page_says_when_the_patient_wrote_and_since_when_it_is_paged(
    world: World, nurse: TestClient, lip: str, cold: str
) -> None:
    moment = wrote(cold, minutes=45).isoformat()
    with reading() as session:
        made = session.get_one(Alert, cold).created_at.isoformat()
    said = re.search(r'id="written-at">(.*?)</p>', read(nurse, f"/console/alerts/{cold}"), re.DOTALL)[1]
    assert re.search(rf'The patient wrote this: <time datetime="{re.escape(moment)}"', said)
    assert re.search(rf'since: <time datetime="{re.escape(made)}"', said)
    assert "El paciente lo escribió:" in read(client_for("spanish"), f"/console/alerts/{cold}")
    assert "written-at" not in read(nurse, f"/console/alerts/{lip}"), "the other was paged as it was written"


def test_of_two_alike_the_one_that_was_written_first_stands_first(
    world: World, nurse: TestClient, lip: str, cold: str
) -> None:
    with transaction() as session:
        session.get_one(Alert, lip).tier = session.get_one(Alert, cold).tier = Tier.T0
    for minutes, first in ((45, cold), (1, lip)):
        wrote(cold, minutes=minutes)
        page = read(nurse, "/console/queue")
        assert (page.index(f"alert-{cold}") < page.index(f"alert-{lip}")) is (first == cold)


# --- closing one of two ------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["lip", "cold"])
def test_the_closer_goes_on_talking_while_the_other_alert_is_theirs(
    world: World, nurse: TestClient, lip: str, cold: str, first: str
) -> None:
    for one in (lip, cold):
        service.acknowledge(one, world.staff["nurse"], via="console")
    hold(nurse, lip)
    one, other = (lip, cold) if first == "lip" else (cold, lip)
    said = close(nurse, one)
    assert "You still hold the conversation: another open alert of this patient is yours." in said
    assert holds(other)
    assert "the desk answers in it again" in close(nurse, other), "with the last one they are done"
    assert not holds(other)


@pytest.mark.parametrize("with_whom", ["nobody", "doctor"])
def test_the_closer_is_done_when_the_other_alert_is_not_theirs(
    world: World, nurse: TestClient, lip: str, cold: str, with_whom: str
) -> None:
    if with_whom == "doctor":
        service.acknowledge(cold, world.staff["doctor"], via="console")
    hold(nurse, lip)
    assert "the desk answers in it again" in close(nurse, lip)
    assert not holds(lip)


def test_another_patients_alert_keeps_nobody_in_the_conversation(
    world: World, nurse: TestClient, lip: str
) -> None:
    service.acknowledge(world.alerts["vision"], world.staff["nurse"], via="console")
    hold(nurse, lip)
    close(nurse, lip)
    assert not holds(lip)


def test_where_nothing_was_held_nothing_is_said_of_a_conversation(
    world: World, nurse: TestClient, lip: str, cold: str
) -> None:
    service.acknowledge(cold, world.staff["nurse"], via="console")
    assert "hold the conversation" not in close(nurse, lip)
