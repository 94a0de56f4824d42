"""Who is on call, and what happens when nobody is."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from bot import clock
from bot import settings as app_settings
from bot.clinic.models import Clinic, Role, Staff
from bot.db.engine import reading, transaction
from bot.doctor import examine
from bot.escalation.models import EventKind
from bot.oncall import calendar, opening
from bot.oncall.models import RotaOverride, RotaRow
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
from tests.support.contacts import reach
from tests.support.desk import ANA, DOCTOR, NURSE, PAT, Desk
from tests.support.on_call import (
    BLIND,
    CLINIC_LINE,
    OTHERS,
    clinic_id,
    hire,
    kinds,
    person,
    rota,
    white_lip,
)


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
