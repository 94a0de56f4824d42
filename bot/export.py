"""`afterglow export`: papers for the chart, made from the record."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

app = typer.Typer(no_args_is_help=True, help="Papers for the chart, made from the record.")


@app.command("chart-note")
def export_chart_note(
    patient_id: Annotated[str, typer.Argument(metavar="PATIENT_ID", help="the id in the patient's address")],
    format: Annotated[Literal["text", "pdf"], typer.Option(help="text or pdf")] = "text",
    out: Annotated[Path | None, typer.Option(help="File to write; without it, standard output.")] = None,
    language: Annotated[Literal["en", "es"], typer.Option(help="Language of the note.")] = "en",
) -> None:
    """Write a patient's chart note: treatments, what was said, symptoms, alerts, check-ins, consents."""
    from bot import clock
    from bot import settings as app_settings
    from bot.audit import trail
    from bot.clinic.models import Patient
    from bot.console.chart import words_in
    from bot.db.engine import reading
    from bot.records.chart_note import chart_note
    from bot.records.chart_rows import load_chart
    from bot.records.document import as_text
    from bot.records.pdf import as_pdf
    from bot.start import open_record

    if format == "pdf" and out is None and sys.stdout.isatty():
        _refuse("A PDF is no text for a terminal: give --out FILE.")
    open_record(app_settings.get_settings())
    with reading() as session:
        patient = session.get(Patient, patient_id)
        if patient is None:
            _refuse(f"There is no patient {patient_id}. The id stands in the address of the patient's page.")
        with trail.command(f"patient.chart_note_{format}", patient.clinic_id, ("patient", patient.id)):
            document = chart_note(load_chart(session, patient), words_in(language), clock.now())
    content = as_pdf(document) if format == "pdf" else as_text(document).encode()
    if out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        out.write_bytes(content)
    except OSError as error:
        _refuse(f"{out} cannot be written: {error.strerror}.")


def _refuse(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(2)
