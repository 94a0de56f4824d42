from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot import clock
from bot.clinic import contact
from bot.clinic.enrolment import EnrolmentInvalid, EnrolmentResult, enrol
from bot.clinic.models import Clinic, Consent, Patient, Staff, Treatment
from bot.db.engine import transaction
from bot.followup import protocols
from bot.followup.ending import finish_all_done, finish_if_done
from bot.followup.models import CheckIn, CheckInStatus, Enrolment, EnrolmentStatus
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
        ({"first_name": "\x00"}, "first_name", "Fill this in"),
        ({"last_name": "x" * 81}, "last_name", "too long"),
        ({"lot": "L" * 41}, "lot", "too long"),
        ({"treated_at": "0026-11-20"}, "treated_at", "the year"),
        ({"treated_at": "0001-01-01T00:00:00+14:00"}, "treated_at", "the year"),
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


def local_hours(desk: Desk, patient_id: str) -> set[int]:
    """At which hours on the patient's own clock the check-ins stand that are more than a day away."""
    zone = ZoneInfo(desk.rows(Patient, id=patient_id)[0].time_zone)
    ahead = clock.now() + timedelta(days=1)
    due = [row.due_at for row in desk.rows(CheckIn, patient_id=patient_id) if row.due_at > ahead]
    return {moment.astimezone(zone).hour for moment in due}


def test_a_later_treatment_told_without_clock_and_language_leaves_the_patients_own(desk: Desk) -> None:
    first = enrol(clinic_id(desk), form(time_zone="Europe/Madrid"))
    later = form(lot="LOT-8", treated_at=clock.now().isoformat())
    del later["language"]
    enrol(clinic_id(desk), later)
    (patient,) = desk.rows(Patient, id=first.patient_id)
    assert (patient.language, patient.time_zone) == ("es", "Europe/Madrid")


@pytest.mark.parametrize(("locale", "language"), [("es-ES", "es"), ("en-US", "en"), ("fr-FR", "en")])
def test_a_new_patient_told_without_a_language_gets_the_clinics(
    desk: Desk, locale: str, language: str
) -> None:
    with transaction() as session:
        session.get_one(Clinic, clinic_id(desk)).locale = locale
    told = form()
    del told["language"]
    result = enrol(clinic_id(desk), told)
    assert desk.rows(Patient, id=result.patient_id)[0].language == language


def test_a_new_patient_told_without_a_language_gets_that_of_what_they_wrote(desk: Desk) -> None:
    desk.text(NEW, "Hola, quisiera saber cuánto cuesta el tratamiento, gracias")
    told = form()
    del told["language"]
    result = enrol(clinic_id(desk), told)
    assert desk.rows(Patient, id=result.patient_id)[0].language == "es"


def test_the_same_treatment_told_again_with_another_clock_changes_nothing(desk: Desk) -> None:
    filled = form(time_zone="Europe/Madrid")
    first = enrol(clinic_id(desk), filled)
    assert enrol(clinic_id(desk), filled | {"language": "en", "time_zone": "America/Denver"}).known
    (patient,) = desk.rows(Patient, id=first.patient_id)
    assert (patient.language, patient.time_zone) == ("es", "Europe/Madrid")


def test_a_later_treatment_told_with_a_new_clock_moves_what_was_planned_before(desk: Desk) -> None:
    first = enrol(clinic_id(desk), form(time_zone="Europe/Madrid"))
    clock.advance(timedelta(days=10))
    enrol(clinic_id(desk), form(lot="LOT-8", time_zone="America/Denver"))
    assert local_hours(desk, first.patient_id) == {10}


def test_a_corrected_time_zone_moves_the_check_ins_to_the_new_clock(desk: Desk) -> None:
    first = enrol(clinic_id(desk), form(time_zone="Europe/Madrid"))
    assert local_hours(desk, first.patient_id) == {10}
    (patient,) = desk.rows(Patient, id=first.patient_id)
    known = {name: getattr(patient, name) for name in ("first_name", "last_name", "phone", "language")}
    contact.correct(clinic_id(desk), patient.id, known | {"time_zone": "Pacific/Honolulu"})
    assert local_hours(desk, first.patient_id) == {10}
    assert len(desk.rows(CheckIn, patient_id=patient.id)) == len(first.check_ins)


def test_a_correction_longer_than_the_record_holds_is_refused(desk: Desk) -> None:
    (patient,) = desk.rows(Patient, phone=PAT)
    known = {"first_name": "P" * 81, "last_name": "S", "phone": PAT, "language": "en"}
    with pytest.raises(EnrolmentInvalid, match="too long"):
        contact.correct(clinic_id(desk), patient.id, known | {"time_zone": "America/New_York"})


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


def status_of(desk: Desk, result: EnrolmentResult) -> EnrolmentStatus:
    return desk.rows(Enrolment, id=result.enrolment_id)[0].status


def test_a_treatment_whose_last_day_is_over_is_finished_from_the_start_and_nobody_is_texted(
    desk: Desk,
) -> None:
    result = enrol(clinic_id(desk), form(treated_at=(clock.now() - timedelta(days=400)).isoformat()))
    assert (result.over, result.check_ins) == (True, {})
    assert status_of(desk, result) is EnrolmentStatus.FINISHED
    desk.settle()
    assert desk.texts_to(NEW) == []
    assert desk.rows(Treatment, id=result.treatment_id)[0].lot == "LOT-7", "the record is written"


def test_a_treatment_with_a_day_left_runs(desk: Desk) -> None:
    result = enrol(clinic_id(desk), form(treated_at=(clock.now() - timedelta(days=364)).isoformat()))
    assert (result.over, sorted(result.check_ins)) == (False, [365])
    assert status_of(desk, result) is EnrolmentStatus.ACTIVE


def test_a_late_touch_up_has_no_early_day_left_and_is_finished_too(desk: Desk) -> None:
    treated = clock.now() - timedelta(days=20)
    result = enrol(clinic_id(desk), form(treated_at=treated.isoformat(), touch_up=True))
    assert result.over
    assert status_of(desk, result) is EnrolmentStatus.FINISHED


def test_a_treatment_that_joins_a_series_ends_with_it(desk: Desk) -> None:
    first = enrol(clinic_id(desk), form())
    second = enrol(clinic_id(desk), form(lot="LOT-8"))
    assert not second.over
    with transaction() as session:
        for check_in in session.query(CheckIn).filter_by(enrolment_id=first.enrolment_id):
            check_in.status = CheckInStatus.CANCELLED
        finish_if_done(session, session.get_one(Enrolment, first.enrolment_id))
    assert [status_of(desk, one) for one in (first, second)] == [EnrolmentStatus.FINISHED] * 2


def test_what_an_earlier_version_left_active_with_nothing_to_come_is_finished_by_the_sweep(
    desk: Desk,
) -> None:
    result = enrol(clinic_id(desk), form(treated_at=(clock.now() - timedelta(days=400)).isoformat()))
    running = enrol(clinic_id(desk), form(lot="LOT-8"))
    with transaction() as session:
        session.get_one(Enrolment, result.enrolment_id).status = EnrolmentStatus.ACTIVE
    assert finish_all_done() == 1
    assert finish_all_done() == 0
    assert status_of(desk, result) is EnrolmentStatus.FINISHED
    assert status_of(desk, running) is EnrolmentStatus.ACTIVE


def test_a_protocol_whose_last_days_are_taken_away_ends_who_has_nothing_left(desk: Desk) -> None:
    result = enrol(clinic_id(desk), form(treated_at=(clock.now() - timedelta(days=100)).isoformat()))
    shipped = catalogue().schedules["harmonyca"]
    early = [one.model_dump(mode="json") for one in shipped.check_ins if one.day < 91]
    wanted = protocols.parse(shipped, shipped.version + 1, early, shipped.hour)
    protocols.put_in_force(clinic_id(desk), desk.rows(Staff, name="Dr Demo")[0].id, wanted, "")
    protocols.follow_changes()
    assert status_of(desk, result) is EnrolmentStatus.FINISHED


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
