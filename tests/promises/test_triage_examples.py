"""Every emergency of the labelled examples is answered as one; what is harmless mostly stays so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.triage import Context, Tier, assess
from bot.triage.types import Assessment

DATA = Path(__file__).parents[2] / "data" / "triage"
EMERGENCY = (Tier.T0, Tier.T1)

#: Rows whose text means nothing alone: the context that their `why` describes.
CONTEXT: dict[str, dict[str, Any]] = {
    "P036": {"open_alert_tier": Tier.T1, "open_alert_flag": "VO"},
    "P037": {"open_alert_tier": Tier.T1, "open_alert_flag": "VO"},
    "P038": {"question": "probe"},
    "P055": {"question": "checkin.vision"},
}


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


EXAMPLES = _rows("examples.jsonl")
URGENT = [row for row in EXAMPLES if row["tier"] in ("T0", "T1")]
HARMLESS = [row for row in EXAMPLES if row["flag"] == "NEG"]


def _assess(row: dict[str, Any]) -> Assessment:
    return assess(row["text"], Context(day=row["day"], **CONTEXT.get(row["id"], {})))


@pytest.mark.parametrize("row", URGENT, ids=lambda row: row["id"])
def test_an_emergency_is_answered_as_an_emergency(row: dict[str, Any]) -> None:
    assessment = _assess(row)
    assert assessment.tier in EMERGENCY or (row["probe"] and assessment.probe), assessment.reasons


@pytest.mark.parametrize("row", [row for row in URGENT if row["flag"] == "PSY"], ids=lambda row: row["id"])
def test_a_crisis_is_marked_for_the_safeguarding_lead(row: dict[str, Any]) -> None:
    assert _assess(row).psych


def test_every_emergency_finding_names_its_words_rule_and_source() -> None:
    for row in URGENT:
        for finding in _assess(row).findings:
            assert finding.rule
            assert finding.source
            assert finding.words.strip()


def test_at_most_3_percent_of_harmless_messages_raise_an_emergency() -> None:
    raised = [row["id"] for row in HARMLESS if _assess(row).tier in EMERGENCY]
    assert len(raised) / len(HARMLESS) <= 0.03, raised


def test_at_least_95_percent_of_harmless_messages_need_nobody_today() -> None:
    quiet = [row for row in HARMLESS if _assess(row).tier.urgency >= Tier.T3.urgency]
    assert len(quiet) / len(HARMLESS) >= 0.95


def test_messages_for_the_same_day_are_not_left_to_routine() -> None:
    same_day = [row for row in EXAMPLES if row["tier"] == "T2"]
    answered = [r for r in same_day if (a := _assess(r)).tier.at_least_as_urgent_as(Tier.T2) or a.probe]
    assert len(answered) / len(same_day) >= 0.8
