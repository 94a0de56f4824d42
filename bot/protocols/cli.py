"""`afterglow content`: look at what the clinic says and check it."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated, Literal

import typer

from bot.messaging.segments import encoding, segments
from bot.protocols.catalogue import Catalogue, catalogue
from bot.protocols.errors import ContentError
from bot.protocols.lint import SAMPLE_CLINIC, SAMPLE_MESSAGE, SAMPLE_SHARED, longest
from bot.protocols.lint import lint as find_problems
from bot.protocols.phrases import on_day
from bot.protocols.render import Situation, clinic_values, render

app = typer.Typer(help="Look at what the clinic says and check it.", no_args_is_help=True)


def _load() -> Catalogue:
    try:
        return catalogue()
    except ContentError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


@app.command()
def lint() -> None:
    """Check every text; print `file:id: message` for each problem and exit 1 if there is any."""
    content = _load()
    problems = find_problems(content)
    for problem in problems:
        typer.echo(str(problem))
    if problems:
        typer.echo(f"{len(problems)} problems", err=True)
        raise typer.Exit(1)
    kinds = Counter(piece.kind for piece in content.pieces.values())
    status = Counter(piece.status for piece in content.pieces.values())
    spanish = [longest(v, "es", content) for piece in content.pieces.values() for v in piece.variants]
    counts = [f"{n} {name}" for name, n in [*sorted(kinds.items()), *sorted(status.items())]]
    counts += [
        f"{len(getattr(content, name))} {name}" for name in ("settings", "products", "schedules", "sources")
    ]
    typer.echo(f"content: clean. {', '.join(counts)}")
    typer.echo(f"longest Spanish SMS: {max(map(segments, spanish), default=0)} segments")


@app.command("list")
def list_pieces() -> None:
    """List every piece: id, kind, version, status, variants, title."""
    for piece in sorted(_load().pieces.values(), key=lambda piece: piece.id):
        state = f"v{piece.version:<3} {piece.status:9}"
        typer.echo(f"{piece.id:32} {piece.kind:9} {state} {len(piece.variants)}  {piece.title.en}")


@app.command()
def show(
    piece_id: Annotated[str, typer.Argument(metavar="ID", help="for example aftercare.exercise")],
    lang: Annotated[Literal["en", "es"], typer.Option(help="language of the patient")] = "en",
    channel: Annotated[Literal["sms", "web"], typer.Option(help="where it is read")] = "sms",
    phase: Annotated[Literal["before", "after"] | None, typer.Option(help="before or after")] = None,
    product: Annotated[str | None, typer.Option(help="product id, for example harmonyca")] = None,
    day: Annotated[int | None, typer.Option(help="whole days since treatment")] = None,
    tier: Annotated[str | None, typer.Option(help="for safety texts: T0 to T4")] = None,
    flag: Annotated[str | None, typer.Option(help="for safety texts: VIS, STR, ALL …")] = None,
    treated: Annotated[str | None, typer.Option(help="day of treatment, YYYY-MM-DD")] = None,
) -> None:
    """Show one text as a patient of a sample clinic would get it."""
    content = _load()
    situation = Situation(lang, channel, phase, product, day, tier, flag)
    try:
        values = clinic_values(SAMPLE_CLINIC, lang, product, content=content)
        values |= SAMPLE_SHARED | SAMPLE_MESSAGE[lang]
        values["treated_on_phrase"] = on_day(date.fromisoformat(treated) if treated else None, lang)
        rendered = render(piece_id, situation, values, content)
    except ContentError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except ValueError:
        typer.echo(f"--treated {treated}: write the day as YYYY-MM-DD", err=True)
        raise typer.Exit(1) from None
    typer.echo(rendered.text)
    size = f"{len(rendered.text)} characters, {segments(rendered.text)} segments {encoding(rendered.text)}"
    typer.echo(f"\n{rendered.content_id} v{rendered.version}, {rendered.status}; {size}")
    typer.echo(f"sources: {', '.join(rendered.sources) or 'none'}")
