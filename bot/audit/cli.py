"""`afterglow audit`: check the log, and take it out as CSV."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot.spreadsheet import harmless

app = typer.Typer(no_args_is_help=True, help="The log of who saw or changed what.")
out, err = Console(), Console(stderr=True)
Clinic = Annotated[str | None, typer.Option(help="Clinic id; without it every chain.")]

COLUMNS = (
    "chain", "seq", "at", "actor_kind", "actor_id", "action", "subject_kind", "subject_id", "detail", "ip",
    "outcome", "hash",
)  # fmt: skip


@app.command()
def verify(clinic: Clinic = None) -> None:
    """Walk the chain and name the first entry that is not as it was written. Exit 1 when there is one."""
    from bot.audit import chain
    from bot.db.engine import reading

    broken = 0
    with reading() as session:
        for name in _chains(clinic):
            count, ends_with, found = chain.verify(session, name)
            if found is None:
                out.print(
                    f"{name}: {count} entries, whole, ends with {ends_with}", highlight=False, soft_wrap=True
                )
            else:
                broken += 1
                err.print(
                    f"[red]{name}: entry {found.seq}[/red]: {found.problem}", highlight=False, soft_wrap=True
                )
    raise typer.Exit(1 if broken else 0)


@app.command()
def export(
    file: Annotated[
        Path | None, typer.Option("--csv", help="File to write; without it, standard output.")
    ] = None,
    clinic: Clinic = None,
) -> None:
    """Write the log as CSV: one line an entry, oldest first, ids and no names."""
    from bot.audit import chain, trail
    from bot.audit.models import INSTALLATION
    from bot.db.engine import reading

    chains = _chains(clinic)
    for name in chains:
        with trail.command("audit.export", None if name == INSTALLATION else name):
            pass
    try:
        target = file.open("w", newline="", encoding="utf-8") if file else sys.stdout
    except OSError as error:
        err.print(f"[red]{file} cannot be written:[/red] {error.strerror}.", soft_wrap=True)
        raise typer.Exit(2) from None
    try:
        writer = csv.writer(target)
        writer.writerow(COLUMNS)
        with reading() as session:
            for name in chains:
                for entry in chain.entries(session, name):
                    cells = {column: getattr(entry, column) for column in COLUMNS}
                    cells["at"] = entry.at.isoformat()
                    cells["detail"] = json.dumps(entry.detail, sort_keys=True)
                    writer.writerow([harmless(str(cells[column])) for column in COLUMNS])
    finally:
        if file:
            target.close()


def _chains(clinic: str | None) -> list[str]:
    from bot import settings as app_settings
    from bot.audit import chain
    from bot.db.engine import reading
    from bot.start import open_record

    open_record(app_settings.get_settings())
    with reading() as session:
        known = chain.chains(session)
    if clinic is None:
        return known
    if clinic not in known:
        err.print(f"[red]There is no log of a clinic {clinic}.[/red] There are: {', '.join(known) or 'none'}")
        raise typer.Exit(2)
    return [clinic]
