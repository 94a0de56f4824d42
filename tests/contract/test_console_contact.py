"""One's own contact methods in the console, and the command that tests them."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from typer.testing import CliRunner

from bot.channels.base import CarrierError
from bot.cli import app as command
from bot.clinic.models import Staff
from bot.db.engine import transaction
from bot.doctor import FIX, Finding
from bot.doctor import _clinics as clinics_of
from bot.durable.workflows import Equipment
from bot.notify.models import ContactKind, ContactMethod
from bot.settings import Settings
from tests.contract.console_browser import client_for
from tests.contract.console_clinic import World
from tests.support.contacts import reach
from tests.support.desk import NURSE, Desk, HandCarrier, HandNotifier

MAIL = {"kind": "email", "address": "nurse@home.example", "delay_min": "2", "least_tier": "T1"}
SLACK = "json://hooks.example/very-secret"


class Gear:
    """What the desk sends with."""

    def __init__(self) -> None:
        self.carrier, self.mails, self.chats = HandCarrier(), HandNotifier(), HandNotifier()


@pytest.fixture
def gear(monkeypatch: pytest.MonkeyPatch) -> Gear:
    mine = Gear()
    monkeypatch.setattr(Equipment, "carrier", mine.carrier)
    notifiers = {ContactKind.EMAIL: mine.mails, ContactKind.APPRISE: mine.chats}
    monkeypatch.setattr(Equipment, "notifiers", notifiers)
    return mine


def csrf(client: TestClient) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/console/contact").text)
    assert found
    return found[1]


def post(client: TestClient, path: str = "", **fields: str):
    return client.post(f"/console/contact{path}", data={"csrf": csrf(client), **fields})


def methods(world: World, who: str = "nurse") -> list[ContactMethod]:
    with transaction() as session:
        query = select(ContactMethod).where(ContactMethod.staff_id == world.staff[who])
        return list(session.scalars(query.order_by(ContactMethod.place)))


def test_without_any_it_says_what_happens(world: World, nurse: TestClient) -> None:
    assert "You get a text message to +1 555-010-0121" in nurse.get("/console/contact").text
    assert "no se le puede avisar" in client_for("spanish").get("/console/contact").text


def test_a_method_is_added_tested_moved_and_removed(world: World, nurse: TestClient, gear: Gear) -> None:
    assert "Send a test" in post(nurse, **MAIL).text
    post(nurse, kind="sms", address="555 010 0151", delay_min="", least_tier="T2")
    first, second = methods(world)
    assert (first.address, first.delay_s, first.least_tier.value) == ("nurse@home.example", 120, "T1")
    assert second.address == "+15550100151"

    assert "on its way" in post(nurse, f"/{first.id}/test").text
    post(nurse, f"/{second.id}/test")
    assert [mail.to for mail in gear.mails.sent] == ["nurse@home.example"]
    assert "AFTERGLOW test" in gear.mails.sent[0].text
    assert [text.to for text in gear.carrier.sent] == ["+15550100151"]

    post(nurse, f"/{second.id}/up")
    assert [one.id for one in methods(world)] == [second.id, first.id]
    post(nurse, f"/{second.id}/remove")
    page = nurse.get("/console/contact").text
    assert "0151" not in page
    assert "nurse@home.example" in page


def test_a_secret_address_is_never_shown_and_is_forgotten_when_removed(
    world: World, nurse: TestClient, gear: Gear
) -> None:
    shown = post(nurse, kind="apprise", address=SLACK, delay_min="0", least_tier="T2").text
    assert "json://…" in shown
    gear.chats.faults = [CarrierError("the service did not take the message")]
    (method,) = methods(world)
    refused = post(nurse, f"/{method.id}/test")
    assert refused.status_code == 502
    assert "did not take the message" in refused.text
    again = post(nurse, kind="apprise", address=SLACK, delay_min="0", least_tier="T2")
    assert again.status_code == 422
    post(nurse, f"/{method.id}/remove")
    for page in (shown, refused.text, again.text, nurse.get("/console/contact").text):
        assert "very-secret" not in page
    assert "very-secret" not in methods(world)[0].address


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "pigeon"}, "Choose what kind"),
        ({"address": "nurse at home"}, "not an e-mail address"),
        ({"address": "a@b.c, d@e.fg"}, "not an e-mail address"),
        ({"kind": "sms", "address": "12"}, "not a phone number"),
        ({"kind": "voice", "address": ""}, "not a phone number"),
        ({"kind": "sms", "address": "+1 555 010 0112"}, "number of a patient"),
        ({"kind": "voice", "address": "+1 555 010 0122"}, "A colleague is reached"),
        ({"kind": "apprise", "address": "hello"}, "not an apprise URL"),
        ({"delay_min": "soon"}, "from 0 to 120"),
        ({"delay_min": "121"}, "from 0 to 120"),
        ({"delay_min": "-1"}, "from 0 to 120"),
        ({"least_tier": "T4"}, "for which alerts"),
    ],
)
def test_what_cannot_be_used_is_said_beside_the_form_which_keeps_what_was_typed(
    world: World, nurse: TestClient, change: dict[str, str], words: str
) -> None:
    answer = post(nurse, **(MAIL | change))
    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert f'value="{(MAIL | change)["delay_min"]}"' in answer.text
    assert methods(world) == []


def test_the_same_twice_and_an_eleventh_are_refused(world: World, nurse: TestClient) -> None:
    post(nurse, **MAIL)
    assert "have this one already" in post(nurse, **MAIL).text
    for number in range(9):
        post(nurse, **(MAIL | {"address": f"n{number}@home.example"}))
    assert "Ten ways are enough" in post(nurse, **(MAIL | {"address": "eleventh@home.example"})).text


def test_who_chose_quiet_ways_reads_that_an_emergency_rings_all_the_same(nurse: TestClient) -> None:
    post(nurse, kind="email", address="nurse@home.example", delay_min="0", least_tier="T2")
    assert "For an emergency your phone" in nurse.get("/console/contact").text
    post(nurse, kind="voice", address="+15550100141", delay_min="5", least_tier="T0")
    assert "For an emergency your phone" not in nurse.get("/console/contact").text


@pytest.mark.parametrize("what", ["test", "up", "remove"])
def test_nobody_touches_anothers_methods(world: World, nurse: TestClient, gear: Gear, what: str) -> None:
    (method,) = reach("+15550100122", ("email", "dr@home.example", 0))
    assert post(nurse, f"/{method}/{what}").status_code == 404
    assert "dr@home.example" not in nurse.get("/console/contact").text
    assert methods(world, "doctor")[0].removed_at is None
    assert gear.mails.sent == []


def test_a_form_without_its_token_changes_nothing(world: World, nurse: TestClient) -> None:
    assert nurse.post("/console/contact", data=MAIL).status_code == 403
    assert methods(world) == []


# --- the command and the doctor ---------------------------------------------------------------------------


def test_the_command_tests_every_method_and_says_which_failed(
    desk: Desk, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach(NURSE, ("sms", NURSE, 0), ("apprise", SLACK, 60))
    chats = HandNotifier(faults=[CarrierError("refused")])
    monkeypatch.setattr("bot.app.make_carrier", lambda _settings: desk.carrier)
    monkeypatch.setattr("bot.app.make_notifiers", lambda _settings: {ContactKind.APPRISE: chats})
    monkeypatch.setattr("bot.start.open_record", lambda _settings: None)
    result = CliRunner().invoke(command, ["notify", "test", "nurse@demo.example"])
    assert result.exit_code == 1
    assert "handed over" in result.output
    assert "failed: refused" in result.output
    assert "very-secret" not in result.output
    assert len(desk.texts_to(NURSE)) == 1

    assert CliRunner().invoke(command, ["notify", "test", "nobody@demo.example"]).exit_code == 2
    nothing = CliRunner().invoke(command, ["notify", "test", "desk@demo.example"])
    assert nothing.exit_code == 1


def findings(settings: Settings) -> list[Finding]:
    return [one for one in clinics_of(settings) if "cannot be paged" in one.text]


def test_doctor_names_who_is_on_call_and_cannot_be_reached(desk: Desk, settings: Settings) -> None:
    assert findings(settings) == []
    reach(NURSE, ("email", "nurse@home.example", 0))
    (finding,) = findings(settings)
    assert finding.level == FIX
    assert "Nurse Demo" in finding.text
    assert "AFTERGLOW_SMTP_HOST" in finding.text
    with transaction() as session:
        doctor = session.scalars(select(Staff).where(Staff.name == "Dr Demo")).one()
        doctor.phone = None
    assert any("Dr Demo" in one.text and "no phone" in one.text for one in findings(settings))


def test_doctor_tells_of_a_method_that_failed_last_time(desk: Desk, settings: Settings) -> None:
    (method,) = reach(NURSE, ("voice", NURSE, 0))
    with transaction() as session:
        session.get_one(ContactMethod, method).error = "the number cannot be called"
    (finding,) = findings(settings)
    assert "the number cannot be called" in finding.text
    reach(NURSE, ("sms", NURSE, 0))
    assert findings(settings) == []
