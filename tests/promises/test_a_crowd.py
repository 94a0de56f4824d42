"""A crowd of patients over weeks: nothing happens that must never happen, and the checks can tell."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import clock
from bot.clinic.models import Consent, Patient
from bot.db.engine import reading, transaction
from bot.followup.models import CheckIn, CheckInStatus
from bot.messaging.models import Direction, Kind, Message, MessageEvent
from bot.simulation import invariants
from bot.simulation.clinics import CLINIC, live
from bot.simulation.crowd import SHARES, crowd
from bot.simulation.population import OneTextReader, Population
from tests.support.desk import PAT, Desk


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """The demo's patients were welcomed in person at 8, before anybody is texted unasked: put that off."""
    with transaction() as session:
        for welcome in session.query(Message).filter_by(content_id="enrol.welcome"):
            welcome.created_at += timedelta(hours=4)
            session.query(MessageEvent).filter_by(message_id=welcome.id).delete()
    return desk


def test_a_crowd_lives_through_a_fortnight_without_breaking_a_rule(desk: Desk) -> None:
    people = crowd(14, seed=3)
    result = Population(people, days=9, seed=3).run()
    assert result.clean, result.violations
    assert result.counts["answered"] > 20
    assert result.counts["check-ins sent"] >= result.counts["answered"]


def test_a_crowd_of_two_clinics_is_counted_as_one() -> None:
    told: list[str] = []
    result = live(CLINIC + 1, days=2, seed=5, progress=told.append)
    assert result.clean, result.violations
    assert result.counts["patients"] == CLINIC + 1
    assert result.counts["check-ins sent"] > CLINIC / 2
    assert told == [f"{done} of 2 clinics have lived through 2 days" for done in (1, 2)]


def test_the_same_seed_gives_the_same_crowd_with_every_manner_in_it() -> None:
    assert crowd(100, 1) == crowd(100, 1)
    assert crowd(100, 1) != crowd(100, 2)
    assert {person.manner for person in crowd(100, 1)} == set(SHARES)


def test_the_scores_that_a_patient_of_the_crowd_texts_are_in_the_record(desk: Desk) -> None:
    desk.dialogue = OneTextReader()  # type: ignore[assignment]
    row = sent_check_in(desk)
    desk.text(PAT, "2 pain 3 swelling 4")
    desk.settle()
    [kept] = desk.rows(CheckIn, id=row.id)
    assert {name: told["value"] for name, told in kept.answers.items()} == {
        "overall": "so_so",
        "pain": 3,
        "swelling": 4,
    }


def sent_check_in(desk: Desk) -> CheckIn:
    pat = desk.rows(Patient, phone=PAT)[0]
    row: CheckIn = desk.rows(CheckIn, patient_id=pat.id)[0]
    clock.advance(row.due_at + timedelta(seconds=1) - clock.now())
    desk.settle()
    with transaction() as session:  # as the real dialogue opens it
        first = session.query(Message).filter_by(check_in_id=row.id).order_by(Message.id).first()
        assert first is not None
        first.content_id = "checkin.open"
    return row


def broken(name: str) -> list[str]:
    with reading() as session:
        return list(getattr(invariants, name)(session, clock.now()))


def copy_of(message: Message, **changes: object) -> Message:
    fields = ("clinic_id", "conversation_id", "patient_id", "direction", "kind", "channel", "body", "status")
    fields += ("language", "content_id", "content_version", "check_in_id")
    return Message(**{name: getattr(message, name) for name in fields} | changes)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("none_twice", {}),
        ("none_after_stop", {"content_id": "aftercare.sleep", "kind": Kind.REPLY}),
        ("nothing_private_unasked", {"body": "How is your swollen cheek?"}),
        ("no_text_outside_hours", {"created_at": None}),
    ],
)
def test_a_broken_rule_is_found(desk: Desk, rule: str, changes: dict[str, object]) -> None:
    sent_check_in(desk)
    if rule == "none_after_stop":
        desk.text(PAT, "STOP")
        desk.settle()
        clock.advance(timedelta(minutes=5))
    if "created_at" in changes:
        changes = {"created_at": clock.now() + timedelta(hours=13)}
    assert broken(rule) == []
    with transaction() as session:
        original = (
            session.query(Message).filter_by(direction=Direction.OUT, content_id="checkin.open").first()
        )
        assert original is not None
        session.add(copy_of(original, **changes))
    assert broken(rule) != []


def test_a_welcome_at_night_is_found(desk: Desk) -> None:
    assert broken("no_text_outside_hours") == []
    with transaction() as session:
        original = session.query(Message).filter_by(content_id="enrol.welcome").first()
        assert original is not None
        session.add(copy_of(original, created_at=clock.now() + timedelta(hours=18)))
    assert broken("no_text_outside_hours") != []


def test_a_text_without_consent_is_found(desk: Desk) -> None:
    sent_check_in(desk)
    assert broken("none_without_consent") == []
    with transaction() as session:
        for consent in session.query(Consent).filter(Consent.channel != "staff"):
            session.delete(consent)
    assert broken("none_without_consent") != []


def test_a_check_in_that_never_ends_or_ends_without_a_reason_is_found(desk: Desk) -> None:
    row = sent_check_in(desk)
    clock.advance(timedelta(days=3))
    assert "day 1 is still sent" in broken("every_check_in_ends")
    with transaction() as session:
        for check_in in session.query(CheckIn):
            check_in.status, check_in.reason = CheckInStatus.CANCELLED, "a reason"
    assert broken("every_check_in_ends") == []
    with transaction() as session:
        session.get_one(CheckIn, row.id).reason = ""
    assert broken("every_check_in_ends") == ["day 1 is cancelled without a reason"]
