"""What the dialogue does when triage has found or asked something. Services are watched, not run."""

from __future__ import annotations

from typing import Any

import pytest

from bot.dialogue.agent import Dialogue
from tests.support.patient import Patient, ids
from tests.support.services import Services

pytestmark = pytest.mark.model


@pytest.mark.parametrize("channel", ["sms", "web"])
def test_a_red_flag_ends_the_form_and_nothing_is_said_over_it(
    dialogue: Dialogue, services: Services, channel: str
) -> None:
    patient = Patient(dialogue, f"red-flag-{channel}", channel=channel)
    patient.check_in()
    assert patient.text("my lip has gone white", tier="T1", flags=["VO"], safety_sent=True) == []
    assert ids(patient.text("can I go to the gym?")) == ["aftercare.exercise"]
    # The answer that raised it is in the check-in, and no reminder will ask for one.
    assert services.named("record")[0][0][:3] == ("check-in-1", "checkin.pain", "my lip has gone white")
    assert len(services.named("finish")) == 1


def test_a_red_flag_in_a_report_keeps_the_report(patient: Patient, services: Services) -> None:
    patient.text("I have a rash on my neck")
    assert patient.text("and I can't breathe", tier="T0", flags=["ALL"], safety_sent=True) == []
    ((_, report),) = services.named("log_report")
    assert report["what"] == "I have a rash on my neck"


def test_a_worrying_sign_is_taken_down_and_not_explained_away(patient: Patient) -> None:
    (reply,) = patient.text("the lump on my cheek is red and hot", tier="T2", flags=["DIR"], safety_sent=True)
    assert reply.question == "symptom.where"


def test_a_question_waits_until_the_probe_is_answered(patient: Patient) -> None:
    assert patient.text("how long does the swelling last?", probe=True, safety_sent=True) == []
    assert ids(patient.text("0", question="probe")) == ["recovery.swelling"]


def test_a_report_waits_until_the_probe_is_answered(patient: Patient, services: Services) -> None:
    assert patient.text("I noticed something new today", probe=True, safety_sent=True) == []
    assert [r.question for r in patient.text("none", question="probe")] == ["symptom.where"]
    for words in ("chin", "today", "2", "1"):
        patient.text(words)
    ((_, report),) = services.named("log_report")
    assert report["what"] == "I noticed something new today"


def test_a_form_keeps_the_answer_and_waits_until_the_probe_is_answered(
    patient: Patient, services: Services
) -> None:
    patient.text("I want to report a symptom")
    assert patient.text("my chin feels tight", probe=True, safety_sent=True) == []
    assert [r.question for r in patient.text("0", question="probe")] == ["symptom.where"]
    for words in ("left", "today", "2"):
        patient.text(words)
    assert patient.text("better, but it tingles", probe=True, safety_sent=True) == []
    assert ids(patient.text("no", question="probe")) == ["symptom.done_t4"]
    ((_, report),) = services.named("log_report")
    assert (report["what"], report["where"], report["trend"]) == ("my chin feels tight", "left", "better")


def test_a_probe_that_is_talked_past_is_asked_once_more(patient: Patient) -> None:
    patient.check_in()
    assert patient.text("2, a bit tight", probe=True, safety_sent=True) == []
    (again,) = patient.text("it is the left side", question="probe")
    assert (again.content_id, again.question) == ("safety.probe", "probe")
    assert [r.question for r in patient.text("just tight", question="probe")] == ["checkin.swelling"]


def test_a_topic_is_answered_while_the_probe_stays_open(patient: Patient) -> None:
    patient.check_in()
    patient.text("2, a bit tight", probe=True, safety_sent=True)
    assert ids(patient.text("can I drink wine tonight?", question="probe")) == ["aftercare.alcohol"]


@pytest.mark.parametrize(
    "answer", ["no none of that", "0 none", "nada de eso, no", "none of the above thanks"]
)
def test_a_no_to_the_probe_in_several_words_lets_the_question_be_answered(
    patient: Patient, answer: str
) -> None:
    patient.text("how long does the swelling last?", probe=True, safety_sent=True)
    assert ids(patient.text(answer, question="probe")) == ["recovery.swelling"]


def test_after_a_no_to_hurting_oneself_nothing_about_treatments_is_said(patient: Patient) -> None:
    assert patient.text("i hate how i look", probe=True, safety_sent=True, flags=["PSY"]) == []
    assert ids(patient.text("0", question="probe_mind")) == ["dialogue.mind_no"]
    assert ids(patient.text("can I drink wine tonight?")) == ["aftercare.alcohol"]


@pytest.mark.parametrize("tears", ["😭😭😭", "😭", "😢💔"])
def test_tears_are_not_welcome(dialogue: Dialogue, tears: str) -> None:
    crying = Patient(dialogue, f"tears-{tears}", patient_id=None, phase=None, day=None)
    assert ids(crying.text(tears)) == ["dialogue.fallback"]


@pytest.mark.parametrize("words", ["i rang and no one picked up", "llamé y nadie contesta"])
def test_whoever_finds_nobody_on_the_phone_is_handed_to_a_person(
    patient: Patient, services: Services, words: str
) -> None:
    assert ids(patient.text(words)) == ["dialogue.handover"]
    assert len(services.named("hand_over")) == 1


@pytest.mark.parametrize("words", ["should i take antibiotics", "i will call my lawyer"])
def test_what_only_a_person_may_answer_is_handed_over_at_once(
    patient: Patient, services: Services, words: str
) -> None:
    assert ids(patient.text(words)) == ["dialogue.handover"]
    assert len(services.named("hand_over")) == 1


def test_the_question_on_hurting_oneself_is_asked_once_more_and_then_a_person_is_brought(
    patient: Patient, services: Services
) -> None:
    patient.text("i hate how i look", probe=True, safety_sent=True, flags=["PSY"])
    assert ids(patient.text("ok", question="probe_mind")) == ["safety.probe_mind"]
    assert ids(patient.text("hmm", question="probe_mind")) == ["dialogue.handover"]
    assert len(services.named("hand_over")) == 1


@pytest.mark.parametrize(
    "words",
    [
        "should i drive to a&e now?",
        "voy ya a urgencias o espero?",
        "nobody is answering the phone",
        "is anyone there",
    ],
)
def test_beside_an_alert_of_the_hour_a_cry_for_help_gets_no_opening_hours(
    patient: Patient, words: str
) -> None:
    assert ids(patient.text(words, open_alert="T1")) == ["dialogue.handover_alert"]


def test_distress_ends_a_form_and_brings_a_person(patient: Patient, services: Services) -> None:
    patient.text("I have a rash on my neck")
    assert ids(patient.text("I can't stand my face any more", tier="T3", flags=["PSY"])) == [
        "dialogue.handover"
    ]
    assert services.named("hand_over") == [((f"{patient.conversation_id}-2", "in_distress"), {})]
    ((_, report),) = services.named("log_report")
    assert report["where"] == ""
    assert ids(patient.text("can I go to the gym?")) == ["aftercare.exercise"]


def test_distress_in_a_check_in_is_kept_and_nobody_is_nagged(patient: Patient, services: Services) -> None:
    patient.check_in()
    patient.text("2")
    words = "I hate how I look"
    # Triage has said that a person will call: nothing is said over it, and the task is opened all the same.
    assert patient.text(words, tier="T2", flags=["PSY"], safety_sent=True) == []
    assert len(services.named("hand_over")) == 1
    assert [args[1:3] for args, _ in services.named("record")] == [
        ("checkin.pain", 2),
        ("checkin.swelling", words),
    ]
    assert len(services.named("finish")) == 1


def at_the_last_question(patient: Patient) -> None:
    patient.check_in()
    for answer in ("2", "3", "0"):
        patient.text(answer)


@pytest.mark.parametrize(
    "facts",
    [
        {"probe": True, "safety_sent": True},
        {"tier": "T2", "flags": ["DIR"], "safety_sent": True},
        {"tier": "T3", "probe": True, "safety_sent": True},
        {"tier": "T1", "flags": ["VO"], "safety_sent": True},
    ],
)
@pytest.mark.parametrize("words", ["my cheek is a bit tight", "can I massage the lump?"])
def test_a_last_answer_that_worries_triage_still_finishes_the_check_in(
    patient: Patient, services: Services, words: str, facts: dict[str, Any]
) -> None:
    at_the_last_question(patient)
    patient.text(words, **facts)
    assert services.named("record")[-1][0] == ("check-in-1", "checkin.other", words)
    assert services.named("finish") == [(("check-in-1", f"{patient.conversation_id}-4"), {})]


def test_the_probe_after_the_last_answer_is_still_heard(patient: Patient, services: Services) -> None:
    at_the_last_question(patient)
    assert patient.text("a bit tight", probe=True, safety_sent=True) == []
    assert ids(patient.text("only tight", question="probe")) == ["safety.probe"]
    assert ids(patient.text("0", question="probe")) == ["checkin.done_well"]
    assert len(services.named("record")) == 4
    assert len(services.named("finish")) == 1


def test_a_bad_answer_to_that_probe_is_not_called_well(patient: Patient) -> None:
    at_the_last_question(patient)
    patient.text("a bit tight", probe=True, safety_sent=True)
    replies = patient.text("6", question="probe", tier="T2", flags=["INF"], safety_sent=True)
    assert ids(replies) == ["checkin.done_concern"]


def test_a_red_flag_in_answer_to_the_probe_keeps_the_score_before_it(
    patient: Patient, services: Services
) -> None:
    patient.check_in()
    patient.text("2, a bit tight", probe=True, safety_sent=True)
    assert patient.text("4", question="probe", tier="T1", flags=["VO"], safety_sent=True) == []
    assert [args[1:3] for args, _ in services.named("record")] == [("checkin.pain", 2)]
    assert len(services.named("finish")) == 1


def test_asking_for_a_person_at_the_last_question_finishes_the_check_in(
    patient: Patient, services: Services
) -> None:
    at_the_last_question(patient)
    assert ids(patient.text("I want to talk to a real person")) == ["dialogue.handover"]
    assert len(services.named("finish")) == 1
