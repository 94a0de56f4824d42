"""A patient's page shows that patient's messages and nobody else's, whoever had the number before."""

from __future__ import annotations

from sqlalchemy import select

from bot.clinic.models import Patient
from bot.db.engine import transaction
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, Status
from tests.contract.console_clinic import World
from tests.contract.test_console_pages import client_for


def test_a_number_that_changed_hands_takes_no_words_with_it(world: World) -> None:
    with transaction() as session:
        thread = session.scalars(
            select(Conversation).where(Conversation.patient_id == world.patients["pat"])
        ).first()
        assert thread is not None
        for owner, words in ((world.patients["pat"], "Words of the one before"), (None, "Before enrolment")):
            session.add(
                Message(
                    clinic_id=world.clinic,
                    conversation_id=thread.id,
                    patient_id=owner,
                    direction=Direction.IN,
                    kind=Kind.PATIENT,
                    channel=Channel.SMS,
                    body=words,
                    status=Status.RECEIVED,
                )
            )
        thread.patient_id = world.patients["kim"]
        assert session.get(Patient, world.patients["kim"]) is not None
    nurse = client_for("nurse")
    new = nurse.get(f"/console/patients/{world.patients['kim']}").text
    assert "Before enrolment" in new
    assert "Words of the one before" not in new
    assert "Words of the one before" in nurse.get(f"/console/patients/{world.patients['pat']}").text
