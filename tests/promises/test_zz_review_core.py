from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import InternalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot import clock
from bot.channels.base import CarrierError, Inbound, OutcomeUnknown
from bot.clinic import demo
from bot.clinic.enrolment import enrol
from bot.clinic.models import Clinic, Patient, Staff
from bot.db.engine import transaction
from bot.durable import sweep
from bot.escalation import service
from bot.escalation.models import AlertStatus
from bot.followup.models import CheckIn, CheckInStatus
from bot.followup.planning import Remind, next_action
from bot.messaging import inbox, optout, spool
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, Status
from bot.records.models import StaffTask
from bot.settings import Settings
from tests.support.desk import ANA, DOCTOR, NURSE, PAT, STRANGER

WHITE_LIP = "my top lip has gone white on one side and it rlly hurts"


def pat(desk):
    return desk.rows(Patient, phone=PAT)[0]


def form(desk, **kw):
    base = demo._form("Pat", "Sample", PAT, "en", 0)
    return base | kw


def run_once(desk, started):
    """As Runtime.sweep does: an id that was started is never started again."""
    sweep.repair()
    for work in sweep.due(clock.now()):
        if work.workflow_id not in started:
            started.add(work.workflow_id)
            desk._do(work)


def test_01_twilio_says_queued_and_no_callback_comes(desk):
    desk.carrier.status = Status.QUEUED  # what Twilio answers to every create
    desk.text(PAT, WHITE_LIP)
    started: set[str] = set()
    for _ in range(7):
        for _ in range(3):
            run_once(desk, started)
        clock.advance(timedelta(minutes=10, seconds=1))
    print("safety texts", len([t for t in desk.texts_to(PAT)]))
    assert len(desk.texts_to(PAT)) == 1


def test_02_a_broken_spool_file_must_not_stop_paging(desk):
    folder = spool._folder()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "0.json").write_text("")  # renamed but not fsynced before a power cut
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert len(desk.texts_to(NURSE)) == 1


def test_03_one_bad_patient_row_must_not_stop_paging(desk):
    with transaction() as s:
        s.query(Patient).filter_by(phone=ANA).one().time_zone = "US/Nowhere"
    clock.advance(timedelta(days=1))
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert len(desk.texts_to(NURSE)) == 1


def test_03b_one_message_that_cannot_be_acted_on_must_not_stop_paging(desk):
    with transaction() as s:
        s.query(Patient).filter_by(phone=ANA).one().time_zone = "US/Nowhere"
    desk.text(ANA, "hola")
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert len(desk.texts_to(NURSE)) == 1


@pytest.mark.parametrize(
    "error",
    [
        PoolTimeout("QueuePool limit"),
        InternalError("INSERT", {}, Exception("cannot execute INSERT in a read-only transaction")),
    ],
)
def test_04_database_trouble_of_another_class_is_spooled_too(desk, monkeypatch, error):
    def away(*a, **k):
        raise error

    with monkeypatch.context() as m:
        m.setattr(inbox, "_store", away)
        desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert len(desk.texts_to(NURSE)) == 1


def test_05_a_nurse_who_is_also_a_patient(desk):
    enrol(desk.rows(Clinic)[0].id, form(desk, first_name="Nurse", last_name="Demo", phone=DOCTOR))
    desk.text(NURSE, "ack")  # warm
    desk.text(DOCTOR, "my lip has gone white")
    desk.settle()
    assert len(desk.alerts()) == 1


def test_05b_a_paged_nurse_then_enrolled(desk):
    desk.text(PAT, WHITE_LIP)
    desk.settle()  # nurse has a staff thread now
    code = desk.alerts()[0].code
    service.close(desk.alerts()[0].id, desk.rows(Staff, phone=NURSE)[0].id, service.Outcome.FALSE_ALARM, "x")
    enrol(desk.rows(Clinic)[0].id, form(desk, first_name="Nurse", last_name="Demo", phone=NURSE))
    desk.text(NURSE, "my lip has gone white and it hurts")
    desk.settle()
    print(desk.texts_to(NURSE)[-1])
    assert len(desk.alerts()) == 2


def test_05c_a_nurse_who_is_a_patient_can_acknowledge(desk):
    enrol(desk.rows(Clinic)[0].id, form(desk, first_name="Nurse", last_name="Demo", phone=NURSE))
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    desk.text(NURSE, f"ACK {desk.alerts()[0].code}")
    desk.settle()
    assert desk.alerts()[0].status is AlertStatus.ACKNOWLEDGED


def test_06_a_dismissed_nurse_cannot_acknowledge(desk):
    desk.text(NURSE, "hello")
    with transaction() as s:
        s.query(Staff).filter_by(phone=NURSE).one().active = False
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    desk.text(NURSE, f"ACK {desk.alerts()[0].code}")
    desk.settle()
    assert desk.alerts()[0].status is AlertStatus.OPEN


def test_07_the_rota_changes_while_an_alert_is_open(desk):
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    new = "+15550100123"
    with transaction() as s:
        for staff in s.query(Staff):
            staff.active = False
        c = s.query(Clinic).one()
        s.add(
            Staff(
                clinic_id=c.id,
                name="New Demo",
                email="n@demo.example",
                password_hash="x",
                role="nurse",
                phone=new,
                on_call_order=1,
            )
        )
    for _ in range(40):
        desk.advance(minutes=15.1)
    print("old", len(desk.texts_to(NURSE)), "new", len(desk.texts_to(new)))
    assert desk.texts_to(new)


def test_08_welcome_after_stop(desk):
    desk.text(PAT, "STOP")
    desk.settle()
    n = len(desk.texts_to(PAT))
    enrol(desk.rows(Clinic)[0].id, form(desk))
    desk.settle()
    assert len(desk.texts_to(PAT)) == n


def test_08b_enrolled_after_stop_check_ins_vanish_without_a_task(desk):
    desk.text(STRANGER, "STOP")
    desk.settle()
    enrol(desk.rows(Clinic)[0].id, form(desk, first_name="Sam", last_name="Example", phone=STRANGER))
    desk.settle()
    for _ in range(16):
        desk.advance(days=1)
    p = desk.rows(Patient, phone=STRANGER)[0]
    print(
        [c.status.value for c in desk.rows(CheckIn, patient_id=p.id)], desk.rows(StaffTask, patient_id=p.id)
    )
    assert desk.rows(StaffTask, patient_id=p.id)


def test_09_web_visitor_who_says_stop_texting_me_is_not_silenced_for_ever(desk):
    def web(text, n):
        return inbox.receive(Inbound(Channel.WEB, f"w{n}", "blue-heron-demo", "sess-1", text))

    r = web("please stop texting me", 1)
    optout.opt_out_by_message(r.message_id)  # what actions.record does
    desk.settle()
    web("START", 2)
    web("when can i go to the gym?", 3)
    desk.settle()
    assert "when can i go to the gym?" in [t for t, _ in desk.dialogue.heard]


def test_10_more_than_500_open_check_ins(desk):
    with transaction() as s:
        c = s.query(Clinic).one()
        src = s.query(CheckIn).filter_by(day=1).first()
        due = src.due_at
        for i in range(520):
            p = Patient(
                clinic_id=c.id,
                first_name="A",
                last_name="B",
                phone=f"+1555020{i:04d}",
                time_zone="America/New_York",
            )
            s.add(p)
            s.flush()
            from bot.clinic.models import Treatment
            from bot.followup.models import Enrolment

            t = Treatment(
                clinic_id=c.id,
                patient_id=p.id,
                product="harmonyca",
                lot="L",
                expiry=due.date(),
                treated_at=due - timedelta(days=1),
            )
            s.add(t)
            s.flush()
            e = Enrolment(
                clinic_id=c.id,
                patient_id=p.id,
                treatment_id=t.id,
                protocol_id="x",
                protocol_version=1,
                status="active",
            )
            s.add(e)
            s.flush()
            s.add(
                CheckIn(
                    clinic_id=c.id,
                    enrolment_id=e.id,
                    patient_id=p.id,
                    day=1,
                    due_at=due,
                    status=CheckInStatus.PLANNED,
                )
            )
    clock.advance(due - clock.now() + timedelta(seconds=1))

    class Fast:
        pass

    from collections import Counter

    def do_checkins():
        for w in sweep.due(clock.now()):
            if w.task == "check_in":
                with transaction() as s:  # as dispatch._send / _do would, without the texts
                    ci = s.get_one(CheckIn, w.row_id)
                    from bot.followup import dispatch
                    from bot.followup.planning import AskStaff, Drop, Send

                    a = dispatch.decide(ci, s, clock.now())
                    if isinstance(a, Send):
                        ci.status, ci.sent_at = CheckInStatus.SENT, clock.now()
                    elif isinstance(a, Remind):
                        ci.status, ci.reminded_at = CheckInStatus.REMINDED, clock.now()
                    elif isinstance(a, AskStaff):
                        ci.status = CheckInStatus.UNANSWERED
                    elif isinstance(a, Drop):
                        ci.status = CheckInStatus.CANCELLED

    for _ in range(3):
        do_checkins()
    t0 = time.perf_counter()
    sweep.due(clock.now())
    print("one sweep with 500 waiting check-ins:", time.perf_counter() - t0)
    for _ in range(26):
        clock.advance(timedelta(hours=1))
        do_checkins()
    counts = Counter(c.status.value for c in desk.rows(CheckIn, day=1) if c.due_at == due)
    print(counts)
    assert counts["cancelled"] == 0


def test_11_a_page_waits_behind_bulk_texts(desk):
    with transaction() as s:
        conv = s.query(Conversation).filter_by(address=ANA).one()
        for i in range(600):
            s.add(
                Message(
                    clinic_id=conv.clinic_id,
                    conversation_id=conv.id,
                    direction=Direction.OUT,
                    kind=Kind.CHECK_IN,
                    channel=Channel.SMS,
                    body="x",
                    status=Status.QUEUED,
                    send_after=clock.now(),
                )
            )
    desk.text(PAT, "cant see out my left eye")
    works = [w for w in sweep.due(clock.now()) if w.task == "deliver"]
    pages = {
        m.id for m in desk.rows(Message) if m.kind in (Kind.PAGE, Kind.SAFETY) and m.status is Status.QUEUED
    }
    print(
        len(works),
        "pages due:",
        len(pages),
        "in the batch:",
        [i for i, w in enumerate(works) if w.row_id in pages],
    )
    assert {w.row_id for w in works[:20]} >= pages


def test_12_reminder_at_night():
    from zoneinfo import ZoneInfo

    due = datetime(2026, 5, 4, 10, tzinfo=ZoneInfo("America/New_York"))
    a = next_action(
        CheckInStatus.SENT,
        due_at=due,
        sent_at=due,
        reminded_at=None,
        next_due_at=None,
        time_zone="America/New_York",
        settings=Settings(_env_file=None),
        now=due + timedelta(hours=13),
    )
    assert not isinstance(a, Remind), "a reminder at 23:00"


def test_12b_a_check_in_text_delayed_into_the_night(desk):
    row = [c for c in desk.rows(CheckIn, patient_id=pat(desk).id) if c.day == 1][0]
    clock.advance(row.due_at + timedelta(hours=9, minutes=50) - clock.now())  # 19:50
    desk.carrier.faults = [CarrierError("busy")] * 3
    desk.settle()
    n = len(desk.texts_to(PAT))
    desk.advance(hours=3)  # 22:50: the server was down, or the carrier was
    assert len(desk.texts_to(PAT)) == n


def test_13_enrolling_twice(desk):
    c = desk.rows(Clinic)[0].id
    f = form(desk, phone=STRANGER, first_name="Sam", last_name="Example")
    enrol(c, f)
    enrol(c, f)
    desk.settle()
    desk.carrier.sent.clear()
    p = desk.rows(Patient, phone=STRANGER)[0]
    row = desk.rows(CheckIn, patient_id=p.id)[0]
    clock.advance(row.due_at - clock.now() + timedelta(seconds=1))
    desk.settle()
    print(desk.texts_to(STRANGER))
    assert len(desk.texts_to(STRANGER)) == 2


def test_14_no_model_for_a_day_nobody_is_told(desk):
    desk.dialogue = None
    row = [c for c in desk.rows(CheckIn, patient_id=pat(desk).id) if c.day == 1][0]
    clock.advance(row.due_at - clock.now() + timedelta(seconds=1))
    with pytest.raises(AssertionError):
        desk.settle()
    clock.advance(timedelta(hours=25))
    desk.settle()
    row = [c for c in desk.rows(CheckIn, patient_id=pat(desk).id) if c.day == 1][0]
    print(row.status, [t.kind for t in desk.rows(StaffTask)])
    assert [t for t in desk.rows(StaffTask) if t.patient_id == row.patient_id]


def test_15_outcome_unknown_for_ever(desk):
    class Never:
        name = "never"

        def send(self, m):
            raise OutcomeUnknown("timeout")

        def find(self, m, since):
            raise OutcomeUnknown("timeout")

    desk.carrier = Never()
    desk.text(PAT, WHITE_LIP)
    for _ in range(300):
        clock.advance(timedelta(minutes=5))
        for w in sweep.due(clock.now()):
            desk._do(w)
    (safety,) = desk.rows(Message, kind=Kind.SAFETY)
    print(safety.status, desk.rows(StaffTask))
    assert safety.status is Status.FAILED or desk.rows(StaffTask)


def test_16_unanswered_probe_escalates(desk):
    r = desk.text(PAT, "i have a bit of a headache")
    desk.settle()
    print(desk.texts_to(PAT))
    desk.advance(hours=1)
    print(desk.alerts(), desk.rows(StaffTask))
    assert desk.alerts() or desk.rows(StaffTask)


def test_17_opted_out_patient_gets_t3_words(desk):
    desk.text(PAT, "STOP")
    desk.settle()
    n = len(desk.texts_to(PAT))
    desk.text(PAT, "", media=[{"url": "x", "content_type": "image/jpeg"}])
    desk.text(PAT, "i think i might be pregnant, can i have the second syringe")
    desk.settle()
    print(desk.texts_to(PAT)[n:])
    assert len(desk.texts_to(PAT)) == n


def test_18_alto_as_an_answer(desk):
    assert optout.keyword("Alto") is None and optout.keyword("alta") is None


def test_19_holder_of_an_acknowledged_alert_is_unreachable(desk):
    desk.text(PAT, "cant see out my left eye")
    desk.settle()
    desk.text(NURSE, "ack")
    desk.settle()
    with transaction() as s:
        s.query(Staff).filter_by(phone=NURSE).one().active = False
    n = len(desk.texts_to(DOCTOR))
    for _ in range(24):
        desk.advance(hours=1)
    print("doctor", len(desk.texts_to(DOCTOR)) - n)
    assert len(desk.texts_to(DOCTOR)) > n
