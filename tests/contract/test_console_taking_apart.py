"""Taking a sign out of an alert into one of its own, in the console."""

from __future__ import annotations

import html
import re

import pytest
from fastapi.testclient import TestClient

from bot.audit.models import AuditEntry
from bot.db.engine import reading
from bot.escalation.models import Alert, AlertStatus
from bot.escalation.signs import signs_of
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World

WHY = "About her operation, not the <filler>."


def signs(alert_id: str) -> list[str]:
    with reading() as session:
        return list(signs_of(session, session.get_one(Alert, alert_id)))


def plain(text: str) -> str:
    return html.unescape(re.sub(r"</?mark>", "", text))


@pytest.fixture
def lip(world: World) -> str:
    """An alert of two signs: a white lip, and "it is getting worse and feels cold"."""
    return world.alerts["lip"]


def take_out(client: TestClient, alert_id: str, sign: str | None = None, why: str = WHY):
    return post(client, f"/console/alerts/{alert_id}/split", sign=sign or signs(alert_id)[1], why=why)


def new_alert(lip: str) -> Alert:
    with reading() as session:
        return session.query(Alert).filter_by(split_from_id=lip).one()


def test_the_form_names_every_sign_with_tier_words_and_moment(
    world: World, nurse: TestClient, lip: str
) -> None:
    form = re.search(
        r'action="/console/alerts/\w+/split".*?</form>', nurse.get(f"/console/alerts/{lip}").text, re.S
    )
    assert form
    assert form[0].count('type="radio" name="sign"') == 2
    assert "My lip looks white" in form[0]
    assert "getting worse and feels cold" in form[0]
    assert "<legend>Which sign?</legend>" in form[0]
    assert '<label for="why">' in form[0]


def test_the_sign_is_shown_in_an_alert_of_its_own_and_each_leads_to_the_other(
    world: World, nurse: TestClient, lip: str
) -> None:
    page = take_out(nurse, lip)
    new = new_alert(lip)
    assert str(page.url).endswith(f"/console/alerts/{new.id}?did=split")
    assert "This sign has an alert of its own now" in page.text
    assert f'href="/console/alerts/{lip}"' in page.text
    assert html.escape(WHY, quote=False) in page.text
    old = nurse.get(f"/console/alerts/{lip}").text
    assert f"Nurse Demo took a sign out of this alert, into alert {new.code}" in old
    assert html.escape(WHY, quote=False) in old
    assert f'href="/console/alerts/{new.id}"' in old
    assert "This sign is in another alert:" in old
    assert "/split" not in old, "one sign is left: nothing to take apart"
    queue = nurse.get("/console").text
    assert f"alert-{lip}" in queue
    assert f"alert-{new.id}" in queue


def test_the_findings_of_a_sign_stand_with_its_own_alert_alone(
    world: World, nurse: TestClient, lip: str
) -> None:
    take_out(nurse, lip, signs(lip)[0])
    old = nurse.get(f"/console/alerts/{lip}").text
    new = nurse.get(f"/console/alerts/{new_alert(lip).id}").text
    why = r'<div data-part="why">.*?</ul>\s*</div>|<div data-part="why">.*?</div>'
    assert "white" not in re.search(why, old, re.S)[0]
    assert "white" in re.search(why, new, re.S)[0]


def test_it_is_in_the_audit_log_with_who(world: World, nurse: TestClient, lip: str) -> None:
    take_out(nurse, lip)
    with reading() as session:
        (entry,) = session.query(AuditEntry).filter_by(action="alert.split")
        assert (entry.actor_id, entry.subject_id) == (world.staff["nurse"], lip)


def test_the_chart_note_lists_each_sign_with_its_alert_and_says_that_it_was_taken_out(
    world: World, nurse: TestClient, lip: str
) -> None:
    take_out(nurse, lip, signs(lip)[0])
    note = f"/console/patients/{world.patients['pat']}/chart-note.txt"
    text = " ".join(client_for("doctor").get(note).text.split())
    new = new_alert(lip)
    with reading() as session:
        old = session.get_one(Alert, lip).code
    assert f"Nurse Demo took a sign out of this alert, into alert {new.code}" in text
    assert f"Nurse Demo made this alert of a sign of alert {old}" in text
    assert text.count("“My lip looks white") + text.count("My lip looks white and it really hurts”") == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sign": "", "why": WHY}, "Choose the sign to take out."),
        (
            {"sign": "of-nothing", "why": WHY},
            "This sign is not in the alert, or somebody has just taken it out.",
        ),
        ({"why": " "}, "Say in a few words what the sign concerns."),
    ],
)
def test_what_is_missing_is_said_beside_the_form_and_nothing_changes(
    world: World, nurse: TestClient, lip: str, fields: dict[str, str], said: str
) -> None:
    answer = post(nurse, f"/console/alerts/{lip}/split", **({"sign": signs(lip)[1]} | fields))
    assert answer.status_code == 422
    assert said in answer.text
    assert 'role="alert"' in answer.text
    if fields["why"].strip():
        assert html.escape(WHY, quote=False) in answer.text, "what was typed stays"
    assert len(signs(lip)) == 2


def test_the_second_of_two_who_take_the_same_sign_out_is_told(
    world: World, nurse: TestClient, lip: str
) -> None:
    sign = signs(lip)[1]
    take_out(nurse, lip, sign)
    answer = take_out(client_for("doctor"), lip, sign)
    assert answer.status_code == 422
    assert "somebody has just taken it out" in answer.text
    spanish = take_out(client_for("spanish"), lip, signs(lip)[0])
    assert "Es el único signo de la alerta" in spanish.text


def test_nothing_is_taken_out_of_a_closed_alert(world: World, nurse: TestClient) -> None:
    done = world.alerts["done"]
    assert "/split" not in nurse.get(f"/console/alerts/{done}").text
    answer = take_out(nurse, done, signs(done)[0])
    assert answer.status_code == 422
    assert "The alert is closed: nothing is taken out of it any more." in answer.text
    with reading() as session:
        assert session.get_one(Alert, done).status is AlertStatus.CLOSED


def test_another_clinics_alert_is_not_there(world: World, nurse: TestClient) -> None:
    foreign = world.alerts["foreign"]
    assert take_out(nurse, foreign, signs(foreign)[0]).status_code == 404
