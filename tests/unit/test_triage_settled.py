"""Whole messages that need no guess, and what one word more makes of them."""

from __future__ import annotations

import time

import pytest

from bot.intake.reading import corrections
from bot.intake.talk import puts_off, resumes
from bot.triage import Context, Tier, assess
from bot.triage.calls import cannot_talk, clinic_rang
from bot.triage.settled import beside_nobody_answers, nobody_answers
from bot.triage.which import lone_number, score_now

UNANSWERED = [
    "i rang and no one picked up", "llamé y nadie contesta", "he llamado y nadie me coge el teléfono",
    "I called you twice and nobody answered", "no one picked up", "no me cogen el teléfono",
    "hola, llevo llamando toda la mañana y nadie contesta", "i cant get through to anyone",
    "i tried calling the clinic but nobody is answering",
]  # fmt: skip


@pytest.mark.parametrize("text", UNANSWERED)
@pytest.mark.parametrize("day", [None, 0, 1, 40])
def test_a_phone_that_nobody_answers_is_no_loss_of_speech(text: str, day: int | None) -> None:
    assert nobody_answers(text)
    assessment = assess(text, Context(day=day))
    assert (assessment.tier, assessment.probe) == (Tier.T4, False), assessment.reasons


@pytest.mark.parametrize(
    "text",
    ["no responde", "she is not answering", "i rang samaritans and no one picked up",
     "i rang 911 and no one picked up", "i rang my mum and no one picked up", "i rang and couldnt speak",
     "i rang, no one picked up, my lip is white", "my face is not answering"],
)  # fmt: skip
def test_any_other_phone_and_any_word_more_is_read_as_ever(text: str) -> None:
    assert not nobody_answers(text)


@pytest.mark.parametrize(
    "text",
    [
        "no me salen las palabras",
        "my words wont come out",
        "i cant speak",
        "no puedo hablar",
        "she cant speak",
    ],
)
@pytest.mark.parametrize("day", [0, 1])
def test_lost_speech_stays_an_emergency(text: str, day: int) -> None:
    assert assess(text, Context(day=day)).tier is Tier.T0


@pytest.mark.parametrize("context", [Context(day=1, question="probe_mind"), Context(open_alert_flag="PSY")])
def test_in_distress_nobody_on_the_phone_may_mean_another_phone(context: Context) -> None:
    assert assess("i rang and no one picked up", context).tier is Tier.T0


@pytest.mark.parametrize(
    "text",
    ["me han salido moratones", "ive come up in bruises", "I have a few small bruises where the needle went",
     "me salieron unos moretones donde me pincharon"],
)  # fmt: skip
@pytest.mark.parametrize("day", [None, 0, 1, 5])
def test_bruises_and_no_more_page_nobody(text: str, day: int | None) -> None:
    assert assess(text, Context(day=day)).tier.urgency >= Tier.T3.urgency


@pytest.mark.parametrize(
    "text",
    ["ive come up in bruises and its gone white", "me han salido moratones y se me puso blanco el labio",
     "i have bruises that are growing fast", "tengo un moretón que crece por minutos"],
)  # fmt: skip
def test_bruises_with_a_sign_page_as_before(text: str) -> None:
    assert assess(text, Context(day=1)).tier.at_least_as_urgent_as(Tier.T1)


@pytest.mark.parametrize(
    "text", ["im on warfarin for my heart", "tomo sintrom por el corazón", "I take Eliquis"]
)
@pytest.mark.parametrize("day", [None, 1, 8])
def test_a_blood_thinner_that_is_taken_is_for_the_same_day_at_most(text: str, day: int | None) -> None:
    assessment = assess(text, Context(day=day))
    assert (assessment.tier, assessment.probe) == (Tier.T2, False), assessment.reasons


def test_asked_about_health_it_is_an_answer_like_any_other() -> None:
    assessment = assess("im on warfarin for my heart", Context(phase="before", question="intake.medicines"))
    assert assessment.tier is Tier.T4


@pytest.mark.parametrize(
    "text",
    ["i stopped my warfarin", "im off warfarin since monday", "im on warfarin and it wont stop bleeding"],
)
def test_a_thinner_that_was_stopped_or_a_bleeding_pages_as_before(text: str) -> None:
    assert assess(text, Context(day=1)).tier.at_least_as_urgent_as(Tier.T1)


@pytest.mark.parametrize(
    "piece",
    [
        "i ",
        "a o y ",
        "later, ",
        "hola ya ",
        "they rang all good ",
        "dr a called ",
        "cant talk now im at work ",
        "all good thanks ",
        "maybe 3 ",
        "from 3 to 4 ",
    ],
)
@pytest.mark.parametrize("times", [9, 18, 300])
def test_no_text_keeps_the_readers_of_whole_messages_busy(piece: str, times: int) -> None:
    text = piece * times + "x"
    began = time.process_time()
    for read in (
        nobody_answers,
        beside_nobody_answers,
        clinic_rang,
        cannot_talk,
        lone_number,
        score_now,
        puts_off,
        resumes,
        corrections,
    ):
        read(text)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "text",
    ["i rang twice and it went to voicemail, bruise is turning black",
     "no me cogen el telefono y tengo fiebre", "bruise is turning black and nobody answers"],
)  # fmt: skip
def test_that_nobody_answers_makes_no_sign_beside_it_less_urgent(text: str) -> None:
    context = Context(day=2, phase="after", product="ha_filler")
    assert assess(text, context).tier.at_least_as_urgent_as(Tier.T1)


def test_an_ordinary_question_beside_it_pages_nobody() -> None:
    context = Context(day=2, phase="after", product="ha_filler")
    assert assess("i rang and nobody answered, can i wear makeup", context).tier is Tier.T4


@pytest.mark.parametrize(
    "text",
    ["my lip has gone white and it hurts", "tengo el labio blanco y frio",
     "my cheek is going blue and it really hurts", "i had filler 2 days ago elsewhere and my lip is white"],
)  # fmt: skip
@pytest.mark.parametrize("question", ["intake.goals", "intake.medicines"])
def test_a_change_told_during_the_intake_pages(text: str, question: str) -> None:
    assert assess(text, Context(phase="before", question=question)).tier is Tier.T1


@pytest.mark.parametrize("text", ["my lips are pale and thin", "my cheeks look sunken and grey"])
def test_how_somebody_has_always_looked_is_asked_about_and_pages_nobody(text: str) -> None:
    found = assess(text, Context(phase="before", question="intake.goals"))
    assert (found.tier, found.probe) == (Tier.T3, True)
