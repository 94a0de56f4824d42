"""The link in a text: whom it opens what for, how long, and what it tells nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from bot import clock
from bot.clinic.models import Clinic, Patient
from bot.db.engine import transaction
from bot.followup.models import CheckIn, CheckInStatus
from bot.links import service as links
from bot.links.models import LinkPurpose, PatientLink
from bot.links.tokens import fill, marked, token_of
from bot.messaging.models import Message
from bot.patient_pages.router import misses
from bot.triage.types import Tier
from tests.support.desk import PAT, Desk
from tests.support.patient_page import (
    WELL,
    answer,
    browser,
    link_for,
    now_of,
    once_of,
    path_in,
    send_check_in,
)


@pytest.fixture
def phone() -> TestClient:
    return browser()


@pytest.fixture
def check_in(desk: Desk) -> CheckIn:
    """Pat's check-in of the first day, sent."""
    return send_check_in(desk)


@pytest.fixture
def path(check_in: CheckIn) -> str:
    return link_for(subject_id=check_in.id)


def test_previews_use_nothing_up(desk: Desk, phone: TestClient, check_in: CheckIn, path: str) -> None:
    before = len(desk.rows(Message))
    for _ in range(5):
        assert phone.get(path).status_code == 200
        assert phone.head(path).status_code == 200
    assert desk.rows(PatientLink)[0].used_at is None
    assert len(desk.rows(Message)) == before
    assert answer(phone, path).status_code == 200
    assert now_of(desk, check_in).status is CheckInStatus.ANSWERED


def test_the_page_may_not_be_kept_indexed_framed_or_told_to_others(phone: TestClient, path: str) -> None:
    for headers in (phone.get(path).headers, phone.get("/p/" + "x" * 22).headers):
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert "noindex" in headers["X-Robots-Tag"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "script-src" not in headers["Content-Security-Policy"]


def test_the_reminder_carries_a_link_that_works_and_says_nothing_of_what_it_is_about(
    desk: Desk, phone: TestClient, check_in: CheckIn
) -> None:
    desk.advance(hours=5)
    reminder = desk.texts_to(PAT)[-1]
    assert phone.get(path_in(reminder)).status_code == 200
    pat = desk.rows(Patient, phone=PAT)[0]
    for secret in (pat.first_name, pat.last_name, "HArmonyCA", "pain", "swell", "treat", "check_in", pat.id):
        assert secret not in reminder


def test_neither_the_record_nor_the_console_holds_a_link_that_opens(
    desk: Desk, phone: TestClient, check_in: CheckIn
) -> None:
    desk.advance(hours=5)
    token = path_in(desk.texts_to(PAT)[-1]).removeprefix("/p/")
    *_, link = desk.rows(PatientLink, patient_id=check_in.patient_id)
    assert link.token_hash != token
    stored = desk.rows(Message, content_id="checkin.reminder", patient_id=check_in.patient_id)[0].body
    assert token not in stored
    assert marked(link.id) in stored
    assert phone.get(f"/p/~{link.id}").status_code == 404
    assert phone.get(f"/p/{link.id}").status_code == 404
    assert token in fill(stored)


def test_an_expired_link_says_what_to_do_in_the_patients_language(
    desk: Desk, phone: TestClient, check_in: CheckIn, path: str
) -> None:
    with transaction() as session:
        session.get_one(Patient, check_in.patient_id).language = "es"
    clock.advance(links.LASTS - timedelta(minutes=1))
    assert phone.get(path).status_code == 200
    clock.advance(timedelta(minutes=2))
    page = phone.get(path)
    assert page.status_code == 410
    assert "unos días" in page.text
    assert "911" in page.text
    sent = phone.post(path, data={**WELL, "once": "x"})
    assert sent.status_code == 410
    assert now_of(desk, check_in).answers == {}


def test_an_answered_link_stays_open_until_midnight_and_then_says_so(
    desk: Desk, phone: TestClient, check_in: CheckIn, path: str
) -> None:
    answer(phone, path)
    assert "You have answered today" in phone.get(path).text
    clock.advance(timedelta(hours=15))
    page = phone.get(path)
    assert page.status_code == 410
    assert "have arrived" in page.text
    assert phone.post(path, data=WELL).status_code == 410


@pytest.mark.parametrize("why", ["expired", "answered yesterday", "not asked any more"])
def test_what_comes_too_late_is_no_answer_but_is_still_read_for_danger_signs(
    desk: Desk, phone: TestClient, check_in: CheckIn, path: str, why: str
) -> None:
    once = once_of(phone.get(path).text)
    if why == "answered yesterday":
        answer(phone, path)
        clock.advance(timedelta(days=1))
    elif why == "expired":
        clock.advance(links.LASTS)
    else:
        with transaction() as session:
            session.get_one(CheckIn, check_in.id).status = CheckInStatus.CANCELLED
    before = now_of(desk, check_in).answers
    page = phone.post(path, data={**WELL, "once": once, "red_flags": ["1"]})
    assert page.status_code == 410
    assert "911" in page.text.partition("<h1>")[0]
    assert [alert.tier for alert in desk.alerts()] == [Tier.T0]
    assert now_of(desk, check_in).answers == before


@pytest.mark.parametrize("status", [CheckInStatus.CANCELLED, CheckInStatus.SKIPPED, CheckInStatus.BY_PHONE])
def test_a_check_in_that_is_not_asked_any_more_takes_no_answers(
    desk: Desk, phone: TestClient, check_in: CheckIn, path: str, status: CheckInStatus
) -> None:
    with transaction() as session:
        session.get_one(CheckIn, check_in.id).status = status
    assert "not being asked any more" in phone.get(path).text
    assert phone.post(path, data=WELL).status_code == 410


def test_guessing_is_slowed_down_and_never_shuts_out_a_patient(
    desk: Desk, phone: TestClient, path: str
) -> None:
    found = [phone.get(f"/p/{number:022d}") for number in range(30)]
    assert found[0].status_code == 404
    assert found[-1].status_code == 429
    assert int(found[-1].headers["Retry-After"]) > 0
    assert phone.get(path).status_code == 200
    misses._buckets.clear()


@pytest.mark.parametrize("token", ["", "short", "x" * 200, "~" + "0" * 32, "..%2F..", "é" * 22])
def test_what_is_no_token_opens_nothing(desk: Desk, phone: TestClient, token: str) -> None:
    assert phone.get(f"/p/{token}").status_code == 404


def test_an_unknown_link_is_explained_in_the_browsers_language(desk: Desk, phone: TestClient) -> None:
    page = phone.get("/p/" + "x" * 22, headers={"Accept-Language": "fr, es-MX;q=0.8, en;q=0.5"})
    assert "Abra el enlace" in page.text
    assert '<html lang="es">' in page.text


def test_a_link_shows_its_own_patient_and_clinic_only(desk: Desk, phone: TestClient) -> None:
    with transaction() as session:
        clinic = session.query(Clinic).one()
        facts = {column.key: getattr(clinic, column.key) for column in Clinic.__table__.columns}
        other = Clinic(
            **{**facts, "id": "o" * 32, "name": "Other Example Clinic", "text_number": "+15550100901"}
            | {"widget_key": "other", "emergency_number": "112"}
        )
        session.add(other)
        session.flush()
        theirs = Patient(
            clinic_id=other.id, first_name="Kim", last_name="Muster", phone=PAT, time_zone="Europe/Madrid"
        )
        session.add(theirs)
        session.flush()
        token = token_of(links.issue(session, theirs, LinkPurpose.TREND).id)
    page = phone.get(f"/p/{token}").text
    assert "112" in page
    assert "911" not in page
    assert "You have not given any numbers yet" in page
