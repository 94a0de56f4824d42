"""The intake summary that a clinician reads: the patient's words, what is held, of the own clinic."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from bot.db.engine import transaction
from bot.intake import service
from bot.intake.items import BY_ID
from bot.intake.models import Intake
from bot.intake.reading import read
from bot.messaging.models import Direction, Message
from tests.contract.console_browser import client_for
from tests.contract.console_clinic import World

#: A history with something to hold in each question.
FULL = {
    "goals": "a sharper jaw and both cheeks alike, maybe the lips too",
    "goals_longer": "firmer skin and fewer lines when I smile",
    "age": "44",
    "pregnancy": "breastfeeding my son who is 8 months old",
    "allergy": "bee stings, I carry an epipen since 2010",
    "blood": "eliquis for AF and an aspirin now and then, omega 3 every day",
    "immune": "Hashimoto since 2015, levothyroxine, and rheumatoid arthritis with methotrexate",
    "scarring": "keloid on my ear after a piercing",
    "prior_filler": "silicone abroad in 2009 and juvederm in the lips in 2022, it went lumpy",
    "energy": "laser in May and a peel planned in December",
    "illness": "root canal last week, flu vaccine on Monday",
    "timing": "my daughter's wedding in June, photos",
    "other": "a friend had a bad result and I fear looking different; my partner pays and wants this",
}
ANSWERS = {"goals": "sharper jaw, no lips", "age": "44", "blood": "eliquis for AF", "allergy": "skip"}


@pytest.fixture
def intake(world: World) -> str:
    """Pat's finished intake."""
    return finished(world, ANSWERS)


def finished(world: World, answers: dict[str, str]) -> str:
    """Pat's intake with these answers."""
    with transaction() as session:
        message_id = session.scalars(
            select(Message.id).where(
                Message.patient_id == world.patients["pat"], Message.direction == Direction.IN
            )
        ).first()
    assert message_id is not None
    found = [read(BY_ID[name], words) for name, words in answers.items()]
    service.record(message_id, [answer for answer in found if answer is not None])
    service.finish(message_id, minor=False)
    with transaction() as session:
        return session.scalars(select(Intake.id)).one()


def test_the_summary_quotes_the_patient_and_the_label_behind_each_hold(world: World, intake: str) -> None:
    reply = client_for("nurse").get(f"/console/intakes/{intake}.txt")
    assert reply.status_code == 200
    assert "sharper jaw, no lips" in reply.text
    assert '"eliquis for AF"' in reply.text
    assert "[HC-IFU]" in reply.text
    assert "suitable" not in reply.text.casefold()


def test_it_fits_one_page_as_a_pdf(world: World, intake: str) -> None:
    reply = client_for("nurse").get(f"/console/intakes/{intake}.pdf")
    pages = PdfReader(io.BytesIO(reply.content)).pages
    assert len(pages) == 1
    assert "eliquis for AF" in pages[0].extract_text()
    assert "Pat" not in reply.headers["content-disposition"]


@pytest.mark.parametrize("reader", ["nurse", "spanish"])
def test_a_full_history_fits_one_page_too_and_nothing_is_left_out(world: World, reader: str) -> None:
    reply = client_for(reader).get(f"/console/intakes/{finished(world, FULL)}.pdf")
    pages = PdfReader(io.BytesIO(reply.content)).pages
    assert len(pages) == 1
    text = " ".join(pages[0].extract_text().split())
    for words in FULL.values():
        assert words in text


def test_it_is_in_the_readers_language(world: World, intake: str) -> None:
    text = client_for("spanish").get(f"/console/intakes/{intake}.txt").text
    assert "anticoagulante" in text
    assert "eliquis for AF" in text


def test_another_clinics_intake_is_not_there(world: World, intake: str) -> None:
    assert client_for("stranger").get(f"/console/intakes/{intake}.txt").status_code == 404
    assert client_for("stranger").get(f"/console/intakes/{intake}.pdf").status_code == 404


def test_whoever_is_not_signed_in_reads_none(world: World, intake: str) -> None:
    nurse = client_for("nurse")
    nurse.cookies.clear()
    reply = nurse.get(f"/console/intakes/{intake}.txt", follow_redirects=False)
    assert reply.status_code == 303


def test_the_patient_page_and_the_task_lead_to_it(world: World, intake: str) -> None:
    nurse = client_for("nurse")
    assert f"/console/intakes/{intake}.pdf" in nurse.get(f"/console/patients/{world.patients['pat']}").text
    tasks = nurse.get("/console/tasks").text
    assert f"/console/intakes/{intake}.txt" in tasks
    assert "ready to read" in tasks
