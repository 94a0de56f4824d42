"""What the desk knows of somebody who has not been treated yet."""

from __future__ import annotations

from bot.clinic.models import Clinic
from bot.db.engine import reading, transaction
from bot.dialogue.turns import describe
from bot.messaging.models import Conversation
from tests.support.desk import PAT, STRANGER, Desk


def known(desk: Desk, number: str) -> dict[str, object]:
    with reading() as session:
        return describe(session, session.query(Conversation).filter_by(address=number).one())


def test_the_product_that_somebody_asks_about_is_kept_for_the_next_questions(desk: Desk) -> None:
    desk.text(STRANGER, "Hi, how long does Radiese last?")
    assert known(desk, STRANGER)["product"] == "radiesse"
    desk.text(STRANGER, "and does it hurt?")
    assert known(desk, STRANGER)["product"] == "radiesse"
    desk.text(STRANGER, "what about sculptra")
    assert known(desk, STRANGER)["product"] == "sculptra"


def test_a_comparison_decides_for_neither(desk: Desk) -> None:
    desk.text(STRANGER, "Radiesse or Sculptra, which is better?")
    assert known(desk, STRANGER)["product"] is None


def test_what_was_injected_counts_and_not_what_is_asked_about(desk: Desk) -> None:
    desk.text(PAT, "my friend had sculptra, is that different?")
    assert known(desk, PAT)["product"] == "harmonyca"


def test_areas_and_figures_reach_the_words(desk: Desk) -> None:
    assert known(desk, PAT)["areas"] == ["lateral_cheek", "jaw_angle"]
    assert known(desk, PAT)["figures"] is False
    with transaction() as session:
        session.query(Clinic).one().show_figures = True
    assert known(desk, PAT)["figures"] is True
