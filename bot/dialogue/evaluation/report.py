"""The evaluation as a report: Markdown to read and to keep, and everything in it as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.dialogue.evaluation.measures import (
    DEFINITIONS,
    Confusion,
    Judged,
    Line,
    confusions,
    line,
    slice_lines,
    topic_lines,
)
from bot.settings import ROOT
from bot.triage.evaluation.measures import Share

FLOORS = ROOT / "data" / "evaluation" / "topics_floors.json"
#: How many confusions the report shows; all the others occur less often than these.
SHOWN = 30
MEASURES = (
    "right_at_once",
    "right_or_offered",
    "offered",
    "confidently_wrong",
    "handed_back",
    "no_question",
)
_COLUMNS = "n | right at once | right or offered | offered | confidently wrong | handed back | no question |"
_RULE = "|---" * 8 + "|"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that was measured.

    `blind` holds the questions of a known phase, asked without it. `sweep` holds (threshold, what it would
    give); `threshold` and `ambiguity` are those of `config.yml`, as confidences 0 to 1.
    """

    file: str
    command: str
    model: str
    judged: Sequence[Judged]
    threshold: float
    ambiguity: float
    blind: Sequence[Judged] = ()
    sweep: Sequence[tuple[float, Line]] = ()

    @property
    def lines(self) -> list[Line]:
        """Over all, by slice, and with the phase withheld."""
        found = slice_lines(self.judged)
        return [*found, line("phase withheld", self.blind)] if self.blind else found

    @property
    def confidently_wrong(self) -> list[Judged]:
        """Every question answered wrongly at once, the surest first."""
        wrong = [one for one in self.judged if one.confidently_wrong]
        return sorted(wrong, key=lambda one: -one.confidence)

    def numbers(self) -> dict[str, float]:
        """The figures that floors are set on. A language without a question has none."""
        figures: dict[str, float] = {}
        for one in slice_lines(self.judged):
            if one.name in ("all", "English", "Spanish") and one.count:
                behind = "" if one.name == "all" else f"_{one.name.lower()}"
                figures |= {f"{name}{behind}": getattr(one, name).value for name in MEASURES}
        return figures


def markdown(evaluation: Evaluation) -> str:
    """The report."""
    parts = [
        f"# Topics on {evaluation.file}",
        f"Made by `{evaluation.command}`; model `{evaluation.model}`; {len(evaluation.judged)} questions; "
        f"answered at once from a confidence of {evaluation.threshold:g}, with a lead of "
        f"{evaluation.ambiguity:g} over the second. Behind a share: the count, and for *confidently wrong* "
        "also the total and the interval.",
        "## What the words mean",
        "\n".join(f"- **{name}**: {meaning}." for name, meaning in DEFINITIONS.items()),
        "## Over all and by slice",
        _table("", evaluation.lines),
    ]
    if evaluation.sweep:
        parts += [
            "## Other thresholds",
            f"What another `threshold` in `config.yml` would give; {evaluation.threshold:g} is in force.",
            _table("threshold", [one for _threshold, one in evaluation.sweep]),
        ]
    parts += [
        "## Most frequent confusions",
        f"A question's topic, and what it reads most like, whether or not it was answered so; at most "
        f"{SHOWN} rows.",
        _confusions(confusions(evaluation.judged)[:SHOWN]),
        "## Confidently wrong, every one",
        _list(evaluation.confidently_wrong),
        "## Taken for no question, every one",
        _list([one for one in evaluation.judged if one.no_question]),
        "## By topic, the least often right first",
        _table("topic", topic_lines(evaluation.judged)),
    ]
    return "\n\n".join(parts) + "\n"


def as_data(evaluation: Evaluation) -> dict[str, Any]:
    """The report for a machine. Shares hold count, total, share (0 to 1, null without any) and interval."""
    return {
        "file": evaluation.file,
        "command": evaluation.command,
        "model": evaluation.model,
        "threshold": evaluation.threshold,
        "ambiguity": evaluation.ambiguity,
        "definitions": DEFINITIONS,
        "numbers": {name: round(value, 5) for name, value in evaluation.numbers().items()},
        "slices": [_line_data(one) for one in evaluation.lines],
        "topics": [_line_data(one) for one in topic_lines(evaluation.judged)],
        "thresholds": [_line_data(one) for _threshold, one in evaluation.sweep],
        "confusions": [
            {
                "topic": one.topic,
                "read_as": one.read_as,
                "count": one.count,
                "at_once": one.at_once,
                "example": one.example,
            }
            for one in confusions(evaluation.judged)
        ],
        "confidently_wrong": _rows(evaluation.confidently_wrong),
        "no_question": _rows(one for one in evaluation.judged if one.no_question),
    }


def write(evaluation: Evaluation, folder: Path) -> Path:
    """Write report and data into `folder`, named like the questions. Returns the report's path."""
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / f"{Path(evaluation.file).stem}.md"
    report.write_text(markdown(evaluation), encoding="utf-8")
    data = json.dumps(as_data(evaluation), ensure_ascii=False, indent=1)
    report.with_suffix(".json").write_text(data + "\n", encoding="utf-8")
    return report


def _table(first: str, lines: Iterable[Line]) -> str:
    rows = [
        f"| {one.name} | {one.count} | {_cell(one.right_at_once)} | {_cell(one.right_or_offered)} "
        f"| {_cell(one.offered)} | {one.confidently_wrong} | {_cell(one.handed_back)} "
        f"| {_cell(one.no_question)} |"
        for one in lines
    ]
    return "\n".join([f"| {first} | {_COLUMNS}", _RULE, *rows])


def _cell(share: Share) -> str:
    return f"{share.value:.1%} ({share.count})" if share.total else "-"


def _confusions(found: Sequence[Confusion]) -> str:
    if not found:
        return "None."
    rows = [
        f"| {one.topic} | {one.read_as} | {one.count} | {one.at_once} | {_words(one.example)} |"
        for one in found
    ]
    head = "| asked about | read as | questions | answered so at once | for example |"
    return "\n".join([head, "|---" * 5 + "|", *rows])


def _list(judged: Sequence[Judged]) -> str:
    if not judged:
        return "None."
    return "\n".join(
        f"- `{one.row.id}` {one.row.lang}, phase {one.row.phase or 'unknown'}, {one.confidence:.2f}: "
        f"{_words(one.row.text)} — asked about {' or '.join([one.row.topic, *one.row.also_ok])}; "
        f"{'answered' if one.topic else 'taken for'} **{one.topic or one.likeliest}**"
        for one in judged
    )


def _words(text: str) -> str:
    """`text` on one line, which no sign in it can break out of a cell."""
    return " ".join(text.split()).replace("|", "\\|")


def _line_data(one: Line) -> dict[str, Any]:
    return {"name": one.name, "n": one.count, **{name: _share_data(getattr(one, name)) for name in MEASURES}}


def _share_data(share: Share) -> dict[str, Any]:
    value = round(share.value, 5) if share.total else None
    interval = [round(end, 5) for end in share.interval]
    return {"count": share.count, "total": share.total, "share": value, "interval": interval}


def _rows(judged: Iterable[Judged]) -> list[dict[str, Any]]:
    return [
        {
            "id": one.row.id,
            "text": one.row.text,
            "lang": one.row.lang,
            "phase": one.row.phase,
            "topic": one.row.topic,
            "also_ok": list(one.row.also_ok),
            "answered": one.topic,
            "likeliest": one.likeliest,
            "confidence": round(one.confidence, 4),
        }
        for one in judged
    ]
