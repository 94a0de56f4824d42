"""The chain of the audit log: whatever is changed, left out, moved or cut off is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.audit.chain import START, canonical, digest, first_break
from bot.audit.models import AuditEntry
from bot.audit.trail import Refreshes

NOON = datetime(2026, 11, 27, 12, 0, 0, 5, tzinfo=UTC)


def a_chain(length: int) -> list[AuditEntry]:
    """A whole chain of that many entries."""
    rows: list[AuditEntry] = []
    for seq in range(1, length + 1):
        row = AuditEntry(
            id=f"{seq:032}",
            clinic_id="c",
            chain="c",
            seq=seq,
            at=NOON + timedelta(seconds=seq),
            actor_kind="staff",
            actor_id="s",
            action="patient.view",
            subject_kind="patient",
            subject_id=f"p{seq}",
            detail={"patients": ["b", "a"], "via": "sms"},
            ip="10.0.0.1",
            outcome="done",
            previous_hash=rows[-1].hash if rows else START,
        )
        row.hash = digest(row)
        rows.append(row)
    return rows


def head_of(rows: list[AuditEntry]) -> tuple[int, str]:
    return (rows[-1].seq, rows[-1].hash) if rows else (0, START)


@pytest.mark.parametrize("length", [0, 1, 7])
def test_a_whole_chain_has_no_break(length: int) -> None:
    rows = a_chain(length)
    assert first_break("c", rows, head_of(rows)) is None


CHANGES: dict[str, Callable[[AuditEntry], None]] = {
    "who": lambda row: setattr(row, "actor_id", "somebody else"),
    "what": lambda row: setattr(row, "action", "alert.view"),
    "which": lambda row: setattr(row, "subject_id", "p0"),
    "when": lambda row: setattr(row, "at", row.at + timedelta(microseconds=1)),
    "from where": lambda row: setattr(row, "ip", ""),
    "outcome": lambda row: setattr(row, "outcome", "refused"),
    "detail": lambda row: setattr(row, "detail", {"patients": ["b"], "via": "sms"}),
    "key": lambda row: setattr(row, "id", "f" * 32),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_entry_is_the_first_break(change: str) -> None:
    rows = a_chain(5)
    head = head_of(rows)
    CHANGES[change](rows[2])
    found = first_break("c", rows, head)
    assert found is not None
    assert found.seq == 3
    assert "not as it was written" in found.problem


def test_an_entry_that_was_changed_and_hashed_anew_breaks_the_one_after_it() -> None:
    rows = a_chain(5)
    head = head_of(rows)
    rows[2].actor_id = "x"
    rows[2].hash = digest(rows[2])
    found = first_break("c", rows, head)
    assert found is not None
    assert (found.seq, found.problem) == (4, "it does not follow from the entry before it")


def test_a_missing_entry_a_cut_end_and_a_false_head_are_found() -> None:
    rows = a_chain(5)
    head = head_of(rows)
    missing = first_break("c", rows[:2] + rows[3:], head)
    cut = first_break("c", rows[:4], head)
    gone = first_break("c", [], head)
    more = first_break("c", rows, (4, rows[3].hash))
    assert missing is not None
    assert missing.seq == 3
    assert cut is not None
    assert cut.seq == 5
    assert gone is not None
    assert gone.seq == 1
    assert more is not None


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.lists(st.text())), max_size=5))
def test_the_canonical_form_depends_on_no_order_of_keys_and_no_zone(detail: dict[str, object]) -> None:
    one, other = a_chain(1)[0], a_chain(1)[0]
    one.detail = detail
    other.detail = dict(reversed(detail.items()))
    other.at = one.at.astimezone(timezone(timedelta(hours=-5)))
    assert canonical(one) == canonical(other)
    assert json.loads(canonical(one))["detail"] == detail


def test_an_open_page_is_written_down_when_opened_and_again_after_a_while() -> None:
    pages = Refreshes(every_s=600)
    assert pages.due("nurse", "alert.view", "a", now=0)
    assert not pages.due("nurse", "alert.view", "a", now=599)
    assert pages.due("nurse", "alert.view", "b", now=1), "another record is another view"
    assert pages.due("doctor", "alert.view", "a", now=1)
    assert pages.due("nurse", "alert.view", "a", now=600)
