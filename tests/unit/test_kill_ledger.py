from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.ledger import Books, Lives, _timeline
from bot.escalation.models import Alert, AlertEvent, AlertStatus, EventKind
from bot.settings import Settings
from bot.triage.types import Tier

START = datetime(2030, 1, 1, 12, tzinfo=UTC)
SETTINGS = Settings(ack_minutes_t0=1, remind_minutes_t0=2)
NAMES = {"n": "Nurse", "d": "Dr"}
LIVES = Lives(up=[START - timedelta(hours=1)])
PAGED, TAKEN, REMINDED = EventKind.PAGED, EventKind.ACKNOWLEDGED, EventKind.REMINDED
REOPENED = EventKind.REOPENED

Line = tuple[float, EventKind, str]
#: Seconds since the alert, what happened, to whom: all as the policy says.
GOOD: list[Line] = [
    (0, PAGED, "n"),
    (60, PAGED, "d"),
    (120.5, PAGED, "n"),
    (120.6, PAGED, "d"),
    (150, TAKEN, "d"),
    (270, REMINDED, "d"),
    (390, REMINDED, "d"),
    (510, REOPENED, "d"),
    (510, PAGED, "n"),
    (510, PAGED, "d"),
    (510, PAGED, "fallback"),
    (515, TAKEN, "n"),
]


def breaches(lines: list[Line], lives: Lives = LIVES, status: AlertStatus = AlertStatus.CLOSED) -> list[str]:
    events = [
        AlertEvent(
            id=f"{number:04d}",
            kind=kind,
            staff_id=None if who == "fallback" else who,
            detail=who if who == "fallback" else "",
            created_at=START + timedelta(seconds=at),
        )
        for number, (at, kind, who) in enumerate(lines)
    ]
    alert = Alert(tier=Tier.T0, status=status, created_at=START, acknowledged_by_id="n", events=events)
    return list(_timeline(SETTINGS, lives, alert, NAMES, Books()))


def test_what_goes_by_the_policy_is_no_breach() -> None:
    assert breaches(GOOD) == []


@pytest.mark.parametrize(
    ("place", "line", "says"),
    [
        (0, None, "paged ['Dr']"),
        (1, (40, PAGED, "d"), "early"),
        (1, (75, PAGED, "d"), "late"),
        (1, (60, PAGED, "n"), "not ['Dr']"),
        (3, (125, PAGED, "d"), "in pieces"),
        (4, None, "reminded Dr of what None has"),
        (5, (160, REMINDED, "d"), "early"),
        (6, None, "reopened after 1"),
        (7, None, "paged Nurse while Dr had it"),
        (10, None, "paged only"),
    ],
)
def test_what_was_left_out_moved_or_done_to_another_is_one(place: int, line: Line | None, says: str) -> None:
    found = breaches([*GOOD[:place], *([line] if line else []), *GOOD[place + 1 :]])
    assert any(says in one for one in found), found


def test_an_alert_that_was_never_closed_is_one() -> None:
    assert breaches(GOOD, status=AlertStatus.OPEN) == ["ended as open, not acknowledged and closed"]


def test_time_without_a_server_makes_nothing_late() -> None:
    killed = Lives(
        up=[START - timedelta(hours=1), START + timedelta(seconds=74)],
        killed=[START + timedelta(seconds=50), START + timedelta(seconds=60)],
    )
    late: list[Line] = [(0, PAGED, "n"), (75, PAGED, "d"), (80, TAKEN, "n")]
    assert breaches(late, killed) == []
    assert killed.served(START, START + timedelta(seconds=80)) == 56
