"""Whom an alert pages: where the patient was treated, as what somebody is on call, day or night."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot import clock
from bot.clinic.importing import read_table
from bot.clinic.models import Clinic, Patient, Role, Staff, Treatment
from bot.db.engine import transaction
from bot.escalation.models import Alert, EventKind
from bot.escalation.plan import PlanRefused, Step
from bot.escalation.plans import save_plan
from bot.oncall import service as oncall
from bot.triage.types import Tier
from tests.support.contacts import reach
from tests.support.desk import DOCTOR, NURSE, PAT, Desk
from tests.support.on_call import BLIND, CLINIC_LINE, OTHERS, clinic_id, hire, person, plan, rota, white_lip

SOHO, ACTON, ANYWHERE = OTHERS
ALWAYS = {day: [["00:00", "23:59"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def treated_at(desk: Desk, location: str, phone: str = PAT) -> None:
    """The patient's treatments were all at `location`."""
    (patient,) = desk.rows(Patient, phone=phone)
    with transaction() as session:
        for one in session.query(Treatment).filter_by(patient_id=patient.id):
            one.location = location


def two_places(desk: Desk, **changes: Any) -> tuple[str, str]:
    """A rota in Soho, and one in Acton."""
    soho, acton = hire(desk, SOHO, ACTON)
    return rota(desk, soho, location="Soho", **changes), rota(desk, acton, location="Acton")


def heard(desk: Desk, *phones: str) -> list[int]:
    return [len(desk.texts_to(phone)) for phone in phones]


def opened(desk: Desk, hours: dict[str, list[list[str]]]) -> None:
    with transaction() as session:
        session.get_one(Clinic, clinic_id(desk)).opening_hours = hours


def same_day(desk: Desk) -> Alert:
    """Raise a T2 alert."""
    desk.text(PAT, "can i stop my blood thinner apixaban before next time")
    desk.settle()
    (alert,) = desk.alerts()
    assert alert.tier is Tier.T2
    return alert


# --- the location ---


@pytest.mark.parametrize("name", ["Soho", " soho ", "SOHO"])
def test_an_alert_pages_who_is_on_call_where_the_patient_was_treated(desk: Desk, name: str) -> None:
    two_places(desk)
    treated_at(desk, name)
    alert = white_lip(desk)
    assert heard(desk, SOHO, ACTON) == [1, 0]
    assert alert.policy["location"] == name
    for _ in range(3):
        desk.advance(minutes=15.1)
    assert desk.texts_to(ACTON) == []


def test_rotas_without_a_location_serve_every_location(desk: Desk) -> None:
    two_places(desk)
    (third,) = hire(desk, ANYWHERE)
    rota(desk, third)
    treated_at(desk, "Acton")
    desk.text(PAT, BLIND)  # everybody on call at once
    desk.settle()
    assert heard(desk, SOHO, ACTON, ANYWHERE) == [0, 1, 1]


def test_when_nobody_is_on_call_there_every_rota_is_paged_and_the_timeline_says_why(desk: Desk) -> None:
    today = clock.now().astimezone(ZoneInfo("America/New_York"))
    asleep = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(today.weekday() + 3) % 7]
    two_places(desk, hours={asleep: "09:00-10:00"})
    treated_at(desk, "Soho")
    alert = white_lip(desk)
    assert heard(desk, SOHO, ACTON) == [0, 1]
    (line,) = [one for one in alert.events if one.kind is EventKind.NOBODY_ON_CALL]
    assert line.detail == "Soho"
    assert desk.texts_to(CLINIC_LINE) == []


def test_a_location_that_no_rota_knows_pages_every_rota(desk: Desk) -> None:
    two_places(desk)
    treated_at(desk, "Brixton")
    desk.text(PAT, BLIND)
    desk.settle()
    assert heard(desk, SOHO, ACTON) == [1, 1]


def test_a_patient_of_no_known_location_pages_every_rota(desk: Desk) -> None:
    two_places(desk)
    desk.text(PAT, BLIND)
    desk.text("+15550100199", "I am a stranger and I can't breathe, my tongue is swelling up")
    desk.settle()
    assert heard(desk, SOHO, ACTON) == [2, 2]


def test_the_last_treatment_decides(desk: Desk) -> None:
    two_places(desk)
    treated_at(desk, "Soho")
    desk.enrol("Pat", "Sample", PAT, location="Acton", agrees=False)
    white_lip(desk)
    assert heard(desk, SOHO, ACTON) == [0, 1]


def test_an_alert_under_way_keeps_its_location(desk: Desk) -> None:
    two_places(desk)
    treated_at(desk, "Soho")
    white_lip(desk)
    treated_at(desk, "Acton")
    for _ in range(3):
        desk.advance(minutes=15.1)
    assert desk.texts_to(ACTON) == []
    assert len(desk.texts_to(SOHO)) > 1


def test_by_the_on_call_list_a_location_decides_nothing(desk: Desk) -> None:
    treated_at(desk, "Soho")
    alert = white_lip(desk)
    assert heard(desk, NURSE) == [1]
    assert alert.policy["location"] == ""


def test_the_alert_of_a_stranger_who_turns_out_to_be_a_patient_finds_their_location(desk: Desk) -> None:
    two_places(desk)
    treated_at(desk, "Acton")
    desk.web("s-1", "cant see out my left eye")
    desk.settle()
    (alert,) = desk.alerts()
    (patient,) = desk.rows(Patient, phone=PAT)
    with transaction() as session:
        row = session.get_one(Alert, alert.id)
        row.patient_id, row.next_step_at = patient.id, clock.now()
    desk.settle()
    assert desk.alerts()[0].policy["location"] == "Acton"


def test_a_location_comes_with_an_enrolment_and_with_an_imported_file(desk: Desk) -> None:
    desk.enrol("Rae", "Sample", "+15550100161", location="  Soho ")
    assert desk.rows(Treatment)[-1].location == "Soho"
    table = read_table(
        b"first_name,last_name,phone,product,lot,expiry,areas,treated_at,consent_aftercare_texts,location\n"
        b"Rae,Two,+15550100162,harmonyca,L,2099-12-31,jaw angle,2026-01-04,yes,Acton\n"
    )
    assert (table.rows[0].fields["location"], table.ignored) == ("Acton", [])


# --- the role ---


@pytest.mark.parametrize("role", list(Role))
def test_a_step_can_name_whoever_is_on_call_as_something(desk: Desk, role: Role) -> None:
    wanted, other = hire(desk, *OTHERS[:2])
    rota(desk, other)
    rota(desk, wanted, role=role.value)
    if role is Role.NURSE:  # the other rota's member is a nurse too, and it says nothing else
        with transaction() as session:
            session.get_one(Staff, other).role = Role.INJECTOR
    save_plan(clinic_id(desk), Tier.T1, plan(Step((f"on_call:{role.value}",), 15)), None)
    white_lip(desk)
    assert heard(desk, *OTHERS[:2]) == [1, 0]


def test_a_rota_without_a_role_counts_by_its_members_own(desk: Desk) -> None:
    nurse, injector = hire(desk, OTHERS[0]) + hire(desk, OTHERS[1], role=Role.INJECTOR)
    rota(desk, nurse)
    rota(desk, injector)
    save_plan(clinic_id(desk), Tier.T1, plan(Step(("on_call:injector",), 15)), None)
    white_lip(desk)
    assert heard(desk, *OTHERS[:2]) == [0, 1]


def test_a_role_that_nobody_has_there_is_looked_for_in_the_whole_clinic(desk: Desk) -> None:
    nurse, injector = hire(desk, SOHO) + hire(desk, ACTON, role=Role.INJECTOR)
    rota(desk, nurse, location="Soho")
    rota(desk, injector, location="Acton")
    treated_at(desk, "Soho")
    save_plan(clinic_id(desk), Tier.T1, plan(Step(("on_call:injector",), 15)), None)
    white_lip(desk)
    assert heard(desk, SOHO, ACTON) == [0, 1]


def test_when_nobody_is_on_call_as_that_whoever_is_on_call_is_paged(desk: Desk) -> None:
    (nurse,) = hire(desk, OTHERS[0])
    rota(desk, nurse)
    save_plan(clinic_id(desk), Tier.T1, plan(Step(("on_call:medical_director",), 15)), None)
    white_lip(desk)
    assert heard(desk, OTHERS[0], DOCTOR, CLINIC_LINE) == [1, 0, 0]


def test_by_the_on_call_list_a_role_means_its_first(desk: Desk) -> None:
    save_plan(clinic_id(desk), Tier.T1, plan(Step(("on_call:medical_director",), 15)), None)
    white_lip(desk)
    assert heard(desk, NURSE, DOCTOR) == [0, 1]


def test_a_role_that_does_not_exist_is_refused(desk: Desk) -> None:
    with pytest.raises(PlanRefused) as refused:
        save_plan(clinic_id(desk), Tier.T1, plan(Step(("on_call:surgeon",), 15)), None)
    assert refused.value.reason == "unknown_target"


# --- T2, by day and by night ---


@pytest.fixture
def day_and_night(desk: Desk) -> Desk:
    """A doctor's rota before a nurse's, both at every hour."""
    rota(desk, person(desk, DOCTOR), role="medical_director")
    rota(desk, *hire(desk, OTHERS[0]), role="nurse")
    return desk


def test_in_opening_hours_a_same_day_alert_pages_the_clinics_staff_first(day_and_night: Desk) -> None:
    opened(day_and_night, ALWAYS)
    same_day(day_and_night)
    assert heard(day_and_night, OTHERS[0], DOCTOR) == [1, 0]
    assert day_and_night.calls.sent == []


def test_outside_them_it_texts_whoever_is_on_call_and_rings_nobody(day_and_night: Desk) -> None:
    opened(day_and_night, {})
    alert = same_day(day_and_night)
    assert heard(day_and_night, OTHERS[0], DOCTOR) == [0, 1]
    for _ in range(3):  # hours later; the patient's silence meanwhile is another promise
        with transaction() as session:
            session.get_one(Alert, alert.id).next_step_at = clock.now()
        day_and_night.settle()
    assert heard(day_and_night, OTHERS[0], DOCTOR, CLINIC_LINE) == [3, 3, 1]
    assert day_and_night.calls.sent == []


def test_a_closed_day_counts_as_night(day_and_night: Desk) -> None:
    opened(day_and_night, ALWAYS)
    today = clock.now().astimezone(ZoneInfo("America/New_York")).date()
    oncall.close_day(clinic_id(day_and_night), today.isoformat())
    same_day(day_and_night)
    assert heard(day_and_night, OTHERS[0], DOCTOR) == [0, 1]


def test_more_urgent_alerts_do_not_ask_what_time_it_is(day_and_night: Desk) -> None:
    opened(day_and_night, ALWAYS)
    white_lip(day_and_night)
    assert heard(day_and_night, OTHERS[0], DOCTOR) == [0, 1]


def test_without_nurse_or_desk_on_call_the_day_goes_to_whoever_is(desk: Desk) -> None:
    rota(desk, person(desk, DOCTOR), role="medical_director")
    opened(desk, ALWAYS)
    same_day(desk)
    assert heard(desk, DOCTOR) == [1]


def test_by_the_on_call_list_nurses_and_desk_come_first_by_day(desk: Desk) -> None:
    with transaction() as session:
        session.get_one(Staff, person(desk, DOCTOR)).on_call_order = 0
    opened(desk, ALWAYS)
    same_day(desk)
    assert heard(desk, NURSE, DOCTOR) == [1, 0]


def test_whoever_asked_to_be_rung_for_a_same_day_alert_is(day_and_night: Desk) -> None:
    opened(day_and_night, {})
    reach(DOCTOR, ("sms", DOCTOR, 0), ("voice", DOCTOR, 300))
    same_day(day_and_night)
    day_and_night.advance(minutes=5.1)
    assert [call.to for call in day_and_night.calls.sent] == [DOCTOR]


def test_a_clinics_own_policy_decides_instead(day_and_night: Desk) -> None:
    opened(day_and_night, ALWAYS)
    save_plan(clinic_id(day_and_night), Tier.T2, plan(Step(("on_call:medical_director",), 60)), None)
    same_day(day_and_night)
    assert heard(day_and_night, OTHERS[0], DOCTOR) == [0, 1]
