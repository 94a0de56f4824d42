"""The verdict on a message: what the rules found and what the trained reader says, put together.

A sign of a sure rule, or an answer to our own question, raises by itself; so does the reader. A voting rule
raises through the reader's probability, in which its vote counts; when the two together are not enough to
page, the message may still get the probe, and a vote that leads to nothing is kept among the reasons with the
probability that set it aside. Without a reader every rule raises by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.triage import history
from bot.triage.reader.calibration import Decision, Votes
from bot.triage.reader.reader import Reading
from bot.triage.signs import Sign
from bot.triage.types import RED, Assessment, Context, Finding, Tier, most_urgent

RULES = "rules-2"
READER = "reader"  #: the rule name of the reader's own finding
#: From this strength on a rule's word for an ambulance counts once a page is due.
SPEAKS_UP = 1.0
#: Flags that name no sign. The reader's finding never leads with them.
_NO_SIGN = frozenset({"NEG", "HYP"})
#: Flags that no red-flag question tells more about: a person answers, within a day or two.
_NOT_OF_THE_BODY = frozenset({"MED", "PRG", "MIN"})
#: Flags on which a booking waits for a clinician.
_HOLDS = frozenset({"PRG", "MIN"})


@dataclass(frozen=True, slots=True)
class Judgement:
    """The reader's probabilities for one message, the rules' votes counted in, and the tier they ask for."""

    red: float
    emergency: float
    concern: float
    review: float
    tier: Tier
    probe: bool


def judge(reading: Reading, signs: Sequence[Sign], decision: Decision) -> Judgement:
    """Weigh `reading` and the votes among `signs`."""
    votes = votes_of(signs, decision)
    red, emergency, concern, review = (
        reading.probability(question, decision, votes)
        for question in ("red", "emergency", "concern", "review")
    )
    if red >= decision.page:
        called = emergency >= decision.ambulance or votes.emergency >= SPEAKS_UP
        tier = Tier.T0 if called else Tier.T1
        return Judgement(red, emergency, concern, review, tier, False)
    unsure = red >= decision.probe_red
    tier = Tier.T4
    if concern >= decision.same_day:
        tier = Tier.T2
    elif red >= (decision.probe_red + decision.page) / 2 or review >= decision.next_day:
        tier = Tier.T3  # an unanswered probe raises by one: then a human looks the same day
    return Judgement(red, emergency, concern, review, tier, unsure or concern >= decision.probe_concern)


def votes_of(signs: Sequence[Sign], decision: Decision) -> Votes:
    """What the voting rules among `signs` speak for, and how strongly."""
    voting = [
        (sign.finding, decision.strengths.get(sign.finding.rule, 0.0))
        for sign in signs
        if sign.standing == "vote"
    ]

    def strongest(*, tier: Tier, or_probe: bool = False) -> float:
        return max(
            (
                strength
                for finding, strength in voting
                if finding.tier.at_least_as_urgent_as(tier) or (or_probe and finding.probe)
            ),
            default=0.0,
        )

    return Votes(
        red=strongest(tier=Tier.T1),
        emergency=strongest(tier=Tier.T0),
        concern=strongest(tier=Tier.T2, or_probe=True),
        review=strongest(tier=Tier.T3),
    )


def by_rules_alone(signs: Sequence[Sign]) -> Assessment:
    """The assessment when no reader is loaded: every sign counts in full."""
    return _assessment([sign.finding for sign in signs], signs, (), RULES)


def with_reader(
    text: str, context: Context, signs: Sequence[Sign], reading: Reading, decision: Decision, version: str
) -> Assessment:
    """The assessment of a message that both readers have read."""
    judged = judge(reading, signs, decision)
    if judged.probe and judged.red < decision.probe_red and reading.flags[0][0] in _NOT_OF_THE_BODY:
        judged = replace(judged, tier=most_urgent(judged.tier, Tier.T3), probe=False)
    if context.telling_history:
        by_rule = any(sign.finding.tier.at_least_as_urgent_as(Tier.T1) for sign in signs)
        supported = by_rule or history.is_new(text)
        judged = history.of_judgement(judged, reading.flags[0][0], supported=supported)
    # beside an open alert of the hour a rule's word is enough once the reader has any doubt
    pressing = judged.probe and context.open_alert_tier in RED
    likely = dict(reading.flags)
    findings = [sign.finding for sign in signs if sign.standing == "sure"]
    aside: list[str] = []
    for sign in signs:
        if sign.standing != "vote":
            continue
        finding = sign.finding if pressing else _as_far_as(sign.finding, judged)
        if finding is None:
            aside.append(f"set aside {sign.finding.flag} {sign.finding.rule}: {sign.finding.words} "
                         f"(reader: {judged.red:.1%} within the hour)")  # fmt: skip
        else:
            findings.append(finding)
    reached = most_urgent(*(finding.tier for finding in findings))
    probed = any(finding.probe for finding in findings) or reached.at_least_as_urgent_as(Tier.T1)
    if not reached.at_least_as_urgent_as(judged.tier) or (judged.probe and not probed):
        flag = _reader_flag(reading, judged)
        findings.append(
            Finding(
                flag, judged.tier, READER, " ".join(text.split())[:160], f"reader-{version}", judged.probe
            )
        )
    findings.sort(key=lambda finding: (-likely.get(finding.flag, 0.0), finding.rule))
    assessment = _assessment(findings, signs, tuple(aside), f"{RULES}+reader-{version}")
    psych = assessment.psych or any(
        finding.flag == "PSY" and finding.rule == READER for finding in assessment.findings
    )
    hold = assessment.hold or (
        context.day is None
        and context.phase != "after"
        and any(f.flag in _HOLDS and f.rule == READER for f in assessment.findings)
    )
    return replace(
        assessment, psych=psych, hold=hold, judgement=(judged.red, judged.emergency, judged.concern)
    )


def _as_far_as(finding: Finding, judged: Judgement) -> Finding | None:
    """A vote's finding, no more urgent than what both readers together ask for; None when that is nothing."""
    if judged.tier is Tier.T4 and not judged.probe:
        return None
    if finding.tier.at_least_as_urgent_as(judged.tier):
        return replace(finding, tier=judged.tier, probe=judged.probe)
    return replace(finding, probe=finding.probe and judged.probe)


def _reader_flag(reading: Reading, judged: Judgement) -> str:
    """The likeliest flag that names a sign; for a mere probe or routine whatever is likeliest."""
    named = [flag for flag, _share in reading.flags if flag not in _NO_SIGN]
    if judged.tier.at_least_as_urgent_as(Tier.T2) and named:
        return named[0]
    return reading.flags[0][0]


def _assessment(
    findings: Sequence[Finding], signs: Sequence[Sign], aside: tuple[str, ...], engine: str
) -> Assessment:
    ordered = tuple(sorted(findings, key=lambda finding: finding.tier.urgency))
    kept = {finding.rule for finding in ordered}
    return Assessment(
        tier=most_urgent(*(finding.tier for finding in ordered)),
        findings=ordered,
        probe=any(finding.probe for finding in ordered),
        psych=any(sign.psych and sign.finding.rule in kept for sign in signs),
        hold=any(sign.hold and sign.finding.rule in kept for sign in signs),
        reasons=tuple(f"{f.tier}{'?' if f.probe else ''} {f.flag} {f.rule}: {f.words}" for f in ordered)
        + aside,
        engine=engine,
        flags=tuple(dict.fromkeys(finding.flag for finding in ordered)),
    )
