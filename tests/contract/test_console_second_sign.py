"""A second danger sign in an open alert is as plain to whoever prepares for it as the first."""

from __future__ import annotations

import html
import re

import pytest
from fastapi.testclient import TestClient

from bot.clinic.models import Patient
from bot.db.engine import reading, transaction
from bot.escalation.models import Alert
from bot.escalation.signs import flags_of, signs_of
from bot.escalation.splitting import split
from bot.triage.types import Tier
from tests.contract.console_browser import client_for
from tests.contract.console_clinic import World, writes_now

BREATH = "Now I can't breathe well"
BOTH = "My lip has gone white and it hurts, and now I can't breathe well"


def writes(world: World, who: str, words: str) -> str:
    """That patient writes so; it is assessed and raises an alert, or joins theirs. The alert's id."""
    with transaction() as session:
        return writes_now(session, session.get_one(Patient, world.patients[who]), words).id


@pytest.fixture
def eye(world: World) -> str:
    """A T0 about an eye, into which trouble with breathing has come."""
    alert = world.alerts["vision"]
    assert writes(world, "ana", BREATH) == alert
    with reading() as session:
        one = session.get_one(Alert, alert)
        assert (one.tier, one.flag) == (Tier.T0, "VIS"), (
            "nothing is more urgent: the first sign stays its own"
        )
    return alert


def flags(alert_id: str) -> list[str]:
    with reading() as session:
        return flags_of(session, [session.get_one(Alert, alert_id)])[alert_id]


def part(page: str, start: str, end: str) -> str:
    found = re.search(rf"{start}(.*?){end}", page, re.DOTALL)
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", found[1]).split())) if found else ""


def card(client: TestClient, alert: str, path: str = "/console") -> str:
    return part(client.get(path).text, f'<li [^>]*id="alert-{alert}"', "</li>")


def steps(client: TestClient, alert: str, path: str = "") -> str:
    return part(client.get(f"/console/alerts/{alert}{path}").text, 'data-part="steps">', "</section>")


@pytest.mark.parametrize(
    ("reader", "first", "also"),
    [("nurse", "Sight", "Also: Allergy or airway"), ("spanish", "Vista", "También: Alergia o vía aérea")],
)
def test_the_queues_card_names_every_sign(world: World, eye: str, reader: str, first: str, also: str) -> None:
    client = client_for(reader)
    for path in ("/console", "/console/queue"):
        said = card(client, eye, path)
        assert first in said.partition(also)[0]
        assert also in said
    assert also.partition(" ")[0] not in card(client, world.alerts["redness"]), "one sign, one name"


def test_the_alerts_page_suggests_steps_for_each_sign(world: World, nurse: TestClient, eye: str) -> None:
    for path in ("", "/live"):
        page = nurse.get(f"/console/alerts/{eye}{path}").text
        assert "Also: Allergy or airway" in part(page, 'data-part="title">', 'data-part="status"')
        said = steps(nurse, eye, path)
        sight, _, breath = said.partition("Allergy or airway")
        assert "Sight" in sight
        assert "Ask at once about breathing" in breath
        assert said.count("Draft, not approved") == 2, "each is a draft until it is approved"
    assert steps(nurse, world.alerts["redness"]).count("Sources") == 1


def test_two_signs_of_one_message_are_both_named_and_what_needs_nobody_is_not(world: World) -> None:
    alert = writes(world, "kim", BOTH)
    found = flags(alert)
    assert found == ["ALL", "VO"]
    writes(world, "kim", "never mind, all good")
    assert flags(alert) == found


def test_the_most_urgent_of_the_others_comes_first_and_what_was_taken_out_goes(
    world: World, eye: str
) -> None:
    writes(world, "ana", "should i stop my xarelto before tmrw?")
    assert flags(eye) == ["VIS", "ALL", "MED"]
    with reading() as session:
        breath = next(
            one.message.id
            for one in signs_of(session, session.get_one(Alert, eye)).values()
            if one.flag == "ALL"
        )
    new = split(eye, breath, world.staff["nurse"], "About her dinner.")
    assert flags(eye) == ["VIS", "MED"]
    assert flags(new) == ["ALL"]


def test_many_alerts_are_asked_about_at_once(world: World, eye: str) -> None:
    lip = world.alerts["lip"]
    with reading() as session:
        both = flags_of(session, [session.get_one(Alert, one) for one in (eye, lip)])
    assert both == {eye: flags(eye), lip: flags(lip)}
