"""The fall-back phone: nobody's own, rung for what cannot wait, and only a key takes an alert there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import clock
from bot.audit.models import AuditEntry
from bot.clinic.models import Clinic
from bot.db.engine import transaction
from bot.durable import sweep
from bot.escalation import service
from bot.escalation.models import FALLBACK, PASSED_ON, AlertStatus, EventKind, Notification
from bot.escalation.plan import Step
from bot.escalation.plans import save_plan
from bot.messaging.models import Status
from bot.notify import taking, voice
from bot.notify.links import link_to
from bot.notify.models import ContactKind
from bot.triage.types import Tier
from tests.support.desk import ANA, DOCTOR, NURSE, PAT, Desk
from tests.support.on_call import BLIND, clinic_id, person, plan, white_lip

RESERVE = "+15550100155"


def reserve_first(desk: Desk, tier: Tier = Tier.T1, **changes: object) -> None:
    """A policy whose only step pages the fall-back phone, for ten minutes."""
    save_plan(clinic_id(desk), tier, plan(Step(("fallback",), 10), fallback_phone=RESERVE, **changes), None)


def rung(desk: Desk, number: str = RESERVE) -> list[str]:
    return [call.id for call in desk.calls.sent if call.to == number]


def events(desk: Desk, kind: EventKind) -> list[tuple[str | None, str]]:
    return [(one.staff_id, one.detail) for one in desk.alerts()[0].events if one.kind is kind]


@pytest.mark.parametrize("tier", [Tier.T0, Tier.T1])
def test_for_what_cannot_wait_the_fall_back_phone_is_texted_and_rung_once_a_round(
    desk: Desk, tier: Tier
) -> None:
    reserve_first(desk, tier)
    desk.text(PAT, BLIND) if tier is Tier.T0 else white_lip(desk)
    desk.settle()
    assert (len(desk.texts_to(RESERVE)), len(rung(desk))) == (1, 1)
    desk.settle()
    assert len(rung(desk)) == 1
    desk.advance(minutes=10.1)
    assert (len(desk.texts_to(RESERVE)), len(rung(desk))) == (2, 2)
    (call, *_) = [one for one in desk.calls.sent if one.to == RESERVE]
    assert "Press 4" in call.text


def test_a_same_day_alert_texts_the_fall_back_phone_and_does_not_ring_it(desk: Desk) -> None:
    reserve_first(desk)
    alert = white_lip(desk)
    with transaction() as session:
        one = session.get_one(type(alert), alert.id)
        one.tier, one.next_step_at = Tier.T2, clock.now()
    desk.settle()
    assert (len(desk.texts_to(RESERVE)), len(rung(desk))) == (2, 1)  # the one call is of when it was T1


def test_the_call_is_a_row_of_its_own_with_its_own_durable_step(desk: Desk) -> None:
    reserve_first(desk)
    desk.text(PAT, "my top lip has gone white on one side and it rlly hurts")
    text, call = desk.alerts()[0].notifications
    assert (text.kind, call.kind) == (ContactKind.SMS, ContactKind.VOICE)
    assert (text.staff_id, call.staff_id, text.step) == (None, None, call.step)
    (work,) = [one for one in sweep.due(clock.now()) if one.task == "notify"]
    assert (work.row_id, work.partition) == (call.id, f"voice-{clinic_id(desk)}")


def test_nobody_answers_and_it_is_rung_once_more_then_the_next_round_takes_its_place(desk: Desk) -> None:
    reserve_first(desk)
    white_lip(desk)
    (call,) = rung(desk)
    voice.ended(call, "N1", answered=False, why="nobody answered")
    desk.advance(seconds=16)
    assert rung(desk) == [call, call]
    voice.ended(call, "N2", answered=False, why="nobody answered")
    desk.settle()
    assert (None, "voice: nobody answered") in events(desk, EventKind.PAGE_FAILED)


def test_a_new_round_calls_off_the_call_that_the_last_one_would_still_make(desk: Desk) -> None:
    reserve_first(desk)
    alert = white_lip(desk)
    (call,) = rung(desk)
    voice.ended(call, "N1", answered=False, why="nobody answered")  # again in 15 s
    with transaction() as session:
        session.get_one(type(alert), alert.id).next_step_at = clock.now()
    desk.settle()
    desk.advance(seconds=16)
    assert len(rung(desk)) == 2  # one for each round
    assert desk.rows(Notification, id=call)[0].status is Status.SUPPRESSED


def test_a_key_at_the_fall_back_phone_takes_the_alert_for_a_while(desk: Desk) -> None:
    save_plan(
        clinic_id(desk),
        Tier.T1,
        plan(Step(("fallback", "on_call"), 10), fallback_phone=RESERVE),
        None,
    )
    white_lip(desk)
    (call,) = rung(desk)
    said = voice.heard(call)
    assert said is not None
    assert said.listen
    assert desk.alerts()[0].status is AlertStatus.OPEN  # a voicemail hears that too
    taken = voice.heard(call, voice.TAKE)
    assert taken is not None
    assert "taken it" in taken.text
    desk.settle()

    (alert,) = desk.alerts()
    assert (alert.status, alert.acknowledged_by_id, alert.with_fallback) == (
        AlertStatus.ACKNOWLEDGED,
        None,
        True,
    )
    assert events(desk, EventKind.ACKNOWLEDGED) == [(None, "call")]
    assert "The fall-back phone has acknowledged" in desk.texts_to(NURSE)[-1]
    (entry,) = desk.rows(AuditEntry, action="alert.acknowledge")
    assert (entry.actor_kind, entry.subject_id, entry.detail) == ("nobody", alert.id, {"via": "call"})

    heard = len(desk.texts_to(DOCTOR)) + len(desk.texts_to(NURSE))
    desk.advance(minutes=45)
    assert len(desk.texts_to(DOCTOR)) + len(desk.texts_to(NURSE)) == heard


def test_what_only_the_fall_back_phone_took_opens_again_and_pages_everybody(desk: Desk) -> None:
    reserve_first(desk)
    white_lip(desk)
    voice.heard(rung(desk)[0], voice.TAKE)
    desk.advance(minutes=60.1)
    (alert,) = desk.alerts()
    assert alert.status is AlertStatus.OPEN
    assert (None, FALLBACK) in events(desk, EventKind.REOPENED)
    assert [len(desk.texts_to(phone)) for phone in (NURSE, RESERVE)] == [1, 2]
    assert len(rung(desk)) == 2


@pytest.mark.parametrize("way", ["console", "text", "link", "call"])
def test_a_person_takes_over_by_name_what_the_fall_back_phone_has(desk: Desk, way: str) -> None:
    save_plan(
        clinic_id(desk),
        Tier.T1,
        plan(Step(("fallback", "on_call"), 10, urgent=True), fallback_phone=RESERVE),
        None,
    )
    alert = white_lip(desk)
    voice.heard(rung(desk)[0], voice.TAKE)
    nurse = person(desk, NURSE)
    theirs = [one for one in desk.alerts()[0].notifications if one.staff_id == nurse]
    if way == "console":
        assert service.acknowledge(alert.id, nurse, "console")
    elif way == "text":
        desk.text(NURSE, alert.code)
    elif way == "link":
        token = link_to(theirs[0].id).rpartition("/")[2]
        assert taking.look(token).state == "open"
        assert taking.take(token).state == "taken_now"
    else:
        said = voice.heard(next(one.id for one in theirs if one.kind is ContactKind.VOICE), voice.TAKE)
        assert said is not None
        assert "taken it" in said.text
    desk.settle()
    assert desk.alerts()[0].acknowledged_by.phone == NURSE
    late = voice.heard(rung(desk)[0], voice.TAKE)
    assert late is not None
    assert "taken it already" in late.text
    assert desk.alerts()[0].acknowledged_by.phone == NURSE


def test_a_new_sign_while_only_the_fall_back_phone_has_it_pages_people_again(desk: Desk) -> None:
    reserve_first(desk)
    white_lip(desk)
    voice.heard(rung(desk)[0], voice.TAKE)
    desk.text(PAT, "now it is grey and net-like and the pain is much worse")
    desk.settle()
    assert desk.alerts()[0].status is AlertStatus.OPEN
    assert len(desk.texts_to(NURSE)) == 1


def test_passing_on_at_the_fall_back_phone_begins_the_next_step(desk: Desk) -> None:
    steps = (Step(("fallback",), 10), Step(("on_call",), 10))
    save_plan(clinic_id(desk), Tier.T1, plan(*steps, fallback_phone=RESERVE), None)
    white_lip(desk)
    said = voice.heard(rung(desk)[0], voice.PASS_ON)
    assert said is not None
    assert "next person" in said.text
    desk.settle()
    assert (None, PASSED_ON) in events(desk, EventKind.PAGE_FAILED)
    assert len(desk.texts_to(NURSE)) == 1


def test_a_fall_back_phone_that_is_a_members_own_acknowledges_in_their_name(desk: Desk) -> None:
    save_plan(clinic_id(desk), Tier.T1, plan(Step(("fallback",), 10), fallback_phone=DOCTOR), None)
    white_lip(desk)
    voice.heard(rung(desk, DOCTOR)[0], voice.TAKE)
    assert desk.alerts()[0].acknowledged_by.phone == DOCTOR


def test_the_call_speaks_the_clinics_language(desk: Desk) -> None:
    with transaction() as session:
        session.get_one(Clinic, clinic_id(desk)).locale = "es-ES"
    reserve_first(desk)
    white_lip(desk)
    said = voice.heard(rung(desk)[0])
    assert said is not None
    assert said.language == "es"
    assert "Pulse 4" in said.text


def test_two_patients_emergencies_ring_it_twice(desk: Desk) -> None:
    reserve_first(desk)
    white_lip(desk)
    desk.text(ANA, "el labio se me ha puesto blanco y me duele")
    desk.settle()
    assert len(set(rung(desk))) == 2


def test_a_killed_process_does_not_ring_twice(desk: Desk) -> None:
    class Killed(BaseException):
        pass

    reserve_first(desk)
    desk.calls.late_faults = [Killed()]
    desk.text(PAT, "my top lip has gone white and it hurts")
    with pytest.raises(Killed):
        desk.settle()
    desk.settle()
    assert len(rung(desk)) == 1


def test_the_hold_of_the_fall_back_phone_counts_from_the_key(desk: Desk) -> None:
    reserve_first(desk)
    white_lip(desk)
    clock.advance(timedelta(minutes=5))
    voice.heard(rung(desk)[0], voice.TAKE)
    (alert,) = desk.alerts()
    held_for = alert.next_step_at - alert.acknowledged_at
    assert abs(held_for - timedelta(minutes=60)) < timedelta(seconds=5)
