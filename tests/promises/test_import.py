"""Patients from a CSV file: every row whole or not at all, wrong ones named by line, and twice is once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from bot import clock
from bot.cli import app
from bot.clinic.importing import FileUnusable, Outcome, import_rows, read_table
from bot.clinic.models import Clinic, Patient, Treatment
from bot.followup.models import CheckIn
from bot.messaging.models import Message
from tests.support.desk import PAT, Desk

HEADER = "first_name,last_name,phone,product,lot,expiry,areas,treated_at,consent_aftercare_texts,language"


def row(phone: str = "+15550100161", first: str = "Rae", **changes: str) -> str:
    cells = {
        "first": first,
        "last": "Sample",
        "phone": phone,
        "product": "HArmonyCA",
        "lot": "L-1",
        "expiry": "2099-12-31",
        "areas": "jaw angle|lateral cheek",
        "treated": f"{clock.now():%Y-%m-%d}",
        "consent": "yes",
        "language": "Spanish",
    } | changes
    return ",".join(cells.values())


def table(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows]).encode()


def taken(desk: Desk, data: bytes, *, dry_run: bool = False) -> list[Outcome]:
    return list(import_rows(desk.rows(Clinic)[0].id, read_table(data).rows, dry_run=dry_run))


def states(outcomes: list[Outcome]) -> list[tuple[int, str]]:
    return [(outcome.line, outcome.state) for outcome in outcomes]


def test_a_row_is_a_patient_a_treatment_and_planned_check_ins(desk: Desk) -> None:
    assert states(taken(desk, table(row()))) == [(2, "new")]
    rae = next(patient for patient in desk.rows(Patient) if patient.first_name == "Rae")
    assert rae.language == "es"
    (treatment,) = desk.rows(Treatment, patient_id=rae.id)
    assert (treatment.product, treatment.areas) == ("harmonyca", ["jaw angle", "lateral cheek"])
    assert desk.rows(CheckIn, patient_id=rae.id)


@pytest.mark.parametrize(("hour", "at_once"), [(3, False), (11, True), (22, False)])
def test_a_file_imported_at_night_welcomes_nobody_before_the_morning(
    desk: Desk, hour: int, at_once: bool
) -> None:
    new_york = ZoneInfo("America/New_York")
    tomorrow = clock.now().astimezone(new_york) + timedelta(days=1)
    desk.advance(seconds=(tomorrow.replace(hour=hour, minute=0) - clock.now()).total_seconds())
    (outcome,) = taken(desk, table(row(treated=f"{clock.now().astimezone(new_york):%Y-%m-%d}")))
    assert outcome.state == "new"
    desk.settle()
    assert len(desk.texts_to("+15550100161")) == at_once
    desk.advance(hours=12)
    assert len(desk.texts_to("+15550100161")) == 1


def test_the_same_file_again_changes_nothing_and_texts_nobody(desk: Desk) -> None:
    data = table(row(), row("+15550100162", "Sky"))
    taken(desk, data)
    desk.settle()
    before = len(desk.rows(Message))
    assert states(taken(desk, data)) == [(2, "known"), (3, "known")]
    desk.settle()
    assert len(desk.rows(Message)) == before


def test_a_wrong_row_is_named_by_line_and_column_and_the_others_are_taken(desk: Desk) -> None:
    outcomes = taken(
        desk,
        table(
            row(),
            row("12", "Sky"),
            row("+15550100163", "Kai", expiry="2020-01-01", consent="no"),
            row("+15550100164", "Uma", product="Voodoo", areas=""),
            row(PAT, "Somebody"),
            row("+15550100165", "Zoe"),
        ),
    )
    assert states(outcomes) == [
        (2, "new"), (3, "wrong"), (4, "wrong"), (5, "wrong"), (6, "wrong"), (7, "new"),
    ]  # fmt: skip
    assert set(outcomes[1].errors) == {"phone"}
    assert set(outcomes[2].errors) == {"expiry", "consent_aftercare_texts"}
    assert set(outcomes[3].errors) == {"product", "areas"}
    assert "Pat Sample" in outcomes[4].errors["phone"]


def test_a_dry_run_tells_the_same_and_writes_nothing(desk: Desk) -> None:
    data = table(row(), row("+15550100161", "Other"), row("12", "Sky"))
    before = (len(desk.rows(Patient)), len(desk.rows(Message)))
    rehearsed = states(taken(desk, data, dry_run=True))
    assert (len(desk.rows(Patient)), len(desk.rows(Message))) == before
    assert rehearsed == states(taken(desk, data)) == [(2, "new"), (3, "wrong"), (4, "wrong")]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_files_are_read_as_spreadsheets_save_them(separator: str, encoding: str) -> None:
    text = "\r\n".join([HEADER.replace("_", " ").title(), row(first="Íñigo"), "", ",,,,,,,,,"])
    (only,) = read_table(text.replace(",", separator).encode(encoding)).rows
    assert only.fields["first_name"] == "Íñigo"
    assert only.fields["consent_aftercare_texts"] is True


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "must name the columns"),
        (b"\x50\x4b\x03\x04\x00\x00", "no CSV file"),
        (b"first_name,phone\nRae,1", "Missing: last_name"),
        (table(), "no rows"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_to_do(data: bytes, why: str) -> None:
    with pytest.raises(FileUnusable, match=why):
        read_table(data)


def test_half_filled_rows_and_rows_with_too_many_cells_lose_nothing(desk: Desk) -> None:
    outcomes = taken(desk, table("Rae,Sample", row() + ",more,and more"))
    assert states(outcomes) == [(2, "wrong"), (3, "new")]
    assert {"phone", "product", "lot", "expiry"} <= set(outcomes[0].errors)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_row_whose_last_check_in_day_is_over_is_told(desk: Desk, dry_run: bool) -> None:
    long_ago, lately = (f"{clock.now() - timedelta(days=days):%Y-%m-%d}" for days in (400, 8))
    data = table(row(treated=long_ago), row("+15550100162", "Sky", treated=lately))
    assert [outcome.over for outcome in taken(desk, data, dry_run=dry_run)] == [True, False]


def test_columns_that_nothing_is_called_are_told() -> None:
    found = read_table(table(row() + ",blue", header=f"{HEADER},favourite colour"))
    assert found.ignored == ["favourite colour"]


def test_the_command_ends_with_what_became_of_the_rows(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "patients.csv"
    treated = f"{clock.now() - timedelta(days=8):%Y-%m-%d}"  # the command runs on the real clock
    file.write_bytes(table(row(treated=treated), row("12", "Sky", treated=treated)))
    result = CliRunner().invoke(app, ["import", str(file), "--dry-run"])
    assert result.exit_code == 1
    assert "1 would be enrolled, 0 known before, 1 wrong" in result.output
    assert "line 3, phone: This is not a phone number" in " ".join(result.output.split())
    file.write_bytes(table(row(treated=treated)))
    assert CliRunner().invoke(app, ["import", str(file)]).exit_code == 0
    file.write_bytes(b"nonsense")
    assert CliRunner().invoke(app, ["import", str(file)]).exit_code == 2
