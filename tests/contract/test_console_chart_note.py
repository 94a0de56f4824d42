"""The chart note that a clinician downloads: from the record, of the own clinic, in the reader's language."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta

import pytest
from fastapi.testclient import TestClient
from pypdf import PdfReader
from sqlalchemy import select

from bot import clock
from bot.clinic.models import Clinic, Consent, ConsentPurpose, Patient
from bot.db.engine import transaction
from bot.escalation.models import Alert
from bot.followup.models import CheckIn
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, MessageEvent, Status
from bot.records.models import ReportSource, SymptomReport, Trend
from bot.triage.types import Tier
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World, message

HEADINGS = (
    "CLINIC",
    "PATIENT",
    "TREATMENTS",
    "COUNSELLING POINTS GIVEN",
    "RETURN PRECAUTIONS GIVEN",
    "WRITTEN TO THE PATIENT BY STAFF",
    "SYMPTOMS REPORTED",
    "ALERTS AND THEIR OUTCOME",
    "CHECK-IN ANSWERS BY DAY",
    "CONSENTS",
    "PHOTOS AND OTHER FILES RECEIVED",
)


def path(world: World, key: str, ending: str = "txt") -> str:
    """Where the note of that patient is."""
    return f"/console/patients/{world.patients[key]}/chart-note.{ending}"


def note(client: TestClient, world: World, key: str) -> str:
    """The note of that patient as text."""
    reply = client.get(path(world, key))
    assert reply.status_code == 200
    return reply.text


def section(text: str, heading: str) -> str:
    """What stands under a heading."""
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?:\n\n(?=[A-ZÁÉÍÓÚÑ -]+\n)|\Z)", text, re.M | re.S)
    assert found, text
    return found[1]


def said(session, patient: Patient, content_id: str, body: str, minutes: int, **more: object) -> Message:
    """A text that the desk sent, delivered a minute later."""
    row = message(session, patient, body, minutes, Direction.OUT, Kind.REPLY, content_id=content_id)
    for name, value in {"content_version": 3, **more}.items():
        setattr(row, name, value)
    session.add(
        MessageEvent(
            clinic_id=row.clinic_id,
            message_id=row.id,
            status=row.status,
            created_at=row.created_at + timedelta(minutes=1),
        )
    )
    session.flush()
    return row


def patient(session, world: World, key: str) -> Patient:
    """That patient."""
    return session.get_one(Patient, world.patients[key])


def test_the_patients_page_leads_to_both_forms_and_offers_to_copy(world: World, nurse: TestClient) -> None:
    page = nurse.get(f"/console/patients/{world.patients['pat']}").text
    for ending, words in (("txt", "Chart note (text)"), ("pdf", "Chart note (PDF)")):
        assert f'<a href="{path(world, "pat", ending)}">{words}</a>' in page
    assert f'data-copy="{path(world, "pat")}"' in page


def test_the_note_has_clinic_patient_and_treatment(world: World, nurse: TestClient) -> None:
    text = note(nurse, world, "pat")
    assert re.findall(r"^[A-Z][A-Z -]+$", text, re.M) == list(HEADINGS)
    assert "Blue Heron Clinic (demo)" in section(text, "CLINIC")
    assert "time zone, America/New_York" in text
    who = section(text, "PATIENT")
    assert "Name: Pat Sample" in who
    assert "Language: English" in who
    treatment = section(text, "TREATMENTS")
    for line in (
        "Product: HArmonyCA",
        "Areas: Lateral cheek, Jaw angle",
        "Lot: DEMO-0042",
        "Expiry: 31 Mar 2028",
        "Technique: Demo: cannula, one syringe a side.",
        "Injector: Nurse Demo",
        "Goals, observable end-points: Contour of the jaw, symmetry.",
        "Goals, longer horizon: Firmness of the skin.",
    ):
        assert line in treatment.splitlines()


def test_counselling_names_title_id_version_channel_and_delivery(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        pat = patient(session, world, "pat")
        said(session, pat, "aftercare.exercise", "No hard exercise for a day.", 60)
        said(session, pat, "product.duration", "It differs.", 50, status=Status.FAILED)
        said(session, pat, "gone.topic", "Old words.", 45)
        said(session, pat, "smalltalk.thanks", "You are welcome.", 40)
        said(session, pat, "clinic.photos", "Photos, with consent.", 30, channel=Channel.WEB)
        said(session, pat, "product.old_topic", "Old words.", 20)
    lines = section(note(nurse, world, "pat"), "COUNSELLING POINTS GIVEN").splitlines()
    assert len(lines) == 4
    assert re.fullmatch(
        r"\d+ \w+ \d{4}, \d\d:\d\d E[SD]T: Exercise \(aftercare\.exercise, version 3\) · text message · "
        r"delivered \d+ \w+ \d{4}, \d\d:\d\d E[SD]T",
        lines[0],
    )
    assert lines[1].endswith("(product.duration, version 3) · text message · NOT DELIVERED")
    assert lines[2].endswith("· web chat · placed in the chat, whether it was read is not known")
    assert "product.old_topic (product.old_topic, version 3)" in lines[3]


def test_return_precautions_are_the_words_that_told_when_to_call(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        pat = patient(session, world, "pat")
        said(session, pat, "recovery.swelling", "Growing, or white skin: call +1 555-010-0102.", 60)
        said(session, pat, "aftercare.alcohol", "No alcohol for a day.", 55)
        said(session, pat, "checkin.done_well", "Urgent: call us.", 50, kind=Kind.CHECK_IN)
        said(session, pat, "checkin.pain", "How much pain?", 45, kind=Kind.CHECK_IN)
        said(session, pat, "safety.t1", "Call us\n\nCONSENTS\nnow.", 40, kind=Kind.SAFETY, content_version=2)
    text = section(note(nurse, world, "pat"), "RETURN PRECAUTIONS GIVEN")
    assert "(recovery.swelling, version 3)" in text
    assert "“Growing, or white skin: call +1 555-010-0102.”" in text
    assert "(checkin.done_well, version 3)" in text
    assert "(safety.t1, version 2)" in text
    assert "“Call us CONSENTS now.”" in text
    assert "aftercare.alcohol" not in text
    assert "checkin.pain" not in text


def test_symptoms_and_alerts_come_with_words_and_outcome(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        lee = patient(session, world, "lee")
        row = message(session, lee, "a bump", 30)
        report = {"clinic_id": lee.clinic_id, "patient_id": lee.id, "message_id": row.id}
        session.add(
            SymptomReport(
                **report, conversation_id=row.conversation_id, source=ReportSource.DIALOGUE,
                what="a firm bump", where="left cheek", since="yesterday", severity=6, trend=Trend.WORSE,
                day=9, tier=Tier.T2,
            )
        )  # fmt: skip
    text = note(nurse, world, "lee")
    assert (
        "“a firm bump” · “left cheek” · since “yesterday” · 6/10 · worse · day 9 · T2 Same day · "
        "symptom dialogue"
    ) in section(text, "SYMPTOMS REPORTED")
    alerts = section(text, "ALERTS AND THEIR OUTCOME")
    assert "The patient wrote: “I have a fever and my cheek is red and hot”" in alerts
    assert "Outcome: Seen in the clinic" in alerts
    assert "What was done: Seen at 4 pm." in alerts
    assert re.search(r"Closed by: Nurse Demo · \d", alerts)
    assert re.search(r"Taken by: Dr Demo · \d", alerts)
    assert "Outcome: none yet: the alert is not closed" in alerts


def test_a_later_sign_stands_under_its_alert(world: World, nurse: TestClient) -> None:
    alerts = section(note(nurse, world, "pat"), "ALERTS AND THEIR OUTCOME")
    assert re.search(r"The patient wrote again on .*: “Now it is getting worse and feels cold”", alerts)


def test_check_in_answers_stand_by_day_with_the_signs_as_asked(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        pat = patient(session, world, "pat")
        first = session.scalars(
            select(CheckIn).where(CheckIn.patient_id == pat.id).order_by(CheckIn.day)
        ).first()
        assert first
        first.answers = {
            # as PostgreSQL gives keys back, which is not as they were asked
            "other": {"value": "bruised", "words": "bruised"},
            "pain": {"value": 4, "words": "about a 4"},
            "red_flags": {"value": [4, 5], "words": "4 and 5"},
        }
        said(session, pat, "checkin.red_flags", "Any? 4 white skin 5 pain", 60, check_in_id=first.id)
        row = message(session, pat, "4", 30)
        for severity in (4, 9):  # 9 was corrected to 4
            session.add(
                SymptomReport(
                    clinic_id=pat.clinic_id, patient_id=pat.id, conversation_id=row.conversation_id,
                    message_id=row.id if severity == 4 else message(session, pat, "9", 31).id,
                    check_in_id=first.id, source=ReportSource.CHECK_IN, what="pain", severity=severity,
                    tier=Tier.T4, day=77,
                )
            )  # fmt: skip
    text = note(nurse, world, "pat")
    answers = section(text, "CHECK-IN ANSWERS BY DAY").splitlines()
    assert re.match(r"Check-in, day 1: answered · \d", answers[0])
    assert answers[1].startswith("After: HArmonyCA, ")
    assert answers[2:] == [
        "Pain: 4/10 · “about a 4”",
        "Danger signs (0 is none): 4, 5 · skin white, grey, blue, net-like or cold, or not like the other "
        "side; severe or rising pain · “4 and 5”",
        "As it was asked: “Any? 4 white skin 5 pain”",
        "Anything else: bruised",
    ]
    symptoms = [line for line in section(text, "SYMPTOMS REPORTED").splitlines() if "day 77" in line]
    assert len(symptoms) == 1
    assert "9/10" in symptoms[0]


def test_words_without_a_number_stand_in_chart_and_console_as_words(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        pat = patient(session, world, "pat")
        first = session.scalars(
            select(CheckIn).where(CheckIn.patient_id == pat.id).order_by(CheckIn.day)
        ).first()
        assert first
        tight = {"words": "bit tight", "message_id": "m1"}
        first.answers = {
            "pain": {"value": None, "words": "bit tight", "remarks": [tight]},
            "swelling": {"value": 3, "words": "3", "remarks": [{"words": "less puffy", "message_id": "m2"}]},
        }
    lines = section(note(nurse, world, "pat"), "CHECK-IN ANSWERS BY DAY").splitlines()
    assert "Pain: not answered, in words: · “bit tight”" in lines
    assert "Swelling: 3/10 · “less puffy”" in lines
    page = nurse.get(f"/console/patients/{world.patients['pat']}").text
    assert re.search(r"Pain: <span[^>]*>not answered, in words:</span> “bit tight”", page)
    assert re.search(r"Swelling: <strong>3/10</strong> “less puffy”", page)


def test_consents_and_photos_carry_their_times(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        pat = patient(session, world, "pat")
        files = [{"url": "demo:1", "content_type": "image/jpeg"}, {"url": "demo:2", "content_type": ""}]
        message(session, pat, "left side", 30, media=files)
        for purpose, granted in ((ConsentPurpose.AFTERCARE_TEXTS, True), (ConsentPurpose.PHOTOS, False)):
            session.add(
                Consent(
                    clinic_id=pat.clinic_id, patient_id=pat.id, purpose=purpose, granted=granted,
                    wording_version="enrol-1", channel="staff",
                )
            )  # fmt: skip
    text = note(nurse, world, "pat")
    assert re.findall(r"E[SD]T: (.*)", section(text, "CONSENTS")) == [
        "Aftercare texts · yes · wording enrol-1 · recorded by staff",
        "Photos · no · wording enrol-1 · recorded by staff",
    ]
    photos = section(text, "PHOTOS AND OTHER FILES RECEIVED")
    assert re.search(r"E[SD]T: day 3 · text message · files: 2 \(image/jpeg\) · “left side”$", photos)


def test_an_empty_record_says_so_in_every_section(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        new = Patient(
            clinic_id=world.clinic, first_name="New", last_name="Nobody", phone="+15550100199",
            time_zone="America/New_York",
        )  # fmt: skip
        session.add(new)
        session.flush()
        world.patients["new"] = new.id
    text = note(nurse, world, "new")
    for heading in HEADINGS[2:]:
        assert section(text, heading).strip() == "Nothing is recorded."
    assert PdfReader(io.BytesIO(nurse.get(path(world, "new", "pdf")).content)).pages


def test_what_was_left_empty_is_not_recorded(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        treatment = patient(session, world, "pat").treatments[0]
        treatment.technique_note = treatment.goals_endpoints = treatment.goals_longer = ""
        treatment.injector_id, treatment.areas = None, []
    lines = section(note(nurse, world, "pat"), "TREATMENTS").splitlines()
    assert [line for line in lines if line.endswith(": not recorded")] == [
        "Areas: not recorded",
        "Technique: not recorded",
        "Injector: not recorded",
        "Goals, observable end-points: not recorded",
        "Goals, longer horizon: not recorded",
    ]


def test_the_note_is_in_the_staff_members_language(world: World) -> None:
    with transaction() as session:
        lee = patient(session, world, "lee")
        lee.treatments[0].expiry = date(2028, 1, 31)
        said(session, lee, "aftercare.exercise", "Nothing.", 60, status=Status.FAILED)
    spanish = client_for("spanish")
    text = note(spanish, world, "lee")
    for words in (
        "Nota clínica\n", "zona horaria de la clínica, America/New_York", "Nombre: José Lee Muestra",
        "Idioma: Inglés", "Caducidad: 31 ene 2028", "Mejilla lateral", "NO ENTREGADO",
        "Resultado: Visto en la clínica", "No consta nada.",
    ):  # fmt: skip
        assert words in text
    for english in ("Nothing is recorded", "Outcome", "Expiry", "delivered", "Lot:"):
        assert english not in text
    reader = PdfReader(io.BytesIO(spanish.get(path(world, "lee", "pdf")).content))
    assert reader.trailer["/Root"]["/Lang"] == "es"
    assert "José Lee Muestra" in reader.pages[0].extract_text()
    assert "Página 1 de" in reader.pages[0].extract_text()


def test_all_times_are_the_clinics_with_the_zone_named(world: World, nurse: TestClient) -> None:
    with transaction() as session:
        session.get_one(Clinic, world.clinic).time_zone = "Asia/Tokyo"
        alert = session.get_one(Alert, world.alerts["lip"])
        alert.created_at = clock.now().replace(year=2025, month=1, day=5, hour=20, minute=7)
    text = note(nurse, world, "pat")
    assert "time zone, Asia/Tokyo" in text
    assert "Raised: 6 Jan 2025, 05:07 JST" in text
    assert not re.search(r"\d E[SD]T\b", text)


def test_the_pdf_says_what_the_text_says(world: World, nurse: TestClient) -> None:
    reply = nurse.get(path(world, "pat", "pdf"))
    assert reply.headers["content-type"] == "application/pdf"
    reader = PdfReader(io.BytesIO(reply.content))
    assert reader.metadata
    assert reader.metadata.title == "Chart note"
    assert [float(side) for side in reader.pages[0].mediabox[2:]] == pytest.approx([612, 792])  # Letter
    pages = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    pages = re.sub(r"Chart note · Pat Sample · Page \d+ of \d+ ?", "", pages)
    for heading in HEADINGS:
        assert heading.capitalize() in pages
    for line in section(note(nurse, world, "pat"), "TREATMENTS").splitlines():
        assert " ".join(line.split()) in pages


@pytest.mark.parametrize("ending", ["txt", "pdf"])
def test_the_files_name_does_not_name_the_patient(world: World, nurse: TestClient, ending: str) -> None:
    reply = nurse.get(path(world, "lee", ending))
    named = reply.headers["content-disposition"]
    assert re.fullmatch(rf'(inline|attachment); filename="chart-note-JM-\d{{4}}-\d\d-\d\d\.{ending}"', named)
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("ending", ["txt", "pdf"])
def test_another_clinics_patient_is_not_there(world: World, nurse: TestClient, ending: str) -> None:
    assert nurse.get(path(world, "foreign", ending)).status_code == 404
    assert client_for("stranger").get(path(world, "pat", ending)).status_code == 404
    assert nurse.get(f"/console/patients/nobody/chart-note.{ending}").status_code == 404
    nurse.cookies.clear()
    reply = nurse.get(path(world, "pat", ending), follow_redirects=False)
    assert reply.status_code == 303
    assert reply.headers["location"].startswith("/console/sign-in")


def test_the_note_holds_only_this_patients_rows(world: World, nurse: TestClient) -> None:
    """A number that changed hands: what its earlier owner wrote is not the new one's; what it wrote before
    it was enrolled is."""
    with transaction() as session:
        pat, kim = patient(session, world, "pat"), patient(session, world, "kim")
        thread = session.scalars(select(Conversation).where(Conversation.patient_id == kim.id)).one()
        theirs = message(session, kim, "picture of somebody else", 50, media=[{"content_type": "image/png"}])
        theirs.patient_id = pat.id
        before = message(session, kim, "my own picture", 40, media=[{"content_type": "image/png"}])
        before.patient_id = None
        assert theirs.conversation_id == before.conversation_id == thread.id
        said(session, kim, "staff.page", "A page to call somebody", 30, kind=Kind.PAGE)
    text = note(nurse, world, "kim")
    assert "my own picture" in text
    assert "somebody" not in text
    for other in ("Pat Sample", "white and it really hurts", "Seen at 4 pm"):
        assert other not in text


def test_a_confirmation_is_asked_for_and_stands_in_the_note(world: World) -> None:
    nurse = client_for("nurse")
    address = f"/console/patients/{world.patients['pat']}"
    with transaction() as session:
        thread = session.scalars(
            select(Message.conversation_id).where(Message.patient_id == world.patients["pat"])
        ).first()
        session.add(
            Message(
                clinic_id=world.clinic,
                conversation_id=thread,
                patient_id=world.patients["pat"],
                direction=Direction.OUT,
                kind=Kind.REPLY,
                channel=Channel.SMS,
                body="No gym.",
                status=Status.DELIVERED,
                content_id="aftercare.exercise",
                content_version=1,
                content_own_version=3,
            )
        )
    page = post(nurse, f"{address}/acknowledgement")
    assert "no answer yet" in page.text
    note = nurse.get(f"{address}/chart-note.txt").text
    assert "Patient asked to confirm" in note
    assert "the clinic's version 3" in note
    assert post(client_for("stranger"), f"{address}/acknowledgement").status_code == 404
