"""What commands do is in the audit log, and commands check it and take it out."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from fastapi.testclient import TestClient
from typer.testing import CliRunner

from bot.cli import app as cli
from bot.clinic.models import Patient
from bot.db import engine as db
from tests.contract.console_clinic import World
from tests.contract.test_console_judging import close
from tests.support.audit_log import logged
from tests.support.desk import Desk


def run(*arguments: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(cli, list(arguments))
    return found.exit_code, found.stdout, found.stderr


def test_a_chart_note_taken_by_command_is_in_the_log(desk: Desk) -> None:
    pat = desk.rows(Patient)[-1]
    assert run("export", "chart-note", pat.id)[0] == 0
    (entry,) = logged("patient.chart_note_text")
    assert (entry.actor_kind, entry.subject_id) == ("command", pat.id)
    assert entry.actor_id.startswith("os:")


def test_judged_messages_taken_out_by_command_are_in_the_log_with_their_patients(
    world: World, nurse: TestClient, tmp_path: Path
) -> None:
    assert run("labels", "judged", "--out", str(tmp_path / "none.jsonl"))[0] == 0
    assert logged("message.export_judged") == [], "no words of a patient were in it"
    close(nurse, world.alerts["lip"], verdict="correct")
    assert run("labels", "judged", "--out", str(tmp_path / "judged.jsonl"))[0] == 0
    (entry,) = logged("message.export_judged")
    assert (entry.actor_kind, entry.clinic_id) == ("command", world.clinic)
    assert entry.detail["patients"] == [world.patients["pat"]]


def test_a_command_for_a_clinic_that_is_not_there_says_so(world: World) -> None:
    code, _out, err = run("api-key", "revoke", "x", "--clinic", "nowhere")
    assert code == 2
    assert "There is no clinic nowhere" in err
    assert logged() == []


def test_verify_says_that_all_is_whole_and_where_the_chain_ends(world: World, nurse: TestClient) -> None:
    nurse.get("/console/patients")
    code, out, _err = run("audit", "verify")
    assert code == 0
    assert f"{world.clinic}: 2 entries, whole, ends with {logged()[-1].hash}" in out


def test_verify_names_the_first_broken_entry_of_the_clinic(world: World, nurse: TestClient) -> None:
    for _time in range(3):
        nurse.get("/console/patients")
    with db.engine().begin() as connection:  # as somebody with the database in their hands would
        connection.exec_driver_sql("DROP TRIGGER audit_entries_stay_update")
        connection.exec_driver_sql("UPDATE audit_entries SET actor_id = 'somebody else' WHERE seq IN (2, 4)")
    code, _out, err = run("audit", "verify", "--clinic", world.clinic)
    assert code == 1
    assert "entry 2: it is not as it was written" in err
    assert "entry 4" not in err


def test_verify_notices_that_the_newest_entries_are_gone(world: World, nurse: TestClient) -> None:
    for _time in range(3):
        nurse.get("/console/patients")
    with db.engine().begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_entries_stay_delete")
        connection.exec_driver_sql("DELETE FROM audit_entries WHERE seq > 2")
    code, _out, err = run("audit", "verify")
    assert code == 1
    assert "entry 3" in err


def test_verify_of_an_unknown_clinic_says_which_there_are(world: World, nurse: TestClient) -> None:
    code, _out, err = run("audit", "verify", "--clinic", "nowhere")
    assert code == 2
    assert world.clinic in err.replace("\n", "")


def test_the_log_is_taken_out_as_csv_and_says_so(world: World, nurse: TestClient, tmp_path: Path) -> None:
    nurse.get(f"/console/patients/{world.patients['pat']}")
    code, out, _err = run("audit", "export")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [row["action"] for row in rows] == ["session.sign_in", "patient.view", "audit.export"]
    assert rows[1]["subject_id"] == world.patients["pat"]
    file = tmp_path / "log.csv"
    assert run("audit", "export", "--csv", str(file), "--clinic", world.clinic)[0] == 0
    assert len(file.read_text().splitlines()) == len(rows) + 2
    code, _out, err = run("audit", "export", "--csv", str(tmp_path / "no" / "log.csv"))
    assert code == 2
    assert "cannot be written" in " ".join(err.split())
