"""Pairs that are harmless or slow alone and raise together; each names its source."""

from __future__ import annotations

import pytest

from bot.triage import Context, Tier
from bot.triage.engine import assess
from bot.triage.shelf import shelf

PAIRS = [
    ("pair.headache-nausea", "small headache", "i feel sick", Tier.T0),
    ("pair.numb-pain", "my lip is numb", "my lip hurts a bit", Tier.T1),
    ("pair.bruise-rising-pain", "i have a bruise", "bruise hurts and it is getting worse", Tier.T1),
    ("pair.hives-circulation", "a rash on my arms", "i feel dizzy", Tier.T0),
    ("pair.swelling-hives", "my lip is swollen", "lip swollen and a rash", Tier.T1),
    ("pair.red-unwell", "my cheek is red and warm", "my cheek is red and i feel poorly", Tier.T1),
    ("pair.thinner-growing", "i take eliquis", "on eliquis and the bruise is getting bigger", Tier.T1),
    ("pair.cold-pain", "my cheek is sore", "my cheek is cold and it hurts", Tier.T1),
]


@pytest.mark.parametrize(("rule", "alone", "other", "tier"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_together_they_raise(rule: str, alone: str, other: str, tier: Tier) -> None:
    assessment = assess(f"{alone}. {other}", Context(day=2), by="rules")
    assert rule in [finding.rule for finding in assessment.findings], assessment.reasons
    assert assessment.tier.at_least_as_urgent_as(tier)


@pytest.mark.parametrize(("rule", "alone", "other", "tier"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_the_first_alone_is_no_emergency(rule: str, alone: str, other: str, tier: Tier) -> None:
    assessment = assess(alone, Context(day=2), by="rules")
    assert rule not in [finding.rule for finding in assessment.findings]
    assert assessment.tier.urgency > tier.urgency, assessment.reasons


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("headache gone, no nausea", "pair.headache-nausea"),
        ("numb at the dentist and it hurts", "pair.numb-pain"),
        ("the bruise is better, not worse, hardly any pain", "pair.bruise-rising-pain"),
        ("cold outside and my cheek is sore", "pair.cold-pain"),
        ("sick of the parking, and a headache", "pair.headache-nausea"),
    ],
)
def test_words_that_only_look_like_a_pair_do_not_raise(text: str, rule: str) -> None:
    found = assess(text, Context(day=2), by="rules").findings
    assert rule not in [finding.rule for finding in found]


def test_every_pair_has_a_test_and_a_source() -> None:
    shipped = [rule for rule in shelf.book().rules if rule.id.startswith("pair.")]
    assert {rule.id for rule in shipped} == {pair[0] for pair in PAIRS}
    assert all(rule.source not in ("prop", "GK") for rule in shipped)
