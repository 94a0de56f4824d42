"""A clinic's own steps of escalation, and reminders that are heeded or ignored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot import clock
from bot.clinic.models import Clinic, Role, Staff
from bot.db.engine import reading, transaction
from bot.escalation import service
from bot.escalation.models import Alert, AlertStatus, EventKind
from bot.escalation.plan import Plan, PlanRefused, Step
from bot.escalation.plans import back_to_defaults, default_plan, save_plan
from bot.escalation.policy import Page, Policy, next_action
from bot.escalation.targets import filled, plan_of
from bot.oncall.models import EscalationPolicy
from bot.settings import get_settings
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
    rota,
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
        ("in_turn_alone", plan(Step(("in_turn", "leads"), 5))),
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
    alert = white_lip(desk)
    (line,) = [event for event in alert.events if event.kind is EventKind.NAMES_NOBODY]
    assert line.detail == "1"
    assert EventKind.NOBODY_ON_CALL not in kinds(desk), "somebody is"
    # no gap in the escalation: the next step comes at once
    assert [len(desk.texts_to(phone)) for phone in (DOCTOR, CLINIC_LINE, NURSE)] == [1, 1, 1]
    desk.advance(minutes=4)
    assert len(desk.texts_to(NURSE)) == 1, "and has its time"


def test_where_every_step_means_nobody_the_steps_keep_their_times(desk: Desk) -> None:
    (first,) = hire(desk, OTHERS[0])
    save_plan(clinic_id(desk), Tier.T1, plan(Step((f"person:{first}",), 5), repeats=9), None)
    with transaction() as session:
        session.get_one(Staff, first).active = False
    white_lip(desk)
    assert [len(desk.texts_to(phone)) for phone in (DOCTOR, CLINIC_LINE)] == [1, 1]
    desk.advance(minutes=5.1)
    assert [len(desk.texts_to(phone)) for phone in (DOCTOR, CLINIC_LINE)] == [2, 2]


def test_a_rota_outside_its_hours_is_nobody_on_call_and_no_step_that_names_nobody(desk: Desk) -> None:
    (first,) = hire(desk, OTHERS[0])
    local = clock.now().astimezone(ZoneInfo("America/New_York"))
    hours = {f"{local + timedelta(days=3):%a}".lower(): "10:00-11:00"}
    some_day = rota(desk, first, hours=hours)
    save_plan(clinic_id(desk), Tier.T1, plan(Step((f"rota:{some_day}",), 5), Step(("role:nurse",), 5)), None)
    white_lip(desk)
    assert EventKind.NOBODY_ON_CALL in kinds(desk)
    assert EventKind.NAMES_NOBODY not in kinds(desk)


@pytest.mark.parametrize("nobody", ["person", "role", "rota", "leads"])
def test_a_step_that_names_nobody_who_can_be_paged_is_refused_by_its_number(desk: Desk, nobody: str) -> None:
    (first,) = hire(desk, OTHERS[0], role=Role.ADMIN)
    targets = {"person": f"person:{first}", "role": "role:admin", "leads": "leads"}
    if nobody == "rota":
        targets["rota"] = f"rota:{rota(desk, first)}"
    with transaction() as session:
        session.get_one(Staff, first).phone = None
        for one in session.query(Staff):
            one.safeguarding_lead = False
    steps = Step(("on_call",), 5), Step((targets[nobody],), 5, hours_only=nobody == "role")
    with pytest.raises(PlanRefused) as refused:
        save_plan(clinic_id(desk), Tier.T1, plan(*steps), None)
    assert (refused.value.reason, refused.value.step) == ("names_nobody", 2)
    assert desk.rows(EscalationPolicy) == []
    beside = Step((targets[nobody], f"person:{person(desk, NURSE)}"), 5)
    assert save_plan(clinic_id(desk), Tier.T1, plan(beside), None), "somebody else can be paged"


# the defaults as steps

ON_CALL = {  # how many are on call at once, of how many
    "nobody": (),
    "one": ("a",),
    "two by list": ("a", "b"),
    "three": ("a", "b", "c"),
}


def planned(policy: Policy, crisis: bool) -> list[tuple[object, ...]]:
    """All pages of an alert that nobody takes, with the minute of each."""
    start = now = datetime(2026, 5, 4, 12, tzinfo=UTC)
    policy = replace(policy, leads=("lead",) if crisis else (), last_resort=("a", "director"))
    taken, pages = 0, []
    for _ in range(9):
        page = next_action(AlertStatus.OPEN, taken, None, policy, now)
        assert isinstance(page, Page)
        minute = (now - start).total_seconds() / 60
        pages.append((minute, sorted(page.people), page.nobody, page.fallback, page.urgent, page.directors))
        taken = 0 if page.nobody and policy.by_roster and not policy.everybody else taken + 1
        now = page.next_at
    return pages


def as_steps(policy: Policy, tier: Tier, own: Plan, staff_first: tuple[str, ...]) -> Policy:
    """`own` filled with the people of `policy`, of whom `at_once` are on call and the others behind them."""
    filled = Policy.for_tier(tier, policy.people, get_settings(), plan=own)
    people = policy.people
    on_shift = ON_SHIFT if len(people) > 1 else 1
    means = {
        "on_call": people[:on_shift],
        "behind": people[on_shift:],
        "behind_in_turn": people[on_shift:],
        "in_turn": people,
        "staff_in_turn": staff_first,
        "everybody": (),
    }
    steps = tuple(replace(one, people=means[one.targets[0]]) for one in filled.steps)
    return replace(filled, steps=steps)


ON_SHIFT = 2


@pytest.mark.parametrize("crisis", [False, True], ids=["body", "crisis"])
@pytest.mark.parametrize("people", ON_CALL.values(), ids=list(ON_CALL))
@pytest.mark.parametrize("tier", [Tier.T0, Tier.T1, Tier.T2])
def test_the_defaults_as_steps_page_whom_the_defaults_page_when_they_do(
    tier: Tier, people: tuple[str, ...], crisis: bool
) -> None:
    on_shift = ON_SHIFT if len(people) > 1 else 1
    default = Policy.for_tier(tier, people, get_settings())
    default = replace(default, at_once=on_shift if tier is Tier.T0 else 1)
    own = as_steps(default, tier, default_plan(tier), people)
    assert planned(own, crisis) == planned(default, crisis)
    assert own.first_round == default.first_round
    assert not people or own.last_round == default.last_round, "without anybody it begins anew"


@pytest.mark.parametrize("tier", [Tier.T0, Tier.T1, Tier.T2])
@pytest.mark.parametrize("by", ["list", "rotas"])
@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
def test_an_edit_of_the_defaults_pages_the_same_people_apart_from_the_edit(
    desk: Desk, tier: Tier, by: str, is_open: bool
) -> None:
    extra = hire(desk, *OTHERS[:2], role=Role.INJECTOR)
    if by == "rotas":
        rota(desk, extra[0], person(desk, NURSE))
        rota(desk, person(desk, DOCTOR), extra[1])
        rota(desk, person(desk, NURSE), extra[1])
    every = [["00:00", "23:59"]] if is_open else []
    with transaction() as session:
        hours = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), every)
        session.get_one(Clinic, clinic_id(desk)).opening_hours = hours

    def pages() -> list[tuple[object, ...]]:
        with reading() as session:
            clinic = session.get_one(Clinic, clinic_id(desk))
            own = plan_of(session, clinic.id, tier)
            policy = Policy.for_tier(tier, (), get_settings(), plan=own)
            return planned(filled(session, clinic, tier, policy, (), clock.now(), None), False)

    before = pages()
    assert not save_plan(clinic_id(desk), tier, default_plan(tier), None), "nothing to change"
    assert desk.rows(EscalationPolicy) == []
    assert save_plan(clinic_id(desk), tier, replace(default_plan(tier), remind_minutes=7), None)
    assert pages() == before
    kept = replace(default_plan(tier), remind_minutes=7)
    assert not save_plan(clinic_id(desk), tier, kept, None)
    assert len(desk.rows(EscalationPolicy)) == 1


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
