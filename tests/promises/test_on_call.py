"""The promises of paging, in the words of those who make them for servers: nobody missed, nobody flooded."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from bot import clock
from bot import settings as app_settings
from bot.channels.base import CarrierError
from bot.clinic.models import Clinic, Role, Staff
from bot.db.engine import reading, transaction
from bot.doctor import examine
from bot.escalation import service
from bot.escalation.alerts import take_step
from bot.escalation.models import BUNDLED, FALLBACK, Alert, AlertStatus, EventKind, Notification
from bot.escalation.plan import Plan, PlanRefused, Step
from bot.escalation.plans import back_to_defaults, save_plan
from bot.oncall import calendar, opening
from bot.oncall.models import EscalationPolicy, RotaOverride, RotaRow
from bot.oncall.roster import nobody_on_call, of_role, roster
from bot.oncall.service import (
    RotaForm,
    RotaRefused,
    cancel_cover,
    close_day,
    cover,
    make_feed,
    revoke_feeds,
    save_rota,
)
from bot.triage.types import Tier
from tests.support.contacts import reach
from tests.support.desk import ANA, DOCTOR, NURSE, PAT, Desk

WHITE_LIP = "my top lip has gone white on one side and it rlly hurts"
BLIND = "cant see out my left eye"
CLINIC_LINE = "+15550100102"
OTHERS = ("+15550100131", "+15550100132", "+15550100133")


def clinic_id(desk: Desk) -> str:
    return str(desk.rows(Clinic)[0].id)


def person(desk: Desk, phone: str) -> str:
    return str(desk.rows(Staff, phone=phone)[0].id)


def hire(desk: Desk, *phones: str, role: Role = Role.NURSE) -> list[str]:
    with transaction() as session:
        for phone in phones:
            session.add(
                Staff(
                    clinic_id=clinic_id(desk),
                    name=f"Extra Demo {phone[-2:]}",
                    email=f"{phone[1:]}@demo.example",
                    password_hash="x",
                    role=role,
                    phone=phone,
                )
            )
    return [person(desk, phone) for phone in phones]


def rota(desk: Desk, *members: str, **changes: str) -> str:
    """A rota whose first turn began yesterday."""
    zone = "America/New_York"
    yesterday = clock.now().astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    form = RotaForm("Nurses", zone, f"{yesterday}", members=members, **changes)
    return save_rota(clinic_id(desk), form)


def plan(*steps: Step, **changes: object) -> Plan:
    return Plan(steps, 60, **changes)  # type: ignore[arg-type]


def white_lip(desk: Desk) -> Alert:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    return desk.alerts()[-1]


def kinds(desk: Desk) -> list[EventKind]:
    return [event.kind for event in desk.alerts()[0].events]


# who is on call


def test_without_a_rota_the_on_call_list_counts(desk: Desk) -> None:
    with reading() as session:
        here = roster(session, clinic_id(desk), clock.now())
    assert here.people == (person(desk, NURSE), person(desk, DOCTOR))


def test_a_rota_takes_the_place_of_the_list_and_those_behind_are_paged_next(desk: Desk) -> None:
    first, second = hire(desk, *OTHERS[:2])
    rota(desk, first, second)
    white_lip(desk)
    assert [len(desk.texts_to(phone)) for phone in (OTHERS[0], OTHERS[1], NURSE)] == [1, 0, 0]
    desk.advance(minutes=15.1)
    assert len(desk.texts_to(OTHERS[1])) == 1


def test_whoever_is_reached_without_a_phone_of_their_own_can_be_on_call(desk: Desk) -> None:
    first, second = hire(desk, *OTHERS[:2])
    reach(OTHERS[0], ("email", "first@demo.example", 0))
    with transaction() as session:
        session.get_one(Staff, first).phone = None
        session.get_one(Staff, second).phone = None
    mine = rota(desk, first, second)
    with reading() as session:
        here = roster(session, clinic_id(desk), clock.now())
    assert (here.people, here.skipped) == ((first,), (second,))
    white_lip(desk)
    assert [mail.to for mail in desk.mails.sent] == ["first@demo.example"]
    local = clock.now().astimezone(ZoneInfo("America/New_York"))
    span = (f"{local:%Y-%m-%dT%H:%M}", f"{local + timedelta(hours=9):%Y-%m-%dT%H:%M}")
    assert cover(clinic_id(desk), mine, first, *span)
    with pytest.raises(RotaRefused):
        cover(clinic_id(desk), mine, second, *span)


def test_the_on_call_list_and_roles_count_whoever_has_a_contact_method(desk: Desk) -> None:
    reach(DOCTOR, ("email", "doctor@demo.example", 0))
    doctor = person(desk, DOCTOR)
    with transaction() as session:
        session.get_one(Staff, doctor).phone = None
        here = roster(session, clinic_id(desk), clock.now())
        directors = of_role(session, clinic_id(desk), Role.MEDICAL_DIRECTOR)
    assert here.people == (person(desk, NURSE), doctor)
    assert directors == (doctor,)


def test_an_emergency_pages_everybody_on_call_at_once(desk: Desk) -> None:
    first, second = hire(desk, *OTHERS[:2])
    rota(desk, first)
    rota(desk, second)
    desk.text(PAT, BLIND)
    desk.settle()
    assert [len(desk.texts_to(phone)) for phone in OTHERS[:2]] == [1, 1]


def test_a_cover_counts_until_it_is_taken_back(desk: Desk) -> None:
    first, second = hire(desk, *OTHERS[:2])
    mine = rota(desk, first)
    local = clock.now().astimezone(ZoneInfo("America/New_York"))
    made = cover(
        clinic_id(desk),
        mine,
        second,
        f"{local:%Y-%m-%dT%H:%M}",
        f"{local + timedelta(hours=9):%Y-%m-%dT%H:%M}",
    )
    white_lip(desk)
    assert [len(desk.texts_to(phone)) for phone in OTHERS[:2]] == [0, 1]
    cancel_cover(clinic_id(desk), made)
    desk.text(ANA, "my top lip has gone white and it hurts")
    desk.settle()
    assert len(desk.texts_to(OTHERS[0])) == 1


def test_a_deleted_user_in_a_rota_is_skipped_and_the_doctor_says_so(desk: Desk) -> None:
    first, second = hire(desk, *OTHERS[:2])
    rota(desk, first, second)
    with transaction() as session:
        session.get_one(Staff, first).active = False
    white_lip(desk)
    assert [len(desk.texts_to(phone)) for phone in OTHERS[:2]] == [0, 1]
    said = " ".join(finding.text for finding in examine(app_settings.get_settings()))
    assert "cannot be paged (left, or no phone and no contact method): Extra Demo 31" in said


def test_a_missing_user_in_a_rota_stops_nothing(desk: Desk) -> None:
    (first,) = hire(desk, OTHERS[0])
    mine = rota(desk, first)
    with transaction() as session:
        session.get_one(RotaRow, mine).members = ["nobody-at-all", first]
    white_lip(desk)
    assert len(desk.texts_to(OTHERS[0])) == 1


def test_nobody_on_call_pages_the_medical_director_and_the_fall_back_phone(desk: Desk) -> None:
    (first,) = hire(desk, OTHERS[0])
    rota(desk, first)
    with transaction() as session:
        session.get_one(Staff, first).phone = None
    white_lip(desk)
    assert EventKind.NOBODY_ON_CALL in kinds(desk)
    assert len(desk.texts_to(DOCTOR)) == 1
    (words,) = desk.texts_to(CLINIC_LINE)
    assert "Nobody on call" in words
    assert "PS" in words
    assert "ACK" not in words


def test_a_gap_in_the_coming_week_is_known_beforehand(desk: Desk) -> None:
    (first,) = hire(desk, OTHERS[0])
    zone = "America/New_York"
    hours = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat"), "00:00-24:00")
    form = RotaForm("Not on Sundays", zone, "2026-01-05", members=[first], hours=hours)
    save_rota(clinic_id(desk), form)
    with reading() as session:
        ((start, end),) = nobody_on_call(session, clinic_id(desk), clock.now())
    assert [f"{moment.astimezone(ZoneInfo(zone)):%a %H:%M}" for moment in (start, end)] == [
        "Sun 00:00",
        "Mon 00:00",
    ]
    said = " ".join(finding.text for finding in examine(app_settings.get_settings()))
    assert "nobody is on call from Sun" in said


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("name", {"name": "  "}),
        ("time_zone", {"time_zone": "Mars/Olympus"}),
        ("start", {"start": "soon"}),
        ("start", {"start": "0001-01-01"}),
        ("turn_days", {"turn_days": "0"}),
        ("turn_days", {"turn_days": "²"}),
        ("handover", {"handover": "25:00"}),
        ("members", {"members": []}),
        ("members", {"members": ["of-another-clinic"]}),
        ("hours", {"hours": {"mon": "18:00-09:00"}}),
    ],
)
def test_a_rota_with_a_fault_is_refused_and_changes_nothing(
    desk: Desk, reason: str, changes: dict[str, object]
) -> None:
    good = {"name": "A", "time_zone": "UTC", "start": "2026-01-05", "members": [person(desk, NURSE)]}
    with pytest.raises(RotaRefused) as refused:
        save_rota(clinic_id(desk), RotaForm(**(good | changes)))  # type: ignore[arg-type]
    assert refused.value.reason == reason
    assert desk.rows(RotaRow) == []


def test_a_cover_that_cannot_be_is_refused(desk: Desk) -> None:
    mine = rota(desk, person(desk, NURSE))
    desk_staff = str(desk.rows(Staff, phone=None)[0].id)
    for who, starts, ends, reason in (
        (desk_staff, "2099-01-01T09:00", "2099-01-02T09:00", "person"),
        (person(desk, DOCTOR), "2099-01-02T09:00", "2099-01-01T09:00", "span"),
        (person(desk, DOCTOR), "2001-01-02T09:00", "2001-01-03T09:00", "span"),
        (person(desk, DOCTOR), "", "2001-01-03T09:00", "moment"),
        (person(desk, DOCTOR), "0001-01-01T00:00", "2099-01-03T09:00", "moment"),
        (person(desk, DOCTOR), "2099-03-08T02:30", "2099-03-09T02:30", "moment"),  # left out by the clocks
    ):
        with pytest.raises(RotaRefused) as refused:
            cover(clinic_id(desk), mine, who, starts, ends)
        assert refused.value.reason == reason
    assert desk.rows(RotaOverride) == []


def test_the_clinic_is_closed_on_public_holidays_and_its_own_days(desk: Desk) -> None:
    with reading() as session:
        clinic = session.get_one(Clinic, clinic_id(desk))
        noon = datetime(2026, 7, 2, 12, tzinfo=ZoneInfo("America/New_York"))  # a Thursday
        assert date(2026, 12, 25) in opening.public_holidays("US", 2026)
        assert opening.open_at(session, clinic, noon)
        assert not opening.open_at(session, clinic, noon.replace(month=12, day=25))
    close_day(clinic_id(desk), "2026-07-02", "Stocktaking")
    with reading() as session:
        assert not opening.open_at(session, session.get_one(Clinic, clinic_id(desk)), noon)


def test_a_calendar_feed_shows_ones_own_shifts_until_it_is_revoked(desk: Desk) -> None:
    first, second = hire(desk, *OTHERS[:2])
    rota(desk, first, second)
    token = make_feed(first)
    shifts = Calendar.from_ical(calendar.feed(token)).walk("VEVENT")
    assert shifts
    assert {str(shift["summary"]) for shift in shifts} == {"Nurses: Extra Demo 31"}
    zone = ZoneInfo("America/New_York")
    walls = {f"{shift.decoded('dtstart').astimezone(zone):%H:%M}" for shift in shifts[1:]}
    assert walls == {"09:00"}
    everybody = make_feed(first, everybody=True)
    assert calendar.feed(token) is None  # a new address makes the old one worthless
    assert calendar.feed(everybody).count(b"Extra Demo 32") > 3
    revoke_feeds(first)
    assert calendar.feed(everybody) is None
    assert calendar.feed("guessed") is None


# the clinic's own steps


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


# the same promises as for servers


def test_a_disruption_leaves_one_notification(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    for _ in range(3):  # the engine stops and resumes before anything went out
        with transaction() as session:
            take_step(session, session.query(Alert).one(), clock.now())
    desk.settle()
    assert len(desk.texts_to(NURSE)) == 1
    assert len(desk.rows(Notification)) == 1


def flood(desk: Desk, count: int, words: str = WHITE_LIP) -> None:
    for number in range(count):
        desk.text(f"+155501006{number:02}", words)


def test_a_flood_is_bundled_into_one_text_and_no_emergency_is_hidden(desk: Desk) -> None:
    flood(desk, 12)
    desk.text(PAT, BLIND)
    desk.settle()
    heard = desk.texts_to(NURSE)
    assert len(heard) == 6
    assert sum("T0" in words for words in heard) == 1
    desk.advance(seconds=31)
    (bundle,) = [words for words in desk.texts_to(NURSE) if "alerts wait" in words]
    assert "12 alerts wait" in bundle
    assert "/console" in bundle
    bundled = [event for alert in desk.alerts() for event in alert.events if event.detail == BUNDLED]
    assert len(bundled) == 7
    desk.advance(minutes=15.1)
    assert len(desk.texts_to(DOCTOR)) >= 6  # every alert's next step came all the same


def test_a_bundle_goes_to_the_number_that_pages_go_to(desk: Desk) -> None:
    reach(NURSE, ("sms", "+15550100139", 0))
    flood(desk, 7)
    desk.settle()
    desk.advance(seconds=31)
    assert desk.texts_to(NURSE) == []
    assert "7 alerts wait" in desk.texts_to("+15550100139")[-1]


def test_whoever_gets_no_texts_is_paged_about_every_alert_of_a_flood(desk: Desk) -> None:
    reach(NURSE, ("email", "nurse@demo.example", 0))
    flood(desk, 7)
    desk.settle()
    assert desk.texts_to(NURSE) == []
    assert len(desk.mails.sent) == 7


def test_after_the_window_pages_are_single_again(desk: Desk) -> None:
    flood(desk, 7)
    desk.advance(minutes=11)
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert f"ACK {desk.alerts()[-1].code}" in desk.texts_to(NURSE)[-1]


def test_stop_from_staff_at_the_carrier_pages_the_next_person_at_once(desk: Desk) -> None:
    desk.carrier.faults = [None, CarrierError("opted out", code="21610", permanent=True)]
    white_lip(desk)
    assert EventKind.PAGE_FAILED in kinds(desk)
    assert len(desk.texts_to(DOCTOR)) == 1


def test_stop_from_a_member_of_staff_takes_nobody_off_call(desk: Desk) -> None:
    desk.text(NURSE, "STOP")
    white_lip(desk)
    assert any("ACK" in words and "T1" in words for words in desk.texts_to(NURSE))


def test_replies_that_mean_nothing_are_answered_five_times_and_codes_always(desk: Desk) -> None:
    alert = white_lip(desk)
    before = len(desk.texts_to(NURSE))
    for _ in range(9):
        desk.text(NURSE, "out of office")
        desk.settle()
    assert len(desk.texts_to(NURSE)) == before + 5
    desk.text(NURSE, f"ack {alert.code}")
    desk.settle()
    assert desk.alerts()[0].status is AlertStatus.ACKNOWLEDGED


def test_whoever_had_an_alert_hears_that_it_became_an_emergency_and_is_open_again(desk: Desk) -> None:
    (first,) = hire(desk, OTHERS[0])
    white_lip(desk)
    desk.text(NURSE, f"ACK {desk.alerts()[0].code}")
    desk.settle()
    rota(desk, first)
    heard = len(desk.texts_to(NURSE))
    desk.text(PAT, BLIND)
    desk.settle()
    (alert,) = desk.alerts()
    assert (alert.status, alert.tier) == (AlertStatus.OPEN, Tier.T0)
    assert f"ACK {alert.code} to take it" in desk.texts_to(NURSE)[heard]
    assert len(desk.texts_to(NURSE)) == heard + 1
    assert len(desk.texts_to(OTHERS[0])) == 1


def test_whoever_had_an_alert_that_is_raised_and_is_on_call_still_is_paged_once(desk: Desk) -> None:
    white_lip(desk)
    desk.text(NURSE, f"ACK {desk.alerts()[0].code}")
    desk.settle()
    heard = len(desk.texts_to(NURSE))
    desk.text(PAT, BLIND)
    desk.settle()
    assert len(desk.texts_to(NURSE)) == heard + 1


def test_status_updates_tell_everybody_who_was_paged(desk: Desk) -> None:
    white_lip(desk)
    desk.advance(minutes=15.1)
    desk.text(DOCTOR, "ack")
    desk.settle()
    assert "Dr Demo has acknowledged" in desk.texts_to(NURSE)[-1]


def test_two_people_acknowledging_at_once_leaves_one_holder_and_tells_the_other(desk: Desk) -> None:
    alert = white_lip(desk)
    desk.text(NURSE, f"ack {alert.code}")
    desk.text(DOCTOR, f"ack {alert.code}")
    desk.settle()
    assert desk.alerts()[0].acknowledged_by.phone == NURSE
    assert "already taken by Nurse Demo" in desk.texts_to(DOCTOR)[-1]


def test_a_wrong_code_says_so_and_takes_nothing(desk: Desk) -> None:
    alert = white_lip(desk)
    wrong = "98" if alert.code != "98" else "97"
    desk.text(NURSE, f"ack {wrong}")
    desk.settle()
    assert f"No open alert has the code {wrong}" in desk.texts_to(NURSE)[-1]
    assert desk.alerts()[0].status is AlertStatus.OPEN


def test_the_code_of_another_clinics_alert_takes_nothing(desk: Desk) -> None:
    alert = white_lip(desk)
    with transaction() as session:
        here = session.get_one(Clinic, clinic_id(desk))
        there = Clinic(
            **{
                name: getattr(here, name)
                for name in ("time_zone", "locale", "country", "phone", "emergency_phone", "emergency_number")
            },
            crisis_line="988",
            name="Grey Gull Clinic (demo)",
            text_number="+15550100200",
            widget_key="grey-gull-demo",
        )
        session.add(there)
        session.flush()
        session.get_one(Staff, person(desk, NURSE)).clinic_id = there.id
    desk.text(NURSE, f"ack {alert.code}")  # to the clinic where she no longer is
    desk.settle()
    assert desk.alerts()[0].status is AlertStatus.OPEN


def test_the_fall_back_phone_rings_once_everybody_was_paged_in_vain(desk: Desk) -> None:
    white_lip(desk)
    for _ in range(2):
        desk.advance(minutes=15.1)
    assert desk.texts_to(CLINIC_LINE) == []
    desk.advance(minutes=15.1)
    assert len(desk.texts_to(CLINIC_LINE)) == 1
    assert [event.detail for event in desk.alerts()[0].events].count(FALLBACK) == 1
