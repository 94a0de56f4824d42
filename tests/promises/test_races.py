"""Two requests at the same moment, on PostgreSQL, where they really run at the same moment."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.clinic.models import Clinic, Patient, Staff
from bot.db.engine import engine, transaction
from bot.escalation import raising, service
from bot.escalation.models import AlertStatus, EventKind, Notification, Outcome
from bot.messaging import whose
from bot.messaging.models import Channel, Conversation, Status
from bot.messaging.threads import find_or_open
from bot.notify.models import ContactKind
from bot.triage.types import Tier
from tests.support.desk import DOCTOR, NURSE, PAT, STRANGER, Desk

WHITE_LIP = "my top lip has gone white on one side and it rlly hurts"
BLIND = "cant see out my left eye"


def kinds(desk: Desk) -> list[EventKind]:
    return [event.kind for event in desk.alerts()[0].events]


def waits_for_a_lock() -> bool:
    with engine().connect() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return bool(connection.scalar(text(query)))


def until_done_or_waiting(thread: threading.Thread) -> None:
    """Let another request run until it is done, or PostgreSQL makes it wait for us."""
    end = time.monotonic() + 10
    while thread.is_alive() and not waits_for_a_lock():
        assert time.monotonic() < end
        time.sleep(0.01)


Meanwhile = Callable[[Callable[[], object]], threading.Thread]


@pytest.fixture(params=["just before", "during"])
def meanwhile(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Runs something in another request, just before a patient's message looks for its alert, or between
    that and the end of its transaction."""

    def arrange(action: Callable[[], object]) -> threading.Thread:
        real = raising.locked_alerts
        other = threading.Thread(target=action)

        def look(*args: object, **kwargs: object) -> object:
            monkeypatch.setattr(raising, "locked_alerts", real)
            found = real(*args, **kwargs) if request.param == "during" else None
            other.start()
            until_done_or_waiting(other)
            return found if request.param == "during" else real(*args, **kwargs)

        monkeypatch.setattr(raising, "locked_alerts", look)
        return other

    return arrange


@pytest.mark.parametrize("either_record", ["postgres"], indirect=True)
@pytest.mark.parametrize("words", [WHITE_LIP, BLIND], ids=["same tier", "worse"])
def test_a_red_flag_that_meets_the_closing_of_the_alert_is_not_closed_unseen(
    either_record: str, meanwhile: Meanwhile, words: str
) -> None:
    desk = Desk.of_demo_clinic()
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    (alert,) = desk.alerts()
    nurse = desk.rows(Staff, phone=NURSE)[0].id
    paged = len(desk.texts_to(NURSE))

    def close() -> None:
        with contextlib.suppress(service.CloseRefused):
            service.close(alert.id, nurse, Outcome.FALSE_ALARM, "Spoke to her.")

    closing = meanwhile(close)
    desk.text(PAT, words)
    closing.join(10)
    desk.settle()
    # paged anew, or the closing was refused and the paging goes on where it was
    assert any(row.status is AlertStatus.OPEN and row.next_step_at for row in desk.alerts())
    desk.advance(minutes=16)
    assert len(desk.texts_to(NURSE)) + len(desk.texts_to(DOCTOR)) > paged


@pytest.mark.parametrize("either_record", ["postgres"], indirect=True)
@pytest.mark.parametrize("words", [WHITE_LIP, BLIND], ids=["same tier", "worse"])
def test_a_red_flag_that_meets_its_acknowledgement_reaches_whoever_took_it(
    either_record: str, meanwhile: Meanwhile, words: str
) -> None:
    desk = Desk.of_demo_clinic()
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    (alert,) = desk.alerts()
    nurse = desk.rows(Staff, phone=NURSE)[0].id
    taken: list[bool] = []

    taking = meanwhile(lambda: taken.append(service.acknowledge(alert.id, nurse, "console")))
    desk.text(PAT, words)
    taking.join(10)
    desk.settle()

    assert taken == [True]
    (alert,) = desk.alerts()
    assert EventKind.PATIENT_WROTE in kinds(desk)
    if words == BLIND:
        assert alert.tier is Tier.T0
        assert "T0" in desk.texts_to(NURSE)[-1]
        reached = alert.status is AlertStatus.ACKNOWLEDGED or alert.next_step_at is not None
        assert reached, "raised, taken or not: it goes on"


@pytest.mark.parametrize("either_record", ["postgres"], indirect=True)
def test_a_text_that_meets_the_identifying_of_the_chat_leaves_one_alert(
    either_record: str, meanwhile: Meanwhile
) -> None:
    desk = Desk.of_demo_clinic()
    desk.web("visitor", WHITE_LIP)
    desk.settle()
    pat = desk.rows(Patient, phone=PAT)[0].id
    chat = desk.rows(Conversation, address="visitor")[0].id

    def identify() -> None:
        with contextlib.suppress(IntegrityError):  # the text was first: staff press the button again
            whose.identify(chat, pat)

    identifying = meanwhile(identify)
    desk.text(PAT, BLIND)
    identifying.join(10)
    desk.settle()
    whose.identify(chat, pat)
    desk.settle()
    (alert,) = [one for one in desk.alerts() if one.status is not AlertStatus.CLOSED]
    assert (alert.tier, alert.status, alert.patient_id) == (Tier.T0, AlertStatus.OPEN, pat)
    assert any("T0" in words for words in desk.texts_to(NURSE))


@pytest.mark.parametrize("either_record", ["postgres"], indirect=True)
def test_taking_an_alert_does_not_wait_for_a_page_that_is_being_handed_over(either_record: str) -> None:
    desk = Desk.of_demo_clinic()
    desk.text(PAT, BLIND)  # a text and a call, both not handed over yet
    (alert,) = desk.alerts()
    doctor = desk.rows(Staff, phone=DOCTOR)[0].id
    taken: list[bool] = []
    taking = threading.Thread(target=lambda: taken.append(service.acknowledge(alert.id, doctor, "console")))
    with transaction() as session:
        call = session.scalars(
            select(Notification).where(Notification.kind == ContactKind.VOICE).with_for_update()
        ).one()
        taking.start()
        taking.join(10)
        assert taken == [True]
        call.status = Status.SENDING  # as its delivery does, which began before
    text_state, call_state = (one.state for one in desk.alerts()[0].notifications[:2])
    assert (text_state, call_state) == (Status.SUPPRESSED, Status.SENDING)


@pytest.mark.parametrize("either_record", ["postgres"], indirect=True)
def test_two_who_open_the_same_conversation_at_once_write_in_the_same(either_record: str) -> None:
    desk = Desk.of_demo_clinic()
    clinic_id = desk.rows(Clinic)[0].id
    opened: list[str] = []

    def open_one(session: Session) -> None:
        clinic = session.get_one(Clinic, clinic_id)
        opened.append(find_or_open(session, clinic, Channel.SMS, STRANGER).id)

    def open_too() -> None:
        with transaction() as session:
            open_one(session)

    other = threading.Thread(target=open_too)
    with transaction() as session:
        open_one(session)
        other.start()
        until_done_or_waiting(other)
    other.join(10)
    assert len(opened) == 2
    assert len(set(opened)) == 1
