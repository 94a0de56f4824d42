"""Two readers that can only raise: what each may do to an assessment, and what neither may."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.triage.reader.calibration import QUESTIONS, Decision, Votes
from bot.triage.reader.reader import Evidence, Reading
from bot.triage.rules import Standing
from bot.triage.signs import Sign
from bot.triage.types import Assessment, Context, Finding, Tier
from bot.triage.verdict import by_rules_alone, with_reader

#: The encoder's log-odds decide, and a vote for the same question adds two.
WEIGHTS = {
    question: ((1.0, 0.0, *(2.0 if vote == question else 0.0 for vote in QUESTIONS)), 0.0)
    for question in QUESTIONS
}
STRENGTHS = {f"{flag}.vote": 1.0 for flag in ("vo", "vis", "psy")}
DECISION = Decision(
    WEIGHTS, STRENGTHS, page=0.5, ambulance=0.5, probe_red=0.2, probe_concern=0.4, same_day=0.7, next_day=0.6
)
LOW = -6.0


def reading(
    red: float = LOW, emergency: float = LOW, concern: float = LOW, review: float = LOW, flag: str = "VO"
) -> Reading:
    evidence = Evidence(*((odds, odds) for odds in (red, emergency, concern, review)))
    return Reading(evidence, ((flag, 0.8), ("NEG", 0.1), ("VIS", 0.05)), np.zeros(4, np.float32))


def sign(tier: Tier, standing: Standing = "vote", flag: str = "VO", **more: bool) -> Sign:
    probe, psych, hold = (more.get(name, False) for name in ("probe", "psych", "hold"))
    finding = Finding(flag, tier, f"{flag.lower()}.{standing}", "lip white", "Pearce", probe)
    return Sign(finding, standing, psych, hold)


def verdict(signs: list[Sign], read: Reading, **context: object) -> Assessment:
    return with_reader("my lip", Context(**context), signs, read, DECISION, "test")  # type: ignore[arg-type]


@pytest.mark.parametrize("tier", [Tier.T0, Tier.T1, Tier.T2, Tier.T3])
def test_a_sure_sign_raises_however_harmless_the_reader_finds_the_message(tier: Tier) -> None:
    assert verdict([sign(tier, "sure")], reading()).tier is tier


def test_the_reader_raises_by_itself_and_names_itself() -> None:
    assessment = verdict([], reading(red=3, emergency=-3, flag="HEM"))
    assert assessment.tier is Tier.T1
    assert [(f.flag, f.rule, f.source) for f in assessment.findings] == [("HEM", "reader", "reader-test")]
    assert verdict([], reading(red=3, emergency=3)).tier is Tier.T0


def test_a_vote_tips_the_scale_that_neither_would_tip_alone() -> None:
    unsure = reading(red=-1.0, emergency=-6)
    assert not verdict([], unsure).tier.at_least_as_urgent_as(Tier.T1)
    raised = verdict([sign(Tier.T1)], unsure)
    assert raised.tier is Tier.T1
    assert raised.findings[0].words == "lip white"


def test_beside_an_open_alert_of_the_hour_a_second_sign_needs_no_second_opinion() -> None:
    doubt, vote = reading(red=-2.2, concern=-0.2, flag="VIS"), sign(Tier.T0, flag="VIS")
    alone = verdict([vote], doubt)
    assert (alone.tier is not Tier.T0, alone.probe) == (True, True)
    assert verdict([vote], doubt, open_alert_tier=Tier.T1).tier is Tier.T0
    assert verdict([vote], reading(), open_alert_tier=Tier.T1).tier is Tier.T4


def test_a_vote_that_leads_to_nothing_is_kept_among_the_reasons() -> None:
    assessment = verdict([sign(Tier.T0, flag="VIS")], reading())
    assert assessment.tier is Tier.T4
    assert not assessment.findings
    assert any("set aside VIS vis.vote: lip white" in reason for reason in assessment.reasons)


def test_between_page_and_nothing_the_probe_is_asked_and_silence_would_reach_a_human() -> None:
    likely = verdict([], reading(red=-0.5))
    assert likely.probe
    assert likely.tier is Tier.T3  # one step up, and it is an alert of the same day
    assert verdict([], reading(red=-1.2)).probe
    assert verdict([], reading(red=-1.2)).tier is Tier.T4
    assert not verdict([], reading(red=-3.0)).probe


def test_a_votes_emergency_is_no_more_than_both_readers_together_ask_for() -> None:
    assessment = verdict([sign(Tier.T0, flag="STR")], reading(red=1, emergency=-6))
    assert assessment.tier is Tier.T1
    assert assessment.lead_flag == "STR"
    assert verdict([sign(Tier.T0, flag="VIS")], reading(red=1, emergency=-1.5)).tier is Tier.T0


def test_without_a_reader_every_sign_counts_in_full() -> None:
    for standing in ("sure", "vote", "fallback"):
        assert by_rules_alone([sign(Tier.T0, standing)]).tier is Tier.T0


def test_beside_the_reader_a_fallback_rule_is_silent() -> None:
    assessment = verdict([sign(Tier.T4, "fallback", probe=True)], reading())
    assert not assessment.probe
    assert by_rules_alone([sign(Tier.T4, "fallback", probe=True)]).probe


def test_a_crisis_that_only_the_reader_sees_is_marked_for_the_safeguarding_lead() -> None:
    assert verdict([], reading(red=3, flag="PSY")).psych
    assert not verdict([], reading(red=3, flag="VO")).psych


def test_a_booking_waits_for_pregnancy_and_minors_before_treatment_only() -> None:
    told = reading(review=3, flag="PRG")
    assert verdict([], told).hold
    assert not verdict([], told, day=3, phase="after").hold


def test_a_set_aside_rule_does_not_mark_crisis_or_hold() -> None:
    assessment = verdict([sign(Tier.T1, psych=True, hold=True, flag="PSY")], reading())
    assert not assessment.psych
    assert not assessment.hold


evidence = st.floats(-15, 15)
readings = st.builds(reading, evidence, evidence, evidence, evidence)
tiers = st.sampled_from(list(Tier))
some_signs = st.lists(
    st.builds(sign, tiers, st.sampled_from(["sure", "vote"]), st.sampled_from(["VO", "VIS", "PSY"])),
    max_size=4,
)


@given(some_signs, readings, st.builds(sign, tiers, st.sampled_from(["sure", "vote"])))
def test_one_more_sign_never_makes_a_message_less_urgent(
    signs: list[Sign], read: Reading, more: Sign
) -> None:
    before, after = verdict(signs, read), verdict([*signs, more], read)
    assert after.tier.at_least_as_urgent_as(before.tier)
    assert after.probe or not before.probe or after.tier.at_least_as_urgent_as(Tier.T1)


@given(some_signs, readings, st.sampled_from(QUESTIONS), st.floats(0, 10))
def test_stronger_evidence_never_makes_a_message_less_urgent(
    signs: list[Sign], read: Reading, question: str, more: float
) -> None:
    raised = {
        name: tuple(odds + (more if name == question else 0) for odds in getattr(read.evidence, name))
        for name in QUESTIONS
    }
    stronger = Reading(Evidence(**raised), read.flags, read.vector)  # type: ignore[arg-type]
    assert verdict(signs, stronger).tier.at_least_as_urgent_as(verdict(signs, read).tier)


@given(readings, readings)
def test_reading_a_part_of_a_message_as_well_never_lowers_what_the_whole_says(
    whole: Reading, part: Reading
) -> None:
    both = whole.raised_by(part)
    for question in QUESTIONS:
        alone = whole.probability(question, DECISION, Votes())
        assert both.probability(question, DECISION, Votes()) >= alone - 1e-9


def test_in_an_answer_about_looks_the_reader_alone_asks_and_does_not_page() -> None:
    hangs = verdict([], reading(red=3, emergency=3, flag="STR"), question="intake.goals")
    assert (hangs.tier, hangs.probe) == (Tier.T3, True)
    treated = verdict([], reading(red=3, emergency=3, flag="STR"), question="intake.goals", day=1)
    assert treated.tier is Tier.T0
    with_a_sign = verdict([sign(Tier.T0, flag="STR")], reading(red=3, emergency=3), question="intake.goals")
    assert with_a_sign.tier is Tier.T0


def test_a_faint_suspicion_of_the_reader_stops_no_answer_about_health() -> None:
    faint = reading(red=-1.0, concern=-0.2, flag="VO")
    assert verdict([], faint).probe
    asked = verdict([], faint, question="intake.age")
    assert (asked.tier, asked.probe) == (Tier.T4, False)
    assert verdict([], faint, question="intake.age", day=1).probe
    assert verdict([sign(Tier.T1, "sure")], faint, question="intake.age").tier is Tier.T1


def test_a_crisis_in_an_answer_about_looks_reaches_the_safeguarding_lead_by_the_readers_word() -> None:
    crisis = verdict([], reading(red=3, emergency=3, flag="PSY"), question="intake.goals")
    assert crisis.tier is Tier.T0
    assert crisis.psych


@pytest.mark.parametrize("flag", ["MED", "PRG", "MIN"])
def test_a_question_about_a_medicine_goes_to_a_person_and_not_through_red_flag_questions(flag: str) -> None:
    asked = verdict([sign(Tier.T2, flag=flag)], reading(red=-3, concern=0.5, flag=flag))
    assert (asked.tier, asked.probe) == (Tier.T3, False)
    in_doubt = verdict([], reading(red=-1.0, concern=0.5, flag=flag))
    assert in_doubt.probe
