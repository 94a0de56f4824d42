"""`afterglow photos`: the pictures' files."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Patients' photos: their files on disk.")


@app.callback()
def photos() -> None:
    """Patients' photos: their files on disk."""


@app.command("verify")
def verify() -> None:
    """Read every photo's files and compare their checksums; names what is missing or damaged (exit 1)."""
    from bot import settings as app_settings
    from bot.db.engine import reading
    from bot.photos.verify import check
    from bot.start import open_record

    open_record(app_settings.get_settings())
    sound, damaged = 0, set()
    with reading() as session:
        for fault in check(session):
            if fault is None:
                sound += 1
                continue
            damaged.add(fault.photo_id)
            typer.echo(f"photo {fault.photo_id}: {fault.problem}: {fault.file}")
    if damaged:
        typer.echo(
            f"{len(damaged)} photos are damaged, {sound} are in order. Restore the files from a backup."
        )
        raise typer.Exit(1)
    typer.echo(f"{sound} photos, all in order.")
