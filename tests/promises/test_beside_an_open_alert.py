"""What a patient is told of an open alert: always why, never nine times the same, and before any advice."""

from __future__ import annotations

import pytest

from actions import record
from bot.dialogue.turn import Turn
from bot.escalation.models import AlertStatus, EventKind
from bot.escalation.raising import CLINIC_RANG
from bot.messaging.models import Message
from bot.messaging.still_open import RANG_NOTE
from bot.records import tasks
from bot.records.models import StaffTask
from bot.triage import Context, assess
from bot.triage.calls import clinic_rang
from bot.triage.types import Tier
from tests.support.desk import ANA, DOCTOR, NURSE, PAT, Desk, Say
from tests.support.on_call import WHITE_LIP

REMINDER = "a clinician must still speak with you because of what you told us at 08:00"


def said(desk: Desk, phone: str, words: str) -> list[str]:
    """What comes back to a text: the ids of the content."""
    receipt = desk.text(phone, words)
    desk.settle()
    answers = desk.rows(Message, in_reply_to_id=receipt.message_id)
    return [str(answer.content_id) for answer in sorted(answers, key=lambda answer: answer.id)]


@pytest.fixture(autouse=True)
def advice(desk: Desk) -> None:
    """The dialogue answers every question with the same advice, and nothing else."""
    assert desk.dialogue is not None
    desk.dialogue.answer = lambda text: [Say()] if text.endswith("?") else []


def test_ordinary_advice_comes_with_a_word_of_the_call_that_is_due(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert said(desk, PAT, "can i go to the gym?") == ["aftercare.exercise", "safety.still_open"]
    assert REMINDER in desk.texts_to(PAT)[-1]


def test_what_stands_on_the_screen_is_not_said_again_until_ten_minutes_have_passed(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    said(desk, PAT, "can i go to the gym?")
    assert said(desk, PAT, "and can i have wine?") == ["aftercare.exercise"]
    desk.advance(minutes=10.1)
    assert said(desk, PAT, "and can i have wine?") == ["aftercare.exercise", "safety.still_open"]


def test_without_an_open_alert_advice_is_only_advice(desk: Desk) -> None:
    assert said(desk, PAT, "can i go to the gym?") == ["aftercare.exercise"]


def test_an_alert_for_the_same_day_leaves_advice_as_it_is(desk: Desk) -> None:
    desk.text(PAT, "i feel my usual tingle, i get cold sores")
    desk.settle()
    assert said(desk, PAT, "can i go to the gym?") == ["aftercare.exercise"]


def test_never_mind_is_answered_with_the_reason_and_the_quarter_of_an_hour_and_then_in_few_words(
    desk: Desk,
) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    assert said(desk, PAT, "never mind its probably nothing") == ["safety.retraction"]
    assert "what you told us at 08:00" in desk.texts_to(PAT)[-1]
    assert "within 15 minutes" in desk.texts_to(PAT)[-1]
    assert said(desk, PAT, "ok thanks") == ["safety.noted"]
    desk.advance(minutes=10.1)
    assert said(desk, PAT, "ok thanks") == ["safety.retraction"]


def test_it_passed_after_an_emergency_still_sends_the_patient_for_help(desk: Desk) -> None:
    desk.text(ANA, "no veo bien de un ojo")
    desk.settle()
    assert said(desk, ANA, "bueno ya se me pasó") == ["safety.retraction"]
    assert "si no ha llamado al 911 ni le han visto, llame ahora" in desk.texts_to(ANA)[-1]


def test_whoever_asks_for_a_person_beside_an_alert_is_sent_for_help_and_told_no_opening_hours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "hand_over", lambda *_: "dialogue.handover_closed")
    hour, day = (Turn.of({"open_alert": tier, "message_id": "m"}) for tier in ("T1", "T2"))
    assert record.hand_over(hour, "why") == "dialogue.handover_alert"
    assert record.hand_over(day, "why") == "dialogue.handover_closed"


def test_on_another_day_the_reason_names_the_day(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    desk.advance(days=1)
    said(desk, PAT, "never mind")
    assert "what you told us on 1 December" in desk.texts_to(PAT)[-1]


@pytest.mark.parametrize(
    "words",
    ["they rang, all good", "ya me llamaron, todo bien", "the nurse called me back, im fine now",
     "i spoke to the nurse", "they called", "ya hablé con la enfermera, gracias", "he rang me, its sorted",
     "just got off the phone with you", "dr demo called me, all good thx", "all sorted, she called",
     "me acaba de llamar la doctora, todo claro"],
)  # fmt: skip
def test_who_says_that_the_clinic_has_rung_is_thanked_and_staff_are_asked_to_close(
    desk: Desk, words: str
) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    paged = len(desk.texts_to(NURSE))
    assert said(desk, PAT, words) == ["safety.clinic_rang"]
    (alert,) = desk.alerts()
    assert (alert.tier, alert.status) == (Tier.T1, AlertStatus.OPEN), "only a named person closes it"
    told = [event.detail for event in alert.events if event.kind is EventKind.PATIENT_WROTE]
    assert told == [CLINIC_RANG]
    (task,) = [task for task in desk.rows(StaffTask) if task.note == RANG_NOTE]
    assert task.patient_id == alert.patient_id
    assert len(desk.texts_to(NURSE)) == paged
    said(desk, PAT, words)
    assert len([task for task in desk.rows(StaffTask) if task.note == RANG_NOTE]) == 1
    desk.advance(minutes=15.1)
    assert desk.alerts()[0].status is AlertStatus.OPEN, "who has not acknowledged is followed by the next"


@pytest.mark.parametrize(
    "words",
    ["they havent rung", "no me han llamado", "they rang but my lip is white", "did they ring?",
     "me llamaron fea", "they rang and said go to a and e", "dr demo never called me",
     "nobody rang, all good?", "she rang but it got worse", "la doctora no me ha llamado"],
)  # fmt: skip
def test_anything_more_or_less_than_that_says_no_such_thing(words: str) -> None:
    assert not clinic_rang(words)


def test_the_call_that_was_told_of_is_not_promised_once_more(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    said(desk, PAT, "they rang, all good")
    desk.advance(minutes=11)
    assert said(desk, PAT, "never mind, thanks") == ["safety.rang_stands"]
    assert "until our team has closed it" in desk.texts_to(PAT)[-1]
    desk.advance(minutes=11)
    assert said(desk, PAT, "can i wear make-up?")[-1] == "safety.rang_stands"
    assert desk.alerts()[0].status is AlertStatus.OPEN


def test_a_sign_after_the_call_brings_back_the_promise_of_one(desk: Desk) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    said(desk, PAT, "they rang, all good")
    paged = len(desk.texts_to(NURSE))
    assert said(desk, PAT, "i cant see out of my left eye") == ["safety.t0"]
    assert len(desk.texts_to(NURSE)) > paged
    desk.advance(minutes=11)
    assert said(desk, PAT, "never mind") == ["safety.retraction"]


NO_TIME = [
    "cant talk now im at work", "I can't talk right now, I'm in a meeting", "im driving cant talk now",
    "can't speak right now, at work, call me after 5", "no puedo hablar ahora, estoy en el trabajo",
    "ahora no puedo hablar, estoy en una reunión", "estoy conduciendo, no puedo hablar ahora, llámeme luego",
]  # fmt: skip


@pytest.mark.parametrize("words", NO_TIME)
def test_no_time_to_talk_beside_an_alert_is_no_loss_of_speech(desk: Desk, words: str) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    paged = len(desk.texts_to(NURSE))
    assert said(desk, PAT, words) == ["safety.retraction"]
    (alert,) = desk.alerts()
    assert (alert.tier, alert.status) == (Tier.T1, AlertStatus.OPEN), "the call is still due"
    assert len(desk.texts_to(NURSE)) == paged
    desk.advance(minutes=15.1)
    assert len(desk.texts_to(NURSE)) + len(desk.texts_to(DOCTOR)) > paged, "paging goes on"


@pytest.mark.parametrize(
    "words",
    ["cant talk", "i cant talk now", "i cant speak im at work", "cant talk properly now im at work",
     "cant talk now im at work help", "cant talk now im at work \U0001f616", "no puedo hablar ahora",
     "cant talk now im at work and my face is numb", "suddenly cant talk now im at work",
     "my mum cant talk now im at work", "no puedo hablar bien ahora estoy en el trabajo"],
)  # fmt: skip
def test_speech_that_may_be_lost_pages_beside_an_alert_too(desk: Desk, words: str) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    desk.text(PAT, words)
    desk.settle()
    assert desk.alerts()[0].tier is Tier.T0


@pytest.mark.parametrize(
    "context",
    [Context(day=1), Context(day=1, open_alert_tier=Tier.T0, open_alert_flag="VIS"),
     Context(day=1, open_alert_tier=Tier.T1, open_alert_flag="NRV"),
     Context(day=1, open_alert_tier=Tier.T1, open_alert_flag="ALL"),
     Context(day=1, open_alert_tier=Tier.T1, open_alert_flag="VO", question="probe"),
     Context(day=1, open_alert_tier=Tier.T1, open_alert_flag="VO", question="probe_which", number=3),
     Context(day=1, open_alert_tier=Tier.T2, open_alert_flag="VO", question="checkin.red_flags")],
)  # fmt: skip
@pytest.mark.parametrize("words", ["cant talk now im at work", "im driving cant talk now"])
def test_without_an_alert_or_where_speech_is_in_question_it_stays_an_emergency(
    context: Context, words: str
) -> None:
    assert assess(words, context).tier is Tier.T0


def test_without_an_open_alert_it_is_answered_by_the_dialogue(desk: Desk) -> None:
    assert "safety.clinic_rang" not in said(desk, PAT, "they rang, all good")
    assert desk.rows(StaffTask) == []


@pytest.mark.parametrize("words", ["its a 9 now", "ahora es un 9", "8/10", "9", "it went from 4 to 8"])
def test_a_high_score_beside_an_alert_is_a_worsening_and_pages_whoever_has_it(desk: Desk, words: str) -> None:
    desk.text(PAT, "i feel my usual tingle, i get cold sores")
    desk.text(PAT, "no, none of these")
    desk.settle()
    desk.text(NURSE, "ack")
    desk.settle()
    paged = len(desk.texts_to(NURSE))
    assert said(desk, PAT, words)[:1] == ["safety.t1"]
    (alert,) = desk.alerts()
    assert (alert.tier, alert.status) == (Tier.T1, AlertStatus.OPEN)
    assert len(desk.texts_to(NURSE)) > paged


@pytest.mark.parametrize("words", ["its a 3 now", "2/10"])
def test_a_low_score_beside_an_alert_lowers_nothing(desk: Desk, words: str) -> None:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    said(desk, PAT, words)
    assert desk.alerts()[0].tier is Tier.T1
