"""`afterglow import`: what became of the rows, with progress on a long file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import track

from bot.audit import trail
from bot.clinic.importing import FileUnusable, import_rows, read_table
from bot.start import chosen_clinic


def report(file: Path, clinic: str | None, *, dry_run: bool, out: Console, err: Console) -> int:
    """Import `file` and name every wrong row. The exit status: 0, 1 for wrong rows, 2 for the file."""
    try:
        table = read_table(file.read_bytes())
        clinic_id = chosen_clinic(clinic)
    except (FileUnusable, LookupError, OSError) as problem:
        err.print(f"[red]{file.name}[/red]: {problem}", highlight=False, soft_wrap=True)
        return 2
    if table.ignored:
        err.print(f"Left out, no such column here: {', '.join(table.ignored)}", highlight=False)
    counts: Counter[str] = Counter()
    with trail.command("patient.check_import" if dry_run else "patient.import", clinic_id):
        outcomes = import_rows(clinic_id, table.rows, dry_run=dry_run)
        shown = track(
            outcomes, "Checking" if dry_run else "Importing", len(table.rows), console=err, transient=True
        )
        for outcome in shown:
            counts[outcome.state] += 1
            counts["over"] += outcome.over and outcome.state == "new"
            for column, what in outcome.errors.items():
                err.print(
                    f"[red]line {outcome.line}[/red], {column}: {what}", highlight=False, soft_wrap=True
                )
    would = "would be enrolled" if dry_run else "enrolled"
    out.print(f"{counts['new']} {would}, {counts['known']} known before, {counts['wrong']} wrong")
    if counts["over"]:
        out.print(
            f"{counts['over']} of them: the last check-in day is over, so no check-ins are planned and "
            "nobody is texted. If that is a surprise, check treated_at."
        )
    if counts["wrong"]:
        again = "" if dry_run else " Mend them and import the file again: known rows change nothing."
        out.print(f"Rows that are wrong were not taken.{again}")
    return 1 if counts["wrong"] else 0
