"""Single messages with the explanation that the console shows, for the report."""

from __future__ import annotations

from collections.abc import Sequence

from bot.triage.evaluation.measures import Judged
from bot.triage.explain import explain
from bot.triage.types import Context


def hardest(judged: Sequence[Judged], count: int = 10) -> list[str]:
    """The `count` messages on which the reader was most wrong, or least sure where it was right, explained.

    Half are T0 or T1 with the lowest probability, half are benign with the highest.
    """
    read = [one for one in judged if one.assessment.judgement]
    red = sorted((one for one in read if one.row.red), key=lambda one: one.assessment.judgement[0])
    benign = sorted((one for one in read if one.benign), key=lambda one: -one.assessment.judgement[0])
    return [_explained(one) for one in (*red[: count - count // 2], *benign[: count // 2])]


def _explained(one: Judged) -> str:
    row = one.row
    told = explain(row.text, Context(day=row.day, language="es" if row.lang == "es" else "en"))
    assessment = told.assessment
    lines = [
        f"> {' '.join(row.text.split())}",
        f"Day {'unknown' if row.day is None else row.day}; labelled {row.tier} {row.flag}; assessed "
        f"**{assessment.tier}{' with the probe' if assessment.probe else ''}** "
        f"{' '.join(assessment.flags) or 'NEG'}.",
    ]
    if told.judgement:
        lines.append(
            f"Reader: {told.judgement.red:.1%} within the hour, {told.judgement.emergency:.1%} ambulance, "
            f"{told.judgement.concern:.1%} same day or probe."
        )
    found = [f"{s.finding.rule} ({s.finding.tier}, {s.standing}): {s.finding.words}" for s in told.signs]
    lines.append("Rules: " + ("; ".join(found) or "none") + ".")
    weighty = sorted(told.words, key=lambda word: -abs(word.weight))[:5]
    if weighty:
        lines.append(
            "Words that weigh most: " + ", ".join(f"{w.word} ({w.weight:+.2f})" for w in weighty) + "."
        )
    near = [f"“{n.text}” ({n.tier} {n.flag}, {n.likeness:.2f})" for n in told.neighbours[:3]]
    if near:
        lines.append("Nearest labelled messages: " + "; ".join(near) + ".")
    return "\n\n".join(lines)
