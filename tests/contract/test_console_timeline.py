"""A patient's page shows that patient's messages and nobody else's, whoever had the number before."""

from __future__ import annotations

import re

from sqlalchemy import select

from bot import clock
from bot.clinic.models import Patient
from bot.console.timeline import entries
from bot.db.engine import reading, transaction
from bot.followup import changes
from bot.followup.models import CheckIn, CheckInStatus, Enrolment, EnrolmentStatus, Means
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, Status
from tests.contract.console_browser import client_for
from tests.contract.console_clinic import World


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


def test_what_staff_change_about_check_ins_stands_in_the_timeline_with_who_did_it(world: World) -> None:
    patient = f"/console/patients/{world.patients['pat']}"
    with reading() as session:
        found = select(Enrolment.id).where(
            Enrolment.patient_id == world.patients["pat"], Enrolment.status == EnrolmentStatus.ACTIVE
        )
        enrolment = session.scalars(found).first()
        planned = session.scalars(
            select(CheckIn.id)
            .where(CheckIn.enrolment_id == enrolment, CheckIn.status == CheckInStatus.PLANNED)
            .order_by(CheckIn.day.desc())
        ).first()
    assert enrolment is not None
    assert planned is not None
    changes.pause(enrolment, world.staff["nurse"])
    changes.resume(enrolment, world.staff["doctor"])
    changes.reach_by(enrolment, Means.PHONE, None, "21610: the patient has opted out")
    changes.skip(planned, world.staff["nurse"])
    page = client_for("nurse").get(f"{patient}?show=check_ins").text
    timeline = page[page.index('class="timeline') :]
    lines = [" ".join(line.split()) for line in re.sub(r"<[^>]*>", "\n", timeline).splitlines()]
    said = [line for line in lines if line.startswith(("Check-ins:", "Check-in of day"))]
    assert said == [
        f"Check-ins: day {day_of(planned)} skipped, by Nurse Demo",
        "Check-ins: phone instead of texting (21610: the patient has opted out)",
        "Check-ins: go on, by Dr Demo",
        "Check-ins: paused, by Nurse Demo",
    ]


def test_a_check_in_that_was_skipped_does_not_stand_above_today(world: World) -> None:
    with reading() as session:
        planned = session.scalars(
            select(CheckIn.id).where(
                CheckIn.patient_id == world.patients["pat"],
                CheckIn.status == CheckInStatus.PLANNED,
                CheckIn.due_at > clock.now(),
            )
        ).first()
    assert planned is not None
    changes.skip(planned, world.staff["nurse"])
    with reading() as session:
        found, _cut = entries(session, world.patients["pat"])
    assert all(entry.at <= clock.now() for entry in found)


def day_of(check_in: str) -> int:
    with reading() as session:
        return session.get_one(CheckIn, check_in).day
