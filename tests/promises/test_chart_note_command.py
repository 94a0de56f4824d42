"""`afterglow export chart-note`: the note of one patient, on standard output or in a file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import select
from typer.testing import CliRunner

from bot.cli import app
from bot.clinic import demo
from bot.clinic.models import Patient
from bot.db.engine import reading

run = CliRunner().invoke


@pytest.fixture
def pat(record: None) -> Patient:
    """A patient of the demo clinic."""
    demo.seed()
    with reading() as session:
        found = session.scalars(select(Patient).order_by(Patient.id)).first()
    assert found
    return found


def test_the_text_goes_to_standard_output(pat: Patient) -> None:
    result = run(app, ["export", "chart-note", pat.id])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Chart note\n")
    assert f"Name: {pat.name}\n" in result.stdout


def test_a_file_gets_the_pdf_in_the_language_asked_for(pat: Patient, tmp_path: Path) -> None:
    out = tmp_path / "note.pdf"
    result = run(
        app, ["export", "chart-note", pat.id, "--format", "pdf", "--out", str(out), "--language", "es"]
    )
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "Nota clínica" in PdfReader(out).pages[0].extract_text()


def test_a_pdf_can_be_piped(pat: Patient) -> None:
    result = run(app, ["export", "chart-note", pat.id, "--format", "pdf"])
    assert PdfReader(io.BytesIO(result.stdout_bytes)).pages


def test_an_unknown_patient_and_a_file_that_cannot_be_written_are_said(pat: Patient, tmp_path: Path) -> None:
    result = run(app, ["export", "chart-note", "nobody"])
    assert result.exit_code == 2
    assert "There is no patient nobody" in result.stderr
    result = run(app, ["export", "chart-note", pat.id, "--out", str(tmp_path / "no" / "note.txt")])
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
