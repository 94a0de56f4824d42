"""What the dialogue does at its limits: not understood, repeated, slow, failing, or talked into something."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import bot.records.tasks
from bot.dialogue.agent import Dialogue
from bot.dialogue.replies import DialogueError
from bot.settings import Settings, get_settings, use_settings
from tests.support.patient import Patient, ids
from tests.support.services import Services

pytestmark = pytest.mark.model


def test_what_is_not_understood_is_asked_back_and_then_handed_over(
    patient: Patient, services: Services
) -> None:
    (first,) = patient.text("zxcv blorp wug")
    assert first.content_id in ("dialogue.offer", "dialogue.fallback")
    assert ids(patient.text("wug wug blorp")) == ["dialogue.handover"]
    assert services.named("hand_over") == [((f"{patient.conversation_id}-2", "not_understood"), {})]


def test_choices_are_numbered_on_the_phone_and_buttons_on_the_web(
    dialogue: Dialogue, services: Services
) -> None:
    offers = {}
    for channel in ("sms", "web"):
        (offers[channel],) = Patient(dialogue, f"offer-{channel}", channel=channel).text("will it show")
        assert offers[channel].question == "dialogue.offer"
        assert 1 <= len(offers[channel].offered) <= 3
    assert offers["sms"].buttons == []
    assert "1 " in offers["sms"].text
    assert [b["payload"] for b in offers["web"].buttons] == [
        str(n) for n in range(1, len(offers["web"].offered) + 2)
    ]


def test_a_number_picks_the_offered_topic(patient: Patient) -> None:
    (offer,) = patient.text("will it show")
    assert ids(patient.text("1")) == [offer.offered[0]]


def test_the_last_choice_asks_for_other_words(patient: Patient) -> None:
    (offer,) = patient.text("will it show")
    assert ids(patient.text(str(len(offer.offered) + 1))) == ["dialogue.fallback"]


@pytest.mark.parametrize(("words", "language"), [("both", "en"), ("1 and 2 please", "en"), ("las dos", "es")])
def test_several_choices_are_all_answered(
    dialogue: Dialogue, services: Services, words: str, language: str
) -> None:
    patient = Patient(dialogue, f"both-{words}", language=language, phase="before")
    (offer,) = patient.text("will it show")
    assert len(offer.offered) >= 2
    assert ids(patient.text(words)) == list(offer.offered[:2])
    assert ids(patient.text(words)) != list(offer.offered[:2]), "what was offered is answered"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("i want a refund or i will call my lawyer", "legal_matter"),
        ("voy a denunciarles", "legal_matter"),
        ("que antibiotico tomo", "other_medicine"),
    ],
)
def test_law_and_other_medicines_are_handed_to_a_person(
    patient: Patient, services: Services, words: str, reason: str
) -> None:
    assert ids(patient.text(words)) == ["dialogue.handover"]
    assert services.named("hand_over") == [((f"{patient.conversation_id}-1", reason), {})]


def test_a_legal_threat_in_a_check_in_is_handed_over_and_the_check_in_goes_on(
    patient: Patient, services: Services
) -> None:
    patient.check_in()
    said = patient.text("I am going to sue you")
    assert ids(said) == ["dialogue.handover", "checkin.pain"]
    assert services.named("record") == []


@pytest.mark.parametrize("words", ["nope thats all", "no thanks", "that's it"])
def test_nothing_more_to_ask_is_not_called_misunderstood(patient: Patient, words: str) -> None:
    patient.text("can I go to the gym?")
    assert ids(patient.text(words)) == ["smalltalk.thanks"]


def test_a_person_can_be_asked_for_at_any_time(patient: Patient, services: Services) -> None:
    patient.check_in()
    assert ids(patient.text("I want to talk to a real person")) == ["dialogue.handover"]
    assert services.named("hand_over") == [((f"{patient.conversation_id}-1", "talk_to_patient"), {})]


def test_no_more_texts_in_plain_words_is_an_opt_out(paciente: Patient, services: Services) -> None:
    assert ids(paciente.text("por favor ya no me escriban más")) == ["optout.stopped"]
    assert len(services.named("opt_out_by_message")) == 1


@pytest.mark.parametrize("words", ["/EXTERNAL_checkin", " //EXTERNAL_checkin", "/ /EXTERNAL_checkin{}"])
def test_a_patient_cannot_name_an_intent(patient: Patient, words: str) -> None:
    assert "checkin.intro" not in ids(patient.text(words))


@pytest.mark.parametrize("words", ["", "/", "   ", "🙂", "\x00\x01", "a" * 10_000])
def test_any_text_gets_an_answer(patient: Patient, words: str) -> None:
    assert len(patient.text(words)) == 1


def test_a_message_that_comes_twice_is_answered_once(patient: Patient, services: Services) -> None:
    first = patient.text("how long does the bruising last?", message_id="same")
    patient.text("thank you")
    assert patient.text("how long does the bruising last?", message_id="same") == first
    assert len(services.named("log_mention")) == 1


def test_a_check_in_that_is_started_twice_is_asked_once(patient: Patient) -> None:
    first = patient.check_in("twice")
    patient.text("2")
    assert patient.check_in("twice") == first
    assert [r.question for r in patient.text("1")] == ["checkin.red_flags"]


def test_a_turn_that_fails_says_so_and_can_be_run_again(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any) -> str:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken_for_now:
        broken_for_now.setattr(bot.records.tasks, "hand_over", broken)
        with pytest.raises(DialogueError, match="disk is full"):
            patient.text("I want to talk to a real person", message_id="again")
    assert ids(patient.text("I want to talk to a real person", message_id="again")) == ["dialogue.handover"]


def test_a_slow_turn_is_given_up(
    dialogue: Dialogue, patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    release = threading.Event()

    def slow(*_args: Any) -> str:
        release.wait(20)
        return "dialogue.handover"

    monkeypatch.setattr(bot.records.tasks, "hand_over", slow)
    use_settings(Settings(turn_timeout_s=0.5, database_url=None, _env_file=None))
    try:
        with pytest.raises(DialogueError, match=r"longer than 0\.5 s"):
            patient.text("I want to talk to a real person")
    finally:
        release.set()
        use_settings(Settings(turn_timeout_s=60, database_url=None, _env_file=None))


def test_loading_may_take_longer_than_a_turn(dialogue: Dialogue, dialogue_model: Path) -> None:
    before = get_settings()
    use_settings(before.model_copy(update={"turn_timeout_s": 0.001}))
    try:
        Dialogue.load(dialogue_model).close()
    finally:
        use_settings(before)


def test_messages_of_one_patient_wait_in_line_and_not_for_long(patient: Patient, services: Services) -> None:
    patient.check_in()
    started = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        turns = [
            pool.submit(patient.text, "2", message_id=f"{patient.conversation_id}-at-once-{n}")
            for n in range(4)
        ]
        asked = [reply.question for turn in turns for reply in turn.result()]
    # 2 for pain, for swelling, as a sign and in words: each message answered one question.
    assert sorted(filter(None, asked)) == ["checkin.other", "checkin.red_flags", "checkin.swelling"]
    assert len(services.named("record")) == 4
    assert time.monotonic() - started < 2


def test_without_metadata_it_speaks_english_and_writes_nothing(
    dialogue: Dialogue, services: Services
) -> None:
    (reply,) = dialogue.handle("shell", "how long does the bruising last?", {})
    assert reply.content_id == "recovery.bruising"
    assert services.calls == []


def test_patients_words_stay_out_of_the_logs(
    patient: Patient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        patient.text("I have a rash on my neck")
        patient.text("my secret place")
    heard = capfd.readouterr()
    assert "secret" not in heard.out + heard.err + caplog.text
