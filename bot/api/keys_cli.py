"""`afterglow api-key`: make, list and revoke keys of other systems."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from bot import settings as app_settings

app = typer.Typer(no_args_is_help=True, help="Keys with which other systems of the clinic enrol patients.")
out, err = Console(), Console(stderr=True)
Clinic = Annotated[str | None, typer.Option(help="Clinic id, when there are several.")]


@app.command()
def add(name: Annotated[str, typer.Argument(help="Which system it is for.")], clinic: Clinic = None) -> None:
    """Make a key. It is shown this once."""
    from bot.audit import trail
    from bot.clinic import api_keys

    clinic_id = _clinic(clinic)
    with trail.command("settings.api_key_add", clinic_id):
        key = api_keys.create(clinic_id, name.strip()[:80] or "unnamed")
    out.print(key, highlight=False, soft_wrap=True)
    err.print("Keep it now: it is stored as a hash and cannot be shown again.")


@app.command("list")
def list_keys(clinic: Clinic = None) -> None:
    """Show the keys: id, name, when made, when used last."""
    from bot.clinic import api_keys

    for key in api_keys.all_of(_clinic(clinic)):
        used = f"used {key.last_used_at:%Y-%m-%d}" if key.last_used_at else "never used"
        state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else used
        out.print(f"{key.id}  {key.name}  made {key.created_at:%Y-%m-%d}, {state}", highlight=False)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The id that `list` shows.")], clinic: Clinic = None
) -> None:
    """Let a key in no more."""
    from bot.audit import trail
    from bot.clinic import api_keys

    clinic_id = _clinic(clinic)
    with trail.command("settings.api_key_revoke", clinic_id, ("api_key", key_id)) as act:
        revoked = api_keys.revoke(clinic_id, key_id)
        act.outcome = "done" if revoked else "not_found"
    if not revoked:
        err.print(f"[red]There is no key {key_id} in use.[/red] `afterglow api-key list` shows them.")
        raise typer.Exit(2)
    out.print("Revoked.")


def _clinic(clinic: str | None) -> str:
    from bot.start import chosen_clinic, open_record

    open_record(app_settings.get_settings())
    try:
        return chosen_clinic(clinic)
    except LookupError as problem:
        err.print(f"[red]{problem}[/red]")
        raise typer.Exit(2) from None
