"""Whose turn it is: pure rules, held for any rota and any time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.oncall.rota import Override, Rota, gaps, handover_at, on_call_at, shifts

ZONES = st.sampled_from(
    [
        "America/New_York",
        "Europe/Madrid",
        "Australia/Lord_Howe",
        "America/Sao_Paulo",
        "UTC",
        "Africa/Casablanca",
    ]
)
ROTAS = st.builds(
    Rota,
    members=st.lists(st.sampled_from("abcde"), min_size=1, max_size=5, unique=True).map(tuple),
    time_zone=ZONES,
    start=st.dates(date(2025, 1, 1), date(2027, 12, 31)),
    handover=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    turn_days=st.integers(1, 14),
)
MOMENTS = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda n: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=n)
)


@given(ROTAS, MOMENTS)
def test_there_is_no_gap_and_no_overlap(rota: Rota, start: datetime) -> None:
    end = start + timedelta(days=60)
    found = shifts(rota, [], start, end)
    assert (found[0].starts_at, found[-1].ends_at) == (start, end)
    assert all(one.ends_at == other.starts_at for one, other in pairwise(found))
    assert gaps(found, start, end) == []


@given(ROTAS, MOMENTS)
def test_shifts_and_the_person_at_a_moment_agree(rota: Rota, start: datetime) -> None:
    for shift in shifts(rota, [], start, start + timedelta(days=30)):
        middle = shift.starts_at + (shift.ends_at - shift.starts_at) / 2
        for moment in (shift.starts_at, middle, shift.ends_at - timedelta(microseconds=1)):
            assert on_call_at(rota, [], moment)[0] == shift.staff_id


@given(ROTAS, st.integers(-100, 100))
def test_every_hand_over_is_at_the_same_wall_clock_time(rota: Rota, turn: int) -> None:
    zone = ZoneInfo(rota.time_zone)
    local = handover_at(rota, turn).astimezone(zone)
    wanted = datetime.combine(rota.start + timedelta(days=turn * rota.turn_days), rota.handover)
    exists = wanted.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wanted
    if exists:
        assert local.replace(tzinfo=None) == wanted
    else:  # the clocks jump over it: as much later as they jump, on the same turn
        assert timedelta() < local.replace(tzinfo=None) - wanted <= timedelta(hours=1)


@given(ROTAS, MOMENTS, st.integers(1, 200))
def test_an_override_counts_while_it_lasts_and_then_the_rota_does_again(
    rota: Rota, start: datetime, hours: int
) -> None:
    end = start + timedelta(hours=hours)
    cover = [Override("z", start, end)]
    second = timedelta(seconds=1)
    assert on_call_at(rota, cover, start)[0] == on_call_at(rota, cover, end - second)[0] == "z"
    assert on_call_at(rota, cover, start)[1:] == on_call_at(rota, [], start)
    for outside in (start - second, end):
        assert on_call_at(rota, cover, outside) == on_call_at(rota, [], outside)


@given(ROTAS, MOMENTS, st.sampled_from("abcde"))
def test_somebody_absent_moves_nobody_elses_turn(rota: Rota, now: datetime, gone: str) -> None:
    without = Rota(
        rota.members, rota.time_zone, rota.start, rota.handover, rota.turn_days, absent=frozenset(gone)
    )
    expected = [person for person in on_call_at(rota, [], now) if person != gone]
    assert on_call_at(without, [], now) == expected


def test_a_weekly_hand_over_over_the_change_of_the_clocks() -> None:
    rota = Rota(("a", "b"), "America/New_York", date(2026, 10, 26), time(9))  # a Monday; back on 1 Nov
    first, second = shifts(rota, [], handover_at(rota, 0), handover_at(rota, 2))
    assert first.ends_at - first.starts_at == timedelta(days=7, hours=1)
    assert second.ends_at - second.starts_at == timedelta(days=7)
    assert [first.staff_id, second.staff_id] == ["a", "b"]


def test_a_hand_over_in_the_hour_that_the_clocks_leave_out() -> None:
    rota = Rota(("a", "b"), "America/New_York", date(2026, 3, 7), time(2, 30), turn_days=1)
    assert handover_at(rota, 1) == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)  # 03:30 on the wall
    assert handover_at(rota, 2) == datetime(2026, 3, 9, 6, 30, tzinfo=UTC)


def test_a_rota_with_hours_rests_outside_them_and_the_gaps_are_found() -> None:
    weekdays = {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    rota = Rota(("a",), "Europe/Madrid", date(2026, 1, 5), turn_days=7, hours=weekdays)
    friday = datetime(2026, 3, 27, 8, tzinfo=UTC)  # 09:00 there; the clocks change on Sunday
    found = shifts(rota, [], friday, friday + timedelta(days=4))
    assert [on_call_at(rota, [], moment) for moment in (friday, friday + timedelta(hours=9))] == [["a"], []]
    assert gaps(found, friday, friday + timedelta(days=3)) == [
        (datetime(2026, 3, 27, 17, tzinfo=UTC), datetime(2026, 3, 30, 7, tzinfo=UTC))
    ]


def test_nobody_left_is_an_empty_answer_and_a_gap() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for rota in (
        Rota((), "UTC", date(2026, 1, 1)),
        Rota(("a",), "UTC", date(2026, 1, 1), absent=frozenset("a")),
    ):
        assert on_call_at(rota, [], now) == []
        assert gaps(shifts(rota, [], now, now + timedelta(days=1)), now, now + timedelta(days=1)) == [
            (now, now + timedelta(days=1))
        ]


def test_more_than_a_year_is_refused() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="one year"):
        shifts(Rota(("a",), "UTC", date(2026, 1, 1)), [], now, now + timedelta(days=400))
