"""What the auditor decides, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.auditor.decide import PATIENCE, RECURRING, Due, Known, decide
from bot.auditor.models import Neglect

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
#: What the desk can mend by itself.
OURS = [kind for kind in Neglect if kind is not Neglect.NOBODY_ON_CALL]


def due(kind: Neglect = Neglect.ALERT_STEP, late: timedelta = timedelta(hours=1), **changes: object) -> Due:
    return Due(kind, "row", "clinic", NOW - late, **changes)  # type: ignore[arg-type]


def known(
    kind: Neglect = Neglect.ALERT_STEP, found: timedelta = timedelta(hours=1), **changes: object
) -> Known:
    values = {"repairs": 1, "paged_at": None, "resolved_at": None} | changes
    row_id = str(values.pop("row_id", "row"))
    return Known(kind, row_id, "clinic", NOW - found, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", Neglect)
def test_nothing_is_neglected_before_its_patience_is_over(kind: Neglect) -> None:
    assert decide([due(kind, PATIENCE[kind])], [], NOW).new == ()
    assert len(decide([due(kind, PATIENCE[kind] + MINUTE / 60)], [], NOW).new) == 1


@pytest.mark.parametrize("kind", OURS)
def test_what_may_be_on_its_way_is_touched_at_the_second_look_only(kind: Neglect) -> None:
    in_flight = kind in (Neglect.TEXT, Neglect.NOTIFICATION)
    first = decide([due(kind)], [], NOW)
    assert (len(first.repair), first.page) == (0 if in_flight else 1, ())
    second = decide([due(kind)], [known(kind, found=MINUTE / 60, repairs=0)], NOW)
    assert (len(second.repair), second.page) == (1, ())


def test_a_page_or_safety_words_wait_a_minute_at_most() -> None:
    assert decide([due(Neglect.TEXT, 2 * MINUTE)], [], NOW).new == ()
    assert len(decide([due(Neglect.TEXT, 2 * MINUTE, urgent=True)], [], NOW).new) == 1


@pytest.mark.parametrize("kind", OURS)
def test_people_are_told_when_a_repair_had_its_time_and_only_once(kind: Neglect) -> None:
    row, patience = due(kind, timedelta(days=1)), PATIENCE[kind]
    assert decide([row], [known(kind, found=patience - MINUTE / 60)], NOW).page == ()
    assert decide([row], [known(kind, found=patience, repairs=0)], NOW).page == ()
    assert decide([row], [known(kind, found=patience)], NOW).page == (row,)
    for _ in range(3):
        told = decide([row], [known(kind, paged_at=NOW - MINUTE)], NOW)
        assert (told.page, told.repair) == ((), (row,))


def test_what_only_people_can_mend_is_never_repaired_and_told_once_when_it_lasts() -> None:
    row, patience = due(Neglect.NOBODY_ON_CALL), PATIENCE[Neglect.NOBODY_ON_CALL]
    first = decide([row], [], NOW)
    assert (first.new, first.repair, first.page) == ((row,), (), ())
    lasts: dict[str, Any] = {"kind": Neglect.NOBODY_ON_CALL, "repairs": 0}
    assert decide([row], [known(found=patience - MINUTE, **lasts)], NOW).page == ()
    told = decide([row], [known(found=patience, **lasts)], NOW)
    assert (told.repair, told.page) == ((), (row,))
    assert decide([row], [known(found=patience, paged_at=NOW - MINUTE, **lasts)], NOW).page == ()
    assert decide([row], repaired(RECURRING), NOW).page == (), "the desk itself is not to blame for it"


def test_what_is_in_order_again_is_put_away() -> None:
    one = known()
    assert decide([], [one], NOW).resolved == (one,)
    assert decide([due()], [one], NOW).resolved == ()


def repaired(count: int, **changes: object) -> list[Known]:
    return [known(row_id=str(n), resolved_at=NOW - 5 * MINUTE, **changes) for n in range(count)]


def test_one_repair_after_another_is_told_of_once_an_hour() -> None:
    assert decide([due()], repaired(RECURRING - 1), NOW).page == ()
    assert decide([due()], repaired(RECURRING), NOW).page == (due(),)
    assert decide([due()], repaired(RECURRING, paged_at=NOW - 10 * MINUTE), NOW).page == ()
    elsewhere = Due(Neglect.ALERT_STEP, "row", "another clinic", NOW - timedelta(hours=1))
    assert decide([elsewhere], repaired(RECURRING), NOW).page == ()
