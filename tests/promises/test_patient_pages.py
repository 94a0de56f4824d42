"""The mobile check-in page: what a patient enters there counts as much as what they text."""

from __future__ import annotations

import re
import threading

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from bot.clinic.models import Patient, Staff
from bot.db import engine as db
from bot.escalation.models import Notification
from bot.followup import answers, protocols
from bot.followup.models import CheckIn, CheckInStatus
from bot.messaging.models import Channel, Direction, Kind, Message, Status
from bot.patient_pages import submit as submitting
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Branch, Wording
from bot.records.models import AssessmentRecord, StaffTask, SymptomReport, TaskKind
from bot.triage.types import Tier
from tests.support.desk import NURSE, PAT, Desk
from tests.support.patient_page import WELL, answer, browser, link_for, now_of, once_of, send_check_in


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


ALL_WELL = Wording(
    en="Lovely to hear. Urgent: call {emergency_phone}. Emergency: call {emergency_number}.",
    es="Qué bien. Urgente: llame al {emergency_phone}. Emergencia: llame al {emergency_number}.",
)


def own_protocol(desk: Desk, own: protocols.Own) -> int:
    """Put a version of the clinic's own in force, and give its number."""
    shipped = catalogue().schedules["harmonyca"]
    contacts = [contact.model_dump(mode="json") for contact in shipped.check_ins]
    wanted = protocols.parse(shipped, shipped.version + 1, contacts, shipped.hour, own)
    staff = desk.rows(Staff, name="Dr Demo")[0]
    return protocols.put_in_force(staff.clinic_id, staff.id, wanted, "")


# answers


def test_answers_on_the_page_equal_texted_ones(desk: Desk, phone: TestClient) -> None:
    one, other = "+15550100181", "+15550100182"
    desk.enrol("Robin", "Beispiel", one)
    desk.enrol("Sam", "Muster", other)
    check_in, texted = send_check_in(desk, phone=one), send_check_in(desk, phone=other)
    texts = {"overall": ("well", "1"), "pain": (2, "2"), "swelling": (3, "3"), "bruising": (1, "1")}
    texts |= {"red_flags": ([], "0"), "other": ("itchy at night", "itchy at night")}
    asked = [name for name in check_in_asks(desk, texted) if name in texts]
    for name in asked:
        value, words = texts[name]
        receipt = desk.text(other, words)
        answers.record(texted.id, name, value, words=words, message_id=receipt.message_id)
    answers.finish(texted.id, receipt.message_id)

    answer(phone, link_for(one, subject_id=check_in.id), other="itchy at night")

    def kept(row: CheckIn) -> dict[str, tuple[object, str]]:
        found = now_of(desk, row)
        assert found.status is CheckInStatus.ANSWERED
        return {name: (one["value"], one["words"]) for name, one in found.answers.items()}

    assert kept(check_in) == kept(texted)
    assert [(report.what, report.severity, report.tier) for report in reports(desk, check_in)] == [
        (report.what, report.severity, report.tier) for report in reports(desk, texted)
    ]


def check_in_asks(desk: Desk, check_in: CheckIn) -> list[str]:
    return now_of(desk, check_in).asked


def reports(desk: Desk, check_in: CheckIn) -> list[SymptomReport]:
    return desk.rows(SymptomReport, check_in_id=check_in.id)


def test_every_answer_is_an_inbound_message_that_was_triaged_with_its_question(
    desk: Desk, phone: TestClient, check_in: CheckIn, path: str
) -> None:
    answer(phone, path, pain="4", other="a bit itchy")
    stored = desk.rows(Message, check_in_id=check_in.id, direction=Direction.IN)
    assert {message.question: message.body for message in stored}["checkin.pain"] == "4"
    assert {message.question: message.body for message in stored}["checkin.other"] == "a bit itchy"
    assessed = {row.message_id: row for row in desk.rows(AssessmentRecord)}
    assert all(message.assessed for message in stored)
    for message in stored:
        assert assessed[message.id].context["question"] == message.question


@pytest.mark.parametrize(
    ("entered", "tier"),
    [
        ({"red_flags": ["1"]}, Tier.T0),
        ({"red_flags": ["0", "4"]}, Tier.T1),
        ({"pain": "9"}, Tier.T1),
        ({"other": "one eye went blurry"}, Tier.T0),
    ],
)
def test_a_red_flag_on_the_page_pages_a_person_and_tells_the_patient_what_to_do(
    desk: Desk, phone: TestClient, path: str, entered: dict[str, object], tier: Tier
) -> None:
    page = answer(phone, path, **entered)
    (alert,) = desk.alerts()
    assert alert.tier is tier
    assert page.status_code == 200
    assert 'role="alert"' in page.text
    assert page.text.index("911") < page.text.index("your answers are saved")
    desk.settle()
    assert any(alert.code in text for text in desk.texts_to(NURSE))
    safety = [m for m in desk.rows(Message, kind=Kind.SAFETY) if m.channel is Channel.SMS]
    assert len(safety) == 1, "the most urgent words are texted too, the others only shown"


def test_the_alert_and_its_page_are_written_with_the_answer(
    desk: Desk, phone: TestClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails after the first transaction, a person has been paged."""

    def fails(*_args: object, **_more: object) -> None:
        raise RuntimeError("the process dies here")

    monkeypatch.setattr(submitting.answers, "record_all", fails)
    page = answer(phone, path, red_flags=["2"])
    assert page.status_code == 503
    assert len(desk.alerts()) == 1
    assert len(desk.rows(Notification)) >= 1


def test_an_incomplete_form_is_read_for_danger_signs_and_loses_nothing(
    desk: Desk, phone: TestClient, check_in: CheckIn, path: str
) -> None:
    page = answer(phone, path, pain=None, overall=None, red_flags=["3"], other="<b>my own words</b>")
    assert page.status_code == 422
    assert len(desk.alerts()) == 1
    assert "911" in page.text
    assert "Some answers are missing" in page.text
    assert "&lt;b&gt;my own words&lt;/b&gt;" in page.text
    assert re.search(r'name="red_flags" value="3" checked', page.text)
    assert re.search(r'name="swelling" value="3" checked', page.text)
    assert now_of(desk, check_in).status is not CheckInStatus.ANSWERED
    assert now_of(desk, check_in).answers["red_flags"]["value"] == [3]

    fields = {**WELL, "red_flags": ["3"], "other": "<b>my own words</b>", "once": once_of(page.text)}
    assert phone.post(path, data=fields).status_code == 200
    assert now_of(desk, check_in).status is CheckInStatus.ANSWERED
    signs = desk.rows(Message, check_in_id=check_in.id, question="checkin.red_flags")
    assert len(signs) == 1, "what had arrived is not stored again"


def test_sending_the_same_form_twice_stores_it_once(
    desk: Desk, phone: TestClient, check_in: CheckIn, path: str
) -> None:
    fields = {**WELL, "once": once_of(phone.get(path).text), "pain": "9"}
    pages = [phone.post(path, data=fields) for _ in range(3)]
    assert [page.status_code for page in pages] == [200] * 3
    assert pages[0].text == pages[2].text
    pains = desk.rows(Message, check_in_id=check_in.id, question="checkin.pain", direction=Direction.IN)
    assert len(pains) == 1
    assert len(desk.alerts()) == 1
    assert len(desk.rows(Message, content_id="checkin.done_concern")) == 1


def test_a_correction_the_same_day_replaces_the_answer_and_is_triaged(
    desk: Desk, phone: TestClient, check_in: CheckIn, path: str
) -> None:
    answer(phone, path, swelling="2")
    assert desk.alerts() == []
    assert re.search(r'name="swelling" value="2" checked', phone.get(path).text)
    answer(phone, path, swelling="8")
    assert now_of(desk, check_in).answers["swelling"]["value"] == 8
    (alert,) = desk.alerts()
    assert alert.tier is Tier.T2


def test_well_answers_are_shown_and_not_texted(desk: Desk, phone: TestClient, path: str) -> None:
    before = desk.texts_to(PAT)
    page = answer(phone, path)
    desk.settle()
    assert "your answers are saved" in page.text
    assert desk.texts_to(PAT) == before
    (done,) = desk.rows(Message, content_id="checkin.done_well")
    assert (done.channel, done.status) == (Channel.WEB, Status.DELIVERED)


def test_the_words_of_the_protocol_end_a_page_that_needs_nobody_and_no_other(
    desk: Desk, phone: TestClient, path: str
) -> None:
    version = own_protocol(desk, protocols.Own(all_well=ALL_WELL, says_all_well=True))
    page = answer(phone, path)
    assert "Lovely to hear" in page.text
    assert "your answers are saved" not in page.text
    (done,) = desk.rows(Message, content_id="checkin.done_well")
    assert (done.content_own_version, "+1" in done.body) == (version, True)
    worse = answer(phone, path, pain="9")
    assert "Lovely to hear" not in worse.text
    assert "A person from the clinic will look" in worse.text


def test_a_page_asks_on_the_conditions_of_the_clinics_protocol(
    desk: Desk, phone: TestClient, check_in: CheckIn, path: str
) -> None:
    own_protocol(desk, protocols.Own(only_if={"swelling": Branch(question="pain", at_least=3)}))
    left_out = answer(phone, path, pain="2", swelling=[])
    assert left_out.status_code == 200
    assert now_of(desk, check_in).status is CheckInStatus.ANSWERED
    assert answer(phone, path, pain="3", swelling=[]).status_code == 422, "an answer calls for it"


def test_no_reminder_follows_an_answer_on_the_page(desk: Desk, phone: TestClient, path: str) -> None:
    answer(phone, path)
    before = desk.texts_to(PAT)
    desk.advance(hours=8)
    assert desk.texts_to(PAT) == before


def test_a_question_in_free_words_goes_to_a_person(desk: Desk, phone: TestClient, path: str) -> None:
    answer(phone, path, other="Can I go to the gym tomorrow?")
    tasks = desk.rows(StaffTask, kind=TaskKind.TALK_TO_PATIENT)
    assert [task.note for task in tasks] == ["Can I go to the gym tomorrow?"]


def test_stop_in_free_words_opts_out(desk: Desk, phone: TestClient, path: str) -> None:
    answer(phone, path, other="STOP")
    assert desk.rows(Patient, phone=PAT)[0].opted_out_at is not None


def test_an_opted_out_patient_can_use_the_page_and_is_texted_only_about_danger(
    desk: Desk, phone: TestClient, path: str
) -> None:
    desk.text(PAT, "STOP")
    desk.settle()
    before = desk.texts_to(PAT)
    answer(phone, path, overall="3")
    desk.settle()
    assert desk.texts_to(PAT) == before


def test_values_that_no_page_offers_are_not_answers(
    desk: Desk, phone: TestClient, check_in: CheckIn, path: str
) -> None:
    page = answer(phone, path, pain="11", overall="x", red_flags=["7"])
    assert page.status_code == 422
    assert set(now_of(desk, check_in).answers) == {"swelling", "other"} | (
        {"bruising"} if "bruising" in check_in_asks(desk, check_in) else set()
    )


def test_when_the_record_is_away_everything_entered_comes_back_to_be_sent_again(
    desk: Desk, phone: TestClient, check_in: CheckIn, path: str
) -> None:
    once = once_of(phone.get(path).text)

    def away(*_args: object) -> None:
        raise OperationalError("select", {}, Exception("the database is away"))

    engine = db.engine()
    event.listen(engine, "before_cursor_execute", away)
    try:
        fields = {**WELL, "once": once, "other": 'it says "hot" & tight', "red_flags": ["4", "6"]}
        page = phone.post(path, data=fields)
        opened = phone.get(path)
    finally:
        event.remove(engine, "before_cursor_execute", away)
    assert (page.status_code, opened.status_code) == (503, 503)
    kept = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    assert ("other", "it says &#34;hot&#34; &amp; tight") in kept
    assert [value for name, value in kept if name == "red_flags"] == ["4", "6"]
    again: dict[str, list[str]] = {}
    for name, value in kept:
        again.setdefault(name, []).append(value.replace("&#34;", '"').replace("&amp;", "&"))
    assert phone.post(path, data=again).status_code == 200
    assert now_of(desk, check_in).answers["other"]["value"] == 'it says "hot" & tight'


def test_a_form_too_large_for_any_page_is_refused(desk: Desk, phone: TestClient, path: str) -> None:
    assert phone.post(path, data={**WELL, "other": "x" * 70_000}).status_code == 413


def test_an_answer_that_triage_cannot_read_is_for_a_person_and_stops_no_other(
    desk: Desk, phone: TestClient, check_in: CheckIn, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(session: object, message: Message) -> None:
        if message.body == "odd words":
            raise ValueError("cannot be read")
        return real(session, message)  # type: ignore[arg-type]

    real = submitting.read
    monkeypatch.setattr(submitting, "read", breaks)
    assert answer(phone, path, other="odd words").status_code == 200
    (alert,) = desk.alerts()
    assert alert.tier is Tier.T2
    assert now_of(desk, check_in).status is CheckInStatus.ANSWERED


def test_the_page_speaks_spanish_to_a_spanish_patient_and_lets_anyone_switch(
    desk: Desk, phone: TestClient
) -> None:
    desk.enrol("Robin", "Beispiel", "+15550100181", language="es")
    check_in = send_check_in(desk, phone="+15550100181")
    path = link_for("+15550100181", subject_id=check_in.id)
    page = phone.get(path).text
    assert '<html lang="es">' in page
    assert "¿Cómo está hoy?" in page
    assert "How are you today?" in phone.get(f"{path}?lang=en").text


def test_answers_do_not_wait_for_a_question_of_the_thread_that_they_have_answered(
    desk: Desk, phone: TestClient, path: str
) -> None:
    answer(phone, path)
    desk.text(PAT, "9")
    assert desk.alerts() == [], "a later 9 is no answer to the pain question any more"


def test_a_request_that_is_no_form_is_answered_with_a_page(desk: Desk, phone: TestClient, path: str) -> None:
    broken = phone.post(path, content=b"--x", headers={"Content-Type": "multipart/form-data; boundary=y"})
    assert broken.status_code in (422, 503)
    assert "<h1>" in broken.text


def test_the_same_form_sent_at_once_from_two_places_counts_once(either_record: str) -> None:
    desk = Desk.of_demo_clinic()
    desk.enrol("Robin", "Beispiel", "+15550100181")
    check_in = send_check_in(desk, phone="+15550100181")
    path = link_for("+15550100181", subject_id=check_in.id)
    fields = {**WELL, "once": once_of(browser().get(path).text), "red_flags": ["1"]}
    pages = []
    start = threading.Barrier(3)

    def send() -> None:
        client = browser()
        start.wait()
        pages.append(client.post(path, data=fields))

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {page.status_code for page in pages} == {200}
    signs = desk.rows(Message, check_in_id=check_in.id, question="checkin.red_flags", direction=Direction.IN)
    assert len(signs) == 1
    assert len(desk.alerts()) == 1
    assert len(desk.rows(Message, content_id="checkin.done_concern")) == 1
