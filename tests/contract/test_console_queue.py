"""The queue's deadlines and filters, and what an alert suggests."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from bot import clock
from bot.clinic.models import Staff
from bot.console import queue
from bot.console.steps import next_steps
from bot.db.engine import reading, transaction
from bot.escalation import service
from bot.escalation.alerts import log
from bot.escalation.deadlines import Deadline, deadline
from bot.escalation.models import BUNDLED, Alert, AlertStatus, EventKind, Outcome
from bot.governance import service as governance
from bot.governance.sentences import digest
from bot.messaging.models import Channel, Direction, Kind, Message, Status
from bot.protocols.catalogue import catalogue
from bot.settings import Settings
from bot.triage.types import FLAGS, Tier
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def card(page: str, alert: str) -> str:
    """One alert's entry in the queue."""
    found = re.search(rf'<li [^>]*id="alert-{alert}".*?</li>', page, re.DOTALL)
    assert found
    return found[0]


@pytest.mark.parametrize(
    ("status", "tier", "ack_minutes", "expected"),
    [
        ("open", "T0", None, Deadline("acknowledge", NOON + timedelta(minutes=5))),
        ("open", "T1", None, Deadline("acknowledge", NOON + timedelta(minutes=15))),
        ("open", "T1", 7, Deadline("acknowledge", NOON + timedelta(minutes=7))),
        ("open", "T2", None, Deadline("acknowledge", NOON + timedelta(hours=4))),
        ("acknowledged", "T0", 5, Deadline("close", NOON + timedelta(hours=1))),
        ("acknowledged", "T2", 5, Deadline("close", NOON + timedelta(hours=24))),
        ("closed", "T0", 5, None),
    ],
)
def test_the_next_deadline_follows_policy_and_tier(
    status: str, tier: str, ack_minutes: float | None, expected: Deadline | None
) -> None:
    settings = Settings(_env_file=None)
    assert deadline(AlertStatus(status), Tier(tier), NOON, ack_minutes, settings) == expected


def test_the_queue_says_in_words_how_much_time_is_left_or_over(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        for key, minutes in (("vision", 2), ("lip", 40)):
            alert = session.get_one(Alert, world.alerts[key])
            alert.created_at, alert.policy = clock.now() - timedelta(minutes=minutes), {"ack_minutes": 5}
    page = nurse.get("/console").text
    assert re.search(
        r"To take:\s*<time[^>]*data-due[^>]*>(3:00|2:5\d) left<", card(page, world.alerts["vision"])
    )
    assert re.search(r'class="late">35 min over time<', card(page, world.alerts["lip"]))
    assert "To close:" in card(page, world.alerts["redness"])


def test_an_alert_that_was_raised_has_its_time_from_then_on(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["lip"])
        alert.created_at, alert.policy = clock.now() - timedelta(minutes=40), {"ack_minutes": 5}
        log(session, alert, EventKind.RAISED, detail="T0")
    assert re.search(r"(5:00|4:5\d) left<", card(nurse.get("/console").text, world.alerts["lip"]))


def test_the_queue_narrows_to_a_tier_to_mine_and_to_what_nobody_has(world: World, nurse: TestClient) -> None:
    post(nurse, f"/console/alerts/{world.alerts['lip']}/acknowledge")

    def shown(show: str) -> set[str]:
        pages = (
            nurse.get("/console", params={"show": show}),
            nurse.get("/console/queue", params={"show": show}),
        )
        found = [set(re.findall(r'data-key="(\w+)"', page.text)) for page in pages]
        assert found[0] == found[1], "the live list is narrowed as the page is"
        return found[0]

    with transaction() as session:
        tiers = {
            key: session.get_one(Alert, world.alerts[key]).tier.value for key in ("vision", "lip", "redness")
        }
    assert shown("mine") == {world.alerts["lip"]}
    assert shown("open") == {world.alerts["vision"]}
    assert shown("nonsense") == shown("all") == {world.alerts[key] for key in tiers}
    for tier in ("T0", "T1", "T2"):
        assert shown(tier) == {world.alerts[key] for key, its in tiers.items() if its == tier}


def order(client: TestClient, path: str) -> list[str]:
    return re.findall(r'data-key="(\w+)"', client.get(path).text)


def test_within_a_tier_what_nobody_has_stands_above_what_is_taken_then_the_longest_wait(
    world: World, nurse: TestClient
) -> None:
    tiers = {"vision": (Tier.T0, 4), "lip": (Tier.T0, 11), "redness": (Tier.T1, 95)}
    with transaction() as session:
        for key, (tier, minutes) in tiers.items():
            alert = session.get_one(Alert, world.alerts[key])
            alert.tier, alert.created_at = tier, clock.now() - timedelta(minutes=minutes)
        redness = session.get_one(Alert, world.alerts["redness"])
        redness.status, redness.acknowledged_by_id = AlertStatus.OPEN, None
    vision, lip, redness_id = (world.alerts[key] for key in tiers)
    paths = ("/console", "/console/queue")
    for path in paths:
        assert order(nurse, path) == [lip, vision, redness_id]
    service.acknowledge(lip, world.staff["doctor"], via="console")
    for path in paths:  # the page, and the list that the live page fetches
        assert order(nurse, path) == [vision, lip, redness_id], "urgency first: a taken T0 stays above a T1"
    service.acknowledge(vision, world.staff["nurse"], via="console")
    for path in paths:
        assert order(nurse, path) == [lip, vision, redness_id]


def test_a_filter_that_fits_nothing_does_not_say_that_all_is_quiet(world: World, nurse: TestClient) -> None:
    page = nurse.get("/console?show=mine").text
    assert "No such alerts" in page
    assert "No alerts are waiting" not in page


def test_an_alert_suggests_what_to_do_with_its_sources_and_says_that_it_is_a_draft(
    world: World, nurse: TestClient
) -> None:
    page = nurse.get(f"/console/alerts/{world.alerts['lip']}").text
    assert "Suggested next steps" in page
    assert "Draft, not approved" in page
    assert "compare colour, warmth and refill" in page
    assert "CMAC-VO" in page
    with transaction() as session:
        director = session.get_one(Staff, world.staff["doctor"])
        governance.approve(session, director, "steps.vo", digest(catalogue().piece("steps.vo")), None)
    assert "Draft, not approved" not in nurse.get(f"/console/alerts/{world.alerts['lip']}").text
    assert "Explore en persona" in client_for("spanish").get(f"/console/alerts/{world.alerts['lip']}").text


@pytest.mark.parametrize("flag", sorted(set(FLAGS) - {"HYP"}))
def test_every_flag_has_steps_in_both_languages_with_sources(record: None, flag: str) -> None:
    for language in ("en", "es"):
        with reading() as session:
            steps = next_steps(session, "any clinic", flag, language)
        assert steps is not None
        assert len(steps.lines) >= 2
        assert not any(line.startswith("-") for line in steps.lines)
        assert steps.sources
        assert all(citation for _key, citation in steps.sources)


def test_an_alert_has_the_patients_number_to_tap_and_the_conversation_to_open(
    world: World, nurse: TestClient
) -> None:
    page = nurse.get(f"/console/alerts/{world.alerts['lip']}").text
    assert 'href="tel:+15550100112"' in page
    assert re.search(r'href="/console/messages/\w+"', page)
    assert "0 to 10, by day after the treatment" in page, (
        "how pain and swelling went stands beside the treatment"
    )


def test_a_raised_alert_shows_the_words_that_raised_it(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["redness"])
        first = alert.message.body
        worse = Message(
            clinic_id=world.clinic,
            conversation_id=alert.conversation_id,
            patient_id=alert.patient_id,
            direction=Direction.IN,
            kind=Kind.PATIENT,
            channel=Channel.SMS,
            body="now I cannot see with that eye",
            status=Status.RECEIVED,
        )
        session.add(worse)
        session.flush()
        alert.tier = Tier.T0
        log(session, alert, EventKind.RAISED, message_id=worse.id, detail="T0")
    shown = card(nurse.get("/console").text, world.alerts["redness"])
    assert "now I cannot see with that eye" in shown
    assert first not in shown


def test_who_was_paged_with_other_alerts_in_one_text_is_named_too(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["lip"])
        log(session, alert, EventKind.PAGED, staff_id=world.staff["doctor"], detail=BUNDLED)
    assert "Dr Demo" in card(nurse.get("/console").text, world.alerts["lip"])


def test_every_closed_alert_can_be_reached_page_by_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "CLOSED_SHOWN", 2)
    nurse = client_for("nurse")
    for key in ("lip", "vision"):
        service.close(world.alerts[key], world.staff["nurse"], Outcome.SEEN_IN_CLINIC, "Seen.")
    first, second = (nurse.get(f"/console/closed?page={page}").text for page in (1, 2))
    assert "3 in all" in first
    assert "Page 1 of 2" in first
    assert all(world.alerts[key] in first for key in ("lip", "vision"))
    assert world.alerts["done"] in second
    assert 'href="?page=1"' in second
    for beyond in ("99", "-1"):
        assert nurse.get(f"/console/closed?page={beyond}").status_code == 200
