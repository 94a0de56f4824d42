from __future__ import annotations

import pytest

from bot.escalation.models import AlertStatus, EventKind
from bot.messaging.models import Conversation, Kind, Message
from bot.records.models import StaffTask, TaskKind
from bot.triage.types import PROBE_MIND, Tier
from tests.support.desk import DOCTOR, NURSE, PAT, STRANGER, Desk

#: T2 with the red-flag questions first, and T4 with them
COLD_SORE = "i feel my usual tingle, i get cold sores"
HEADACHE = "i have a bit of a headache"
#: T4 and T2 with the question whether the sender thinks of hurting themselves
DISLIKE, DESPAIR = "i hate how i look", "i hate my face so much, i cant do this anymore"


def question(desk: Desk, number: str = PAT) -> str | None:
    asked: str | None = desk.rows(Conversation, address=number)[0].open_question
    return asked


def probes(desk: Desk) -> int:
    return len([row for row in desk.rows(Message, kind=Kind.SAFETY) if row.content_id == "safety.probe"])


@pytest.fixture(autouse=True)
def silent_dialogue(desk: Desk) -> None:
    """Only the red-flag questions are asked here."""
    assert desk.dialogue is not None
    desk.dialogue.answer = lambda text: []


def test_silence_for_a_quarter_of_an_hour_raises_by_one_tier_and_pages(desk: Desk) -> None:
    desk.text(PAT, COLD_SORE)
    desk.settle()
    (alert,) = desk.alerts()
    assert (alert.tier, probes(desk), question(desk)) == (Tier.T2, 1, "probe")
    paged = len(desk.texts_to(NURSE))

    desk.advance(minutes=14.9)
    assert desk.alerts()[0].tier is Tier.T2
    desk.advance(minutes=0.2)

    (alert,) = desk.alerts()
    assert (alert.tier, alert.status) == (Tier.T1, AlertStatus.OPEN)
    happened = [event.kind for event in alert.events]
    assert EventKind.RAISED in happened
    assert EventKind.PATIENT_WROTE not in happened, "nobody wrote"
    assert len(desk.texts_to(NURSE)) == paged + 1
    assert "T1" in desk.texts_to(NURSE)[-1]
    # from here on it has the times of its new tier
    desk.advance(minutes=15.1)
    assert len(desk.texts_to(DOCTOR)) == 1


def test_silence_after_a_mild_sign_becomes_a_task_for_staff(desk: Desk) -> None:
    receipt = desk.text(PAT, HEADACHE)
    desk.settle()
    desk.advance(minutes=15.1)

    assert desk.alerts() == []
    (task,) = desk.rows(StaffTask, kind=TaskKind.REVIEW)
    assert task.message_id == receipt.message_id


def test_a_raised_alert_that_somebody_had_taken_is_open_again(desk: Desk) -> None:
    desk.text(PAT, COLD_SORE)
    desk.settle()
    desk.text(NURSE, "ack")
    desk.settle()
    desk.advance(minutes=15.1)
    (alert,) = desk.alerts()
    assert (alert.tier, alert.status) == (Tier.T1, AlertStatus.OPEN)


@pytest.mark.parametrize("words", [COLD_SORE, HEADACHE])
def test_an_answer_in_time_raises_nothing(desk: Desk, words: str) -> None:
    desk.text(PAT, words)
    desk.settle()
    before = [alert.tier for alert in desk.alerts()]
    desk.advance(minutes=14)
    desk.text(PAT, "no, none of these")
    desk.advance(minutes=30)

    assert question(desk) is None
    assert [alert.tier for alert in desk.alerts()] == before
    assert desk.rows(StaffTask, kind=TaskKind.REVIEW) == []


def test_another_question_in_between_is_no_answer_to_the_red_flag_questions(desk: Desk) -> None:
    desk.text(PAT, COLD_SORE)
    desk.settle()
    desk.text(PAT, "can i wear make-up?")
    desk.settle()
    assert question(desk) == "probe"
    desk.advance(minutes=15.1)
    (alert,) = desk.alerts()
    assert alert.tier is Tier.T1


def test_the_red_flag_questions_can_be_answered_after_another_question(desk: Desk) -> None:
    desk.text(PAT, HEADACHE)
    desk.settle()
    desk.text(PAT, "can i wear make-up?")
    desk.text(PAT, "0")
    desk.settle()
    assert question(desk) is None
    desk.advance(minutes=30)
    assert desk.rows(StaffTask, kind=TaskKind.REVIEW) == []


def test_after_the_third_day_silence_only_closes_the_question(desk: Desk) -> None:
    desk.advance(days=5)
    desk.text(PAT, COLD_SORE)
    desk.settle()
    assert question(desk) == "probe"
    desk.advance(minutes=16)

    assert question(desk) is None
    assert [alert.tier for alert in desk.alerts()] == [Tier.T2]
    assert desk.rows(StaffTask, kind=TaskKind.REVIEW) == []


def test_the_silence_of_somebody_who_was_never_treated_here_only_closes_the_question(desk: Desk) -> None:
    desk.text(STRANGER, COLD_SORE)
    desk.settle()
    assert question(desk, STRANGER) == "probe"
    desk.advance(minutes=16)

    assert question(desk, STRANGER) is None
    assert [alert.tier for alert in desk.alerts()] == [Tier.T2]


def test_the_questions_are_asked_once_and_silence_counts_once(desk: Desk) -> None:
    desk.text(PAT, COLD_SORE)
    desk.settle()
    for _ in range(4):
        desk.advance(minutes=15.1)

    assert probes(desk) == 1
    (alert,) = desk.alerts()
    assert alert.tier is Tier.T1
    assert [event.kind for event in alert.events].count(EventKind.RAISED) == 1


@pytest.mark.parametrize(("sender", "words"), [(PAT, DESPAIR), (STRANGER, DESPAIR), (STRANGER, DISLIKE)])
def test_distress_is_asked_about_directly_and_not_with_signs_of_the_body(
    desk: Desk, sender: str, words: str
) -> None:
    desk.text(sender, words)
    desk.settle()
    (asked,) = desk.rows(Message, kind=Kind.SAFETY)
    assert asked.content_id == "safety.probe_mind"
    assert question(desk, sender) == PROBE_MIND
    assert "988" in desk.texts_to(sender)[-1]


@pytest.mark.parametrize("words", ["i feel worthless", "no valgo nada, me siento fatal"])
def test_whoever_feels_worthless_is_asked_and_a_person_looks_the_same_day(desk: Desk, words: str) -> None:
    desk.text(STRANGER, words)
    desk.settle()
    (alert,) = desk.alerts()
    assert (alert.tier, alert.psych, question(desk, STRANGER)) == (Tier.T2, True, PROBE_MIND)


@pytest.mark.parametrize("answer", ["1", "yes", "Yes I am", "sí"])
def test_yes_to_thinking_of_hurting_oneself_is_an_emergency(desk: Desk, answer: str) -> None:
    desk.text(STRANGER, DISLIKE)
    desk.text(STRANGER, answer)
    desk.settle()
    (alert,) = desk.alerts()
    assert (alert.tier, alert.flag, alert.psych) == (Tier.T0, "PSY", True)
    assert desk.rows(Message, content_id="safety.t0_crisis") != []
    assert question(desk, STRANGER) is None


def test_not_knowing_whether_one_thinks_of_it_is_for_within_the_hour(desk: Desk) -> None:
    desk.text(STRANGER, DISLIKE)
    desk.text(STRANGER, "i dont know")
    desk.settle()
    (alert,) = desk.alerts()
    assert (alert.tier, alert.psych) == (Tier.T1, True)


@pytest.mark.parametrize("answer", ["0", "no", "no, none"])
def test_no_to_it_closes_the_question_and_raises_nothing(desk: Desk, answer: str) -> None:
    desk.text(STRANGER, DISLIKE)
    desk.text(STRANGER, answer)
    desk.settle()
    desk.advance(minutes=30)
    assert question(desk, STRANGER) is None
    assert desk.alerts() == []
    assert desk.rows(StaffTask, kind=TaskKind.REVIEW) == []


def test_no_to_it_closes_no_alert(desk: Desk) -> None:
    desk.text(PAT, DESPAIR)
    desk.text(PAT, "no")
    desk.settle()
    (alert,) = desk.alerts()
    assert (alert.tier, alert.status) == (Tier.T2, AlertStatus.OPEN)


def test_silence_after_it_counts_also_for_somebody_who_was_never_treated(desk: Desk) -> None:
    desk.text(STRANGER, DESPAIR)
    desk.settle()
    desk.advance(minutes=15.1)
    (alert,) = desk.alerts()
    assert (alert.tier, alert.psych) == (Tier.T1, True)
    assert question(desk, STRANGER) is None


def test_a_sign_of_the_body_beside_distress_is_asked_about_with_the_six_signs(desk: Desk) -> None:
    desk.text(PAT, f"{COLD_SORE}, and i cant do this anymore")
    desk.settle()
    assert probes(desk) == 1


@pytest.mark.parametrize(
    "answer",
    ["i have thought about it", "only at night", "not today", "sometimes", "prefer not to say",
     "de vez en cuando", "la verdad sí lo he pensado", "no pero a veces", "not really", "no estoy bien",
     "no, es que ya no puedo", "no, i cant go on", "i'm not ok", "No me siento bien la verdad",
     "nothing matters", "no, im just tired of it all", "no sirve de nada", "never mind",
     "no, solo quiero que acabe todo", "no, no estoy bien", "no muy bien", "no good", "no, nada bien"],
)  # fmt: skip
def test_what_is_no_clear_no_to_it_counts_as_not_knowing(desk: Desk, answer: str) -> None:
    desk.text(STRANGER, DISLIKE)
    desk.text(STRANGER, answer)
    desk.settle()
    (alert,) = desk.alerts()
    assert (alert.tier.urgency <= 1, alert.psych) == (True, True)


@pytest.mark.parametrize(
    "answer",
    ["lol no", "no, i'd never", "no, para nada jaja", "nope never", "claro que no", "No, estoy bien",
     "no, i'm just really sad about my lips", "I'm not", "no i'd never do that", "no, solo estoy triste",
     "no, i'm not thinking of hurting myself", "no, no quiero hacerme daño", "no. just upset and angry",
     "no, i just hate how i look", "no no, estoy tranquila, gracias", "no, im fine thanks",
     "no. can i wear makeup?",
     "no, todo bien", "no I'm fine " * 20],
)  # fmt: skip
def test_a_clear_no_to_it_may_come_with_other_words(desk: Desk, answer: str) -> None:
    desk.text(STRANGER, DISLIKE)
    desk.text(STRANGER, answer)
    desk.settle()
    assert (question(desk, STRANGER), desk.alerts()) == (None, [])


def test_a_word_that_is_no_answer_to_it_keeps_it_open_and_silence_counts(desk: Desk) -> None:
    desk.text(STRANGER, DESPAIR)
    desk.text(STRANGER, "ok")
    desk.settle()
    assert question(desk, STRANGER) == PROBE_MIND
    desk.advance(minutes=15.1)
    (alert,) = desk.alerts()
    assert alert.tier is Tier.T1


#: distress beside a sign of the body, and beside one of somebody unknown
BOTH = "ive got a wonky face and my bf left me, i feel worthless"


def safety_texts(desk: Desk) -> list[str]:
    return [row.content_id for row in desk.rows(Message, kind=Kind.SAFETY)]


@pytest.mark.parametrize("sender", [PAT, STRANGER])
def test_distress_beside_the_body_is_asked_about_once_the_six_signs_are_answered(
    desk: Desk, sender: str
) -> None:
    desk.text(sender, BOTH)
    desk.settle()
    assert (safety_texts(desk), question(desk, sender)) == (["safety.probe"], "probe")
    desk.text(sender, "0")
    desk.settle()
    assert [text for text in safety_texts(desk) if "probe" in text] == ["safety.probe", "safety.probe_mind"]
    assert question(desk, sender) == PROBE_MIND
    before = [alert.tier for alert in desk.alerts()]
    desk.text(sender, "no")
    desk.settle()
    desk.advance(minutes=30)
    assert question(desk, sender) is None
    assert [alert.tier for alert in desk.alerts()] == before
    assert safety_texts(desk).count("safety.probe_mind") == 1


def test_a_slow_sign_among_the_six_does_not_take_the_place_of_the_question_on_the_mind(desk: Desk) -> None:
    desk.text(STRANGER, BOTH)
    desk.text(STRANGER, "6")
    desk.settle()
    assert safety_texts(desk)[-2:] == ["safety.t2", "safety.probe_mind"]
    desk.text(STRANGER, "yes")
    desk.settle()
    (alert,) = desk.alerts()
    assert (alert.tier, alert.psych) == (Tier.T0, True)


def test_a_sign_of_the_hour_comes_first_and_the_alert_tells_of_the_distress(desk: Desk) -> None:
    desk.text(STRANGER, BOTH)
    desk.text(STRANGER, "4")
    desk.settle()
    (alert,) = desk.alerts()
    assert (alert.tier, alert.psych) == (Tier.T1, True)
    assert safety_texts(desk) == ["safety.probe", "safety.t1"]


@pytest.mark.parametrize("answers", [(), ("0",)])
def test_silence_counts_for_the_mind_whichever_of_the_two_is_left_open(
    desk: Desk, answers: tuple[str, ...]
) -> None:
    for words in (BOTH, *answers):
        desk.text(STRANGER, words)
        desk.settle()
    desk.advance(minutes=15.1)
    (alert,) = desk.alerts()
    assert (alert.tier, alert.psych, question(desk, STRANGER)) == (Tier.T1, True, None)


def test_a_headache_told_while_the_mind_is_asked_about_loses_neither(desk: Desk) -> None:
    for words in (DESPAIR, COLD_SORE, "0"):
        desk.text(PAT, words)
        desk.settle()
    assert probes(desk) == 1
    assert question(desk) == PROBE_MIND
    desk.text(PAT, "no")
    desk.settle()
    assert question(desk) is None
