"""`afterglow evaluate triage` and `afterglow labels ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bot.triage.evaluation.measures import Line
from bot.triage.labelled import DataError
from bot.triage.types import Readers

evaluate = typer.Typer(no_args_is_help=True, help="Measure the product on data that it was not made on.")
labels = typer.Typer(no_args_is_help=True, help="A clinician's blind relabelling of triage messages.")
out, err = Console(), Console(stderr=True)

EVERYDAY = 10_000
#: `--check` is part of `make check`, so it reads fewer lines of ordinary chat.
EVERYDAY_CHECK = 3_000
_SHOWN = (
    "all",
    "English",
    "Spanish",
    "written for measuring, blind",
    "given (the rules were written with sight of these)",
)


@evaluate.command("triage")
def evaluate_triage(
    split: Annotated[str, typer.Option(help="test, development, calibration, train or all")] = "test",
    folder: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("var/reports"),
    everyday: Annotated[int, typer.Option(help="Lines of ordinary chat.")] = EVERYDAY,
    check: Annotated[bool, typer.Option(help="Only compare with the floors; exit 1 below them.")] = False,
) -> None:
    """Measure triage on labelled messages: sensitivity, false alarms, misses, calibration, ablation."""
    from bot.triage.evaluation import report
    from bot.triage.evaluation.explained import hardest
    from bot.triage.evaluation.floors import broken
    from bot.triage.evaluation.run import everyday_rows, judge, labelled_rows
    from bot.triage.reader import served, unavailable

    if split not in ("test", "development", "calibration", "train", "all"):
        err.print("[red]Choose --split from test, development, calibration, train, all.[/red]")
        raise typer.Exit(2)
    if served() is None:
        err.print(
            f"[yellow]The trained reader is not served: {unavailable()}. Measuring the rules alone.[/yellow]"
        )
    try:
        rows = labelled_rows(split)
    except (DataError, KeyError, OSError) as problem:
        err.print(f"[red]The labelled messages cannot be read: {problem}.[/red] "
                  "After adding messages run `python -m bot.triage.training split`.")  # fmt: skip
        raise typer.Exit(2) from None
    chat = everyday_rows(min(everyday, EVERYDAY_CHECK) if check else everyday)
    passes = 1 if check else 3
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("Reading", total=passes * len(rows) + len(chat))

        def step(count: int) -> None:
            progress.advance(task, count)

        judged = judge(rows, progress=step)
        ordinary = judge(chat, progress=step)
        alone = {} if check else {name: judge(rows, by, step) for name, by in _ALONE.items()}
    measured = report.Evaluation(
        split=split,
        command=f"afterglow evaluate triage --split {split} --everyday {len(chat)}",
        engine=judged[0].assessment.engine if judged else "-",
        judged=judged,
        everyday=ordinary,
        ablation=alone,
        hardest=() if check else hardest(judged),
    )
    if not check:
        path = report.write(measured, folder)
        out.print(_table(measured.lines))
        out.print(f"Report: {path}")
    for name, value in measured.numbers().items():
        out.print(f"{name:28} {value:.3%}", highlight=False)
    if split == "test" and (below := broken(measured.numbers())):
        for text in below:
            err.print(f"[red]below the floor[/red]: {text}")
        raise typer.Exit(1 if check else 0)


_ALONE: dict[str, Readers] = {"rules alone": "rules", "reader alone": "reader"}


def _table(lines: list[Line]) -> Table:
    table = Table("", "T0/T1 paged", "T0 paged", "missed", "benign paged", "benign probed")
    for one in lines:
        if one.name in _SHOWN:
            cells = (one.paged, one.emergencies_paged, one.missed, one.benign_paged, one.benign_probed)
            table.add_row(one.name, *map(str, cells))
    return table


@labels.command("sheet")
def sheet(
    file: Annotated[Path, typer.Argument(help="CSV to write: id, text, day, and empty columns to fill in.")],
    count: Annotated[int, typer.Option(help="How many messages, half of them red.")] = 200,
    split: Annotated[str, typer.Option(help="From which split.")] = "test",
    seed: Annotated[int, typer.Option(help="Another seed draws other messages.")] = 1,
) -> None:
    """Write a sheet for a clinician to label without seeing our labels."""
    from bot.triage.evaluation.relabel import write_sheet

    if file.exists():
        err.print(
            f"[red]{file} is there already.[/red] Choose another name, so that no filled-in sheet is lost."
        )
        raise typer.Exit(2)
    written = write_sheet(file, count, split, seed)
    out.print(
        f"{written} messages in {file}. To be filled in: tier (T0-T4), flag; then `afterglow labels take`."
    )


@labels.command("take")
def take(
    file: Annotated[Path, typer.Argument(help="The filled-in sheet.")],
    by: Annotated[str, typer.Option(help="Who labelled: initials or a staff number.", prompt=True)],
) -> None:
    """Store a clinician's labels beside ours. Nothing of ours is changed; a wrong line stops all of it."""
    from bot.triage.evaluation.relabel import take_sheet

    try:
        stored = take_sheet(file, by)
    except (DataError, OSError) as problem:
        err.print(f"[red]{problem}[/red] Nothing was stored.")
        raise typer.Exit(2) from None
    out.print(f"{stored} labels stored. `afterglow labels agreement` compares them.")


@labels.command("agreement")
def agreement() -> None:
    """Compare clinicians' labels with ours: share alike, kappa, and where they differ."""
    from bot.triage.evaluation.relabel import compare

    compared = compare()
    if not compared.pairs:
        out.print("No clinician has labelled yet: `afterglow labels sheet FILE` writes a sheet.")
        raise typer.Exit(1)
    out.print(f"{len(compared.pairs)} messages labelled twice; same tier {compared.same}; "
              f"quadratic kappa {compared.kappa:.2f}; red or not kappa {compared.kappa_red:.2f}")  # fmt: skip
    for row, theirs in compared.apart:
        out.print(f"  {row.id}: ours {row.tier}, theirs {theirs}: {row.text[:100]}", highlight=False)
