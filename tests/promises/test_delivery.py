from __future__ import annotations

from datetime import timedelta

import pytest

from bot import clock
from bot.channels.base import CarrierError, OutcomeUnknown
from bot.messaging import delivery
from bot.messaging.models import DeliveryAttempt, Kind, Message, Status
from bot.records.models import StaffTask, TaskKind
from tests.support.desk import PAT, Desk, SilentCarrier


def reply_of(desk: Desk) -> Message:
    return desk.rows(Message, kind=Kind.REPLY)[-1]


def test_a_temporary_refusal_is_tried_again_later(desk: Desk) -> None:
    desk.carrier.faults = [CarrierError("busy", code="20429"), None]
    desk.text(PAT, "hello")
    desk.settle()
    assert desk.texts_to(PAT) == []
    assert reply_of(desk).status is Status.QUEUED

    desk.advance(seconds=16)

    assert desk.texts_to(PAT) == ["You said: hello"]
    attempts = desk.rows(DeliveryAttempt, message_id=reply_of(desk).id)
    assert [attempt.error_code for attempt in attempts] == ["20429", None]


def test_a_final_refusal_is_not_repeated_and_becomes_a_task_for_staff(desk: Desk) -> None:
    desk.carrier.faults = [CarrierError("not a mobile", code="30006", permanent=True)]
    desk.text(PAT, "hello")
    desk.advance(days=1)

    assert reply_of(desk).status is Status.FAILED
    assert TaskKind.NOT_DELIVERED in [task.kind for task in desk.rows(StaffTask)]


def test_refusals_without_end_end_as_a_task_for_staff(desk: Desk) -> None:
    desk.carrier.faults = [CarrierError("busy") for _ in range(delivery.MAX_ATTEMPTS)]
    desk.text(PAT, "hello")
    desk.settle()
    for seconds in delivery.BACKOFF_S:
        desk.advance(seconds=seconds + 1)
    assert reply_of(desk).status is Status.FAILED
    assert TaskKind.NOT_DELIVERED in [task.kind for task in desk.rows(StaffTask)]


@pytest.mark.parametrize("taken", [True, False], ids=["the carrier had it", "the carrier had nothing"])
def test_after_an_unknown_outcome_the_carrier_is_asked_before_anything_is_sent_again(
    desk: Desk, taken: bool
) -> None:
    faults = desk.carrier.late_faults if taken else desk.carrier.faults
    faults.append(OutcomeUnknown("timeout"))
    desk.text(PAT, "hello")
    desk.settle()
    desk.advance(seconds=16)

    assert desk.carrier.lookups == 1
    assert desk.texts_to(PAT) == ["You said: hello"]
    assert reply_of(desk).status is Status.DELIVERED


def test_a_crash_between_handing_over_and_recording_sends_nothing_twice(desk: Desk) -> None:
    class Killed(BaseException):
        pass

    desk.carrier.late_faults = [Killed()]
    desk.text(PAT, "hello")
    with pytest.raises(Killed):
        desk.settle()
    assert reply_of(desk).status is Status.SENDING

    desk.settle()

    assert desk.texts_to(PAT) == ["You said: hello"]
    assert len(desk.rows(DeliveryAttempt, message_id=reply_of(desk).id)) == 1


def test_an_equal_text_sent_earlier_is_not_taken_for_the_lost_one(desk: Desk) -> None:
    desk.text(PAT, "hello")
    desk.settle()
    desk.carrier.faults = [OutcomeUnknown("timeout")]
    desk.text(PAT, "hello")
    desk.settle()
    desk.advance(seconds=16)
    assert desk.texts_to(PAT) == ["You said: hello"] * 2


def test_status_reports_only_move_a_message_forward(desk: Desk) -> None:
    desk.carrier.status = Status.SENT
    desk.text(PAT, "hello")
    desk.settle()
    sid = reply_of(desk).provider_id

    assert delivery.update_status(sid, Status.DELIVERED)
    assert delivery.update_status(sid, Status.SENT)
    assert delivery.update_status(sid, Status.FAILED, error_code="30003")

    assert reply_of(desk).status is Status.DELIVERED
    assert delivery.update_status("SMunknown", Status.SENT) is False


def test_an_answer_that_could_not_go_out_for_half_a_day_is_dropped_and_recorded(desk: Desk) -> None:
    desk.carrier.faults = [CarrierError("busy")]
    desk.text(PAT, "hello")
    desk.settle()
    desk.advance(hours=13)
    assert "You said: hello" not in desk.texts_to(PAT)
    assert (reply_of(desk).status, reply_of(desk).error) == (Status.SUPPRESSED, "too old to send")


def test_a_carrier_that_says_queued_and_never_reports_back_is_given_each_text_once(desk: Desk) -> None:
    desk.carrier.status = Status.QUEUED
    desk.text(PAT, "hello")
    desk.settle()
    for _ in range(7):
        desk.advance(minutes=10, seconds=1)

    assert desk.texts_to(PAT) == ["You said: hello"]
    assert reply_of(desk).status is Status.SENT
    assert delivery.update_status(reply_of(desk).provider_id, Status.DELIVERED)
    assert reply_of(desk).status is Status.DELIVERED


def test_an_outcome_that_stays_unknown_for_an_hour_fails_and_a_person_is_told(desk: Desk) -> None:
    desk.carrier = SilentCarrier()
    desk.text(PAT, "hello")
    desk.settle()
    for _ in range(11):
        desk.advance(minutes=5)
    assert reply_of(desk).status is Status.SENDING
    assert desk.rows(StaffTask, kind=TaskKind.NOT_DELIVERED) == []

    desk.advance(minutes=6)

    assert (reply_of(desk).status, reply_of(desk).error) == (Status.FAILED, "outcome unknown")
    (task,) = desk.rows(StaffTask, kind=TaskKind.NOT_DELIVERED)
    assert task.message_id == reply_of(desk).id
    assert desk.texts_to(PAT) == ["You said: hello"], "it was never sent a second time"
    lookups = desk.carrier.lookups
    desk.advance(minutes=10)
    assert desk.carrier.lookups == lookups


def test_a_page_whose_outcome_stays_unknown_goes_to_the_next_person(desk: Desk) -> None:
    desk.carrier = SilentCarrier()
    desk.text(PAT, "my lip has gone white")
    desk.settle()
    clock.advance(timedelta(minutes=61))
    desk.settle()
    desk.settle()
    pages = desk.rows(Message, kind=Kind.PAGE)
    assert pages[0].status is Status.FAILED
    assert len({page.conversation_id for page in pages}) == 2
