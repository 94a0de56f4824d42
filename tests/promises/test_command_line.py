from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.clinic import demo
from bot.clinic.models import Clinic, Patient
from bot.db.engine import reading, transaction
from bot.settings import Settings, use_settings

run = CliRunner().invoke


@pytest.mark.usefixtures("record")
def test_enroll_plans_check_ins_and_says_when() -> None:
    demo.seed(patients=False)
    result = run(app, [*ENROLL, "--expiry", "2099-01-31"])
    assert result.exit_code == 0, result.output
    assert "day 14" in result.output
    with reading() as session:
        assert session.query(Patient).one().phone == "+15550100114"


@pytest.mark.usefixtures("record")
def test_enroll_names_the_option_that_is_wrong_and_what_to_do() -> None:
    demo.seed(patients=False)
    result = run(app, [*ENROLL, "--expiry", "2020-01-31"])
    assert result.exit_code == 2
    assert "--expiry" in result.output
    assert "expired" in result.output


@pytest.mark.usefixtures("record")
@pytest.mark.parametrize(
    ("wrong", "named"),
    [("--no-consent", "--consent"), ("--language=fr", "--language"), ("--area=", "--area")],
)
def test_enroll_calls_a_wrong_option_as_it_is_typed(wrong: str, named: str) -> None:
    demo.seed(patients=False)
    others = [word for word in ENROLL if not (wrong == "--area=" and word in ("--area", "chin"))]
    result = run(app, [*others, "--expiry", "2099-01-31", wrong])
    assert result.exit_code == 2
    assert f"{named}:" in result.output.replace("\n", "")


@pytest.mark.usefixtures("record")
def test_enroll_leaves_the_language_to_what_the_clinic_speaks() -> None:
    demo.seed(patients=False)
    with transaction() as session:
        session.query(Clinic).one().locale = "es"
    assert run(app, [*ENROLL, "--expiry", "2099-01-31"]).exit_code == 0
    with reading() as session:
        assert session.query(Patient).one().language == "es"


@pytest.mark.usefixtures("record")
def test_enroll_without_a_clinic_says_how_to_get_one() -> None:
    result = run(app, [*ENROLL, "--expiry", "2099-01-31"])
    assert result.exit_code == 2
    assert "serve --demo" in result.output


ENROLL = [
    "enroll",
    *("--first-name", "Sam", "--last-name", "Specimen", "--phone", "+1 555 010 0114"),
    *(
        "--product",
        "harmonyca",
        "--lot",
        "L1",
        "--area",
        "chin",
        "--treated-at",
        f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}",
    ),
    "--consent",
]


def test_triage_reads_json_lines_and_answers_each_in_order(tmp_path: Path) -> None:
    lines = [
        {"text": "cant see out my left eye", "day": 0},
        {"text": "white wine ok tonight?", "day": 0},
        {"text": "se me hincha la lengua y me cuesta respirar", "day": 0, "lang": "es"},
    ]
    file = tmp_path / "messages.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)) + "\nnot json\n", encoding="utf-8")

    result = run(app, ["triage", str(file)])

    answers = [json.loads(line) for line in result.output.splitlines()]
    assert [answer.get("tier") for answer in answers] == ["T0", "T4", "T0", None]
    assert set(answers[0]) == {"tier", "probe", "flags", "reasons"}
    assert "error" in answers[3]


def test_triage_reads_standard_input() -> None:
    result = run(app, ["triage", "-"], input='{"text": "my throat feels tight", "day": 0}\n')
    assert json.loads(result.output)["flags"][0] == "ALL"


def test_a_file_that_is_not_there_is_a_clear_error() -> None:
    result = run(app, ["triage", "nowhere.jsonl"])
    assert result.exit_code == 2
    assert "no file nowhere.jsonl" in result.output


@pytest.mark.parametrize("arguments", [["--story", "none"], ["--language", "fr"]])
def test_simulate_names_the_choices(arguments: list[str]) -> None:
    result = run(app, ["simulate", *arguments])
    assert result.exit_code == 2
    assert "uneventful" in result.output


@pytest.mark.usefixtures("record")
def test_doctor_finds_a_clinic_that_nobody_is_on_call_for() -> None:
    demo.seed()
    with transaction() as session:
        session.execute(demo.Staff.__table__.update().values(on_call_order=None))
    result = run(app, ["doctor"])
    assert result.exit_code == 1
    assert "nobody is on call" in result.output


def test_doctor_says_what_a_real_carrier_still_needs(settings: Settings, record: None) -> None:
    use_settings(settings.model_copy(update={"carrier": "twilio"}))
    result = run(app, ["doctor"])
    assert "AFTERGLOW_TWILIO_AUTH_TOKEN" in result.output
    assert "AFTERGLOW_PUBLIC_URL" in result.output


def test_doctor_says_what_to_do_about_a_database_that_cannot_be_reached(settings: Settings) -> None:
    use_settings(settings.model_copy(update={"database_url": "postgresql://127.0.0.1:1/none"}))
    result = run(app, ["doctor"])
    assert result.exit_code == 1
    assert "DATABASE_URL" in result.output
