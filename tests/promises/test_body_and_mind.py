"""One text that tells of the body and of the mind: the reply and the page speak of both."""

from __future__ import annotations

import pytest

from bot.messaging.models import Conversation, Kind, Message
from bot.messaging.reading import other_piece
from bot.triage.types import Assessment, Finding, Tier
from tests.support.desk import ANA, DOCTOR, NURSE, PAT, Desk


def pieces(desk: Desk, phone: str) -> list[str]:
    (thread,) = desk.rows(Conversation, address=phone)
    return [row.content_id for row in desk.rows(Message, kind=Kind.SAFETY, conversation_id=thread.id)]


@pytest.mark.parametrize(
    ("phone", "words", "first", "second", "said"),
    [
        (PAT, "my lip is white and cold and i want to kill myself", "safety.t0_crisis", "safety.t1", "988"),
        (PAT, "i cant see out of my left eye and i want to die", "safety.t0", "safety.t0_crisis", "988"),
        (ANA, "tengo el labio blanco y frio y quiero matarme", "safety.t0_crisis", "safety.t1", "988"),
        (ANA, "no veo por el ojo derecho y quiero morirme", "safety.t0", "safety.t0_crisis", "988"),
    ],
)
def test_the_reply_carries_the_text_on_each_the_more_urgent_first(
    desk: Desk, phone: str, words: str, first: str, second: str, said: str
) -> None:
    desk.text(phone, words)
    desk.settle()
    assert pieces(desk, phone) == [first, second]
    both = " ".join(desk.texts_to(phone))
    assert said in both
    assert "911" in both
    assert "+1 555-010-0102" in both


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("my lip is white and cold and i want to kill myself", "T0 psychological, skin circulation"),
        ("i cant see out of my left eye and i want to die", "T0 sight, psychological"),
        ("no veo por el ojo derecho y quiero morirme", "T0 sight, psychological"),
    ],
)
def test_every_page_names_both(desk: Desk, words: str, label: str) -> None:
    desk.text(PAT, words)
    desk.settle()
    assert label in desk.texts_to(NURSE)[-1]
    assert label in desk.texts_to(DOCTOR)[-1]
    desk.advance(minutes=6)
    assert all(label in text for text in desk.texts_to(NURSE)), "who is paged again reads it too"


def test_a_sign_told_later_stands_in_the_next_page_beside_the_first(desk: Desk) -> None:
    desk.text(PAT, "my lip is white and cold")
    desk.settle()
    assert "psychological" not in desk.texts_to(NURSE)[-1]
    desk.text(PAT, "i want to kill myself")
    desk.settle()
    assert "T0 psychological, skin circulation" in desk.texts_to(NURSE)[-1]


@pytest.mark.parametrize(
    ("words", "piece", "label"),
    [
        ("i want to kill myself", "safety.t0_crisis", "T0 psychological. Patient"),
        ("my lip is white and cold", "safety.t1", "T1 skin circulation. Patient"),
    ],
)
def test_who_tells_of_one_alone_reads_of_one_alone(desk: Desk, words: str, piece: str, label: str) -> None:
    desk.text(PAT, words)
    desk.settle()
    assert pieces(desk, PAT) == [piece]
    assert label in desk.texts_to(NURSE)[-1]


def found(*signs: tuple[str, Tier], psych: bool = True) -> Assessment:
    findings = tuple(Finding(flag, tier, "rule", "words", "prop") for flag, tier in signs)
    return Assessment(findings[0].tier, findings, psych=psych)


@pytest.mark.parametrize(
    ("assessment", "piece"),
    [
        (found(("PSY", Tier.T1), ("INF", Tier.T2)), "safety.t2"),
        (found(("VO", Tier.T1), ("PSY", Tier.T2)), "safety.t2_psych"),
        (found(("VIS", Tier.T0), ("PSY", Tier.T1)), "safety.t1_crisis"),
        (found(("PSY", Tier.T0), ("COS", Tier.T2)), None),
        (found(("PSY", Tier.T0), ("VO", Tier.T3)), None),
        (found(("PSY", Tier.T2), ("INF", Tier.T2)), None),
        (found(("VO", Tier.T1), psych=False), None),
    ],
)
def test_the_second_text_is_as_urgent_as_what_it_answers(assessment: Assessment, piece: str | None) -> None:
    second = other_piece(assessment)
    assert (second[0] if second else None) == piece


@pytest.mark.parametrize(
    "words", ["never mind but my lip is white and cold", "ok thanks, my lip is white and cold"]
)
def test_a_sign_of_the_body_beside_never_mind_is_answered_and_paged_while_a_crisis_is_open(
    desk: Desk, words: str
) -> None:
    desk.text(PAT, "i want to kill myself")
    desk.settle()
    paged = len(desk.texts_to(NURSE))
    desk.text(PAT, words)
    desk.settle()
    assert "safety.t1" in pieces(desk, PAT)
    assert "NEW SIGN" in desk.texts_to(NURSE)[-1]
    assert len(desk.texts_to(NURSE)) == paged + 1


def test_never_mind_alone_pages_nobody_anew(desk: Desk) -> None:
    desk.text(PAT, "i want to kill myself")
    desk.settle()
    paged = len(desk.texts_to(NURSE))
    desk.text(PAT, "never mind")
    desk.settle()
    assert pieces(desk, PAT)[-1] == "safety.retraction"
    assert len(desk.texts_to(NURSE)) == paged


def test_the_other_sign_is_answered_after_stop_too(desk: Desk) -> None:
    desk.text(PAT, "STOP")
    desk.settle()
    desk.text(PAT, "my lip is white and cold and i want to kill myself")
    desk.settle()
    assert pieces(desk, PAT) == ["safety.t0_crisis", "safety.t1"]
