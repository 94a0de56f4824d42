"""The signed link in a page takes the alert once, within a day, for its person, and never by a look."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot.clinic.models import Staff
from bot.db.engine import transaction
from bot.escalation import service
from bot.escalation.models import Alert, AlertStatus, Outcome
from bot.web.take import router
from tests.support.contacts import reach
from tests.support.desk import DOCTOR, NURSE, PAT, Desk

WHITE_LIP = "my top lip has gone white on one side and it rlly hurts"


@pytest.fixture
def browser() -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(router)
    with TestClient(app) as client:
        yield client


def link(desk: Desk, phone: str = NURSE) -> str:
    """The path of the link in the newest page to this phone."""
    found = re.search(r"(/a/\S+)", desk.texts_to(phone)[-1])
    assert found
    return found[1]


@pytest.fixture
def paged(desk: Desk) -> Desk:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    return desk


def test_the_button_takes_the_alert_and_whoever_else_was_paged_hears_of_it(
    paged: Desk, browser: TestClient
) -> None:
    paged.advance(minutes=16)
    shown = browser.get(link(paged, DOCTOR))
    assert shown.status_code == 200
    assert "I take it" in shown.text
    taken = browser.post(link(paged, DOCTOR))
    paged.settle()
    assert "You have taken it, Dr Demo" in taken.text
    (alert,) = paged.alerts()
    assert (alert.status, alert.acknowledged_by.phone) == (AlertStatus.ACKNOWLEDGED, DOCTOR)
    assert "Dr Demo has acknowledged" in paged.texts_to(NURSE)[-1]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_at_it_takes_nothing_as_link_previews_do(
    paged: Desk, browser: TestClient, method: str
) -> None:
    for _ in range(3):
        browser.request(method, link(paged), headers={"User-Agent": "facebookexternalhit/1.1"})
    assert paged.alerts()[0].status is AlertStatus.OPEN
    assert "You have taken it" in browser.post(link(paged)).text


def test_it_shows_tier_initials_and_age_and_nothing_else_of_the_patient(
    paged: Desk, browser: TestClient
) -> None:
    paged.advance(minutes=10)
    shown = browser.get(link(paged))
    assert "T1" in shown.text
    assert "Patient PS" in shown.text
    assert "10 min ago" in shown.text
    for secret in ("Pat ", "Sample", "lip", PAT, "HArmonyCA", "circulation"):
        assert secret not in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["referrer-policy"] == "no-referrer"


def test_a_second_use_says_that_it_is_taken_already(paged: Desk, browser: TestClient) -> None:
    browser.post(link(paged))
    assert "You have taken this alert already" in browser.post(link(paged)).text
    assert "I take it" not in browser.get(link(paged)).text


def test_a_used_link_does_not_take_an_alert_that_is_open_again(paged: Desk, browser: TestClient) -> None:
    browser.post(link(paged))
    with transaction() as session:
        alert = session.scalars(select(Alert)).one()
        alert.status, alert.acknowledged_at, alert.acknowledged_by_id = AlertStatus.OPEN, None, None
    assert "was used before" in browser.post(link(paged)).text
    assert paged.alerts()[0].status is AlertStatus.OPEN


def test_somebody_elses_alert_and_a_closed_one_say_who_has_it(paged: Desk, browser: TestClient) -> None:
    doctor = paged.rows(Staff, phone=DOCTOR)[0].id
    alert_id = paged.alerts()[0].id
    service.acknowledge(alert_id, doctor, "console")
    assert "Dr Demo has taken it already" in browser.post(link(paged)).text
    service.close(alert_id, doctor, Outcome.SEEN_IN_CLINIC, "Seen.")
    assert "closed by Dr Demo" in browser.post(link(paged)).text
    assert paged.alerts()[0].acknowledged_by.phone == DOCTOR


def test_the_page_names_whose_link_it_is(paged: Desk, browser: TestClient) -> None:
    assert "sent to Nurse Demo" in browser.get(link(paged)).text


def test_it_expires_after_a_day_and_tells_nothing_then(paged: Desk, browser: TestClient) -> None:
    old = link(paged)
    paged.advance(hours=24.1)
    answer = browser.post(old)
    assert answer.status_code == 410
    assert "more than a day old" in answer.text
    assert "PS" not in answer.text
    assert paged.alerts()[0].status is AlertStatus.OPEN


def test_the_link_of_somebody_who_left_takes_nothing(paged: Desk, browser: TestClient) -> None:
    with transaction() as session:
        session.scalars(select(Staff).where(Staff.phone == NURSE)).one().active = False
    answer = browser.post(link(paged))
    assert answer.status_code == 410
    assert "no longer works here" in answer.text
    assert paged.alerts()[0].status is AlertStatus.OPEN


@pytest.mark.parametrize("change", ["shorter", "other", "nonsense", "empty signature"])
def test_a_link_that_we_did_not_sign_is_refused_in_words(
    paged: Desk, browser: TestClient, change: str
) -> None:
    good = link(paged)
    bad = {
        "shorter": good[:-4],
        "other": good[:5] + ("A" if good[5] != "A" else "B") + good[6:],
        "nonsense": "/a/" + "ñ" * 20,
        "empty signature": "/a/AAAA",
    }[change]
    answer = browser.post(bad)
    assert answer.status_code == 404
    assert "not one of ours" in answer.text
    assert "I take it" not in browser.get(bad).text


def test_a_form_on_another_site_cannot_press_the_button(paged: Desk, browser: TestClient) -> None:
    answer = browser.post(link(paged), headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert paged.alerts()[0].status is AlertStatus.OPEN


def test_two_who_press_at_once_one_has_it_and_the_other_is_told(paged: Desk, browser: TestClient) -> None:
    paged.advance(minutes=16)
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda path=link(paged, phone): answers.append(browser.post(path).text))
        for phone in (NURSE, DOCTOR)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sum("You have taken it" in answer for answer in answers) == 1
    assert sum("has taken it already" in answer for answer in answers) == 1


def test_the_page_speaks_its_persons_language(paged: Desk, browser: TestClient) -> None:
    with transaction() as session:
        session.scalars(select(Staff).where(Staff.phone == NURSE)).one().language = "es"
    assert '<html lang="es">' in browser.get(link(paged)).text
    assert "La asumo" in browser.get(link(paged)).text


def test_a_mail_has_the_same_kind_of_link(desk: Desk, browser: TestClient) -> None:
    reach(NURSE, ("email", "nurse@demo.example", 0))
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    path = desk.mails.sent[0].link.removeprefix("http://127.0.0.1:8000")
    assert "You have taken it, Nurse Demo" in browser.post(path).text
