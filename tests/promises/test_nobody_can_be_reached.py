"""When no way to anybody works, an alert does not sit out times that are meant for people who can answer."""

from __future__ import annotations

import pytest

from bot import clock
from bot.channels.base import CarrierError, Outbound, Sent
from bot.clinic.models import Role, Staff
from bot.db.engine import transaction
from bot.escalation.models import (
    AS_DIRECTOR,
    NOBODY_REACHED,
    NOBODY_REACHED_AT_ALL,
    Alert,
    AlertStatus,
    EventKind,
    Notification,
)
from bot.escalation.plan import Step
from bot.escalation.plans import default_plan, save_plan
from bot.escalation.policy import Page, Policy, PolicyStep, after_nobody, next_action
from bot.notify.models import ContactKind
from bot.settings import get_settings
from bot.triage.types import Tier
from tests.support.contacts import reach
from tests.support.desk import DOCTOR, NURSE, PAT, Desk, HandCarrier, HandNotifier
from tests.support.on_call import CLINIC_LINE, OTHERS, clinic_id, hire, person, plan, white_lip

GONE = CarrierError("no such number", code="30005", permanent=True)


class Deaf(HandCarrier):
    """Refuses every number of `unreachable`."""

    unreachable: tuple[str, ...] = ()

    def send(self, message: Outbound) -> Sent:
        if message.to in self.unreachable:
            self.sent.append(message)
            raise GONE
        return super().send(message)


class NoCalls(HandNotifier):
    """No call gets through."""

    def send(self, notice: object) -> Sent:
        self.sent.append(notice)  # type: ignore[arg-type]
        raise GONE


@pytest.fixture
def deaf(desk: Desk) -> Desk:
    """A desk whose texts reach neither staff nor the clinic's line, and whose calls reach nobody."""
    carrier = Deaf()
    carrier.unreachable = (NURSE, DOCTOR, CLINIC_LINE, *OTHERS)
    desk.carrier, desk.calls = carrier, NoCalls(can_look=True)
    desk.notifiers[ContactKind.VOICE] = desk.calls
    return desk


def carrier_of(desk: Desk) -> Deaf:
    assert isinstance(desk.carrier, Deaf)
    return desk.carrier


def said(desk: Desk, *kinds: EventKind) -> list[str]:
    return [one.detail for one in desk.alerts()[0].events if one.kind in kinds]


def the_director_is_off_call() -> None:
    with transaction() as session:
        for one in session.query(Staff).filter(Staff.role == Role.MEDICAL_DIRECTOR):
            one.on_call_order = None


def test_when_no_way_to_anybody_works_the_fall_back_round_begins_without_any_waiting(deaf: Desk) -> None:
    white_lip(deaf)
    assert [len(deaf.texts_to(phone)) for phone in (NURSE, DOCTOR, CLINIC_LINE)] == [2, 2, 1]
    assert [call.to for call in deaf.calls.sent] == [CLINIC_LINE]
    assert said(deaf, EventKind.PAGE_FAILED)[-1] == NOBODY_REACHED_AT_ALL
    assert said(deaf, EventKind.PAGE_FAILED).count(NOBODY_REACHED) == 2


def test_the_last_round_waits_its_time_and_then_tries_everybody_again(deaf: Desk) -> None:
    white_lip(deaf)
    tried = len(deaf.carrier.sent)
    deaf.settle()
    deaf.advance(minutes=14)
    assert len(deaf.carrier.sent) == tried
    carrier_of(deaf).unreachable = ()
    deaf.advance(minutes=1.1)
    assert [len(deaf.texts_to(phone)) for phone in (NURSE, DOCTOR, CLINIC_LINE)] == [3, 3, 2]


def test_a_step_of_which_one_person_was_reached_keeps_its_time(deaf: Desk) -> None:
    first, second = hire(deaf, *OTHERS[:2])
    carrier_of(deaf).unreachable = (OTHERS[0], NURSE, DOCTOR)
    steps = (Step(("on_call",), 5), Step((f"person:{first}", f"person:{second}"), 20))
    save_plan(clinic_id(deaf), Tier.T1, plan(*steps), None)
    white_lip(deaf)
    assert [len(deaf.texts_to(phone)) for phone in (*OTHERS[:2], CLINIC_LINE)] == [1, 1, 0]
    assert said(deaf, EventKind.PAGE_FAILED).count(NOBODY_REACHED) == 1  # of the first step only
    deaf.advance(minutes=19)
    assert deaf.texts_to(CLINIC_LINE) == []
    deaf.advance(minutes=1.1)
    assert len(deaf.texts_to(CLINIC_LINE)) == 1


def test_steps_that_would_be_repeated_are_not_when_nobody_was_ever_reached(deaf: Desk) -> None:
    save_plan(clinic_id(deaf), Tier.T1, plan(Step(("on_call",), 10), repeats=5), None)
    white_lip(deaf)
    # once by the step, once with everybody
    assert [len(deaf.texts_to(phone)) for phone in (NURSE, CLINIC_LINE)] == [2, 1]


def test_a_medical_director_who_is_not_on_call_is_paged_in_the_last_round_alone(deaf: Desk) -> None:
    the_director_is_off_call()
    carrier_of(deaf).unreachable = (NURSE, CLINIC_LINE)
    white_lip(deaf)
    assert len(deaf.texts_to(DOCTOR)) == 1
    assert said(deaf, EventKind.PAGED).count(AS_DIRECTOR) == 1
    (paged,) = [one for one in deaf.alerts()[0].events if one.detail == AS_DIRECTOR]
    assert paged.staff is not None
    assert paged.staff.phone == DOCTOR


def test_people_who_were_reached_and_do_not_answer_bring_the_director_in_the_last_round_too(
    desk: Desk,
) -> None:
    the_director_is_off_call()
    white_lip(desk)
    desk.advance(minutes=15.1)
    assert desk.texts_to(DOCTOR) == []
    desk.advance(minutes=15.1)
    assert [len(desk.texts_to(phone)) for phone in (DOCTOR, CLINIC_LINE)] == [1, 1]


def test_a_person_whom_nothing_can_reach_any_more_does_not_cost_the_step(desk: Desk) -> None:
    (first,) = hire(desk, OTHERS[0])
    save_plan(clinic_id(desk), Tier.T1, plan(Step(("on_call",), 30), Step((f"person:{first}",), 30)), None)
    reach(NURSE, ("email", "nurse@demo.example", 0))
    desk.mails.faults = [CarrierError("no such address", permanent=True)]
    white_lip(desk)
    assert len(desk.texts_to(OTHERS[0])) == 1
    assert said(desk, EventKind.PAGE_FAILED) == ["email: no such address", NOBODY_REACHED]


def test_passing_trouble_is_waited_for(desk: Desk) -> None:
    reach(NURSE, ("email", "nurse@demo.example", 0))
    desk.mails.faults = [CarrierError("busy")]
    white_lip(desk)
    assert desk.texts_to(DOCTOR) == []
    desk.advance(seconds=16)
    assert len(desk.mails.sent) == 1
    assert NOBODY_REACHED not in said(desk, EventKind.PAGE_FAILED)


def test_whoever_is_reached_at_last_can_take_it(deaf: Desk) -> None:
    carrier_of(deaf).unreachable = (NURSE, CLINIC_LINE)
    alert = white_lip(deaf)
    deaf.text(DOCTOR, alert.code)
    deaf.settle()
    assert deaf.alerts()[0].status is AlertStatus.ACKNOWLEDGED


def test_a_failure_of_an_earlier_step_does_not_hurry_the_one_under_way(deaf: Desk) -> None:
    (first,) = hire(deaf, OTHERS[0])
    carrier_of(deaf).unreachable = ()
    steps = (Step(("on_call",), 1), Step((f"person:{first}",), 30))
    save_plan(clinic_id(deaf), Tier.T1, plan(*steps), None)
    reach(NURSE, ("email", "nurse@demo.example", 0))
    deaf.mails.faults = [CarrierError("busy")] * 4
    white_lip(deaf)
    for _ in range(8):
        deaf.advance(minutes=1)
    assert len(deaf.texts_to(OTHERS[0])) == 1
    assert NOBODY_REACHED not in said(deaf, EventKind.PAGE_FAILED)
    assert deaf.texts_to(CLINIC_LINE) == []


def test_all_that_one_step_writes_is_known_as_one_round(desk: Desk) -> None:
    save_plan(clinic_id(desk), Tier.T1, plan(Step(("on_call", "behind", "fallback"), 10)), None)
    white_lip(desk)
    first = {one.round_id for one in desk.rows(Notification)}
    assert len(first) == 1
    assert None not in first
    desk.advance(minutes=10.1)
    assert len({one.round_id for one in desk.rows(Notification)}) == 2


# the decisions alone


PEOPLE = Policy(("a", "b"), 15, 60)


@pytest.mark.parametrize(
    ("steps_taken", "ever", "goes_on_from"),
    [
        (1, False, 1),  # b has not been tried
        (2, False, 3),  # all have: the last round at once
        (2, True, 2),  # somebody got it and may answer: everybody again first
        (3, True, 3),
        (4, False, None),  # that was the last round
        (9, False, None),
    ],
)
def test_where_an_alert_goes_on_when_a_step_reached_nobody(
    steps_taken: int, ever: bool, goes_on_from: int | None
) -> None:
    assert after_nobody(steps_taken, PEOPLE, ever) == goes_on_from


def test_with_nobody_on_call_and_no_steps_it_waits_instead_of_spinning() -> None:
    assert after_nobody(0, Policy((), 15, 60), ever_reached=False) is None


@pytest.mark.parametrize("tier", [Tier.T0, Tier.T1, Tier.T2])
def test_nor_does_it_spin_by_the_defaults_as_steps(tier: Tier) -> None:
    policy = Policy.for_tier(tier, (), get_settings(), plan=default_plan(tier))
    assert after_nobody(0, policy, ever_reached=False) is None
    assert policy.first_round == 0, "nothing is hurried"


def test_the_last_round_names_directors_once_and_only_those_not_on_call(desk: Desk) -> None:
    steps = (PolicyStep(("on_call",), 5, people=("a",)),)
    policy = Policy(("a", "d"), 15, 60, steps=steps, last_resort=("d", "e"))
    page = next_action(AlertStatus.OPEN, policy.last_round, None, policy, clock.now())
    assert isinstance(page, Page)
    assert (page.people, page.directors) == (("a", "d", "e"), ("e",))


def test_an_alert_from_before_rounds_were_known_still_goes_on_by_its_times(desk: Desk) -> None:
    alert = white_lip(desk)
    with transaction() as session:
        for one in session.get_one(Alert, alert.id).notifications:
            one.round_id = None
    desk.advance(minutes=15.1)
    assert len(desk.texts_to(DOCTOR)) == 1


def test_a_person_of_the_clinic_who_leaves_meanwhile_counts_as_not_reached(desk: Desk) -> None:
    (first,) = hire(desk, OTHERS[0])
    save_plan(clinic_id(desk), Tier.T1, plan(Step((f"person:{first}",), 30), Step(("on_call",), 30)), None)
    reach(OTHERS[0], ("email", "first@demo.example", 0), ("voice", OTHERS[0], 60))
    desk.mails.faults = [CarrierError("no such address", permanent=True)]
    desk.text(PAT, "my top lip has gone white on one side and it rlly hurts")
    with transaction() as session:
        session.get_one(Staff, person(desk, OTHERS[0])).active = False
    desk.settle()
    desk.advance(seconds=61)
    assert len(desk.texts_to(NURSE)) == 1
