"""`afterglow labels judged`: what staff judged in the console, for whoever reviews rules and examples."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def judged(
    out: Annotated[Path | None, typer.Option(help="File to write; without it, standard output.")] = None,
    clinic: Annotated[str | None, typer.Option(help="Clinic id; without it, every clinic.")] = None,
) -> None:
    """Export messages judged in the console as JSON lines: patients' words, so handle them as such."""
    from bot import settings as app_settings
    from bot.audit import trail
    from bot.db.engine import reading
    from bot.judgement.export import clinics, lines
    from bot.start import open_record

    open_record(app_settings.get_settings())
    with reading() as session:
        found: list[str] = []
        for one in clinics(session):
            if clinic in (None, one):  # what is taken out of a clinic's record stands in its own log
                with trail.command("message.export_judged", one):
                    found += lines(session, one)
    text = "".join(line + "\n" for line in found)
    if out is None:
        sys.stdout.write(text)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        typer.echo(f"{out} cannot be written: {error.strerror}.", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"{len(found)} judged messages in {out}", err=True)
