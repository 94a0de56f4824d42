"""A person takes a conversation over: the bot is silent, triage is not, and nobody is left waiting."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from bot import clock
from bot.clinic.models import Clinic, Consent, Staff, StaffSession
from bot.console import sessions
from bot.db.engine import transaction
from bot.dialogue.turns import run_turn
from bot.escalation.models import AlertStatus
from bot.followup.models import CheckIn, CheckInStatus
from bot.handover import service
from bot.handover.models import Release, StaffReply, Takeover
from bot.handover.policy import AskOthers, HandBack, Hold, Keep, Limits, next_action
from bot.handover.watch import watch
from bot.intake.models import Intake
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, Status, Turn
from bot.records.models import StaffTask, TaskKind
from tests.support.desk import ANA, NURSE, PAT, STRANGER, Desk, Say

RED_FLAG = "My lip looks white and it really hurts"
MILD = "How long until the bruise is gone? It is a bit yellow"
HEADACHE = "i have a bit of a headache"  #: routine, with the red-flag questions
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
LIMITS = Limits(reply_minutes=10, idle_minutes=30)


@pytest.fixture
def desk(record: None) -> Desk:
    """The demo clinic, with the nurse and the doctor signed in."""
    mine = Desk.of_demo_clinic()
    for name in ("Nurse Demo", "Dr Demo"):
        sign_in(name)
    return mine


def staff_id(name: str) -> str:
    with transaction() as session:
        return session.scalars(select(Staff.id).where(Staff.name == name)).one()


def sign_in(name: str) -> None:
    with transaction() as session:
        sessions.open_session(
            session, session.get_one(Staff, session.scalars(select(Staff.id).where(Staff.name == name)).one())
        )


def thread(address: str) -> str:
    with transaction() as session:
        return session.scalars(select(Conversation.id).where(Conversation.address == address)).one()


def taken(desk: Desk, address: str = PAT, name: str = "Nurse Demo") -> str:
    """`name` takes the conversation with `address`; its id."""
    desk.text(address, "hello")
    desk.settle()
    service.take_over(thread(address), staff_id(name))
    return thread(address)


def open_takeovers(desk: Desk) -> list[Takeover]:
    return [one for one in desk.rows(Takeover) if one.released_at is None]


def hold(**changes: object) -> Hold:
    facts: dict[str, object] = {
        "active_at": NOON, "waiting_since": None, "others_asked": False, "holder_present": True,
    }  # fmt: skip
    return Hold(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "minutes", "action"),
    [
        ({}, 0, Keep(NOON + timedelta(minutes=30))),
        ({}, 29.9, Keep(NOON + timedelta(minutes=30))),
        ({}, 30, HandBack(Release.INACTIVE)),
        ({"holder_present": False}, 0, HandBack(Release.HOLDER_GONE)),
        ({"waiting_since": NOON}, 9.9, Keep(NOON + timedelta(minutes=10))),
        ({"waiting_since": NOON}, 10, AskOthers()),
        ({"waiting_since": NOON, "others_asked": True}, 10, Keep(NOON + timedelta(minutes=30))),
        # a message shortly before the end gives the holder the whole time to answer it
        ({"waiting_since": NOON + timedelta(minutes=29)}, 30, Keep(NOON + timedelta(minutes=39))),
        (
            {"waiting_since": NOON + timedelta(minutes=29), "others_asked": True},
            59,
            HandBack(Release.INACTIVE),
        ),
        ({"waiting_since": NOON, "holder_present": False}, 10, HandBack(Release.HOLDER_GONE)),
    ],
)
def test_the_policy_says_when_others_are_asked_and_when_it_is_handed_back(
    facts: dict[str, object], minutes: float, action: object
) -> None:
    assert next_action(hold(**facts), LIMITS, NOON + timedelta(minutes=minutes)) == action


def test_the_bot_is_silent_while_a_person_holds_the_conversation(desk: Desk) -> None:
    taken(desk)
    before = len(desk.texts_to(PAT))
    receipt = desk.text(PAT, MILD)
    desk.settle()
    assert len(desk.texts_to(PAT)) == before
    message = desk.message(receipt.message_id)
    assert (message.turn, message.assessed) == (Turn.NOT_NEEDED, True)


def test_the_bot_answers_again_after_the_hand_back_and_only_what_comes_then(desk: Desk) -> None:
    conversation = taken(desk)
    desk.text(PAT, "while the nurse is here")
    service.hand_back(conversation, staff_id("Nurse Demo"))
    desk.text(PAT, "and afterwards")
    desk.settle()
    assert "You said: and afterwards" in desk.texts_to(PAT)
    assert "You said: while the nurse is here" not in desk.texts_to(PAT)


def test_a_red_flag_pages_and_is_answered_while_somebody_holds_the_conversation(desk: Desk) -> None:
    taken(desk)
    desk.text(PAT, RED_FLAG)
    desk.settle()
    assert [alert.status for alert in desk.alerts()] == [AlertStatus.OPEN]
    assert any("ACK" in text for text in desk.texts_to(NURSE))
    safety = desk.rows(Message, kind=Kind.SAFETY)
    assert [message.status for message in safety] == [Status.DELIVERED]


def test_a_same_day_sign_pages_but_the_words_are_left_to_the_person(desk: Desk) -> None:
    taken(desk)
    desk.text(PAT, "there is pus coming out of the needle mark")
    desk.settle()
    assert [alert.tier.value for alert in desk.alerts()] == ["T2"]
    assert desk.rows(Message, kind=Kind.SAFETY) == []


def test_stop_and_help_work_while_somebody_holds_the_conversation(desk: Desk) -> None:
    conversation = taken(desk)
    desk.text(PAT, "HELP")
    desk.text(PAT, "STOP")
    desk.settle()
    notices = [message.content_id for message in desk.rows(Message, kind=Kind.NOTICE)]
    assert "optout.help" in notices
    assert "optout.stopped" in notices
    with pytest.raises(service.ReplyRefused, match="opted_out"):
        service.reply(conversation, staff_id("Nurse Demo"), "Are you there?")


def test_a_take_over_in_the_middle_of_a_turn_leaves_the_bots_answer_unsaid(desk: Desk) -> None:
    receipt = desk.text(PAT, "hello")
    conversation = thread(PAT)

    def answer(_text: str) -> list[Say]:
        service.take_over(conversation, staff_id("Nurse Demo"))
        return [Say("Too late.")]

    assert desk.dialogue is not None
    desk.dialogue.answer = answer
    run_turn(receipt.message_id, desk.dialogue)
    desk.settle()
    assert "Too late." not in desk.texts_to(PAT)
    assert desk.message(receipt.message_id).turn is Turn.NOT_NEEDED


def test_check_ins_wait_until_the_conversation_is_handed_back(desk: Desk) -> None:
    conversation = taken(desk)
    while clock.now() < due(desk):
        service.still_here(conversation, staff_id("Nurse Demo"))
        sign_in("Nurse Demo")
        desk.advance(minutes=25)
    assert clock.now() >= due(desk)
    assert pat_check_ins(desk)[0].status is CheckInStatus.PLANNED
    service.hand_back(conversation, staff_id("Nurse Demo"))
    desk.advance(minutes=6)
    assert pat_check_ins(desk)[0].status is CheckInStatus.SENT


def test_nothing_else_is_asked_unasked_while_a_person_talks(desk: Desk) -> None:
    desk.advance(hours=3)  # 11 o'clock
    conversation = taken(desk)
    with transaction() as session:
        thread_row = session.get_one(Conversation, conversation)
        session.add(
            Intake(
                clinic_id=thread_row.clinic_id,
                conversation_id=conversation,
                patient_id=thread_row.patient_id,
                heard_at=clock.now() - timedelta(hours=25),
            )
        )

    def reminders() -> int:
        desk.settle()
        return len([message for message in desk.rows(Message) if message.content_id == "intake.reminder"])

    assert reminders() == 0
    service.hand_back(conversation, staff_id("Nurse Demo"))
    assert reminders() == 1


def pat_check_ins(desk: Desk) -> list[CheckIn]:
    with transaction() as session:
        patient = session.get_one(Conversation, thread(PAT)).patient_id
        query = select(CheckIn).where(CheckIn.patient_id == patient).order_by(CheckIn.due_at)
        return list(session.scalars(query))


def due(desk: Desk) -> datetime:
    return pat_check_ins(desk)[0].due_at


def test_two_people_never_hold_one_conversation(desk: Desk) -> None:
    conversation = taken(desk)
    with pytest.raises(service.HeldByAnother) as refused:
        service.take_over(conversation, staff_id("Dr Demo"))
    assert refused.value.name == "Nurse Demo"
    assert service.take_over(conversation, staff_id("Nurse Demo")) is False
    assert len(open_takeovers(desk)) == 1
    with pytest.raises(service.NotHeld):
        service.reply(conversation, staff_id("Dr Demo"), "Hello")
    with pytest.raises(service.NotHeld):
        service.hand_back(conversation, staff_id("Dr Demo"))


def test_the_record_itself_refuses_a_second_holder(either_record: str) -> None:
    desk = Desk.of_demo_clinic()
    sign_in("Nurse Demo")
    conversation, doctor = taken(desk), staff_id("Dr Demo")
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(
            Takeover(
                clinic_id=session.scalars(select(Clinic.id)).one(),
                conversation_id=conversation,
                staff_id=doctor,
                active_at=clock.now(),
            )
        )
    service.reply(conversation, staff_id("Nurse Demo"), "Still mine.")
    service.hand_back(conversation, staff_id("Nurse Demo"))
    service.take_over(conversation, staff_id("Dr Demo"))
    assert [one.staff_id for one in open_takeovers(desk)] == [staff_id("Dr Demo")]


def test_of_two_who_take_over_at_once_one_holds_and_the_other_is_told(either_record: str) -> None:
    desk = Desk.of_demo_clinic()
    people = [staff_id("Nurse Demo"), staff_id("Dr Demo")]
    desk.text(PAT, "hello")
    conversation = thread(PAT)
    start = threading.Barrier(2)

    def take(person: str) -> str:
        start.wait(10)
        try:
            service.take_over(conversation, person)
        except service.HeldByAnother as other:
            return other.name
        return "mine"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(take, people))
    assert said[1] == "mine"
    assert said[0] in ("Dr Demo", "Nurse Demo")
    assert len(open_takeovers(desk)) == 1


def test_a_reply_goes_out_as_a_text_and_the_record_knows_who_wrote_it(desk: Desk) -> None:
    conversation = taken(desk)
    message_id = service.reply(conversation, staff_id("Nurse Demo"), "  Can you send a picture?\x00 ")
    desk.settle()
    assert desk.texts_to(PAT)[-1] == "Can you send a picture?"
    assert [(row.message_id, row.staff_id) for row in desk.rows(StaffReply)] == [
        (message_id, staff_id("Nurse Demo"))
    ]
    assert desk.message(message_id).content_id is None


def test_a_ready_made_reply_is_recorded_as_such_unless_it_was_changed(desk: Desk) -> None:
    conversation = taken(desk)
    with transaction() as session:
        ready = service.template_text(
            session, session.get_one(Conversation, conversation), "reply.anything_else"
        )
    assert ready is not None
    nurse = staff_id("Nurse Demo")
    same = desk.message(service.reply(conversation, nurse, ready.text, "reply.anything_else"))
    other = desk.message(service.reply(conversation, nurse, ready.text + " Ok?", "reply.anything_else"))
    assert (same.content_id, same.content_version) == ("reply.anything_else", 1)
    assert (other.content_id, other.content_version) == (None, None)


@pytest.mark.parametrize(("text", "why"), [("  ", "empty"), ("x" * 1601, "too_long")])
def test_a_reply_that_cannot_be_sent_is_refused(desk: Desk, text: str, why: str) -> None:
    conversation = taken(desk)
    with pytest.raises(service.ReplyRefused, match=why):
        service.reply(conversation, staff_id("Nurse Demo"), text)
    assert desk.rows(StaffReply) == []


def test_no_text_goes_to_a_patient_who_said_no_to_texts(desk: Desk) -> None:
    conversation = taken(desk)
    with transaction() as session:
        said = session.scalars(
            select(Consent).where(
                Consent.patient_id == session.get_one(Conversation, conversation).patient_id
            )
        ).all()
        for consent in said:
            consent.granted = False
    with pytest.raises(service.ReplyRefused, match="no_consent"):
        service.reply(conversation, staff_id("Nurse Demo"), "Hello")


def test_a_stranger_who_wrote_may_be_answered(desk: Desk) -> None:
    conversation = taken(desk, STRANGER)
    service.reply(conversation, staff_id("Nurse Demo"), "How can we help?")
    desk.settle()
    assert desk.texts_to(STRANGER)[-1] == "How can we help?"


def test_a_patient_who_waits_too_long_for_the_holder_becomes_a_task_once(desk: Desk) -> None:
    taken(desk)
    desk.advance(minutes=1)
    waiting = desk.text(PAT, MILD).message_id
    desk.advance(minutes=9)
    assert desk.rows(StaffTask) == []
    for _ in range(3):
        desk.advance(minutes=2)
    tasks = desk.rows(StaffTask)
    assert [(task.kind, task.message_id) for task in tasks] == [(TaskKind.TALK_TO_PATIENT, waiting)]


@pytest.mark.parametrize(
    ("words", "tier"), [("i feel my usual tingle, i get cold sores", "T1"), (HEADACHE, None)]
)
def test_red_flag_questions_that_the_holder_left_unasked_count_as_unanswered(
    desk: Desk, words: str, tier: str | None
) -> None:
    taken(desk)
    desk.advance(minutes=1)
    receipt = desk.text(PAT, words)
    desk.settle()
    assert [row for row in desk.rows(Message) if row.content_id == "safety.probe"] == []
    desk.advance(minutes=11)
    assert [alert.tier.value for alert in desk.alerts()] == ([tier] if tier else [])
    reviews = desk.rows(StaffTask, kind=TaskKind.REVIEW)
    assert [task.message_id for task in reviews] == ([] if tier else [receipt.message_id])
    desk.advance(minutes=30)
    assert open_takeovers(desk) == []
    assert len(desk.rows(StaffTask)) == (1 if tier else 2), "nothing is asked twice"


def test_red_flag_questions_are_the_holders_who_answers_in_time(desk: Desk) -> None:
    conversation = taken(desk)
    desk.advance(minutes=1)
    desk.text(PAT, HEADACHE)
    desk.advance(minutes=5)
    service.reply(conversation, staff_id("Nurse Demo"), "Any change in your sight?")
    desk.advance(minutes=30)
    assert desk.rows(StaffTask) == []


def test_a_turn_that_began_while_held_says_nothing_when_it_is_handed_back_meanwhile(desk: Desk) -> None:
    receipt = desk.text(PAT, "hello")
    service.take_over(thread(PAT), staff_id("Nurse Demo"))
    desk.settle()
    service.hand_back(thread(PAT), staff_id("Nurse Demo"))
    desk.settle()
    assert desk.message(receipt.message_id).turn is Turn.NOT_NEEDED
    assert desk.rows(StaffTask) == []


def test_a_holder_who_answers_in_time_raises_no_task(desk: Desk) -> None:
    conversation = taken(desk)
    desk.advance(minutes=1)
    desk.text(PAT, MILD)
    desk.advance(minutes=5)
    service.reply(conversation, staff_id("Nurse Demo"), "A week or two. Is it sore?")
    desk.advance(minutes=15)
    assert desk.rows(StaffTask) == []


def test_an_idle_holder_hands_back_and_an_open_question_becomes_a_task(desk: Desk) -> None:
    conversation = taken(desk)
    service.reply(conversation, staff_id("Nurse Demo"), "Tell me more.")
    desk.advance(minutes=20)
    waiting = desk.text(PAT, MILD).message_id
    desk.advance(minutes=29)
    assert open_takeovers(desk)
    desk.advance(minutes=2)
    (held,) = desk.rows(Takeover)
    assert (held.released_because, held.messages_in, held.messages_out) == (Release.INACTIVE, 1, 1)
    assert waiting in [task.message_id for task in desk.rows(StaffTask)]


def test_the_holder_who_says_they_are_still_there_keeps_it(desk: Desk) -> None:
    conversation = taken(desk)
    for _ in range(3):
        desk.advance(minutes=25)
        service.still_here(conversation, staff_id("Nurse Demo"))
    assert open_takeovers(desk)


def test_a_patient_who_keeps_writing_does_not_keep_an_absent_holder(desk: Desk) -> None:
    taken(desk)
    for _ in range(10):
        desk.advance(minutes=4)
        desk.text(PAT, "hello? is anybody there?")
    assert open_takeovers(desk) == []


@pytest.mark.parametrize("how", ["signed out", "deactivated", "session ran out"])
def test_a_holder_who_is_gone_releases(desk: Desk, how: str) -> None:
    taken(desk)
    with transaction() as session:
        nurse = session.get_one(Staff, staff_id("Nurse Demo"))
        mine = session.scalars(select(StaffSession).where(StaffSession.staff_id == nurse.id)).all()
        if how == "deactivated":
            nurse.active = False
        for one in mine:
            if how == "signed out":
                sessions.close_session(session, one.id)
            elif how == "session ran out":
                one.expires_at = sessions.real_now() - timedelta(seconds=1)
    watch()
    assert [held.released_because for held in desk.rows(Takeover)] == [Release.HOLDER_GONE]


def test_handing_back_leaves_a_task_when_the_holder_says_so(desk: Desk) -> None:
    conversation = taken(desk)
    desk.advance(seconds=5)
    desk.text(PAT, MILD)
    service.hand_back(conversation, staff_id("Nurse Demo"), leave_task=True)
    assert len(desk.rows(StaffTask)) == 1
    service.take_over(conversation, staff_id("Nurse Demo"))
    desk.advance(seconds=5)
    desk.text(PAT, "thanks")
    service.hand_back(conversation, staff_id("Nurse Demo"))
    assert len(desk.rows(StaffTask)) == 1


def test_a_patient_on_the_web_reads_who_has_joined_and_who_has_left(desk: Desk) -> None:
    desk.web("visitor-1", "Hello")
    desk.settle()
    conversation = thread("visitor-1")
    service.take_over(conversation, staff_id("Dr Demo"))
    service.hand_back(conversation, staff_id("Dr Demo"))
    said = [m for m in desk.rows(Message, conversation_id=conversation) if m.direction is Direction.OUT]
    joined, left = said[-2:]
    assert (joined.content_id, left.content_id) == ("handover.joined", "handover.left")
    assert joined.body.startswith("Dr Demo (medical director)")
    assert joined.channel is Channel.WEB


def test_a_patient_by_text_is_not_sent_a_text_about_it(desk: Desk) -> None:
    conversation = taken(desk, ANA)
    before = len(desk.texts_to(ANA))
    service.hand_back(conversation, staff_id("Nurse Demo"))
    desk.settle()
    assert len(desk.texts_to(ANA)) == before
