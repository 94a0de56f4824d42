from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot import clock
from bot.channels.base import CarrierError, OutcomeUnknown
from bot.clinic.models import Clinic, Staff
from bot.db.engine import transaction
from bot.escalation import service
from bot.escalation.models import EVERY_CHANNEL, NOBODY_REACHED, AlertStatus, EventKind, Notification, Outcome
from bot.messaging.models import Status
from bot.notify.delivery import MAX_ATTEMPTS
from bot.notify.models import ContactKind, ContactMethod, NotificationAttempt
from bot.triage.types import Tier
from tests.support.contacts import SLACK, reach
from tests.support.desk import ANA, DOCTOR, NURSE, PAT, Desk, HandNotifier

WHITE_LIP = "my top lip has gone white on one side and it rlly hurts"
BLIND = "cant see out my left eye"
MAIL = "nurse@demo.example"


class Killed(BaseException):
    """The process ends here: nothing after it is written."""


def details(desk: Desk, kind: EventKind) -> list[str]:
    return [event.detail for event in desk.alerts()[0].events if event.kind is kind]


def staff_id(desk: Desk, phone: str) -> str:
    return desk.rows(Staff, phone=phone)[0].id


# --- what is written with the page ------------------------------------------------------------------------


def test_an_emergency_is_texted_and_called_at_once_and_anything_less_is_texted(desk: Desk) -> None:
    desk.text(PAT, BLIND)
    desk.text(ANA, "el labio se me ha puesto blanco y me duele")
    first, second = desk.alerts()
    assert [one.kind.value for one in first.notifications] == ["sms", "voice"]
    assert [one.kind.value for one in second.notifications] == ["sms"]

    desk.settle()
    assert len(desk.texts_to(NURSE)) == 2
    (call,) = desk.calls.sent
    assert (call.to, call.id) == (NURSE, first.notifications[1].id)


def test_contact_methods_go_out_in_their_order_with_their_delays_until_somebody_takes_it(desk: Desk) -> None:
    reach(
        NURSE, ("email", MAIL, 0), ("sms", NURSE, 60), ("voice", "+15550100131", 120), ("apprise", SLACK, 300)
    )
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert (len(desk.mails.sent), desk.texts_to(NURSE), desk.calls.sent) == (1, [], [])
    desk.advance(seconds=61)
    assert (len(desk.texts_to(NURSE)), desk.calls.sent) == (1, [])
    desk.advance(seconds=60)
    assert [call.to for call in desk.calls.sent] == ["+15550100131"]

    (alert,) = desk.alerts()
    service.acknowledge(alert.id, staff_id(desk, DOCTOR), "console")
    desk.advance(minutes=10)

    assert desk.chats.sent == []
    assert desk.alerts()[0].notifications[3].state is Status.SUPPRESSED


def test_an_emergency_rings_whoever_chose_quiet_ways_only(desk: Desk) -> None:
    reach(NURSE, ("apprise", SLACK, 0), ("email", MAIL, 600))
    desk.text(ANA, "el labio se me ha puesto blanco y me duele")
    desk.settle()
    assert desk.calls.sent == []
    desk.text(PAT, BLIND)
    desk.settle()
    assert [call.to for call in desk.calls.sent] == [NURSE]
    assert len(desk.chats.sent) == 2


def test_the_first_notification_goes_at_once_however_the_delays_are_set(desk: Desk) -> None:
    reach(NURSE, ("email", MAIL, 600), ("voice", NURSE, 660))
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert len(desk.mails.sent) == 1
    desk.advance(seconds=61)
    assert len(desk.calls.sent) == 1


def test_a_method_for_emergencies_is_left_alone_by_lesser_alerts_unless_there_is_no_other(desk: Desk) -> None:
    reach(NURSE, ("voice", NURSE, 0), least=Tier.T0)
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert len(desk.calls.sent) == 1, "silence would be worse"
    reach(NURSE, ("email", MAIL, 0))
    desk.text(ANA, "el labio se me ha puesto blanco y me duele")
    desk.settle()
    assert (len(desk.calls.sent), len(desk.mails.sent)) == (1, 1)


def test_a_close_calls_off_what_has_not_gone_out(desk: Desk) -> None:
    reach(NURSE, ("sms", NURSE, 0), ("voice", NURSE, 120))
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    (alert,) = desk.alerts()
    service.close(alert.id, staff_id(desk, DOCTOR), Outcome.FALSE_ALARM, "A shadow in the photo.")
    desk.advance(minutes=5)
    assert desk.calls.sent == []


def test_a_page_that_comes_before_the_last_one_has_run_its_course_takes_its_place(desk: Desk) -> None:
    reach(NURSE, ("sms", NURSE, 0), ("voice", NURSE, 240))
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    desk.text(PAT, BLIND)  # raised: paged anew
    desk.advance(minutes=4.5)
    assert len(desk.calls.sent) == 1


def test_who_has_it_and_reminders_never_ring(desk: Desk) -> None:
    desk.text(PAT, BLIND)
    desk.settle()
    desk.advance(minutes=5.1)  # the doctor too
    calls = len(desk.calls.sent)
    (alert,) = desk.alerts()
    service.acknowledge(alert.id, staff_id(desk, DOCTOR), "console")
    desk.advance(minutes=31)
    assert "has acknowledged" in desk.texts_to(NURSE)[-1]
    assert "still open" in desk.texts_to(DOCTOR)[-1]
    assert len(desk.calls.sent) == calls


def test_a_text_to_another_number_than_the_phone_can_be_answered(desk: Desk) -> None:
    reach(NURSE, ("sms", "+15550100141", 0))
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    (alert,) = desk.alerts()
    assert len(desk.texts_to("+15550100141")) == 1
    desk.text("+15550100141", f"ack {alert.code}")
    assert desk.alerts()[0].acknowledged_by.phone == NURSE


def test_words_carry_initials_and_a_link_unless_the_clinic_decides_otherwise(desk: Desk) -> None:
    reach(NURSE, ("sms", NURSE, 0), ("email", MAIL, 0), ("apprise", SLACK, 0), ("voice", NURSE, 0))
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    mail, chat, call = desk.mails.sent[0], desk.chats.sent[0], desk.calls.sent[0]
    for words in (mail.text, mail.subject, chat.text, call.text, desk.texts_to(NURSE)[0]):
        assert "P S" in words or "PS" in words
        for secret in ("Pat ", "Sample", "lip", PAT, "HArmonyCA"):
            assert secret not in words
    assert "/a/" in mail.text
    assert "/a/" not in chat.text, "a chat is read by many: its link takes nothing"
    assert "skin" not in call.text, "no sign is spoken"

    with transaction() as session:
        session.scalars(select(Clinic)).one().pages_name_patient = True
    desk.text(PAT, BLIND)
    desk.settle()
    assert "Pat Sample" in desk.mails.sent[-1].text
    assert "Pat Sample" in desk.texts_to(NURSE)[-1]
    assert "Pat " not in desk.calls.sent[-1].text, "the phone may be on loudspeaker"


def test_notifications_speak_the_persons_language(desk: Desk) -> None:
    with transaction() as session:
        session.scalars(select(Staff).where(Staff.phone == NURSE)).one().language = "es"
    reach(NURSE, ("email", MAIL, 0), ("voice", NURSE, 0))
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert "Paciente PS" in desk.mails.sent[0].text
    assert "Pulse 4" in desk.calls.sent[0].text


# --- what goes wrong --------------------------------------------------------------------------------------

_BY = {"voice": "calls", "email": "mails", "apprise": "chats"}


@pytest.mark.parametrize("kind", sorted(_BY))
def test_passing_trouble_is_tried_again_with_growing_pauses(desk: Desk, kind: str) -> None:
    reach(NURSE, (kind, SLACK, 0))
    notifier: HandNotifier = getattr(desk, _BY[kind])
    notifier.faults = [CarrierError("busy"), CarrierError("busy")]
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert notifier.sent == []
    desk.advance(seconds=15.1)
    assert notifier.sent == []
    desk.advance(seconds=50)
    assert notifier.sent == []
    desk.advance(seconds=10.1)
    assert len(notifier.sent) == 1
    desk.advance(minutes=3)
    assert len(notifier.sent) == 1
    assert [a.error for a in desk.rows(NotificationAttempt)] == ["busy", "busy", None]


@pytest.mark.parametrize("kind", sorted(_BY))
def test_a_refusal_for_good_pages_the_next_person_at_once(desk: Desk, kind: str) -> None:
    (method,) = reach(NURSE, (kind, SLACK, 0))
    getattr(desk, _BY[kind]).faults = [CarrierError("no such address", permanent=True)]
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert details(desk, EventKind.PAGE_FAILED) == [f"{kind}: no such address", NOBODY_REACHED]
    assert len(desk.texts_to(DOCTOR)) == 1
    assert desk.rows(ContactMethod, id=method)[0].error == "no such address"


@pytest.mark.parametrize("kind", sorted(_BY))
def test_a_notifier_that_breaks_or_is_not_set_up_ends_like_one_that_refuses(desk: Desk, kind: str) -> None:
    reach(NURSE, (kind, SLACK, 0))
    getattr(desk, _BY[kind]).faults = [KeyError("secret-token")] * MAX_ATTEMPTS
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    for _ in range(3):
        desk.advance(minutes=5.1)
    failure, next_step = details(desk, EventKind.PAGE_FAILED)
    assert next_step == NOBODY_REACHED
    assert "KeyError" in failure
    assert "secret-token" not in failure

    desk.notifiers = {}
    desk.text(ANA, "el labio se me ha puesto blanco y me duele")
    desk.settle()
    alert = desk.alerts()[1]
    assert [e.detail for e in alert.events if e.kind is EventKind.PAGE_FAILED] == [
        f"{kind}: {kind} is not set up on this server",
        NOBODY_REACHED,
    ]


def test_a_method_that_works_again_is_no_longer_called_broken(desk: Desk) -> None:
    (method,) = reach(NURSE, ("email", MAIL, 0))
    with transaction() as session:
        session.get_one(ContactMethod, method).error = "the mail server refused the address (550)"
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert desk.rows(ContactMethod, id=method)[0].error == ""


def test_one_channel_that_fails_costs_nothing_while_another_reached_the_person(desk: Desk) -> None:
    reach(NURSE, ("sms", NURSE, 0), ("email", MAIL, 0))
    desk.mails.faults = [CarrierError("no such address", permanent=True)]
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert details(desk, EventKind.PAGE_FAILED) == ["email: no such address"]
    assert desk.texts_to(DOCTOR) == []


def test_when_every_channel_fails_the_timeline_says_so_and_the_next_person_is_paged(desk: Desk) -> None:
    refused = CarrierError("gone", permanent=True)
    reach(NURSE, ("sms", NURSE, 0), ("voice", NURSE, 0), ("email", MAIL, 0), ("apprise", SLACK, 0))
    desk.carrier.faults = [None, refused]  # the patient's words, then the page
    desk.calls.faults, desk.mails.faults, desk.chats.faults = [refused], [refused], [refused]
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert desk.texts_to(NURSE) == []
    assert details(desk, EventKind.PAGE_FAILED)[-2:] == [EVERY_CHANNEL, NOBODY_REACHED]
    assert len(desk.texts_to(DOCTOR)) == 1


def test_a_method_that_was_removed_after_the_page_counts_as_failed(desk: Desk) -> None:
    (method,) = reach(NURSE, ("email", MAIL, 0))
    desk.text(PAT, WHITE_LIP)
    with transaction() as session:
        session.get_one(ContactMethod, method).removed_at = clock.now()
    desk.settle()
    assert desk.mails.sent == []
    assert len(desk.texts_to(DOCTOR)) == 1


def test_somebody_who_left_is_not_notified_any_more(desk: Desk) -> None:
    reach(NURSE, ("sms", NURSE, 0), ("voice", NURSE, 60))
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    with transaction() as session:
        session.scalars(select(Staff).where(Staff.phone == NURSE)).one().active = False
    desk.advance(seconds=61)
    assert desk.calls.sent == []


# --- kills ------------------------------------------------------------------------------------------------


def test_killed_after_the_call_was_made_nobody_is_called_twice(desk: Desk) -> None:
    reach(NURSE, ("voice", NURSE, 0))
    desk.calls.late_faults = [Killed()]
    desk.text(PAT, WHITE_LIP)
    with pytest.raises(Killed):
        desk.settle()
    desk.settle()
    assert len(desk.calls.sent) == 1
    assert desk.alerts()[0].notifications[0].state is Status.SENT


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_while_mailing_the_mail_goes_out_and_at_most_once_more(desk: Desk, moment: str) -> None:
    reach(NURSE, ("email", MAIL, 0))
    setattr(desk.mails, "faults" if moment == "before" else "late_faults", [Killed()])
    desk.text(PAT, WHITE_LIP)
    with pytest.raises(Killed):
        desk.settle()
    desk.settle()
    desk.advance(minutes=10)
    assert len(desk.mails.sent) == (1 if moment == "before" else 2)
    assert len({mail.id for mail in desk.mails.sent}) == 1, "mail programs know it by its id"
    assert [one.settled_at is not None for one in desk.rows(NotificationAttempt)] == [True, True]


def test_a_call_whose_fate_is_unknown_is_looked_up_before_another_is_made(desk: Desk) -> None:
    reach(NURSE, ("voice", NURSE, 0))
    desk.calls.late_faults = [OutcomeUnknown("timeout")]
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    desk.advance(seconds=15.1)
    assert (len(desk.calls.sent), desk.calls.lookups) == (1, 1)


def test_mails_without_an_answer_do_not_go_on_for_ever(desk: Desk) -> None:
    reach(NURSE, ("email", MAIL, 0))
    desk.mails.late_faults = [OutcomeUnknown("timeout")] * 50
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    for _ in range(20):
        desk.advance(minutes=1)
    page = desk.rows(Notification)[0]
    assert (page.status, page.attempts) == (Status.FAILED, MAX_ATTEMPTS)
    assert "email: no answer" in details(desk, EventKind.PAGE_FAILED)


def test_a_page_whose_retry_comes_after_somebody_took_it_is_not_sent(desk: Desk) -> None:
    reach(NURSE, ("email", MAIL, 0))
    desk.mails.faults = [CarrierError("busy")]
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    (alert,) = desk.alerts()
    service.acknowledge(alert.id, staff_id(desk, DOCTOR), "console")
    desk.advance(seconds=16)
    assert [mail for mail in desk.mails.sent if "Nobody has taken" in mail.text] == []
    assert desk.alerts()[0].status is AlertStatus.ACKNOWLEDGED
    assert clock.now() > alert.created_at + timedelta(seconds=15)
    assert alert.notifications[0].kind is ContactKind.EMAIL
