"""Judging triage at close and from the timeline, and the examples that come of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from typer.testing import CliRunner

from bot.cli import app
from bot.clinic.models import Role
from bot.db.engine import reading, transaction
from bot.escalation.models import Alert, AlertStatus
from bot.judgement.export import lines
from bot.judgement.models import Judgement, Verdict
from bot.judgement.service import JudgementInvalid, judged_tier
from bot.messaging.models import Message
from bot.triage.types import Tier
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World


def judgements() -> list[Judgement]:
    with transaction() as session:
        return list(session.scalars(select(Judgement).order_by(Judgement.id)))


def message_id(words: str) -> str:
    with transaction() as session:
        return session.scalars(select(Message.id).where(Message.body.startswith(words))).one()


def close(client: TestClient, alert: str, **fields: str):
    form = {"outcome": "seen_in_clinic", "close_note": "Seen.", **fields}
    return post(client, f"/console/alerts/{alert}/close", **form)


@pytest.mark.parametrize(
    ("verdict", "given", "chosen", "judged"),
    [
        ("correct", "T1", None, "T1"),
        ("correct", "T1", "T3", "T1"),
        ("false_alarm", "T1", None, "T4"),
        ("false_alarm", "T1", "T3", "T3"),
        ("more_urgent", "T2", "T0", "T0"),
        ("missed", "T4", "T1", "T1"),
        ("false_alarm", "T2", "T2", "not_lower"),
        ("false_alarm", "T4", None, "not_lower"),
        ("more_urgent", "T2", "T2", "not_higher"),
        ("more_urgent", "T0", "T0", "not_higher"),
        ("missed", "T2", "T3", "not_higher"),
        ("more_urgent", "T2", None, "choose"),
        ("missed", "T4", None, "choose"),
    ],
)
def test_a_verdict_gives_the_right_tier_or_says_what_is_wrong_with_it(
    verdict: str, given: str, chosen: str | None, judged: str
) -> None:
    tier = Tier(chosen) if chosen else None
    if judged in Tier.__members__:
        assert judged_tier(Verdict(verdict), Tier(given), tier) is Tier(judged)
        return
    with pytest.raises(JudgementInvalid) as invalid:
        judged_tier(Verdict(verdict), Tier(given), tier)
    assert invalid.value.problem == judged


def test_a_false_alarm_at_close_becomes_an_example_without_names(world: World, nurse: TestClient) -> None:
    close(nurse, world.alerts["lip"], verdict="false_alarm", judged="T3")
    (judged,) = judgements()
    assert (judged.verdict, judged.judged, judged.role) == (Verdict.FALSE_ALARM, Tier.T3, Role.NURSE)
    with reading() as session:
        (line,) = lines(session, world.clinic)
        assert list(lines(session, world.other_clinic)) == []
    row = json.loads(line)
    assert row["text"].startswith("Hi, sorry to bother you")
    assert (row["judged"], row["verdict"], row["by"]) == ("T3", "false_alarm", "nurse")
    assert row["given"] in ("T0", "T1")
    assert not {"Nurse Demo", "Pat", "Sample", "+15550100112"} & set(line.replace('"', " ").split())


def test_closing_without_a_judgement_is_possible(world: World, nurse: TestClient) -> None:
    assert "The alert is closed." in close(nurse, world.alerts["lip"]).text
    assert judgements() == []


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"verdict": "more_urgent"}, "Choose the tier that would have been right."),
        ({"verdict": "more_urgent", "judged": "T3"}, "more urgent than the one given"),
        ({"verdict": "false_alarm", "judged": "T0"}, "less urgent than the one given"),
    ],
)
def test_a_judgement_that_says_nothing_closes_nothing_and_keeps_what_was_typed(
    world: World, nurse: TestClient, fields: dict[str, str], complaint: str
) -> None:
    page = close(nurse, world.alerts["lip"], **fields)
    assert page.status_code == 422
    assert complaint in page.text
    assert "Seen.</textarea>" in page.text
    assert f'value="{fields["verdict"]}" checked' in page.text
    with transaction() as session:
        assert session.get_one(Alert, world.alerts["lip"]).status is AlertStatus.OPEN
    assert judgements() == []


def test_missed_at_close_is_about_the_message_before_the_alert(world: World, nurse: TestClient) -> None:
    page = close(nurse, world.alerts["vision"], verdict="missed")
    assert "wrote nothing before this alert" in page.text
    close(nurse, world.alerts["lip"], verdict="missed")
    (judged,) = judgements()
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["lip"])
        message = session.get_one(Message, judged.message_id)
    assert message.id < alert.message_id
    assert (judged.given, judged.judged) == (Tier.T4, alert.tier)


def test_any_message_of_a_patient_can_be_marked_missed_from_the_timeline(
    world: World, nurse: TestClient
) -> None:
    found = message_id("4 and swelling 7")
    path = f"/console/judge/{found}"
    assert path in nurse.get(f"/console/patients/{world.patients['pat']}?show=messages").text
    refused = post(nurse, path, verdict="missed")
    assert refused.status_code == 422
    assert "Choose the tier" in refused.text
    assert "Choose whether triage was right." in post(nurse, path).text
    page = post(nurse, path, verdict="missed", judged="T2").text
    assert "It becomes an example for review." in page
    assert [(one.message_id, one.given, one.judged) for one in judgements()] == [(found, Tier.T4, Tier.T2)]


def test_the_last_word_of_a_person_counts_and_everybody_has_one(world: World, nurse: TestClient) -> None:
    path = f"/console/judge/{message_id('4 and swelling 7')}"
    post(nurse, path, verdict="missed", judged="T2")
    post(nurse, path, verdict="missed", judged="T1")
    post(client_for("doctor"), path, verdict="correct")
    with reading() as session:
        found = [json.loads(line) for line in lines(session)]
    assert [(row["by"], row["judged"]) for row in found] == [("nurse", "T1"), ("medical_director", "T4")]


def test_another_clinics_message_and_our_own_words_cannot_be_judged(world: World, nurse: TestClient) -> None:
    for words in ("My lip is white and I cannot see", "A clinician must speak"):
        with transaction() as session:
            found = session.scalars(select(Message.id).where(Message.body.startswith(words))).first()
        assert nurse.get(f"/console/judge/{found}").status_code == 404
        assert post(nurse, f"/console/judge/{found}", verdict="correct").status_code == 404
    assert judgements() == []


def test_the_command_writes_the_examples_and_says_where_it_cannot(
    world: World, nurse: TestClient, tmp_path: Path
) -> None:
    close(nurse, world.alerts["lip"], verdict="correct")
    file = tmp_path / "judged.jsonl"
    done = CliRunner().invoke(app, ["labels", "judged", "--out", str(file)])
    assert done.exit_code == 0, done.output
    assert json.loads(file.read_text(encoding="utf-8"))["verdict"] == "correct"
    failed = CliRunner().invoke(app, ["labels", "judged", "--out", str(tmp_path / "no" / "where.jsonl")])
    assert failed.exit_code == 2
    assert "cannot be written" in failed.output
