"""`afterglow evaluate topics`, apart from its options (`bot/cli.py`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.progress import Progress

from bot.dialogue.evaluation.questions import HELD_OUT, Question, read_questions
from bot.dialogue.evaluation.report import FLOORS, Evaluation, as_data, markdown, write
from bot.triage.evaluation.floors import broken
from bot.triage.labelled import DataError

if TYPE_CHECKING:
    from bot.dialogue.agent import Dialogue

out, err = Console(), Console(stderr=True)


def evaluate_topics(
    load: Callable[[], Dialogue], file: Path | None, folder: Path | None, *, check: bool, as_json: bool
) -> None:
    """Measure, and write or print what was asked for. Exits 2 for bad input, 1 below a floor (`check`).

    `load` gives the dialogue; it is not called for questions that cannot be used.
    """
    path = file or HELD_OUT
    try:
        questions = read_questions(path)
        measured = measure(questions, load(), path, whole=not check)
        below = broken(measured.numbers(), FLOORS) if check else []
    except DataError as problem:
        err.print(
            f"[red]Topics cannot be measured:[/red] {escape(str(problem))}", highlight=False, soft_wrap=True
        )
        raise typer.Exit(2) from None
    if folder:
        err.print(f"Report: {write(measured, folder)}", highlight=False, soft_wrap=True)
    if as_json:
        sys.stdout.write(json.dumps(as_data(measured), ensure_ascii=False, indent=1) + "\n")
    elif check or folder:
        for name, value in measured.numbers().items():
            out.print(f"{name:28} {value:.2%}", highlight=False)
    else:
        _show(markdown(measured))
    for text in below:
        err.print(f"[red]below the floor[/red]: {text}", highlight=False)
    if below:
        raise typer.Exit(1)


def measure(questions: Sequence[Question], dialogue: Dialogue, path: Path, *, whole: bool) -> Evaluation:
    """Ask `dialogue` all of `questions`; `whole` also without the phase, and with other thresholds."""
    # Rasa takes seconds to import, which bad input need not wait for.
    from bot.dialogue.evaluation.run import judge, withheld
    from bot.dialogue.evaluation.sweep import configured, sweep
    from bot.dialogue.training import model_path

    model = model_path().name.partition(".")[0]  # before it takes minutes in which its data may change
    again = withheld(questions) if whole else []
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("Asking", total=len(questions) + len(again))
        judged = judge(questions, dialogue, lambda: progress.advance(task))
        blind = judge(again, dialogue, lambda: progress.advance(task))
    limits = configured()
    return Evaluation(
        file=path.name,
        command="afterglow evaluate topics" + ("" if path == HELD_OUT else f" --file {path}"),
        model=model,
        judged=judged,
        threshold=limits.threshold,
        ambiguity=limits.ambiguity,
        blind=blind,
        sweep=sweep(judged, limits) if whole else (),
    )


def _show(report: str) -> None:
    """Laid out for a person at a terminal; as it is for a pipe or a file."""
    if out.is_terminal:
        out.print(Markdown(report))
    else:
        sys.stdout.write(report)
