"""Calls to staff through Twilio: what is said, what a key does, and what counts as nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from email.utils import format_datetime
from xml.etree import ElementTree

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import select

from bot import clock
from bot import settings as app_settings
from bot.channels.base import CarrierError, OutcomeUnknown
from bot.channels.twilio.transport import Transport
from bot.channels.twilio.voice import TwilioCaller, router
from bot.clinic.models import Staff
from bot.db.engine import transaction
from bot.escalation import service
from bot.escalation.models import NOBODY_REACHED, PASSED_ON, AlertStatus, EventKind, Outcome
from bot.messaging.models import Status
from bot.notify.base import Notice
from bot.notify.models import ContactKind
from bot.settings import Settings, use_settings
from tests.contract.fake_twilio import FakeTwilio, Fault
from tests.support.contacts import reach
from tests.support.desk import DOCTOR, NURSE, PAT, Desk

BLIND = "cant see out my left eye"
TEST = Notice("", NURSE, "+15550100100", "subject", "A test.", "en")


@pytest.fixture
def twilio(settings: Settings) -> Iterator[FakeTwilio]:
    with FakeTwilio(public_url="https://desk.example.test") as double:
        use_settings(
            settings.model_copy(
                update={
                    "public_url": double.public_url + "/",
                    "twilio_account_sid": double.account_sid,
                    "twilio_auth_token": SecretStr(double.auth_token),
                    "twilio_api_base": double.api_base,
                }
            )
        )
        app = FastAPI()
        app.include_router(router)
        double.client = TestClient(app)
        yield double


@pytest.fixture
def desk(desk: Desk, twilio: FakeTwilio) -> Desk:
    """The demo clinic, whose calls go through Twilio."""
    desk.notifiers[ContactKind.VOICE] = caller()
    reach(NURSE, ("voice", NURSE, 0))
    return desk


def caller(read_s: float = 5.0) -> TwilioCaller:
    return TwilioCaller(app_settings.get_settings(), Transport(connect_s=2.0, read_s=read_s))


def ring(desk: Desk, twilio: FakeTwilio, body: str = BLIND) -> str:
    """A red flag calls the nurse. Returns the call's id."""
    desk.text(PAT, body)
    desk.settle()
    return str(twilio.calls[0]["sid"])


def words(answer) -> str:
    return " ".join(element.text or "" for element in ElementTree.fromstring(answer.text).iter("Say"))


def listens(answer) -> bool:
    return ElementTree.fromstring(answer.text).find("Gather") is not None


def notification(desk: Desk):
    return desk.alerts()[0].notifications[0]


def test_the_call_asks_for_keys_in_the_persons_language_and_names_initials_and_tier_only(
    desk: Desk, twilio: FakeTwilio
) -> None:
    with transaction() as session:
        session.scalars(select(Staff).where(Staff.phone == NURSE)).one().language = "es"
    sid = ring(desk, twilio)
    form = dict(twilio.requests[0][1])
    assert (form["To"], form["From"], form["MachineDetection"]) == (NURSE, "+15550100100", "Enable")
    answer = twilio.heard(sid)
    said = ElementTree.fromstring(answer.text).find("Gather/Say")
    assert said is not None
    assert said.attrib["language"] == "es-US"
    assert "T0" in words(answer)
    assert "P S" in words(answer)
    for secret in ("Pat", "Sample", "vista", "sight"):
        assert secret not in answer.text
    gather = ElementTree.fromstring(answer.text).find("Gather")
    assert gather is not None
    assert gather.attrib["action"] == f"{twilio.public_url}/twilio/voice/{notification(desk).id}"


def test_four_takes_the_alert_and_the_paging_stops(desk: Desk, twilio: FakeTwilio) -> None:
    sid = ring(desk, twilio)
    twilio.heard(sid)
    answer = twilio.heard(sid, "4")
    twilio.call_ends(sid, "completed", "human")
    assert "You have taken it" in words(answer)
    assert not listens(answer)
    (alert,) = desk.alerts()
    assert (alert.status, alert.acknowledged_by.phone) == (AlertStatus.ACKNOWLEDGED, NURSE)
    assert notification(desk).state is Status.DELIVERED
    desk.advance(minutes=6)
    assert desk.texts_to(DOCTOR) == []


def test_a_wrong_key_says_which_keys_there_are_and_takes_nothing(desk: Desk, twilio: FakeTwilio) -> None:
    sid = ring(desk, twilio)
    answer = twilio.heard(sid, "1")
    assert "Press 4" in words(answer)
    assert listens(answer)
    again = twilio.heard(sid, "6")
    assert listens(again)
    assert "about patient" in words(again)
    assert desk.alerts()[0].status is AlertStatus.OPEN


def test_nine_pages_the_next_person_at_once(desk: Desk, twilio: FakeTwilio) -> None:
    sid = ring(desk, twilio)
    assert "next person" in words(twilio.heard(sid, "9"))
    desk.settle()
    assert len(desk.texts_to(DOCTOR)) == 1
    failures = [e.detail for e in desk.alerts()[0].events if e.kind is EventKind.PAGE_FAILED]
    assert failures == [PASSED_ON]


def test_a_key_for_an_alert_that_another_has_taken_or_closed_says_who(desk: Desk, twilio: FakeTwilio) -> None:
    sid = ring(desk, twilio)
    (alert,) = desk.alerts()
    doctor = desk.rows(Staff, phone=DOCTOR)[0].id
    service.acknowledge(alert.id, doctor, "console")
    assert "Dr Demo has taken it" in words(twilio.heard(sid, "4"))
    assert "Dr Demo has taken it" in words(twilio.heard(sid)), "also who answers only now"
    service.close(alert.id, doctor, Outcome.FALSE_ALARM, "A smudge on the glasses.")
    assert "closed by Dr Demo" in words(twilio.heard(sid, "4"))
    assert desk.alerts()[0].acknowledged_by.phone == DOCTOR


def test_a_key_of_somebody_who_left_takes_nothing(desk: Desk, twilio: FakeTwilio) -> None:
    sid = ring(desk, twilio)
    with transaction() as session:
        session.scalars(select(Staff).where(Staff.phone == NURSE)).one().active = False
    assert words(twilio.heard(sid, "4")) == ""
    assert desk.alerts()[0].status is AlertStatus.OPEN


def test_two_people_who_press_at_once_are_told_who_has_it(desk: Desk, twilio: FakeTwilio) -> None:
    reach(DOCTOR, ("voice", DOCTOR, 0))
    first = ring(desk, twilio)
    desk.advance(minutes=5.1)
    second = next(call["sid"] for call in twilio.calls if call["to"] == DOCTOR)
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda sid=sid: answers.append(words(twilio.heard(sid, "4"))))
        for sid in (first, second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted("You have taken it" in answer for answer in answers) == [False, True]
    assert sum("has taken it already" in answer for answer in answers) == 1


@pytest.mark.parametrize("answered_by", ["machine_start", "machine_end_beep", "fax"])
def test_a_voicemail_takes_nothing_and_the_call_is_made_once_more(
    desk: Desk, twilio: FakeTwilio, answered_by: str
) -> None:
    sid = ring(desk, twilio)
    assert listens(twilio.heard(sid, answered_by=answered_by)), "the detection errs: a person may be there"
    twilio.call_ends(sid, "completed", answered_by)
    assert desk.alerts()[0].status is AlertStatus.OPEN
    desk.advance(seconds=16)
    assert len(twilio.calls) == 2
    twilio.call_ends(twilio.calls[0]["sid"], "completed", answered_by)
    desk.settle()
    assert notification(desk).state is Status.FAILED
    assert len(desk.texts_to(DOCTOR)) == 1


@pytest.mark.parametrize("word", ["busy", "no-answer", "failed", "canceled"])
def test_nobody_there_is_tried_once_more_and_then_the_next_person(
    desk: Desk, twilio: FakeTwilio, word: str
) -> None:
    twilio.call_ends(ring(desk, twilio), word)
    assert desk.texts_to(DOCTOR) == []
    desk.advance(seconds=16)
    twilio.call_ends(twilio.calls[0]["sid"], word)
    desk.settle()
    assert len(desk.texts_to(DOCTOR)) == 1
    desk.advance(minutes=2)
    assert sum(call["to"] == NURSE for call in twilio.calls) == 2


def test_an_answered_call_without_a_key_ends_and_the_alert_waits_its_time(
    desk: Desk, twilio: FakeTwilio
) -> None:
    sid = ring(desk, twilio)
    assert "No key was pressed" in words(twilio.heard(sid))
    twilio.call_ends(sid, "completed", "human")
    assert desk.alerts()[0].status is AlertStatus.OPEN
    desk.advance(minutes=4)
    assert desk.texts_to(DOCTOR) == []
    desk.advance(minutes=1.2)
    assert len(desk.texts_to(DOCTOR)) == 1


def test_reports_that_are_repeated_late_or_of_another_call_change_nothing(
    desk: Desk, twilio: FakeTwilio
) -> None:
    sid = ring(desk, twilio)
    twilio.call_ends(sid, "no-answer")
    desk.advance(seconds=16)
    twilio.heard(twilio.calls[0]["sid"], "6")
    assert twilio.call_ends(sid, "no-answer").status_code == 204  # of the first call
    assert notification(desk).state is Status.DELIVERED
    unknown = twilio.post("/twilio/voice/no-such/status", [("CallSid", "CA1"), ("CallStatus", "busy")])
    assert unknown.status_code == 204
    assert "Hangup" in twilio.post("/twilio/voice/no-such", [("CallSid", "CA1")]).text


def test_unsigned_requests_take_nothing(desk: Desk, twilio: FakeTwilio) -> None:
    ring(desk, twilio)
    address = f"/twilio/voice/{notification(desk).id}"
    for path in (address, f"{address}/status"):
        fields = [("CallSid", "CA1"), ("Digits", "4"), ("CallStatus", "completed")]
        assert twilio.post(path, fields, signature="").status_code == 403
        assert twilio.post(path, fields, token="not-the-token").status_code == 403
    assert desk.alerts()[0].status is AlertStatus.OPEN


def test_a_refused_number_is_not_called_again(desk: Desk, twilio: FakeTwilio) -> None:
    twilio.fail_next(Fault(400, 21211, f"{NURSE} is not valid"))
    desk.text(PAT, BLIND)
    desk.settle()
    failed = [e.detail for e in desk.alerts()[0].events if e.kind is EventKind.PAGE_FAILED]
    (failure,) = [detail for detail in failed if detail != NOBODY_REACHED]
    assert "Twilio refused the call" in failure
    assert NURSE not in failure
    assert len(desk.texts_to(DOCTOR)) == 1


def test_a_call_whose_answer_was_lost_is_found_in_twilios_list(desk: Desk, twilio: FakeTwilio) -> None:
    twilio.fail_next(Fault(0, stored=True))
    ring(desk, twilio)
    twilio.calls[0]["start_time"] = format_datetime(clock.now())  # by the moved clock of the tests
    desk.advance(seconds=15.1)
    assert len(twilio.calls) == 1
    assert notification(desk).state is Status.SENT


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(0), OutcomeUnknown),
        (Fault(502, raw=b"<html>"), OutcomeUnknown),
        (Fault(200, raw=b"not json"), OutcomeUnknown),
        (Fault(429, 20429), CarrierError),
    ],
)
def test_what_twilio_answers_is_told_apart(twilio: FakeTwilio, fault: Fault, error: type[Exception]) -> None:
    twilio.fail_next(fault)
    with pytest.raises(error):
        caller().send(TEST)


def test_a_test_call_says_its_words_and_hangs_up(twilio: FakeTwilio) -> None:
    caller().send(TEST)
    form = twilio.requests[0][1]
    assert "A test." in form["Twiml"]
    assert "Hangup" in form["Twiml"]
    assert "Url" not in form
