"""A sign that concerns something else gets an alert of its own; nothing is lowered, closed or hidden."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from bot.console import deadlines
from bot.db.engine import reading, transaction
from bot.escalation import service
from bot.escalation.models import Alert, AlertEvent, AlertStatus, EventKind, Outcome
from bot.escalation.plan import Plan, Step
from bot.escalation.plans import save_plan
from bot.escalation.signs import signs_of
from bot.escalation.splitting import SplitRefused, split
from bot.judgement.models import Verdict
from bot.judgement.service import of_alert
from bot.messaging import whose
from bot.messaging.models import Conversation, Message
from bot.messaging.reading import probe_unanswered
from bot.records.models import AssessmentRecord
from bot.records.symptoms import act_on
from bot.triage.types import Tier
from tests.support.desk import DOCTOR, NURSE, PAT, STRANGER, Desk
from tests.support.on_call import BLIND, WHITE_LIP, clinic_id, hire, person, white_lip

XARELTO = "should i stop my xarelto before tmrw?"
WHY = "It is about the operation next week, not the filler."


def writes(desk: Desk, words: str, phone: str = PAT) -> Message:
    desk.text(phone, words)
    desk.settle()
    found: Message = desk.rows(Message, body=words)[-1]
    return found


def two_signs(desk: Desk, first: str = WHITE_LIP, then: str = XARELTO) -> tuple[Alert, Message]:
    """An alert of two signs, and the message of the second."""
    writes(desk, first)
    second = writes(desk, then)
    (alert,) = desk.alerts()
    return alert, second


def apart(desk: Desk, alert: Alert, message: Message, by: str = NURSE) -> Alert:
    new = split(alert.id, message.id, person(desk, by), WHY)
    desk.settle()
    return next(one for one in desk.alerts() if one.id == new)


def signs(alert: Alert) -> list[str]:
    with reading() as session:
        return [sign.message.body for sign in signs_of(session, session.get_one(Alert, alert.id)).values()]


def now(desk: Desk, alert: Alert) -> Alert:
    return next(one for one in desk.alerts() if one.id == alert.id)


def line(alert: Alert, kind: EventKind) -> AlertEvent:
    return next(event for event in alert.events if event.kind is kind)


def test_the_sign_has_an_alert_with_tier_flag_and_code_of_its_own_and_is_paged(desk: Desk) -> None:
    alert, xarelto = two_signs(desk)
    heard = len(desk.texts_to(NURSE))
    new = apart(desk, alert, xarelto)
    assert (new.tier, new.flag, new.status) == (Tier.T2, "MED", AlertStatus.OPEN)
    assert (new.patient_id, new.message_id) == (alert.patient_id, xarelto.id)
    assert new.code != alert.code
    assert f"ACK {new.code}" in desk.texts_to(NURSE)[heard]
    assert signs(new) == [XARELTO]
    desk.text(NURSE, f"ACK {new.code}")
    desk.settle()
    assert now(desk, new).status is AlertStatus.ACKNOWLEDGED
    assert now(desk, alert).status is AlertStatus.OPEN


def test_the_old_alert_keeps_history_tier_and_steps_and_says_who_took_what_out_and_why(desk: Desk) -> None:
    alert, xarelto = two_signs(desk)
    before = [event.id for event in alert.events]
    new = apart(desk, alert, xarelto)
    after = now(desk, alert)
    assert [event.id for event in after.events][: len(before)] == before
    assert (after.tier, after.flag, after.status) == (Tier.T1, alert.flag, AlertStatus.OPEN)
    assert (after.next_step_at, after.steps_taken) == (alert.next_step_at, alert.steps_taken)
    assert signs(after) == [WHITE_LIP]
    out = line(after, EventKind.SPLIT)
    assert (out.staff_id, out.message_id, out.detail) == (person(desk, NURSE), xarelto.id, new.code)
    for one in (after, new):
        assert line(one, EventKind.NOTE).detail == WHY
    assert line(new, EventKind.SPLIT_FROM).detail == alert.code
    desk.advance(minutes=15.1)
    assert desk.texts_to(DOCTOR), "the steps of the old alert go on"


def test_an_emergency_taken_out_is_an_emergency_of_its_own_and_lowers_nothing(desk: Desk) -> None:
    alert, blind = two_signs(desk, then=BLIND)
    desk.text(NURSE, f"ACK {alert.code}")
    desk.settle()
    calls = len(desk.calls.sent)
    new = apart(desk, alert, blind)
    assert (new.tier, new.flag, new.status) == (Tier.T0, "VIS", AlertStatus.OPEN)
    assert len(desk.calls.sent) == calls + 1, "it rings"
    old = now(desk, alert)
    assert (old.tier, old.status) == (Tier.T0, AlertStatus.ACKNOWLEDGED)
    assert old.flag == "VO", "named by what is left in it"


def test_the_sign_that_opened_the_alert_can_be_taken_out(desk: Desk) -> None:
    alert, xarelto = two_signs(desk)
    lip = alert.message_id
    new = split(alert.id, lip, person(desk, NURSE), WHY)
    old = now(desk, alert)
    assert (old.message_id, old.flag, signs(old)) == (xarelto.id, "MED", [XARELTO])
    assert old.tier is Tier.T1
    assert signs(next(one for one in desk.alerts() if one.id == new)) == [WHITE_LIP]


def test_its_policy_is_the_one_in_force_when_it_is_taken_out(desk: Desk) -> None:
    (extra,) = hire(desk, "+15550100131")
    alert, xarelto = two_signs(desk)
    save_plan(clinic_id(desk), Tier.T2, Plan((Step((f"person:{extra}",), 7),), 60), None)
    new = apart(desk, alert, xarelto)
    assert new.policy["steps"][0]["delay_minutes"] == 7
    assert len(desk.texts_to("+15550100131")) == 1


def test_its_pages_begin_with_the_taking_out_although_it_waits_since_the_patient_wrote(desk: Desk) -> None:
    alert, xarelto = two_signs(desk)
    desk.advance(minutes=40)
    new = split(alert.id, xarelto.id, person(desk, NURSE), WHY)
    writes(desk, XARELTO, STRANGER)
    split_off = next(one for one in desk.alerts() if one.id == new)
    raised_now = desk.alerts()[-1]
    assert (split_off.policy["steps"], split_off.tier) == (raised_now.policy["steps"], raised_now.tier)
    assert abs(split_off.next_step_at - raised_now.next_step_at) < timedelta(seconds=5)
    with reading() as session:
        one = session.get_one(Alert, new)
        assert one.waits_since == xarelto.created_at
        due = deadlines.of(session, [one])[new]
        assert due.at == xarelto.created_at + timedelta(minutes=one.policy["ack_minutes"])


def test_a_later_raise_starts_the_time_to_take_it_anew(desk: Desk) -> None:
    alert, other = two_signs(desk, then="the tip of my nose is white now too and hurts")
    new = apart(desk, alert, other)
    desk.advance(minutes=20)
    blind = writes(desk, BLIND)
    with reading() as session:
        one = session.get_one(Alert, new.id)
        assert one.tier is Tier.T0
        assert deadlines.of(session, [one])[new.id].at > blind.created_at


def test_a_holder_who_did_not_take_it_out_is_paged_about_it_although_off_call(desk: Desk) -> None:
    hire(desk, "+15550100131")
    alert, xarelto = two_signs(desk)
    service.acknowledge(alert.id, person(desk, "+15550100131"), "console")
    desk.settle()
    new = apart(desk, alert, xarelto)
    assert f"ACK {new.code}" in desk.texts_to("+15550100131")[-1]


def test_silence_after_a_question_keeps_its_urgency_when_its_sign_is_taken_out(desk: Desk) -> None:
    writes(desk, WHITE_LIP)
    asked = writes(desk, "my cheek is very swollen and it hurts")
    with transaction() as session:
        record = session.query(AssessmentRecord).filter_by(message_id=asked.id).one()
        record.probe, record.tier = True, Tier.T2
        probe_unanswered(session, session.get_one(Message, asked.id).conversation)
    (alert,) = desk.alerts()
    assert line(alert, EventKind.SILENT).message_id == asked.id
    assert apart(desk, alert, asked).tier is Tier.T1


# --- where what comes later goes ---------------------------------------------------------------------------


def test_a_later_sign_joins_the_most_urgent_alert(desk: Desk) -> None:
    alert, xarelto = two_signs(desk)
    new = apart(desk, alert, xarelto)
    writes(desk, "my lip hurts even more and it is still white")
    assert len(signs(now(desk, alert))) == 2
    assert len(signs(now(desk, new))) == 1
    assert len(desk.alerts()) == 2


def test_of_two_as_urgent_the_newest_gets_it_and_is_raised_by_it(desk: Desk) -> None:
    alert, other = two_signs(desk, then="the tip of my nose is white now too and hurts")
    new = apart(desk, alert, other)
    assert now(desk, alert).tier is new.tier
    writes(desk, BLIND)
    assert (now(desk, new).tier, now(desk, alert).tier) == (Tier.T0, Tier.T1)


def test_more_about_the_same_message_goes_where_the_message_is(desk: Desk) -> None:
    alert, xarelto = two_signs(desk)
    new = apart(desk, alert, xarelto)
    with transaction() as session:
        act_on(session, session.get_one(Message, xarelto.id), Tier.T2, "bleeding (8/10)")
    assert [event.kind for event in now(desk, new).events].count(EventKind.PATIENT_WROTE) == 1


def test_what_was_taken_apart_is_not_joined_again(desk: Desk) -> None:
    alert, xarelto = two_signs(desk)
    new = apart(desk, alert, xarelto)
    desk.web("visitor-1", WHITE_LIP)
    desk.settle()
    chat = desk.rows(Conversation, address="visitor-1")[0]
    whose.identify(chat.id, alert.patient_id)
    desk.settle()
    left = [one for one in desk.alerts() if one.joined_into_id is None]
    assert {one.id for one in left} == {alert.id, new.id}
    assert all(one.status is AlertStatus.OPEN for one in left)


def test_the_last_open_one_gets_later_signs_and_after_it_a_new_alert_opens(desk: Desk) -> None:
    alert, xarelto = two_signs(desk)
    new = apart(desk, alert, xarelto)
    service.close(alert.id, person(desk, NURSE), Outcome.ADVISED_BY_PHONE, "Spoke to her.")
    assert now(desk, new).status is AlertStatus.OPEN, "closing one closes one"
    writes(desk, WHITE_LIP)
    assert (len(desk.alerts()), now(desk, new).tier) == (2, Tier.T1)
    service.close(new.id, person(desk, NURSE), Outcome.ADVISED_BY_PHONE, "Spoke to her.")
    writes(desk, WHITE_LIP)
    assert len(desk.alerts()) == 3


def test_a_strangers_alert_can_be_taken_apart_and_both_are_the_patients_once_enrolled(desk: Desk) -> None:
    writes(desk, WHITE_LIP, STRANGER)
    xarelto = writes(desk, XARELTO, STRANGER)
    (alert,) = desk.alerts()
    apart(desk, alert, xarelto)
    desk.enrol("Kim", "Placeholder", STRANGER)
    assert {one.patient_id for one in desk.alerts()} != {None}
    assert len({one.patient_id for one in desk.alerts()}) == 1
    assert [one.status for one in desk.alerts()] == [AlertStatus.OPEN] * 2


# --- refusals ----------------------------------------------------------------------------------------------


def refused(alert: Alert, message_id: str, desk: Desk, why: str = WHY) -> str:
    with pytest.raises(SplitRefused) as told:
        split(alert.id, message_id, person(desk, NURSE), why)
    return told.value.reason


def test_it_is_refused_and_nothing_changes_where_there_is_nothing_to_take_out(desk: Desk) -> None:
    alert = white_lip(desk)
    assert refused(alert, alert.message_id, desk) == "only"
    thanks = writes(desk, "never mind, thanks")
    assert refused(alert, thanks.id, desk) == "gone", "no sign"
    assert refused(alert, alert.message_id, desk) == "only", "beside it"
    xarelto = writes(desk, XARELTO)
    assert refused(alert, xarelto.id, desk, "  ") == "no_why"
    assert refused(alert, "of-another-alert", desk) == "gone"
    service.close(alert.id, person(desk, NURSE), Outcome.ADVISED_BY_PHONE, "Spoke to her.")
    assert refused(alert, xarelto.id, desk) == "closed"
    assert len(desk.alerts()) == 1
    assert EventKind.SPLIT not in [event.kind for event in now(desk, alert).events]


def test_of_two_who_take_out_the_same_sign_the_second_is_refused(desk: Desk) -> None:
    writes(desk, WHITE_LIP)
    writes(desk, "the tip of my nose is white now too and hurts")
    xarelto = writes(desk, XARELTO)
    (alert,) = desk.alerts()
    apart(desk, alert, xarelto)
    assert refused(alert, xarelto.id, desk) == "gone"
    assert len(desk.alerts()) == 2


@pytest.mark.parametrize("same", [True, False], ids=["the same sign", "each the other's"])
def test_two_who_take_an_alert_apart_at_once_make_one_alert(either_record: str, same: bool) -> None:
    desk = Desk.of_demo_clinic()
    alert, xarelto = two_signs(desk)
    takes = [xarelto.id, xarelto.id if same else alert.message_id]
    nurse, told = person(desk, NURSE), []
    together = threading.Barrier(2)

    def take(message_id: str) -> None:
        together.wait(10)
        try:
            split(alert.id, message_id, nurse, WHY)
        except SplitRefused as refusal:
            told.append(refusal.reason)

    both = [threading.Thread(target=take, args=(one,)) for one in takes]
    for one in both:
        one.start()
    for one in both:
        one.join(20)
    assert told == ["gone" if same else "only"]
    assert len(desk.alerts()) == 2
    assert sorted(len(signs(one)) for one in desk.alerts()) == [1, 1]


def test_the_database_still_refuses_a_second_alert_that_nobody_took_out(desk: Desk) -> None:
    alert, xarelto = two_signs(desk)
    apart(desk, alert, xarelto)
    for more in ({}, {"split_from_id": alert.id}):  # a second of the patient; the same sign once more
        with pytest.raises(IntegrityError), transaction() as session:
            session.add(
                Alert(
                    clinic_id=alert.clinic_id,
                    patient_id=alert.patient_id,
                    conversation_id=alert.conversation_id,
                    message_id=xarelto.id,
                    tier=Tier.T2,
                    flag="MED",
                    code="999",
                    status=AlertStatus.OPEN,
                    **more,
                )
            )


def test_a_verdict_on_what_is_left_is_not_one_on_the_sign_that_was_taken_out(desk: Desk) -> None:
    alert, eye = two_signs(desk, WHITE_LIP, BLIND)
    new = apart(desk, alert, eye)
    with reading() as session:
        old = session.get_one(Alert, alert.id)
        assert old.tier is Tier.T0, "nothing lowers an alert"
        of_old = of_alert(session, old, Verdict.FALSE_ALARM, Tier.T4)
        of_new = of_alert(session, session.get_one(Alert, new.id), Verdict.CORRECT, None)
    (lip,) = desk.rows(Message, body=WHITE_LIP)
    assert (of_old.message_id, of_old.given) == (lip.id, Tier.T1)
    assert (of_new.message_id, of_new.given) == (eye.id, Tier.T0)


def test_a_later_sign_joins_the_alert_that_is_about_the_same(desk: Desk) -> None:
    alert, eye = two_signs(desk, WHITE_LIP, BLIND)
    new = apart(desk, alert, eye)
    assert new.id > alert.id
    later = writes(desk, "my lip is now blue and cold")
    assert later.body in signs(alert)
    assert later.body not in signs(new)
