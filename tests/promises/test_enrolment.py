from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot import clock
from bot.clinic.enrolment import EnrolmentInvalid, enrol
from bot.clinic.models import Clinic, Consent, Patient, Staff, Treatment
from bot.db.engine import transaction
from bot.followup.models import CheckIn, Enrolment
from bot.messaging.models import Kind, Message
from bot.protocols.catalogue import catalogue
from tests.support.desk import PAT, Desk

NEW = "+15550100114"


def form(**changes: Any) -> dict[str, Any]:
    return {
        "first_name": "Sam",
        "last_name": "Specimen",
        "phone": "555 010 0114",
        "language": "es",
        "product": "harmonyca",
        "lot": "LOT-7",
        "expiry": "2099-12-31",
        "areas": ["jaw angle"],
        "treated_at": (clock.now() - timedelta(hours=2)).isoformat(),
        "consent_aftercare_texts": True,
        **changes,
    }


def clinic_id(desk: Desk) -> str:
    return str(desk.rows(Clinic)[0].id)


def errors(desk: Desk, **changes: Any) -> dict[str, str]:
    before = len(desk.rows(Patient)), len(desk.rows(Treatment))
    with pytest.raises(EnrolmentInvalid) as refused:
        enrol(clinic_id(desk), form(**changes))
    assert (len(desk.rows(Patient)), len(desk.rows(Treatment))) == before, "nothing may be written"
    return refused.value.errors


def test_enrolling_writes_the_whole_record_and_welcomes_the_patient(desk: Desk) -> None:
    result = enrol(clinic_id(desk), form())
    desk.settle()

    (patient,) = desk.rows(Patient, id=result.patient_id)
    (treatment,) = desk.rows(Treatment, id=result.treatment_id)
    (enrolment,) = desk.rows(Enrolment, id=result.enrolment_id)
    assert (patient.phone, patient.language, patient.time_zone) == (NEW, "es", "America/New_York")
    assert (treatment.lot, treatment.areas) == ("LOT-7", ["jaw angle"])
    assert (enrolment.protocol_id, enrolment.protocol_version) == ("harmonyca", 3)
    planned = [row.day for row in desk.rows(CheckIn, enrolment_id=enrolment.id)]
    assert planned == list(catalogue().schedules["harmonyca"].days)
    (consent,) = desk.rows(Consent, patient_id=patient.id)
    assert (consent.granted, consent.wording_version) == (True, "enrol.welcome-3")
    (welcome,) = desk.texts_to(NEW)
    assert "Blue Heron" in welcome
    assert "STOP" in welcome
    for secret in ("HArmonyCA", "relleno", "mandíbula", "jaw"):
        assert secret not in welcome


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"phone": "12"}, "phone", "country code"),
        ({"phone": "not a number"}, "phone", "country code"),
        ({"expiry": "2020-01-01"}, "expiry", "expired"),
        ({"expiry": "soon"}, "expiry", "year-month-day"),
        ({"treated_at": "2099-01-01"}, "treated_at", "future"),
        ({"areas": []}, "areas", "at least one"),
        ({"areas": [" "]}, "areas", "at least one"),
        ({"product": "botox"}, "product", "from the list"),
        ({"lot": "  "}, "lot", "Fill this in"),
        ({"first_name": ""}, "first_name", "Fill this in"),
        ({"language": "fr"}, "language", "English"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "time zone"),
        ({"consent_aftercare_texts": False}, "consent_aftercare_texts", "consent first"),
        ({"injector_id": "somebody-else"}, "injector_id", "staff"),
    ],
)
def test_a_form_error_says_what_to_do_and_writes_nothing(
    desk: Desk, changes: dict[str, Any], field: str, words: str
) -> None:
    assert words in errors(desk, **changes)[field]


def test_missing_fields_are_all_named_at_once(desk: Desk) -> None:
    with pytest.raises(EnrolmentInvalid) as refused:
        enrol(clinic_id(desk), {})
    assert {"first_name", "phone", "product", "lot", "expiry", "areas"} <= refused.value.errors.keys()


def test_the_number_of_another_patient_is_not_taken_over(desk: Desk) -> None:
    assert "Pat Sample" in errors(desk, phone=PAT)["phone"]


def test_a_second_treatment_keeps_the_patients_record(desk: Desk) -> None:
    first = enrol(clinic_id(desk), form())
    second = enrol(clinic_id(desk), form(lot="LOT-8"))
    assert first.patient_id == second.patient_id
    assert len(desk.rows(Treatment, patient_id=first.patient_id)) == 2


def test_an_injector_of_this_clinic_is_recorded(desk: Desk) -> None:
    doctor = desk.rows(Staff, name="Dr Demo")[0]
    result = enrol(clinic_id(desk), form(injector_id=doctor.id))
    assert desk.rows(Treatment, id=result.treatment_id)[0].injector_id == doctor.id


def test_a_date_alone_is_the_middle_of_that_day_at_the_clinic(desk: Desk) -> None:
    yesterday = (clock.now().astimezone(ZoneInfo("America/New_York")) - timedelta(days=1)).date()
    result = enrol(clinic_id(desk), form(treated_at=yesterday.isoformat()))
    treated = desk.rows(Treatment, id=result.treatment_id)[0].treated_at
    assert treated.astimezone(ZoneInfo("America/New_York")).hour == 12


def test_enrolling_weeks_late_plans_only_what_is_still_ahead(desk: Desk) -> None:
    result = enrol(clinic_id(desk), form(treated_at=(clock.now() - timedelta(days=5)).isoformat()))
    assert sorted(result.check_ins) == [7, 14, 28, 42, 91, 182, 365]


def test_somebody_who_opted_out_is_not_texted_by_being_enrolled_again(desk: Desk) -> None:
    enrol(clinic_id(desk), form())
    desk.text(NEW, "STOP")
    desk.settle()
    before = len(desk.texts_to(NEW))
    enrol(clinic_id(desk), form(lot="LOT-9"))
    desk.advance(days=4)
    assert len(desk.texts_to(NEW)) == before
    assert desk.rows(Message, kind=Kind.NOTICE)
    with transaction() as session:
        assert session.query(Patient).filter_by(phone=NEW).one().opted_out_at is not None


def test_the_same_form_sent_twice_is_one_treatment_and_one_welcome(desk: Desk) -> None:
    filled = form()
    first = enrol(clinic_id(desk), filled)
    assert enrol(clinic_id(desk), filled) == replace(first, known=True)
    desk.settle()

    assert len(desk.texts_to(NEW)) == 1
    for table in (Treatment, Enrolment, Consent):
        assert len(desk.rows(table, patient_id=first.patient_id)) == 1
    desk.text(NEW, "Y")
    desk.settle()
    desk.carrier.sent.clear()
    clock.advance(first.check_ins[1] - clock.now() + timedelta(seconds=1))
    desk.settle()
    assert desk.texts_to(NEW) == ["How are you?", "Pain 0-10?"]


@pytest.mark.parametrize("changes", [{"lot": "LOT-8"}, {"areas": ["lateral cheek"]}], ids=["lot", "area"])
def test_another_syringe_on_the_same_day_is_a_treatment_of_its_own(
    desk: Desk, changes: dict[str, Any]
) -> None:
    first = enrol(clinic_id(desk), form())
    second = enrol(clinic_id(desk), form(**changes))
    assert first.treatment_id != second.treatment_id
