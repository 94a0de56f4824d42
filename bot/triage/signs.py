"""The first reader: which rules apply to a message, and what its surroundings leave of each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Set
from dataclasses import dataclass, replace

from bot.triage import answers, calls, history, modifiers
from bot.triage.language import has_english
from bot.triage.matcher import Span, View
from bot.triage.modifiers import Modifiers
from bot.triage.normalise import Reading, read
from bot.triage.rules import ASIDES, IDIOMS, Modifier, Rule, RuleBook, Standing
from bot.triage.types import Context, Finding, Tier

EARLY_DAYS = 3  #: days 0-3: the clinic watch window of 72 h [NARA]

_ALWAYS: frozenset[Modifier] = frozenset(("negated", "hypothetical", "history", "media", "pet", "relative"))


@dataclass(frozen=True, slots=True)
class Sign:
    """A finding of the rules, how much it counts for beside the reader, and what else its rule asks for."""

    finding: Finding
    standing: Standing
    psych: bool = False
    hold: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as both readers take it in.

    `said` is the message in words, without what is said by the way: opinions, politeness. `core` is the same
    as a text, or None when that is all of the message; it is read too, so that nothing said beside a sign
    makes it less urgent.
    """

    text: str
    said: Reading
    core: str | None


def hear(text: str, rules: RuleBook) -> Heard:
    """Bring `text` to what is read. Never raises for any text."""
    whole = read(text)
    asides = rules.asides.view(whole).spans.get(ASIDES, ())
    gone = {at for start, end in asides for at in range(start, end)}
    said = whole.without(gone)
    words = " ".join(said.words)
    less = bool(words) and (bool(gone) or any(sign > "\u2190" for sign in text))
    return Heard(text, said, words if less else None)


def signs(heard: Heard, context: Context, rules: RuleBook) -> list[Sign]:
    """What the rules find in a message that came in `context`. Never raises."""
    text, reading = heard.text, heard.said
    view = rules.index.view(reading, first=(IDIOMS,), by_ear=not has_english(reading.words))
    around = modifiers.find(view, context)
    found: dict[str, tuple[Finding, Rule | None]] = {}
    keyword, no_time = answers.is_keyword(text), calls.no_time_to_talk(text, context)
    for rule in rules.rules:
        finding = None if keyword else _apply(rule, rules, view, around, context)
        if finding is not None and finding.flag == "STR" and no_time:
            continue
        if finding is not None and not _weaker(finding, found):
            found[finding.rule] = (finding, rule)
    for finding in answers.findings(text, view, around, context):
        found[finding.rule] = (finding, None)
    if context.open_alert_tier is not None and not _reaches(found, context.open_alert_tier):
        kept = answers.kept_open(text, view, around, context)
        if kept is not None:
            found[kept.rule] = (kept, None)
    if context.telling_history:
        found = {name: (history.of_finding(finding), rule) for name, (finding, rule) in found.items()}
    return [_sign(finding, rule) for finding, rule in found.values()]


def _sign(finding: Finding, rule: Rule | None) -> Sign:
    """An answer to a question counts by itself; what a rule left after softening is a vote."""
    if rule is None:
        return Sign(finding, "sure", psych=finding.flag == "PSY")
    if finding.rule != rule.id:
        return Sign(finding, "fallback" if rule.standing == "fallback" else "vote")
    return Sign(finding, rule.standing, rule.psych, rule.hold)


def _weaker(finding: Finding, found: dict[str, tuple[Finding, Rule | None]]) -> bool:
    """Whether the same finding stands already, as urgent and with its probe."""
    if finding.rule not in found:
        return False
    other = found[finding.rule][0]
    return (other.tier.urgency, not other.probe) <= (finding.tier.urgency, not finding.probe)


def _reaches(found: dict[str, tuple[Finding, Rule | None]], tier: Tier) -> bool:
    return any(finding.tier.at_least_as_urgent_as(tier) for finding, _rule in found.values())


def _apply(rule: Rule, rules: RuleBook, view: View, around: Modifiers, context: Context) -> Finding | None:
    """The finding of `rule`, its tier shifted by what surrounds the sign, or `None`."""
    if not rule.when.holds(context, around.treatment):
        return None
    names = rules.parts[rule.id]
    if rule.all:
        if any(name not in view.spans for name in names[1:]):
            return None
    elif names[0] not in view.spans:
        return None
    give_way = _ALWAYS.union(rule.yields_to).difference(rule.ignores)
    softened: Finding | None = None
    for span in _spans_left(rule, rules, names, view, around, give_way):
        effects = around.on(span) & give_way
        plain = Finding(
            rules.flags[rule.id], rule.tier, rule.id, view.reading.quote(*span), rule.source, rule.probe
        )
        finding = _modified(plain, effects, around, context)
        if finding == plain or (finding is not None and finding.rule == rule.id):
            return _over(finding, around, context)
        if finding is not None and (softened is None or finding.tier.urgency < softened.tier.urgency):
            softened = finding
    return softened


def _modified(
    finding: Finding, effects: set[Modifier], around: Modifiers, context: Context
) -> Finding | None:
    """What is left of `finding` when `effects` reach it."""
    if not effects:
        return finding
    if effects & {"negated", "pet", "resolved", "improving"}:
        return None
    urgent = finding.tier.at_least_as_urgent_as(Tier.T2)
    early = context.day is not None and context.day <= EARLY_DAYS
    if "hypothetical" in effects:
        if urgent and early and around.worried_if:
            return replace(finding, flag="HYP", tier=Tier.T2, rule="hyp.maybe-real", probe=True)
        asked = context.day is not None or around.self_asked
        return replace(finding, flag="HYP", tier=Tier.T4, rule="hyp.question", probe=urgent and asked)
    if "history" in effects and not effects & {"relative", "media"} and urgent:
        return replace(finding, flag="NEG", tier=Tier.T3, rule="neg.history", probe=False)
    return None


def _over(finding: Finding, around: Modifiers, context: Context) -> Finding:
    """A vision or stroke sign that is over and was days ago asks for a clinician within the hour, not for an
    ambulance; within 72 h, or with no word that it is over, it stays an emergency [FDA-2015]."""
    if finding.flag not in ("VIS", "STR") or finding.tier is not Tier.T0:
        return finding
    late = context.day is None or context.day > EARLY_DAYS
    if late and around.past and around.resolved and not around.returning:
        return replace(finding, tier=Tier.T1)
    return finding


def _spans_left(
    rule: Rule,
    rules: RuleBook,
    names: tuple[str, ...],
    view: View,
    around: Modifiers,
    give_way: frozenset[Modifier],
) -> list[Span]:
    """Where the sign of `rule` stands and no `unless` phrase excuses it.

    The phrase excuses its whole sentence, but not a sign that is complete in the other parts of the sentence:
    "and i cant smile" takes nothing away from "my face is numb on one side".
    """
    spans = _spans(rule, rules, names, view, around, give_way)
    excuses = view.spans.get(names[0] + "unless", ())
    if not excuses:
        return spans
    sentence, part = view.reading.sentence, view.reading.part
    excused = {sentence[start] for start, _end in excuses}
    left = [span for span in spans if sentence[span[0]] not in excused]
    if left or not rule.tier.at_least_as_urgent_as(Tier.T2):
        return left
    touched = {part[at] for start, end in excuses for at in range(start, end)}
    return _spans(rule, rules, names, view, around, give_way, touched)


def _spans(
    rule: Rule,
    rules: RuleBook,
    names: tuple[str, ...],
    view: View,
    around: Modifiers,
    give_way: frozenset[Modifier],
    without: Set[int] = frozenset(),
) -> list[Span]:
    """Where the sign of `rule` stands: each `any` match, or each place where all of `all` come together.

    Nothing in the parts `without` of the message counts.
    """
    part = view.reading.part

    def places(name: str) -> list[Span]:
        return [span for span in view.spans[name] if without.isdisjoint(part[span[0] : span[1]])]

    if not rule.all:
        return places(names[0])
    deniable = "negated" in give_way
    lists = []
    for name in names[1:]:
        spans = places(name)
        if deniable and name not in rules.places:
            spans = [span for span in spans if not around.negated[span[0]]]
        if not spans:
            return []
        lists.append(spans)
    together: list[Span] = []
    sentence = view.reading.sentence
    # the sign itself, not the body part, is what a denial or a supposition must reach
    lead = next((i for i, name in enumerate(names[1:]) if name not in rules.places), 0)
    for anchor in lists[lead]:
        for other in lists:
            if other is lists[lead]:
                continue
            if not any(
                rule.scope == "message" or sentence[span[0]] == sentence[anchor[0]]
                for span in _near(other, anchor, rule.within)
            ):
                break
        else:
            together.append(anchor)
    return together


def _near(spans: list[Span], anchor: Span, reach: int) -> list[Span]:
    """The spans that begin at most `reach` words from `anchor`."""
    low = bisect_left(spans, (anchor[0] - reach, 0))
    high = bisect_left(spans, (anchor[1] + reach + 1, 0))
    return spans[low:high]
