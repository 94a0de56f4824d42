"""The page of figures, and the lists of patients, check-ins and tasks that one works from."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot import clock
from bot.console.bars import bars
from bot.console.dashboard_figures import FIGURES
from bot.db.engine import transaction
from bot.escalation.models import Alert
from bot.followup.models import CheckIn, CheckInStatus
from bot.records.models import StaffTask
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World


def test_every_figure_has_a_table_a_file_and_words_in_both_languages(world: World, nurse: TestClient) -> None:
    for client in (nurse, client_for("spanish")):
        page = client.get("/console/figures").text
        for name in FIGURES:
            section = page[page.index(f'id="{name}-h"') :].split("</section>")[0]
            assert f"/console/figures/{name}.csv?from=" in section
            assert "<table" in section or "Nothing in this period." in section or "Nada en" in section
            assert ("<svg" in section) == ("<table" in section)
    assert "Alertas por nivel" in page


def test_a_file_has_the_numbers_of_the_table_for_the_period_shown(world: World, nurse: TestClient) -> None:
    page = nurse.get("/console/figures?days=7").text
    (link,) = re.findall(r'href="(/console/figures/tiers\.csv\?[^"]+)"', page)
    reply = nurse.get(link.replace("&amp;", "&"))
    assert reply.headers["content-type"].startswith("text/csv")
    assert "attachment" in reply.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(reply.text.lstrip("\ufeff"))))
    with transaction() as session:
        mine = session.scalars(select(Alert).where(Alert.clinic_id == world.clinic)).all()
    assert {row["Tier"]: int(row["Alerts"]) for row in rows} == {
        tier: sum(alert.tier.value == tier for alert in mine) for tier in ("T0", "T1", "T2")
    }
    before = (clock.now() - timedelta(days=40)).date().isoformat()
    empty = nurse.get(f"/console/figures/tiers.csv?from={before}&to={before}").text
    assert [line.rpartition(",")[2] for line in empty.splitlines()[1:]] == ["0", "0", "0"]


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("from=2026-01-01&to=", "Choose both dates"),
        ("from=2026-02-01&to=2026-01-01", "must not be after"),
        ("from=2020-01-01&to=2026-01-01", "366 days"),
    ],
)
def test_dates_that_make_no_period_are_explained(
    world: World, nurse: TestClient, query: str, complaint: str
) -> None:
    reply = nurse.get(f"/console/figures?{query}")
    assert reply.status_code == 422
    assert complaint in reply.text
    assert nurse.get(f"/console/figures/tiers.csv?{query}").status_code == 404
    assert nurse.get("/console/figures/secrets.csv").status_code == 404


def test_bars_are_as_long_as_their_values_and_never_longer_than_the_room() -> None:
    chart = bars([("a" * 40, 50.0, "50"), ("b", None, "none"), ("c", 200.0, "200")], top=100)
    assert chart is not None
    long, none, over = chart.bars
    assert (long.width, none.width, over.width) == (175.0, 0, 350)
    assert long.label.endswith("…")
    assert bars([]) is None
    assert bars([("zero", 0.0, "0")]) is not None


@pytest.mark.parametrize(
    ("q", "found"), [("demo-0042", True), ("0042", True), ("DEMO-9", False), ("%%%", False), ("04", True)]
)
def test_patients_are_found_by_lot(world: World, nurse: TestClient, q: str, found: bool) -> None:
    page = nurse.get("/console/patients", params={"q": q}).text
    assert ("Pat Sample" in page) is (found and len(q) > 2)
    assert "Fremd" not in page


def test_who_has_not_answered_is_listed_by_age_with_a_number_to_call(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        for key, status, hours in (
            ("ana", CheckInStatus.REMINDED, 30),
            ("kim", CheckInStatus.SENT, 2),
            ("pat", CheckInStatus.UNANSWERED, 50),
            ("foreign", CheckInStatus.SENT, 3),
        ):
            mine = select(CheckIn).where(CheckIn.patient_id == world.patients[key])
            row = session.scalars(mine.order_by(CheckIn.day.desc())).first()
            assert row is not None
            row.status, row.sent_at = status, clock.now() - timedelta(hours=hours)
            row.due_at = row.sent_at
    page = nurse.get("/console/check-ins").text
    assert page.index("Ana Ejemplo") < page.index("Kim Placeholder")
    assert "Pat Sample" not in page
    assert "Fremd" not in page
    assert 'href="tel:+15550100114"' in page
    given_up = nurse.get("/console/check-ins?show=unanswered").text
    assert "Pat Sample" in given_up
    assert "Ana Ejemplo" not in given_up
    assert "Every patient who was asked has answered." not in page


def test_tasks_narrow_by_kind_and_by_whose_and_stay_so_after_a_click(world: World, nurse: TestClient) -> None:
    page = nurse.get("/console/tasks?kind=talk_to_patient").text
    assert world.tasks["talk"] in page
    assert world.tasks["silent"] not in page
    assert "No such tasks" in nurse.get("/console/tasks?whose=mine").text
    path = f"/console/tasks/{world.tasks['talk']}/assign"
    done = post(nurse, path, staff=world.staff["nurse"], kind="talk_to_patient", whose="nobody")
    assert "It is noted who will do it." in done.text
    assert "kind=talk_to_patient" in str(done.url)
    assert world.tasks["talk"] not in done.text, "it is no longer nobody's"
    mine = nurse.get("/console/tasks?whose=mine").text
    assert world.tasks["talk"] in mine
    assert world.tasks["silent"] not in mine
    post(nurse, path, staff="")
    assert world.tasks["talk"] not in nurse.get("/console/tasks?whose=mine").text
    assert world.tasks["talk"] in nurse.get("/console/tasks?kind=nonsense&whose=nonsense").text


def test_a_task_goes_to_nobody_of_another_clinic_and_not_to_those_who_left(
    world: World, nurse: TestClient
) -> None:
    path = f"/console/tasks/{world.tasks['talk']}/assign"
    assert post(nurse, path, staff=world.staff["stranger"]).status_code == 404
    assert post(nurse, path, staff="nobody-we-know").status_code == 404
    foreign = f"/console/tasks/{world.tasks['foreign']}/assign"
    assert post(nurse, foreign, staff=world.staff["nurse"]).status_code == 404
    with transaction() as session:
        assert {task.assigned_to_id for task in session.scalars(select(StaffTask))} == {None}
