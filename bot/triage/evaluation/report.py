"""The evaluation as a report: Markdown to read and to keep, numbers as JSON, the calibration as a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.triage.evaluation.measures import (
    DEFINITIONS,
    Bin,
    Judged,
    Line,
    calibration,
    confusion,
    line,
    share,
)
from bot.triage.evaluation.slices import SLICES
from bot.triage.types import FLAGS, Tier

_HEAD = "| | T0/T1 paged | T0 paged | paged or probed | under by two | benign paged | benign probed |"
_RULE = "|---|---|---|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that was measured. `ablation` holds the same messages judged by one reader alone."""

    split: str
    command: str
    engine: str
    judged: Sequence[Judged]
    everyday: Sequence[Judged]
    ablation: Mapping[str, Sequence[Judged]]
    hardest: Sequence[str] = ()

    @property
    def lines(self) -> list[Line]:
        """Over all, by slice, by flag."""
        found = [line("all", self.judged)]
        found += [
            line(name, [one for one in self.judged if belongs(one.row)]) for name, belongs in SLICES.items()
        ]
        return found

    @property
    def by_flag(self) -> list[Line]:
        """One line for each flag of the labels."""
        return [
            line(f"{flag}: {FLAGS[flag]}", [one for one in self.judged if one.row.flag == flag])
            for flag in FLAGS
        ]

    def numbers(self) -> dict[str, float]:
        """The figures that floors are set on."""
        over_all = self.lines[0]
        figures = {
            "red_paged": over_all.paged.value,
            "emergencies_paged": over_all.emergencies_paged.value,
            "red_missed": over_all.missed.value,
            "under_by_two": over_all.under_by_two.value,
            "benign_paged": over_all.benign_paged.value,
            "benign_probed": over_all.benign_probed.value,
        }
        for language in ("English", "Spanish"):
            here = next(one for one in self.lines if one.name == language)
            figures[f"red_paged_{language.lower()}"] = here.paged.value
            figures[f"red_missed_{language.lower()}"] = here.missed.value
            figures[f"benign_paged_{language.lower()}"] = here.benign_paged.value
        if self.everyday:
            figures["everyday_paged"] = sum(one.paged for one in self.everyday) / len(self.everyday)
            figures["everyday_probed"] = sum(one.probed for one in self.everyday) / len(self.everyday)
        return figures


def markdown(evaluation: Evaluation, picture: str | None = None) -> str:
    """The report."""
    judged = evaluation.judged
    parts = [
        f"# Triage on the {evaluation.split} split",
        f"Made by `{evaluation.command}`; engine `{evaluation.engine}`; {len(judged)} labelled messages, "
        f"{len(evaluation.everyday)} lines of ordinary chat. Behind a share: count, total, interval.",
        "## What the words mean",
        "\n".join(f"- **{name}**: {meaning}." for name, meaning in DEFINITIONS.items()),
        "## Over all and by slice",
        _table(evaluation.lines),
        "## Ordinary chat",
        _everyday(evaluation.everyday),
        "## By flag of the label",
        _table([one for one in evaluation.by_flag if one.paged.total or one.benign_paged.total]),
        "## By tier",
        _tiers(judged),
        "## Labelled against assessed",
        _confusion(judged),
        "## Each reader alone",
        _table([line(name, alone) for name, alone in (("both", judged), *evaluation.ablation.items())]),
        "## Calibration of the reader",
        _calibration(calibration(judged), picture),
        "## Missed",
        _list([one for one in judged if one.missed], "None."),
        "## Under-triaged by two or more tiers, without the probe",
        _list([one for one in judged if one.under_by_two and not one.missed], "No others."),
        "## Benign, and paged",
        _list([one for one in judged if one.benign and one.paged], "None."),
    ]  # fmt: skip
    if evaluation.hardest:
        parts += ["## The ten hardest, explained as the console explains them", *evaluation.hardest]
    return "\n\n".join(parts) + "\n"


def write(evaluation: Evaluation, folder: Path) -> Path:
    """Write report, numbers and picture into `folder`. Returns the report's path."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = folder / f"calibration-{evaluation.split}.svg"
    draw(calibration(evaluation.judged), picture)
    report = folder / f"triage-{evaluation.split}.md"
    report.write_text(markdown(evaluation, picture.name), encoding="utf-8")
    numbers = {name: round(value, 5) for name, value in evaluation.numbers().items()}
    report.with_suffix(".json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return report


def draw(bins: Sequence[Bin], path: Path) -> None:
    """The calibration as a plot: the reader's probability against the share that is T0 or T1."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "afterglow"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 5))
    axes.plot([0, 1], [0, 1], color="#888888", linestyle="--", label="perfect")
    low = [max(0.0, one.observed.value - one.observed.interval[0]) for one in bins]
    high = [max(0.0, one.observed.interval[1] - one.observed.value) for one in bins]
    axes.errorbar(
        [one.mean for one in bins],
        [one.observed.value for one in bins],
        yerr=[low, high],
        fmt="o-",
        color="#0b6b68",
        capsize=3,
        label="reader, 95 % interval",
    )
    axes.set(xlabel="probability of T0 or T1", ylabel="share labelled T0 or T1", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _table(lines: Sequence[Line]) -> str:
    rows = [
        f"| {one.name} | {one.paged} | {one.emergencies_paged} | {one.caught} | {one.under_by_two} "
        f"| {one.benign_paged} | {one.benign_probed} |"
        for one in lines
    ]
    return "\n".join([_HEAD, _RULE, *rows])


def _everyday(everyday: Sequence[Judged]) -> str:
    if not everyday:
        return (
            "Not measured: `chitchat-dataset` is not installed (it comes with `make check` and `make test`)."
        )
    paged, probed = (
        share(everyday, lambda one: one.paged, lambda _one: True),
        share(everyday, lambda one: one.probed, lambda _one: True),
    )
    raised = _list([one for one in everyday if one.paged], "None paged.")
    return f"Paged {paged}; probed {probed}.\n\n{raised}"


def _tiers(judged: Sequence[Judged]) -> str:
    rows = [
        "| labelled | messages | assessed at least as urgent | exactly so | asked the probe |",
        "|---|---|---|---|---|",
    ]
    for tier in Tier:
        here = [one for one in judged if one.row.tier is tier]
        enough = share(
            here, lambda one: one.assessment.tier.at_least_as_urgent_as(one.row.tier), lambda _: True
        )
        exact = share(here, lambda one: one.assessment.tier is one.row.tier, lambda _: True)
        rows.append(
            f"| {tier} | {len(here)} | {enough} | {exact} | {sum(one.assessment.probe for one in here)} |"
        )
    return "\n".join(rows)


def _confusion(judged: Sequence[Judged]) -> str:
    counts = confusion(judged)
    columns = [(tier, probe) for tier in Tier for probe in (False, True)]
    head = "| labelled | " + " | ".join(f"{tier}{'?' if probe else ''}" for tier, probe in columns) + " |"
    rows = [
        f"| {label} | " + " | ".join(str(counts[label, tier, probe] or "") for tier, probe in columns) + " |"
        for label in Tier
    ]
    return "\n".join([head, "|---" * (len(columns) + 1) + "|", *rows]) + "\n\n`?` is: with the probe."


def _calibration(bins: Sequence[Bin], picture: str | None) -> str:
    rows = ["| mean probability | share T0 or T1 |", "|---|---|"]
    rows += [f"| {one.mean:.2f} | {one.observed} |" for one in bins]
    shown = f"\n\n![Calibration plot]({picture})" if picture else ""
    return "\n".join(rows) + shown


def _list(judged: Sequence[Judged], none: str) -> str:
    if not judged:
        return none
    return "\n".join(
        f"- `{one.row.id}` day {'?' if one.row.day is None else one.row.day}, labelled {one.row.tier} "
        f"{one.row.flag}, assessed {one.assessment.tier}{'?' if one.assessment.probe else ''}"
        f"{_chance(one)}: {' '.join(one.row.text.split())[:200]}"
        + "".join(f"\n  - {reason}" for reason in one.assessment.reasons[:3])
        for one in judged
    )


def _chance(one: Judged) -> str:
    return f" (reader {one.assessment.judgement[0]:.3f})" if one.assessment.judgement else ""
