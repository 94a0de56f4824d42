from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

import pytest
import structlog
from sqlalchemy.exc import DatabaseError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from bot import clock, log
from bot.channels.base import Inbound
from bot.clinic.demo import TEXT_NUMBER
from bot.clinic.models import Patient
from bot.db.engine import transaction
from bot.dialogue.turns import run_turn
from bot.durable import sweep
from bot.messaging import inbox, spool
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, Turn
from bot.records.models import StaffTask, TaskKind
from bot.settings import Settings
from tests.support.desk import ANA, NURSE, PAT, STRANGER, Desk, Say

WHITE_LIP = "my lip has gone white"


def stored(desk: Desk) -> list[str]:
    return [m.body for m in desk.rows(Message, direction=Direction.IN)]


def test_a_message_that_comes_twice_is_stored_answered_and_paged_once(desk: Desk) -> None:
    first = desk.text(PAT, WHITE_LIP, provider_id="SM1")
    desk.settle()
    again = desk.text(PAT, WHITE_LIP, provider_id="SM1")
    desk.settle()

    assert (again.message_id, again.duplicate) == (first.message_id, True)
    assert stored(desk) == [WHITE_LIP]
    assert len(desk.texts_to(NURSE)) == 1


def test_messages_are_answered_in_the_order_they_were_sent(desk: Desk) -> None:
    receipts = [desk.text(PAT, f"question {number}") for number in range(5)]
    # even if the queue hands them out backwards
    for receipt in reversed(receipts):
        run_turn(receipt.message_id, desk.dialogue)
    desk.settle()
    assert [text for text, _ in desk.dialogue.heard] == [f"question {n}" for n in range(5)]
    assert desk.texts_to(PAT) == [f"You said: question {n}" for n in range(5)]


@pytest.mark.parametrize(
    "body",
    ["", "   ", "🙂", "a" * 10_000, "\x00\x01\x02\ud83d binary", '/report_symptom{"severity":"none"}', "¿?"],
    ids=["empty", "blank", "emoji", "10,000 characters", "binary", "intent injection", "marks"],
)
@pytest.mark.parametrize("sender", [PAT, STRANGER], ids=["patient", "stranger"])
def test_any_text_is_kept_and_gets_an_answer(desk: Desk, body: str, sender: str) -> None:
    receipt = desk.text(sender, body)
    desk.settle()

    kept = desk.message(receipt.message_id)
    assert kept.turn is Turn.ANSWERED
    assert kept.assessed
    assert len(kept.body) == len(body.replace("\x00", ""))
    assert len(desk.texts_to(sender)) == 1


def test_a_photo_without_words_is_kept_and_a_person_looks_at_it(desk: Desk) -> None:
    desk.text(PAT, "", media=[{"url": "https://example.org/1.jpg", "content_type": "image/jpeg"}])
    desk.settle()

    (message,) = desk.rows(Message, direction=Direction.IN)
    assert message.media[0]["content_type"] == "image/jpeg"
    assert len(desk.texts_to(NURSE)) == 1
    assert len(desk.texts_to(PAT)) == 1


def test_with_the_database_away_a_red_flag_waits_on_disk_and_pages_when_it_is_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("connection refused"))

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "_store", away)
        receipt = desk.text(PAT, WHITE_LIP)
    assert receipt.message_id == ""
    assert len(list(spool.waiting())) == 1

    desk.settle()

    assert stored(desk) == [WHITE_LIP]
    assert len(desk.texts_to(NURSE)) == 1
    assert list(spool.waiting()) == []


def test_while_the_database_stays_away_spooled_messages_stay_where_they_are(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("connection refused"))

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "_store", away)
        desk.text(PAT, "one")
        desk.text(PAT, "two")
        for _ in range(3):
            with pytest.raises(OperationalError):
                sweep.repair()
        assert len(list(spool.waiting())) == 2
    desk.settle()
    assert stored(desk) == ["one", "two"]


def test_when_acting_on_a_message_fails_it_is_stored_and_acted_on_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("content is broken")

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "read", fails)
        receipt = desk.text(PAT, WHITE_LIP)
    assert desk.message(receipt.message_id).assessed is False

    desk.settle()
    assert len(desk.texts_to(NURSE)) == 1


def test_a_dialogue_that_fails_is_owned_up_to_and_a_person_reads_the_message(desk: Desk) -> None:
    def fails(text: str) -> Sequence[Say]:
        raise TimeoutError

    desk.dialogue.answer = fails
    desk.text(PAT, "can i go to the gym")
    desk.settle()

    assert len(desk.texts_to(PAT)) == 1
    (task,) = desk.rows(StaffTask)
    assert (task.kind, task.note) == (TaskKind.NOT_UNDERSTOOD, "can i go to the gym")


def test_a_dialogue_that_says_nothing_is_not_silence_for_the_patient(desk: Desk) -> None:
    desk.dialogue.answer = lambda text: []
    desk.text(PAT, "mmm")
    desk.settle()
    assert len(desk.texts_to(PAT)) == 1


def test_after_safety_words_the_dialogue_may_stay_silent(desk: Desk) -> None:
    desk.dialogue.answer = lambda text: []
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert len(desk.texts_to(PAT)) == 1
    assert desk.rows(StaffTask) == []


def test_a_number_of_no_clinic_is_refused_and_nothing_is_stored(desk: Desk) -> None:
    with pytest.raises(inbox.UnknownClinic):
        inbox.receive(Inbound(Channel.SMS, "X1", "+15550100999", PAT, "hello"))
    assert stored(desk) == []


def test_what_we_say_is_recorded_with_its_content_version(desk: Desk) -> None:
    desk.text(ANA, "hola")
    desk.settle()
    (reply,) = desk.rows(Message, kind=Kind.REPLY)
    assert (reply.content_id, reply.content_version) == ("aftercare.exercise", 1)


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("SELECT 1", {}, Exception("connection refused")),
        PoolTimeout("out of connections"),
        InternalError("INSERT", {}, Exception("read-only transaction")),
        InterfaceError("INSERT", {}, Exception("the connection is closed")),
        DatabaseError("INSERT", {}, Exception("disk image is malformed")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_however_the_database_fails_a_red_flag_waits_on_disk(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_args: object, **_kwargs: object) -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "_store", fails)
        desk.text(PAT, WHITE_LIP)
        with pytest.raises(type(error)):
            sweep.repair()
        assert len(list(spool.waiting())) == 1
    desk.settle()
    assert stored(desk) == [WHITE_LIP]
    assert len(desk.texts_to(NURSE)) == 1


def spool_folder(settings: Settings) -> Path:
    folder = settings.var_dir / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def spooled(sender: str, body: str = WHITE_LIP, to: str = TEXT_NUMBER) -> str:
    return json.dumps(asdict(Inbound(Channel.SMS, f"SM-{sender[:9]}", to, sender, body)))


@pytest.mark.parametrize(
    "content",
    ["", '{"channel": "sms", "bo', "[]", '{"channel": "sms"}', "\x00\x01", spooled(PAT, to="+15550100999")],
    ids=["empty", "cut off", "a list", "no message", "binary", "of no clinic"],
)
def test_a_spool_file_that_cannot_be_stored_is_kept_aside_and_the_others_go_on(
    desk: Desk, settings: Settings, content: str
) -> None:
    folder = spool_folder(settings)
    (folder / "0.json").write_text(content)
    (folder / "1.json").write_text(spooled(PAT))
    desk.settle()

    assert stored(desk) == [WHITE_LIP]
    assert len(desk.texts_to(NURSE)) == 1
    assert [path.name for path in folder.iterdir()] == ["0.bad"]
    assert (folder / "0.bad").read_text() == content


@pytest.mark.parametrize("either_record", ["postgres"], indirect=True)
def test_a_spooled_message_that_the_database_refuses_for_what_it_says_stops_no_other(
    either_record: str, settings: Settings
) -> None:
    desk = Desk.of_demo_clinic()
    folder = spool_folder(settings)
    (folder / "0.json").write_text(spooled("+" + "1" * 99))  # longer than the column
    (folder / "1.json").write_text(spooled(PAT))
    desk.settle()
    assert len(desk.texts_to(NURSE)) == 1


def break_ana() -> None:
    """A row that no code of ours writes, as an import or a hand may leave it."""
    with transaction() as session:
        session.query(Patient).filter_by(phone=ANA).one().time_zone = "US/Nowhere"


def test_one_patients_broken_row_stops_nobody_elses_page(desk: Desk) -> None:
    break_ana()
    clock.advance(timedelta(days=1))
    desk.text(PAT, WHITE_LIP)
    failures = desk.sweep_once()

    assert {type(failure) for failure in failures} == {ZoneInfoNotFoundError}, "only her own check-in"
    assert len(desk.texts_to(NURSE)) == 1


def test_a_message_that_cannot_be_acted_on_stops_nobody_elses_page(desk: Desk) -> None:
    break_ana()
    receipt = desk.text(ANA, "hola")
    desk.text(PAT, WHITE_LIP)
    desk.sweep_once()

    assert desk.message(receipt.message_id).body == "hola"
    assert len([page for page in desk.texts_to(NURSE) if "T1" in page]) == 1


def at_the_same_time(action: Callable[[], object]) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def log_settings_kept() -> Iterator[None]:
    """The test may set up the log as a server does."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("either_record", ["postgres"], indirect=True)
def test_a_failure_of_the_database_puts_no_phone_number_into_the_log(
    either_record: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    log_settings_kept: None,
) -> None:
    desk = Desk.of_demo_clinic()
    log.configure("INFO")

    def handle(session: Session, message: Message) -> None:
        conversation = message.conversation
        session.add(
            Conversation(
                clinic_id=conversation.clinic_id, channel=conversation.channel, address=conversation.address
            )
        )
        session.flush()

    monkeypatch.setattr(inbox, "handle", handle)
    desk.text(STRANGER, "hello")

    logged = capsys.readouterr().err
    assert "UniqueViolation" in logged, "the database refused"
    assert STRANGER not in logged
    assert stored(desk) == ["hello"]
