"""`afterglow content`: look at what the clinic says and check it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer

from bot.messaging.segments import encoding, segments
from bot.protocols.catalogue import Catalogue, catalogue, load_catalogue
from bot.protocols.errors import ContentError
from bot.protocols.every_text import check_all
from bot.protocols.lint import SAMPLE_CLINIC, SAMPLE_MESSAGE, SAMPLE_SHARED, Problem, longest
from bot.protocols.lint import lint as find_problems
from bot.protocols.phrases import on_day
from bot.protocols.render import Situation, clinic_values, render

app = typer.Typer(help="Look at what the clinic says and check it.", no_args_is_help=True)


#: A clinic's own folder may be checked before it is put in force.
Folder = Annotated[
    Path | None,
    typer.Option(
        "--dir", envvar="AFTERGLOW_CONTENT_DIR", help="content of your own; the shipped unless given"
    ),
]


def _load(folder: Path | None = None) -> Catalogue:
    try:
        return load_catalogue(folder) if folder else catalogue()
    except ContentError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def _refuse(problems: Sequence[Problem]) -> None:
    for problem in problems:
        typer.echo(str(problem))
    if problems:
        typer.echo(f"{len(problems)} problems", err=True)
        raise typer.Exit(1)


@app.command()
def lint(folder: Folder = None) -> None:
    """Check every text; print `file:line: id: message` for each problem and exit 1 if there is any."""
    content = _load(folder)
    _refuse(find_problems(content))
    kinds = Counter(piece.kind for piece in content.pieces.values())
    status = Counter(piece.status for piece in content.pieces.values())
    spanish = [longest(v, "es", content) for piece in content.pieces.values() for v in piece.variants]
    counts = [f"{n} {name}" for name, n in [*sorted(kinds.items()), *sorted(status.items())]]
    counts += [
        f"{len(getattr(content, name))} {name}" for name in ("settings", "products", "schedules", "sources")
    ]
    typer.echo(f"content: clean. {', '.join(counts)}")
    typer.echo(f"longest Spanish SMS: {max(map(segments, spanish), default=0)} segments")


@app.command("check-all")
def check_every_text(folder: Folder = None) -> None:
    """Check every text that any patient can get, with every clinic's settings; exit 1 if one may not be said.

    Prints how many situations were looked at, how many distinct texts they come to, how many sentences were
    read, and `file:line: id: message` for each problem. Also finds variants that no situation reaches.
    """
    content = _load(folder)
    report = check_all(content, lambda line: typer.echo(f"==> {line}", err=True))
    typer.echo(
        f"{report.situations} situations for each of {report.pieces} pieces; {report.variants} variants; "
        f"{report.texts} distinct texts in {report.renderings} fillings; {report.sentences} sentences read; "
        f"{len(report.problems)} problems"
    )
    _refuse(report.problems)


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
