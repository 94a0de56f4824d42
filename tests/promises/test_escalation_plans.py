"""A clinic's own steps of escalation, and reminders that are heeded or ignored."""

from __future__ import annotations

import pytest

from bot.clinic.models import Clinic, Staff
from bot.db.engine import transaction
from bot.escalation import service
from bot.escalation.models import Alert, AlertStatus, EventKind
from bot.escalation.plan import Plan, PlanRefused, Step
from bot.escalation.plans import back_to_defaults, save_plan
from bot.oncall.models import EscalationPolicy
from bot.triage.types import Tier
from tests.support.contacts import reach
from tests.support.desk import ANA, DOCTOR, NURSE, PAT, Desk
from tests.support.on_call import (
    CLINIC_LINE,
    OTHERS,
    clinic_id,
    hire,
    kinds,
    person,
    plan,
    white_lip,
)


def test_steps_are_taken_in_order_repeated_and_end_with_everybody_and_the_fall_back_phone(desk: Desk) -> None:
    first, second = hire(desk, *OTHERS[:2])
    steps = (
        Step((f"person:{first}",), 10),
        Step((f"person:{second}", "role:medical_director"), 20, urgent=True),
    )
    save_plan(clinic_id(desk), Tier.T1, plan(*steps, repeats=1, fallback_phone="+15550100155"), None)
    white_lip(desk)

    def heard() -> list[int]:
        return [len(desk.texts_to(phone)) for phone in (*OTHERS[:2], DOCTOR, NURSE, "+15550100155")]

    assert heard() == [1, 0, 0, 0, 0]
    for minutes, expected in (
        (10.1, [1, 1, 1, 0, 0]),
        (20.1, [2, 1, 1, 0, 0]),
        (10.1, [2, 2, 2, 0, 0]),
        (20.1, [3, 3, 3, 1, 1]),
        (15.1, [4, 4, 4, 2, 2]),
    ):
        desk.advance(minutes=minutes)
        assert heard() == expected


def test_an_urgent_step_rings_and_does_not_wait_for_a_persons_delays(desk: Desk) -> None:
    reach(NURSE, ("sms", NURSE, 0), ("email", "nurse@demo.example", 600))
    step = Step((f"person:{person(desk, NURSE)}", f"person:{person(desk, DOCTOR)}"), 10, urgent=True)
    save_plan(clinic_id(desk), Tier.T1, plan(step), None)
    white_lip(desk)
    assert [len(desk.texts_to(phone)) for phone in (NURSE, DOCTOR)] == [1, 1]
    assert sorted(call.to for call in desk.calls.sent) == [NURSE, DOCTOR]
    assert len(desk.mails.sent) == 1


def test_an_alert_under_way_keeps_the_steps_it_was_raised_with(desk: Desk) -> None:
    white_lip(desk)
    (first,) = hire(desk, OTHERS[0])
    save_plan(clinic_id(desk), Tier.T1, plan(Step((f"person:{first}",), 1)), None)
    desk.advance(minutes=15.1)
    assert desk.texts_to(OTHERS[0]) == []
    assert len(desk.texts_to(DOCTOR)) == 1


def test_outside_opening_hours_a_step_pages_whoever_is_on_call(desk: Desk) -> None:
    (desk_nurse,) = hire(desk, OTHERS[0])
    save_plan(clinic_id(desk), Tier.T1, plan(Step((f"person:{desk_nurse}",), 15, hours_only=True)), None)
    with transaction() as session:
        session.get_one(Clinic, clinic_id(desk)).opening_hours = {}
    white_lip(desk)
    assert [len(desk.texts_to(phone)) for phone in (OTHERS[0], NURSE)] == [0, 1]
    with transaction() as session:
        always = {day: [["00:00", "23:59"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
        session.get_one(Clinic, clinic_id(desk)).opening_hours = always
    desk.text(ANA, "my top lip has gone white and it hurts")
    desk.settle()
    assert len(desk.texts_to(OTHERS[0])) == 1


@pytest.mark.parametrize(
    ("reason", "wrong"),
    [
        ("no_steps", plan()),
        ("no_target", plan(Step((), 5))),
        ("unknown_target", plan(Step(("person:of-another-clinic",), 5))),
        ("bad_delay", plan(Step(("on_call",), 0))),
        ("bad_delay", plan(Step(("on_call",), -5))),
        ("bad_delay", plan(Step(("on_call",), float("nan")))),
        ("bad_repeats", plan(Step(("on_call",), 5), repeats=99)),
        ("bad_reminder", Plan((Step(("on_call",), 5),), 0)),
        ("bad_ignored", plan(Step(("on_call",), 5), unack_after=0)),
        ("bad_phone", plan(Step(("on_call",), 5), fallback_phone="call me")),
        ("patients_phone", plan(Step(("on_call",), 5), fallback_phone=PAT)),
    ],
)
def test_a_policy_with_a_fault_is_refused_and_the_last_good_one_stays(
    desk: Desk, reason: str, wrong: Plan
) -> None:
    (first,) = hire(desk, OTHERS[0])
    save_plan(clinic_id(desk), Tier.T1, plan(Step((f"person:{first}",), 5)), None)
    with pytest.raises(PlanRefused) as refused:
        save_plan(clinic_id(desk), Tier.T1, wrong, None)
    assert refused.value.reason == reason
    white_lip(desk)
    assert len(desk.texts_to(OTHERS[0])) == 1


def test_a_step_that_means_nobody_pages_the_medical_director_and_the_fall_back_phone(desk: Desk) -> None:
    (first,) = hire(desk, OTHERS[0])
    save_plan(clinic_id(desk), Tier.T1, plan(Step((f"person:{first}",), 5), Step(("on_call",), 5)), None)
    with transaction() as session:
        session.get_one(Staff, first).active = False
    white_lip(desk)
    assert EventKind.NOBODY_ON_CALL in kinds(desk)
    assert [len(desk.texts_to(phone)) for phone in (DOCTOR, CLINIC_LINE, NURSE)] == [1, 1, 0]
    desk.advance(minutes=5.1)  # no gap in the escalation: the next step comes
    assert len(desk.texts_to(NURSE)) == 1


def test_a_clinic_can_go_back_to_the_defaults(desk: Desk) -> None:
    (first,) = hire(desk, OTHERS[0])
    save_plan(clinic_id(desk), Tier.T1, plan(Step((f"person:{first}",), 5)), None)
    back_to_defaults(clinic_id(desk), Tier.T1, None)
    white_lip(desk)
    assert [len(desk.texts_to(phone)) for phone in (OTHERS[0], NURSE)] == [0, 1]
    assert len(desk.rows(EscalationPolicy)) == 2


def test_the_policy_of_an_alert_from_an_earlier_schema_is_still_followed(desk: Desk) -> None:
    alert = white_lip(desk)
    with transaction() as session:
        session.get_one(Alert, alert.id).policy = {"people": [], "ack_minutes": 15, "remind_minutes": 60}
    desk.advance(minutes=15.1)
    assert len(desk.texts_to(DOCTOR)) == 1


# after acknowledgement


def test_reminders_that_are_ignored_open_the_alert_again_and_page_on(desk: Desk) -> None:
    white_lip(desk)
    desk.text(NURSE, "ack")
    desk.settle()
    for _ in range(2):
        desk.advance(minutes=60.1)
        assert desk.alerts()[0].status is AlertStatus.ACKNOWLEDGED
    desk.advance(minutes=60.1)

    (alert,) = desk.alerts()
    assert (alert.status, alert.acknowledged_by_id) == (AlertStatus.OPEN, None)
    assert len(desk.texts_to(DOCTOR)) == 1
    assert "others are being paged" in desk.texts_to(NURSE)[-1]
    desk.text(NURSE, "ack")  # the holder can take it back
    desk.settle()
    assert desk.alerts()[0].acknowledged_by.phone == NURSE


@pytest.mark.parametrize("sign_of_life", ["on it", "On it.", "the code", "a note"])
def test_any_action_of_the_holder_heeds_the_reminders(desk: Desk, sign_of_life: str) -> None:
    alert = white_lip(desk)
    desk.text(NURSE, "ack")
    desk.settle()
    for _ in range(6):
        desk.advance(minutes=60.1)
        if sign_of_life == "a note":
            service.add_note(alert.id, person(desk, NURSE), "Seen, waiting for the ultrasound.")
        else:
            desk.text(NURSE, alert.code if sign_of_life == "the code" else sign_of_life)
            desk.settle()
            assert "Noted: you are on" in desk.texts_to(NURSE)[-1]
    assert desk.alerts()[0].status is AlertStatus.ACKNOWLEDGED
    assert desk.texts_to(DOCTOR) == []
