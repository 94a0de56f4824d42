"""The promises of paging, in the words of those who make them for servers: nobody missed, nobody flooded."""

from __future__ import annotations

from bot import clock
from bot.channels.base import CarrierError
from bot.clinic.models import Clinic, Staff
from bot.db.engine import transaction
from bot.escalation import service
from bot.escalation.alerts import take_step
from bot.escalation.models import (
    BUNDLED,
    FALLBACK,
    NOBODY_REACHED,
    Alert,
    AlertStatus,
    EventKind,
    Notification,
)
from bot.escalation.plan import Step
from bot.escalation.plans import save_plan
from bot.messaging.models import Status
from bot.notify.models import ContactKind
from bot.triage.types import Tier
from tests.support.contacts import reach
from tests.support.desk import DOCTOR, NURSE, PAT, Desk
from tests.support.on_call import (
    BLIND,
    CLINIC_LINE,
    OTHERS,
    WHITE_LIP,
    clinic_id,
    hire,
    kinds,
    person,
    plan,
    rota,
    white_lip,
)


def test_a_disruption_leaves_one_notification(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    for _ in range(3):  # the engine stops and resumes before anything went out
        with transaction() as session:
            take_step(session, session.query(Alert).one(), clock.now())
    desk.settle()
    assert len(desk.texts_to(NURSE)) == 1
    assert len(desk.rows(Notification)) == 1


def flood(desk: Desk, count: int, words: str = WHITE_LIP) -> None:
    for number in range(count):
        desk.text(f"+155501006{number:02}", words)


def test_a_flood_is_bundled_into_one_text_and_no_emergency_is_hidden(desk: Desk) -> None:
    flood(desk, 12)
    desk.text(PAT, BLIND)
    desk.settle()
    heard = desk.texts_to(NURSE)
    assert len(heard) == 6
    assert sum("AFTERGLOW T0" in words for words in heard) == 1
    desk.advance(seconds=31)
    (bundle,) = [words for words in desk.texts_to(NURSE) if "alerts wait" in words]
    assert "12 alerts wait" in bundle
    assert "/console" in bundle
    bundled = [event for alert in desk.alerts() for event in alert.events if event.detail == BUNDLED]
    assert len(bundled) == 7
    desk.advance(minutes=15.1)
    assert len(desk.texts_to(DOCTOR)) >= 6  # every alert's next step came all the same


def test_a_bundle_goes_to_the_number_that_pages_go_to(desk: Desk) -> None:
    reach(NURSE, ("sms", "+15550100139", 0))
    flood(desk, 7)
    desk.settle()
    desk.advance(seconds=31)
    assert desk.texts_to(NURSE) == []
    assert "7 alerts wait" in desk.texts_to("+15550100139")[-1]


def test_whoever_gets_no_texts_is_paged_about_every_alert_of_a_flood(desk: Desk) -> None:
    reach(NURSE, ("email", "nurse@demo.example", 0))
    flood(desk, 7)
    desk.settle()
    assert desk.texts_to(NURSE) == []
    assert len(desk.mails.sent) == 7


def test_after_the_window_pages_are_single_again(desk: Desk) -> None:
    flood(desk, 7)
    desk.advance(minutes=11)
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert f"ACK {desk.alerts()[-1].code}" in desk.texts_to(NURSE)[-1]


def test_stop_from_staff_at_the_carrier_pages_the_next_person_at_once(desk: Desk) -> None:
    desk.carrier.faults = [None, CarrierError("opted out", code="21610", permanent=True)]
    white_lip(desk)
    assert EventKind.PAGE_FAILED in kinds(desk)
    assert len(desk.texts_to(DOCTOR)) == 1


def test_stop_from_a_member_of_staff_takes_nobody_off_call(desk: Desk) -> None:
    desk.text(NURSE, "STOP")
    white_lip(desk)
    assert any("ACK" in words and "T1" in words for words in desk.texts_to(NURSE))


def test_replies_that_mean_nothing_are_answered_five_times_and_codes_always(desk: Desk) -> None:
    alert = white_lip(desk)
    before = len(desk.texts_to(NURSE))
    for _ in range(9):
        desk.text(NURSE, "out of office")
        desk.settle()
    assert len(desk.texts_to(NURSE)) == before + 5
    desk.text(NURSE, f"ack {alert.code}")
    desk.settle()
    assert desk.alerts()[0].status is AlertStatus.ACKNOWLEDGED


def test_whoever_had_an_alert_hears_that_it_became_an_emergency_and_is_open_again(desk: Desk) -> None:
    (first,) = hire(desk, OTHERS[0])
    white_lip(desk)
    desk.text(NURSE, f"ACK {desk.alerts()[0].code}")
    desk.settle()
    rota(desk, first)
    heard = len(desk.texts_to(NURSE))
    desk.text(PAT, BLIND)
    desk.settle()
    (alert,) = desk.alerts()
    assert (alert.status, alert.tier) == (AlertStatus.OPEN, Tier.T0)
    assert f"ACK {alert.code} to take it" in desk.texts_to(NURSE)[heard]
    assert len(desk.texts_to(NURSE)) == heard + 1
    assert len(desk.texts_to(OTHERS[0])) == 1


def test_whoever_had_an_alert_that_is_raised_and_is_on_call_still_is_paged_once(desk: Desk) -> None:
    white_lip(desk)
    desk.text(NURSE, f"ACK {desk.alerts()[0].code}")
    desk.settle()
    heard = len(desk.texts_to(NURSE))
    desk.text(PAT, BLIND)
    desk.settle()
    assert len(desk.texts_to(NURSE)) == heard + 1


def test_status_updates_tell_everybody_who_was_paged(desk: Desk) -> None:
    white_lip(desk)
    desk.advance(minutes=15.1)
    desk.text(DOCTOR, "ack")
    desk.settle()
    assert "Dr Demo has acknowledged" in desk.texts_to(NURSE)[-1]


def test_two_people_acknowledging_at_once_leaves_one_holder_and_tells_the_other(desk: Desk) -> None:
    alert = white_lip(desk)
    desk.text(NURSE, f"ack {alert.code}")
    desk.text(DOCTOR, f"ack {alert.code}")
    desk.settle()
    assert desk.alerts()[0].acknowledged_by.phone == NURSE
    assert "already taken by Nurse Demo" in desk.texts_to(DOCTOR)[-1]


def test_a_wrong_code_says_so_and_takes_nothing(desk: Desk) -> None:
    alert = white_lip(desk)
    wrong = "98" if alert.code != "98" else "97"
    desk.text(NURSE, f"ack {wrong}")
    desk.settle()
    assert f"No open alert has the code {wrong}" in desk.texts_to(NURSE)[-1]
    assert desk.alerts()[0].status is AlertStatus.OPEN


def test_the_code_of_another_clinics_alert_takes_nothing(desk: Desk) -> None:
    alert = white_lip(desk)
    with transaction() as session:
        here = session.get_one(Clinic, clinic_id(desk))
        there = Clinic(
            **{
                name: getattr(here, name)
                for name in ("time_zone", "locale", "country", "phone", "emergency_phone", "emergency_number")
            },
            crisis_line="988",
            name="Grey Gull Clinic (demo)",
            text_number="+15550100200",
            widget_key="grey-gull-demo",
        )
        session.add(there)
        session.flush()
        session.get_one(Staff, person(desk, NURSE)).clinic_id = there.id
    desk.text(NURSE, f"ack {alert.code}")  # to the clinic where she no longer is
    desk.settle()
    assert desk.alerts()[0].status is AlertStatus.OPEN


def test_the_fall_back_phone_rings_once_everybody_was_paged_in_vain(desk: Desk) -> None:
    white_lip(desk)
    for _ in range(2):
        desk.advance(minutes=15.1)
    assert desk.texts_to(CLINIC_LINE) == []
    desk.advance(minutes=15.1)
    assert len(desk.texts_to(CLINIC_LINE)) == 1
    assert [event.detail for event in desk.alerts()[0].events].count(FALLBACK) == 1


def delivered(alert: Alert) -> list[str | None]:
    """To whom the timeline says that a page was delivered; None is the fall-back phone."""
    arrived = [event for event in alert.events if event.kind is EventKind.PAGE_DELIVERED]
    return [event.staff.phone if event.staff else None for event in arrived]


def bundled(desk: Desk) -> list[Alert]:
    """The alerts that the nurse heard of in a text with others."""
    return [alert for alert in desk.alerts() if any(one.purpose == "bundle" for one in alert.notifications)]


def test_what_becomes_of_a_text_for_several_alerts_is_in_the_timeline_of_each(desk: Desk) -> None:
    flood(desk, 8)
    desk.settle()
    assert len(bundled(desk)) == 3
    assert all(delivered(alert) == [] for alert in bundled(desk)), "it waits for more of them"
    desk.advance(seconds=31)
    assert [delivered(alert) for alert in bundled(desk)] == [[NURSE]] * 3


def test_a_text_for_several_alerts_that_fails_hurries_each_of_them(desk: Desk) -> None:
    flood(desk, 7)
    desk.settle()
    heard = len(desk.texts_to(DOCTOR))
    desk.carrier.faults = [CarrierError("landline", code="30006", permanent=True)]
    desk.advance(seconds=31)
    for alert in bundled(desk):
        failed, next_step = [event for event in alert.events if event.kind is EventKind.PAGE_FAILED]
        assert (failed.staff.phone, next_step.detail) == (NURSE, NOBODY_REACHED)
    assert len(bundled(desk)) == 2
    assert len(desk.texts_to(DOCTOR)) == heard + 2
    assert desk.alerts()[0].steps_taken == 1, "the page about this one arrived"


def test_a_text_for_several_alerts_goes_out_unless_all_of_them_are_taken(desk: Desk) -> None:
    flood(desk, 7)
    desk.settle()
    first, second = bundled(desk)
    doctor = person(desk, DOCTOR)
    service.acknowledge(first.id, doctor, "console")
    desk.advance(seconds=31)
    assert "alerts wait" in desk.texts_to(NURSE)[-1]
    desk.text("+15550100670", WHITE_LIP)  # the only one of the next text
    desk.settle()
    third = desk.alerts()[-1]
    assert third.id in [one.id for one in bundled(desk)]
    heard = len(desk.texts_to(NURSE))
    service.acknowledge(third.id, doctor, "console")
    desk.advance(seconds=31)
    assert [words for words in desk.texts_to(NURSE)[heard:] if "alerts wait" in words] == []
    assert second.status is AlertStatus.OPEN


def test_whoever_only_heard_how_many_wait_is_not_told_of_each_that_is_taken(desk: Desk) -> None:
    flood(desk, 7)
    desk.advance(seconds=31)
    heard = len(desk.texts_to(NURSE))
    service.acknowledge(bundled(desk)[0].id, person(desk, DOCTOR), "console")
    desk.settle()
    assert len(desk.texts_to(NURSE)) == heard


def test_what_becomes_of_the_text_to_the_fall_back_phone_is_in_the_timeline(desk: Desk) -> None:
    white_lip(desk)
    for _ in range(3):
        desk.advance(minutes=15.1)
    (alert,) = desk.alerts()
    assert delivered(alert).count(None) == 1
    one, call = [one for one in alert.notifications if one.staff_id is None]
    assert call.kind is ContactKind.VOICE
    assert (one.purpose, one.state) == ("take", Status.DELIVERED)


def test_a_fall_back_phone_that_cannot_be_reached_costs_no_waiting_time(desk: Desk) -> None:
    steps = plan(Step(("fallback",), 15), Step(("on_call",), 15))
    save_plan(clinic_id(desk), Tier.T1, steps, None)
    desk.carrier.faults = [None, CarrierError("landline", code="30006", permanent=True)]
    white_lip(desk)
    assert EventKind.PAGE_FAILED in kinds(desk)
    assert len(desk.texts_to(NURSE)) == 1


def test_a_text_to_the_fall_back_phone_is_called_off_when_somebody_takes_the_alert(desk: Desk) -> None:
    save_plan(clinic_id(desk), Tier.T1, plan(Step(("fallback", "on_call"), 15)), None)
    desk.text(PAT, WHITE_LIP)
    service.acknowledge(desk.alerts()[0].id, person(desk, DOCTOR), "console")
    desk.settle()
    assert desk.texts_to(CLINIC_LINE) == []
