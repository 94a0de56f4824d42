"""Who is asked for a phone number in the chat, and leaves it, is told that it is noted."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.db.engine import reading
from bot.messaging.left_number import PIECE, holds_number
from bot.messaging.models import Message, Turn
from tests.support.desk import Desk


def answers(words: str) -> tuple[Turn, list[str | None]]:
    with reading() as session:
        message = session.scalars(select(Message).where(Message.body == words)).one()
        replies = session.scalars(select(Message).where(Message.in_reply_to_id == message.id)).all()
        return message.turn, [reply.content_id for reply in replies]


def test_a_number_left_after_a_safety_text_is_confirmed_and_needs_no_other_answer(desk: Desk) -> None:
    desk.web("visitor", "my top lip has gone white after filler today and it hurts")
    desk.web("visitor", "Kim 555 010 0143")
    assert answers("Kim 555 010 0143") == (Turn.NOT_NEEDED, [PIECE])


def test_a_number_that_nobody_asked_for_goes_to_the_dialogue(desk: Desk) -> None:
    desk.web("visitor", "Kim 555 010 0143")
    assert answers("Kim 555 010 0143") == (Turn.PENDING, [])


def test_a_new_sign_beside_the_number_is_answered_as_a_sign(desk: Desk) -> None:
    desk.web("visitor", "my top lip has gone white after filler today and it hurts")
    desk.web("visitor", "555 010 0143 and now i cant see out of my left eye")
    turn, said = answers("555 010 0143 and now i cant see out of my left eye")
    assert turn is Turn.PENDING
    assert PIECE not in said


@pytest.mark.parametrize("text", ["it's Kim, +1 555 010 0143", "kim 5550100143", "(555) 010-0143"])
def test_a_phone_number_is_seen(text: str) -> None:
    assert holds_number(text)


@pytest.mark.parametrize(
    "text", ["pain 3, swelling 4", "since 2021", "1 4 5", "3 syringes on 27/11/2026", ""]
)
def test_other_figures_are_no_phone_number(text: str) -> None:
    assert not holds_number(text)
