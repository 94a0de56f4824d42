"""`afterglow notify`: does a page reach somebody?"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from bot import settings as app_settings

app = typer.Typer(no_args_is_help=True, help="Ways to reach staff.")
out, err = Console(), Console(stderr=True)


@app.callback()
def _group() -> None:
    """Keeps `test` a command of its own while it is the only one."""


@app.command()
def test(email: Annotated[str, typer.Argument(help="The e-mail with which they sign in.")]) -> None:
    """Send a test message by every contact method of a member of staff. Exits 1 when one fails."""
    from sqlalchemy import select

    from bot.app import make_carrier, make_notifiers
    from bot.clinic.models import Clinic, Staff
    from bot.db.engine import reading
    from bot.notify import direct
    from bot.start import open_record, take_content

    settings = app_settings.get_settings()
    open_record(settings)
    take_content(settings)
    with reading() as session:
        staff = session.scalars(select(Staff).where(Staff.email == email.strip().lower())).first()
        if staff is None or not staff.active:
            err.print(f"[red]Nobody who works here signs in as {email}.[/red] Check the address.")
            raise typer.Exit(2)
        clinic = session.get_one(Clinic, staff.clinic_id)
        addresses = direct.addresses_of(session, staff)
    if not addresses:
        err.print(
            f"[red]{staff.name} cannot be paged:[/red] no phone and no contact method. "
            "They add one in the console under Paging."
        )
        raise typer.Exit(1)
    try:
        carrier, notifiers = make_carrier(settings), make_notifiers(settings)
    except ValueError as problem:
        err.print(f"[red]{problem}[/red]")
        raise typer.Exit(2) from None
    tried = direct.send(staff, clinic, addresses, "staff.test", "staff.test_subject", {}, notifiers, carrier)
    for one in tried:
        state = f"[red]failed[/red]: {one.error}" if one.error else "[green]handed over[/green]"
        out.print(f"{one.address.kind.value:8} {one.address.shown}  {state}", highlight=False)
    raise typer.Exit(1 if any(one.error for one in tried) else 0)
