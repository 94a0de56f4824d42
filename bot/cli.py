"""The command line, `afterglow`: each command is thin and calls the package that does the work."""

from __future__ import annotations

import gc
import os
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import typer
from rich.console import Console

from bot import log
from bot import settings as app_settings
from bot.access.cli import clinic as clinic_app
from bot.access.cli import staff as staff_app
from bot.api.keys_cli import app as api_key
from bot.audit.cli import app as audit
from bot.export import app as export
from bot.labels import judged
from bot.notify_cli import app as notify
from bot.photos_cli import app as photos
from bot.protocols.cli import app as content
from bot.triage.evaluation.cli import evaluate, labels

app = typer.Typer(
    help="Afterglow: the counselling and aftercare desk of aesthetic-medicine clinics.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(content, name="content", help="Approved wording: list, show, check.")
app.add_typer(evaluate, name="evaluate")
labels.command("judged")(judged)
app.add_typer(labels, name="labels")
app.add_typer(export, name="export")
app.add_typer(api_key, name="api-key")
app.add_typer(audit, name="audit")
app.add_typer(clinic_app, name="clinic")
app.add_typer(staff_app, name="staff")
app.add_typer(notify, name="notify")
app.add_typer(photos, name="photos")
out = Console()
err = Console(stderr=True)


def main() -> None:
    """Entry point."""
    app()


def _progress(text: str) -> None:
    err.print(f"[bold]==>[/bold] {text}")


@app.command()
def serve(
    demo: Annotated[bool, typer.Option(help="Fictional clinic, phone simulator, movable clock.")] = False,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Set up what is missing, then serve."""
    gc.disable()  # thousands of modules are about to load, and none of them is garbage: saves two seconds
    import uvicorn

    from bot.start import prepare, where_to_go

    settings = app_settings.get_settings()
    if demo or port:
        changes: dict[str, object] = {"demo": demo or settings.demo}
        if port:
            changes |= {"port": port, "public_url": f"http://127.0.0.1:{port}"}
        settings = settings.model_copy(update=changes)
        app_settings.use_settings(settings)
    log.configure(settings.log_level)
    if _port_taken(settings.host, settings.port):
        err.print(
            f"[red]Port {settings.port} is in use.[/red] Stop what runs there, or choose another: "
            f"afterglow serve --port {settings.port + 1}"
        )
        raise typer.Exit(1)
    prepare(settings, _progress)
    from bot.app import create_app

    out.print(where_to_go(settings), highlight=False)
    uvicorn.run(
        create_app(),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        ws="none",
        timeout_graceful_shutdown=3,
    )


def _port_taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


@app.command()
def train(force: Annotated[bool, typer.Option(help="Train even if nothing changed.")] = False) -> None:
    """Train the dialogue model if its data, domain or configuration changed."""
    from bot.dialogue.training import ensure_model

    path = ensure_model(force=force, progress=_progress)
    out.print(f"Model: {path.name}")


@app.command()
def triage(file: Annotated[str, typer.Argument(help="JSON lines; - for standard input.")]) -> None:
    """Triage messages: {"text", "day", "lang"?, "product"?} -> {"tier", "probe", "flags", "reasons"}."""
    from bot.start import take_rules
    from bot.triage.cli import triage_lines

    take_rules(app_settings.get_settings())
    _stream(triage_lines(_lines(file)))


@app.command()
def ask(file: Annotated[str, typer.Argument(help="JSON lines; - for standard input.")]) -> None:
    """Ask questions: the same input -> {"topic", "confidence", "offered", "reply", "tier"}."""
    from bot.app import load_dialogue
    from bot.dialogue.ask import ask_lines

    _stream(ask_lines(_lines(file), load_dialogue(_progress)))


@evaluate.command("topics")
def evaluate_topics(
    file: Annotated[
        Path | None,
        typer.Option(help="Questions as JSON lines; without it data/evaluation/topics_dev.jsonl."),
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="Write the report, and its JSON, here.")] = None,
    check: Annotated[bool, typer.Option(help="Only compare with the floors; exit 1 below them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Measure which topics unseen questions get: right at once, offered, confidently wrong, confusions."""
    from bot.app import load_dialogue
    from bot.dialogue.evaluation import cli

    cli.evaluate_topics(lambda: load_dialogue(_progress), file, folder, check=check, as_json=as_json)


def _lines(file: str) -> Iterator[str]:
    if file == "-":
        yield from sys.stdin
        return
    path = Path(file)
    if not path.is_file():
        err.print(f"[red]There is no file {file}.[/red] Give a file of JSON lines, or - for standard input.")
        raise typer.Exit(2)
    with path.open(encoding="utf-8") as handle:
        yield from handle


def _stream(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


#: Options of `enroll` that are not called as the field of the form that they fill.
_OPTIONS = {"areas": "area", "consent_aftercare_texts": "consent"}


@app.command()
def enroll(
    first_name: Annotated[str, typer.Option(prompt=True)],
    last_name: Annotated[str, typer.Option(prompt=True)],
    phone: Annotated[str, typer.Option(prompt=True, help="With country code, or as dialled at the clinic.")],
    product: Annotated[str, typer.Option(prompt=True, help="Catalogue id, e.g. harmonyca.")],
    lot: Annotated[str, typer.Option(prompt=True)],
    expiry: Annotated[str, typer.Option(prompt=True, help="Year-month-day.")],
    area: Annotated[list[str], typer.Option(help="Treated area; repeat for several.")],
    treated_at: Annotated[str, typer.Option(prompt=True, help="Local date or time at the clinic.")],
    consent: Annotated[bool, typer.Option(prompt="Has the patient agreed to aftercare texts?")],
    language: Annotated[str, typer.Option(help="en or es; else what is known of the patient.")] = "",
    location: Annotated[str, typer.Option(help="Where, if the clinic has several places.")] = "",
    clinic: Annotated[str | None, typer.Option(help="Clinic id; needed when there are several.")] = None,
) -> None:
    """Enrol a patient after a treatment and plan the check-ins."""
    from bot.audit import trail
    from bot.clinic.enrolment import EnrolmentInvalid, enrol
    from bot.start import chosen_clinic, open_record, take_content

    open_record(app_settings.get_settings())
    take_content(app_settings.get_settings())
    fields = {
        "first_name": first_name,
        "last_name": last_name,
        "phone": phone,
        "product": product,
        "lot": lot,
        "expiry": expiry,
        "areas": area,
        "treated_at": treated_at,
        "consent_aftercare_texts": consent,
        "language": language or None,
        "location": location,
    }
    try:
        clinic_id = chosen_clinic(clinic)
        with trail.command("patient.enrol", clinic_id):
            result = enrol(clinic_id, fields)
    except EnrolmentInvalid as invalid:
        for field, text in invalid.errors.items():
            option = _OPTIONS.get(field, field.replace("_", "-"))
            err.print(f"[red]--{option}[/red]: {text}")
        raise typer.Exit(2) from None
    except LookupError as error:
        err.print(f"[red]{error}[/red]")
        raise typer.Exit(2) from None
    out.print(f"Enrolled (patient {result.patient_id}). Check-ins:")
    if not result.check_ins:
        out.print("  none: all days of the protocol have passed")
    for day, due_at in result.check_ins.items():
        out.print(f"  day {day}: {due_at:%a %Y-%m-%d %H:%M %Z}")


@app.command("import")
def import_patients(
    file: Annotated[Path, typer.Argument(help="CSV with a first line of column names.", exists=True)],
    dry_run: Annotated[bool, typer.Option(help="Check every row and write nothing.")] = False,
    clinic: Annotated[str | None, typer.Option(help="Clinic id, when there are several.")] = None,
) -> None:
    """Enrol the patients of a CSV file. Rows that are wrong are named by line; the others are taken."""
    from bot.imports import report
    from bot.start import open_record, take_content

    open_record(app_settings.get_settings())
    take_content(app_settings.get_settings())
    raise typer.Exit(report(file, clinic, dry_run=dry_run, out=out, err=err))


@app.command()
def simulate(
    story: Annotated[str, typer.Option(help="uneventful or red-flag")] = "red-flag",
    language: Annotated[str, typer.Option(help="en or es")] = "en",
    patients: Annotated[int, typer.Option(help="instead of a story: so many made-up patients", min=0)] = 0,
    days: Annotated[int, typer.Option(help="how long they are followed", min=1, max=400)] = 90,
    seed: Annotated[int, typer.Option(help="the same seed gives the same crowd")] = 1,
) -> None:
    """Play a scripted patient's first fortnight against the real system, with the clock moved; or, with
    --patients, let a crowd live for months and check what must never happen."""
    if patients:
        raise typer.Exit(0 if _crowd(patients, days, seed) else 1)
    from bot.simulation.play import STORIES, play

    if story not in STORIES or language not in ("en", "es"):
        err.print(f"[red]Choose --story from {', '.join(STORIES)} and --language en or es.[/red]")
        raise typer.Exit(2)
    raise typer.Exit(0 if play(story, language, out, _progress) else 1)


@app.command("demo-quarter")
def demo_quarter(
    seed: Annotated[int, typer.Option(help="The same seed on the same day gives the same quarter.")] = 1,
    patients_per_week: Annotated[int | None, typer.Option(min=1, max=2000)] = None,
) -> None:
    """Add a made-up quarter to the demo clinic, so that the figures have something to show."""
    from bot import clock
    from bot.clinic import demo
    from bot.simulation.quarter import QuarterRefused, seed_quarter
    from bot.start import open_record, take_content

    settings = app_settings.get_settings()
    open_record(settings.model_copy(update={"demo": True}), _progress)
    take_content(settings)
    demo.seed()
    try:
        counts = seed_quarter(clock.now(), seed=seed, patients_per_week=patients_per_week)
    except QuarterRefused as refused:
        err.print(f"[red]{refused}[/red]", highlight=False)
        raise typer.Exit(2) from None
    for table, count in counts.items():
        out.print(f"{count:>7} {table}", highlight=False)
    out.print("See them in the console under Figures: afterglow serve --demo", highlight=False)


def _crowd(patients: int, days: int, seed: int) -> bool:
    """Run a crowd and print what happened. True when nothing happened that must not."""
    from rich.table import Table

    from bot.simulation.clinics import live

    started = time.monotonic()
    result = live(patients, days, seed, _progress)
    table = Table(title=f"{patients} patients over {days} days, seed {seed}", title_justify="left")
    table.add_column("what")
    table.add_column("how many", justify="right")
    for name, count in result.counts.items():
        table.add_row(name, str(count))
    out.print(table)
    for name, found in result.violations.items():
        verdict = "[red]BROKEN[/red]" if found else "[green]holds[/green]"
        out.print(
            f"{verdict}  {name.replace('_', ' ')}" + (f": {len(found)}, first: {found[0]}" if found else "")
        )
    out.print(f"{time.monotonic() - started:.1f} s", highlight=False)
    return result.clean


@app.command()
def auditor() -> None:
    """Look once for work left undone, repair it, tell people what cannot be; for a timer outside."""
    from bot.app import make_carrier, make_notifiers
    from bot.auditor.check import check
    from bot.auditor.repair import Gear
    from bot.start import open_record, take_content, take_rules

    settings = app_settings.get_settings()
    log.configure(settings.log_level)
    open_record(settings)
    take_rules(settings)
    take_content(settings)
    run = check(Gear(make_carrier(settings), make_notifiers(settings)))
    out.print(
        f"Found {run.found}, repaired {run.repaired}, told people of {run.paged}. "
        f"Heartbeat: {run.heartbeat}.",
        highlight=False,
    )
    if run.error:
        err.print(f"[red]{run.error}[/red]")
    raise typer.Exit(1 if run.error else 0)


@app.command()
def doctor() -> None:
    """Say what is configured, what is missing, and what to do."""
    from bot.doctor import examine

    worst = 0
    for finding in examine(app_settings.get_settings()):
        sign = ("[green]ok  [/green]", "[yellow]note[/yellow]", "[red]FIX [/red]")[finding.level]
        out.print(f"{sign} {finding.subject}: {finding.text}", highlight=False)
        worst = max(worst, finding.level)
    raise typer.Exit(1 if worst == 2 else 0)
