"""A crisis reaches the safeguarding lead and whoever is on call, at once, and the patient hears who."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.channels.base import CarrierError
from bot.clinic.models import Clinic
from bot.db.engine import transaction
from bot.escalation.models import AlertStatus, EventKind
from bot.messaging import reading
from bot.triage.types import Assessment, Context, Tier
from tests.support.contacts import reach
from tests.support.desk import DOCTOR, NURSE, PAT, Desk
from tests.support.safeguarding import (
    BLIND,
    CRISIS,
    NOBODY,
    OFF_ROTA,
    WHITE_LIP,
    assessment,
    doctor_says,
    hire,
    no_lead,
    paged_as_lead,
    staff,
)


@pytest.fixture
def triage_says(monkeypatch: pytest.MonkeyPatch) -> Callable[[Assessment], None]:
    """From now on triage says this of every message."""

    def say(what: Assessment) -> None:
        monkeypatch.setattr(reading.triage, "assess", lambda _text, _context=Context(): what)

    return say


# --- who is paged ----------------------------------------------------------------------------------------


def test_a_crisis_pages_the_first_on_call_and_the_lead_at_once(desk: Desk) -> None:
    desk.text(PAT, CRISIS)
    # before anything was delivered or any time went by: in the same transaction as the alert
    written = [(one.staff.phone, one.kind.value) for one in desk.alerts()[0].notifications]
    assert sorted(written) == [(NURSE, "sms"), (NURSE, "voice"), (DOCTOR, "sms"), (DOCTOR, "voice")]
    desk.settle()

    (alert,) = desk.alerts()
    assert (alert.tier, alert.status) == (Tier.T0, AlertStatus.OPEN)
    (to_nurse,), (to_lead,) = desk.texts_to(NURSE), desk.texts_to(DOCTOR)
    assert "safeguarding lead" in to_lead
    assert "safeguarding lead" not in to_nurse
    assert all(f"ACK {alert.code}" in page for page in (to_nurse, to_lead))
    assert paged_as_lead(desk) == [DOCTOR]


@pytest.mark.parametrize("tier", [Tier.T0, Tier.T1, Tier.T2])
def test_every_psychological_sign_that_pages_anybody_pages_the_lead(
    desk: Desk, tier: Tier, triage_says: Callable[[Assessment], None]
) -> None:
    triage_says(assessment(tier))
    desk.text(PAT, "...")
    desk.settle()
    assert (len(desk.texts_to(NURSE)), len(desk.texts_to(DOCTOR))) == (1, 1)
    assert "Dr Demo" in desk.texts_to(PAT)[0]


def test_a_page_to_the_lead_carries_no_name_and_no_words_of_the_patient(desk: Desk) -> None:
    desk.text(PAT, CRISIS)
    desk.settle()
    (page,) = desk.texts_to(DOCTOR)
    assert "PS" in page
    for secret in ("Pat ", "Sample", "kill", PAT):
        assert secret not in page


def test_a_lead_who_is_first_on_call_is_paged_once(desk: Desk) -> None:
    no_lead()
    staff(NURSE, safeguarding_lead=True)
    desk.text(PAT, CRISIS)
    desk.settle()
    assert len(desk.texts_to(NURSE)) == 1
    assert desk.texts_to(DOCTOR) == []
    assert paged_as_lead(desk) == [NURSE]


def test_a_lead_who_is_not_on_call_is_paged_too(desk: Desk) -> None:
    no_lead()
    hire(OFF_ROTA)
    desk.text(PAT, CRISIS)
    desk.settle()
    assert [len(desk.texts_to(phone)) for phone in (NURSE, DOCTOR, OFF_ROTA)] == [1, 0, 1]


def test_a_lead_who_is_reached_by_mail_alone_is_paged_too(desk: Desk) -> None:
    reach(DOCTOR, ("email", "doctor@demo.example", 0))
    staff(DOCTOR, phone=None, on_call_order=None)
    desk.text(PAT, CRISIS)
    desk.settle()
    assert [mail.to for mail in desk.mails.sent] == ["doctor@demo.example"]


def test_two_leads_are_both_paged_and_the_one_on_call_is_named(desk: Desk) -> None:
    hire(OFF_ROTA)
    desk.text(PAT, CRISIS)
    desk.settle()
    assert [len(desk.texts_to(phone)) for phone in (NURSE, DOCTOR, OFF_ROTA)] == [1, 1, 1]
    assert "Dr Demo" in desk.texts_to(PAT)[0]
    assert "Lead Demo" not in desk.texts_to(PAT)[0]


def test_no_step_pages_anybody_twice_and_paging_everybody_means_the_lead_too(desk: Desk) -> None:
    hire(OFF_ROTA)
    desk.text(PAT, CRISIS)
    desk.settle()
    counts = [[len(desk.texts_to(phone)) for phone in (NURSE, DOCTOR, OFF_ROTA)]]
    for _ in range(3):
        desk.advance(minutes=5.1)
        counts.append([len(desk.texts_to(phone)) for phone in (NURSE, DOCTOR, OFF_ROTA)])
    # first person and leads; second person, who leads as well; everybody; everybody
    assert counts == [[1, 1, 1], [1, 2, 1], [2, 3, 2], [3, 4, 3]]
    assert "AGAIN" in desk.texts_to(DOCTOR)[1]


def test_a_sign_that_is_no_crisis_does_not_page_the_lead(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert len(desk.texts_to(NURSE)) == 1
    assert desk.texts_to(DOCTOR) == []
    assert desk.alerts()[0].psych is False


def test_a_worry_for_the_next_working_day_pages_nobody(
    desk: Desk, triage_says: Callable[[Assessment], None]
) -> None:
    triage_says(assessment(Tier.T3))
    desk.text(PAT, "...")
    desk.settle()
    assert desk.alerts() == []
    assert desk.texts_to(DOCTOR) == []


def test_silence_after_the_probe_on_a_psychological_sign_pages_the_lead(
    desk: Desk, triage_says: Callable[[Assessment], None]
) -> None:
    triage_says(assessment(Tier.T3, probe=True))
    desk.text(PAT, "...")
    desk.settle()
    assert desk.texts_to(DOCTOR) == []
    desk.advance(minutes=16)
    assert (len(desk.texts_to(NURSE)), len(desk.texts_to(DOCTOR))) == (1, 1)


# --- an alert that becomes a crisis ----------------------------------------------------------------------


@pytest.mark.parametrize("taken", [False, True])
def test_a_red_flag_that_rises_to_a_crisis_pages_the_lead_at_once(desk: Desk, taken: bool) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    if taken:
        desk.text(NURSE, "ack")
        desk.settle()
    before = len(desk.texts_to(NURSE))
    desk.text(PAT, CRISIS)
    desk.settle()

    (alert,) = desk.alerts()
    assert (alert.tier, alert.psych, alert.status) == (Tier.T0, True, AlertStatus.OPEN)
    assert len(desk.texts_to(NURSE)) == before + 1
    assert len(desk.texts_to(DOCTOR)) == 1
    assert paged_as_lead(desk) == [DOCTOR]


def test_a_crisis_that_is_less_urgent_than_the_open_alert_still_pages_the_lead_at_once(
    desk: Desk, triage_says: Callable[[Assessment], None]
) -> None:
    desk.text(PAT, BLIND)
    desk.settle()
    triage_says(assessment(Tier.T2))
    desk.text(PAT, "...")
    desk.settle()

    (alert,) = desk.alerts()
    assert (alert.tier, alert.flag, alert.psych) == (Tier.T0, "VIS", True)
    assert len(desk.texts_to(NURSE)) == 1, "nothing was due for the nurse"
    assert len(desk.texts_to(DOCTOR)) == 1


def test_a_crisis_in_an_alert_that_somebody_has_tells_the_lead_who(
    desk: Desk, triage_says: Callable[[Assessment], None]
) -> None:
    desk.text(PAT, BLIND)
    desk.settle()
    desk.text(NURSE, "ack")
    desk.settle()
    triage_says(assessment(Tier.T1))
    desk.text(PAT, "...")
    desk.settle()

    (page,) = desk.texts_to(DOCTOR)
    assert "Nurse Demo has taken" in page
    assert "safeguarding lead" in page
    assert desk.alerts()[0].status is AlertStatus.ACKNOWLEDGED
    assert "NEW SIGN" in desk.texts_to(NURSE)[-1]


def test_a_lead_who_has_the_alert_already_is_told_once_of_the_crisis(
    desk: Desk, triage_says: Callable[[Assessment], None]
) -> None:
    desk.text(PAT, BLIND)
    desk.settle()
    desk.advance(minutes=5.1)
    desk.text(DOCTOR, "ack")
    desk.settle()
    before = len(desk.texts_to(DOCTOR))
    triage_says(assessment(Tier.T1))
    desk.text(PAT, "...")
    desk.settle()
    assert len(desk.texts_to(DOCTOR)) == before + 1


def test_more_words_of_the_same_crisis_do_not_page_the_lead_again(desk: Desk) -> None:
    desk.text(PAT, CRISIS)
    desk.text(PAT, CRISIS)
    desk.settle()
    assert len(desk.texts_to(DOCTOR)) == 1


def test_a_lead_who_is_named_during_a_crisis_is_paged_when_the_patient_writes_again(desk: Desk) -> None:
    no_lead()
    desk.text(PAT, CRISIS)
    desk.settle()
    hire(OFF_ROTA)
    desk.text(PAT, CRISIS)
    desk.settle()
    assert len(desk.texts_to(OFF_ROTA)) == 1
    assert len(desk.texts_to(NURSE)) == 1


# --- taking it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_rota", [True, False])
def test_the_lead_takes_a_crisis_by_reply_code_and_the_paging_stops(desk: Desk, on_rota: bool) -> None:
    lead = DOCTOR
    if not on_rota:
        no_lead()
        hire(OFF_ROTA)
        lead = OFF_ROTA
    desk.text(PAT, CRISIS)
    desk.settle()
    desk.text(lead, f"ACK {desk.alerts()[0].code}")
    desk.advance(minutes=20)

    (alert,) = desk.alerts()
    assert alert.status is AlertStatus.ACKNOWLEDGED
    assert alert.acknowledged_by.phone == lead
    assert "You have taken" in desk.texts_to(lead)[-1]
    assert "has acknowledged" in desk.texts_to(NURSE)[-1]
    assert len(desk.texts_to(NURSE)) == 2


def test_when_another_takes_it_the_lead_is_not_sent_off_but_asked_who_phones(desk: Desk) -> None:
    desk.text(PAT, CRISIS)
    desk.settle()
    desk.text(NURSE, "ack")
    desk.settle()
    last = desk.texts_to(DOCTOR)[-1]
    assert "agree with Nurse Demo now who phones the patient" in last
    assert "nothing more" not in last


# --- nobody to page as lead ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "missing",
    [{"safeguarding_lead": False}, {"phone": None}, {"phone": ""}, {"active": False}],
    ids=["nobody", "no phone", "empty phone", "has left"],
)
def test_without_a_lead_who_can_be_paged_those_on_call_are_and_the_doctor_says_so(
    desk: Desk, missing: dict[str, Any]
) -> None:
    staff(DOCTOR, **missing)
    desk.text(PAT, CRISIS)
    desk.settle()

    assert len(desk.texts_to(NURSE)) == 1
    assert desk.texts_to(DOCTOR) == []
    assert paged_as_lead(desk) == []
    assert "someone from our team" in desk.texts_to(PAT)[0]
    code, said = doctor_says()
    assert code == 1
    assert NOBODY in said


def test_the_doctor_names_the_lead_and_has_no_complaint(desk: Desk) -> None:
    _code, said = doctor_says()
    assert "safeguarding lead: Dr Demo" in said
    assert NOBODY not in said


def test_with_nobody_on_call_the_lead_is_paged_and_paged_again(desk: Desk) -> None:
    for phone in (NURSE, DOCTOR):
        staff(phone, on_call_order=None)
    desk.text(PAT, CRISIS)
    desk.settle()
    assert EventKind.NOBODY_ON_CALL in [event.kind for event in desk.alerts()[0].events]
    assert len(desk.texts_to(DOCTOR)) == 1
    desk.advance(minutes=5.1)
    assert len(desk.texts_to(DOCTOR)) == 2


def test_with_nobody_at_all_the_crisis_still_stands_and_the_patient_is_answered(desk: Desk) -> None:
    for phone in (NURSE, DOCTOR):
        staff(phone, on_call_order=None, safeguarding_lead=False)
    desk.text(PAT, CRISIS)
    desk.settle()
    (alert,) = desk.alerts()
    assert (alert.status, alert.psych) == (AlertStatus.OPEN, True)
    assert "911" in desk.texts_to(PAT)[0]


def test_a_page_to_the_lead_that_fails_costs_nobody_elses(desk: Desk) -> None:
    no_lead()
    hire(OFF_ROTA)
    # safety words, the nurse's page, the lead's
    desk.carrier.faults = [None, None, CarrierError("landline", code="30006", permanent=True)]
    desk.text(PAT, CRISIS)
    desk.settle()

    assert desk.texts_to(OFF_ROTA) == []
    assert len(desk.texts_to(NURSE)) == 1
    assert len(desk.texts_to(DOCTOR)) == 1, "the next person's turn came forward"
    (alert,) = desk.alerts()
    failed = [event.staff.phone for event in alert.events if event.kind is EventKind.PAGE_FAILED]
    assert failed == [OFF_ROTA]


def test_a_lead_of_another_clinic_hears_and_is_told_nothing(desk: Desk) -> None:
    no_lead()
    with transaction() as session:
        mine = session.query(Clinic).one()
        facts = {c.name: getattr(mine, c.name) for c in Clinic.__table__.columns}
        session.add(Clinic(**facts | {"id": "other", "text_number": "+15550100900", "widget_key": "other"}))
    hire(OFF_ROTA, clinic_id="other")
    desk.text(PAT, CRISIS)
    desk.settle()
    assert desk.texts_to(OFF_ROTA) == []
    assert "Lead Demo" not in desk.texts_to(PAT)[0]


def test_a_lead_in_a_crisis_of_their_own_is_not_promised_a_call_from_themselves(desk: Desk) -> None:
    desk.enrol("Dr", "Demo", DOCTOR)
    desk.settle()
    desk.carrier.sent.clear()
    desk.text(DOCTOR, CRISIS)
    desk.settle()

    assert "someone from our team" in desk.texts_to(DOCTOR)[0]
    assert not any("safeguarding lead" in text for text in desk.texts_to(DOCTOR))
    assert len(desk.texts_to(NURSE)) == 1
