"""Changing a patient's check-ins and the clinic's protocols in the console."""

from __future__ import annotations

import html
import re

import pytest
from fastapi.testclient import TestClient

from bot.clinic.models import Consent, ConsentPurpose, Patient, Staff
from bot.console.strings import translator
from bot.db.engine import reading, transaction
from bot.followup import errors, protocols
from bot.followup.asking import judge
from bot.followup.models import CheckIn, CheckInStatus, Enrolment, EnrolmentStatus, Means
from bot.messaging.consent import agreed_to_texts
from bot.messaging.models import Conversation, Message
from bot.protocols.catalogue import catalogue
from bot.triage.types import Tier
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World

PAGE = "/console/protocols/harmonyca"
SHIPPED = catalogue().schedules["harmonyca"].version


def enrolment_of(world: World, name: str) -> Enrolment:
    with reading() as session:
        return session.query(Enrolment).filter_by(patient_id=world.patients[name]).one()


def planned(world: World, name: str) -> CheckIn:
    with reading() as session:
        rows = session.query(CheckIn).filter_by(patient_id=world.patients[name], status=CheckInStatus.PLANNED)
        found = rows.order_by(CheckIn.due_at).first()
        assert found is not None
        return found


def typed(page: str) -> dict[str, str]:
    """The protocol form as it was shown."""
    fields: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and not name[1].startswith("csrf") and ('type="checkbox"' not in tag or " checked" in tag):
            fields[name[1]] = html.unescape(value[1]) if value else "on"
    return fields


def test_check_ins_are_paused_and_go_on(nurse: TestClient, world: World) -> None:
    enrolment = enrolment_of(world, "pat")
    reply = post(nurse, f"/console/enrolments/{enrolment.id}/pause")
    assert "The check-ins are changed." in reply.text
    assert enrolment_of(world, "pat").status is EnrolmentStatus.PAUSED
    post(nurse, f"/console/enrolments/{enrolment.id}/resume")
    assert enrolment_of(world, "pat").status is EnrolmentStatus.ACTIVE


def test_phone_instead_of_texts_and_back(nurse: TestClient, world: World) -> None:
    enrolment = enrolment_of(world, "pat")
    post(nurse, f"/console/enrolments/{enrolment.id}/means", means="phone")
    assert enrolment_of(world, "pat").means is Means.PHONE
    post(nurse, f"/console/enrolments/{enrolment.id}/means", means="text")
    assert enrolment_of(world, "pat").means is Means.TEXT


def test_a_planned_check_in_is_skipped_once(nurse: TestClient, world: World) -> None:
    check_in = planned(world, "pat")
    post(nurse, f"/console/check-ins/{check_in.id}/skip")
    again = post(nurse, f"/console/check-ins/{check_in.id}/skip")
    assert again.status_code == 422
    assert "has not gone out yet" in again.text


def test_ending_early_needs_a_reason(nurse: TestClient, world: World) -> None:
    enrolment = enrolment_of(world, "pat")
    refused = post(nurse, f"/console/enrolments/{enrolment.id}/end", reason=" ")
    assert refused.status_code == 422
    assert enrolment_of(world, "pat").status is EnrolmentStatus.ACTIVE
    post(nurse, f"/console/enrolments/{enrolment.id}/end", reason="Moved away.")
    assert enrolment_of(world, "pat").status is EnrolmentStatus.STOPPED


def test_another_clinics_check_ins_are_not_there(world: World) -> None:
    stranger = client_for("stranger")
    enrolment, check_in = enrolment_of(world, "pat"), planned(world, "pat")
    assert post(stranger, f"/console/enrolments/{enrolment.id}/pause").status_code == 404
    assert post(stranger, f"/console/check-ins/{check_in.id}/skip").status_code == 404
    assert enrolment_of(world, "pat").status is EnrolmentStatus.ACTIVE


def test_a_change_is_shown_before_it_is_put_in_force(doctor: TestClient, world: World) -> None:
    fields = typed(doctor.get(PAGE).text) | {"day-1": "4"}
    shown = post(doctor, PAGE, **fields)
    assert "check-ins are added" in shown.text
    with reading() as session:
        assert protocols.in_force(session, world.clinic, "harmonyca").version == SHIPPED
    done = post(doctor, PAGE, **fields, confirmed="yes", note="A day later.")
    assert "The protocol is in force" in done.text
    with reading() as session:
        mine = protocols.in_force(session, world.clinic, "harmonyca")
        theirs = protocols.in_force(session, world.other_clinic, "harmonyca")
    assert (mine.version, mine.days[1]) == (SHIPPED + 1, 4)
    assert (theirs.version, theirs.days[1]) == (SHIPPED, 3), "another clinic keeps its own"
    assert "A day later." in doctor.get(PAGE).text


def test_a_nurse_reads_protocols_and_changes_none(nurse: TestClient, world: World) -> None:
    page = nurse.get(PAGE).text
    assert "Only the medical director may change" in page
    refused = post(nurse, PAGE, **typed(page), confirmed="yes")
    assert refused.status_code == 403
    with reading() as session:
        assert protocols.in_force(session, world.clinic, "harmonyca").version == SHIPPED


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("day-0", "soon", "whole numbers"),
        ("hour", "ten", "whole numbers"),
        ("hour", "24", "from 0 to 23"),
        ("day-0", "2000", "from 0 to 1098"),
        ("day-0", "3", "same day stands here twice"),
        ("version", "1", "Somebody else"),
    ],
)
def test_what_was_typed_wrongly_is_said_and_kept(
    doctor: TestClient, field: str, value: str, words: str
) -> None:
    fields = typed(doctor.get(PAGE).text) | {field: value, "day-2": "9"}
    refused = post(doctor, PAGE, **fields)
    assert refused.status_code == 422
    assert words in refused.text
    assert 'value="9"' in refused.text


@pytest.fixture
def directora(world: World) -> TestClient:
    """The medical director, who reads Spanish."""
    with transaction() as session:
        session.get_one(Staff, world.staff["doctor"]).language = "es"
    return client_for("doctor")


def test_refusals_are_said_in_spanish_too(directora: TestClient, world: World) -> None:
    fields = typed(directora.get(PAGE).text) | {"day-0": "pronto"}
    refused = post(directora, PAGE, **fields)
    assert "números enteros" in refused.text
    assert 'role="alert" lang="en"' not in refused.text
    enrolment = enrolment_of(world, "pat")
    assert "por qué terminan" in post(directora, f"/console/enrolments/{enrolment.id}/end", reason="").text


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_refusal_has_words(language: str) -> None:
    t = translator(language)
    for group, reasons in (("protocol", errors._PROTOCOL), ("follow_up", errors._CHANGE)):
        for reason in reasons:
            assert t(f"{group}.refused_{reason}")


# thresholds


def rows(page: str) -> dict[str, str]:
    """The thresholds of the form as they were shown: each tier that is chosen."""
    chosen = re.findall(r'<select id="(t-[\w-]+)-tier"[^>]*>(.*?)</select>', page)
    tiers = {name: re.search(r'value="(T\d)" selected', options) for name, options in chosen}
    return {f"{name}-tier": tier[1] if tier else "" for name, tier in tiers.items()}


def test_thresholds_are_shown_with_what_was_shipped(nurse: TestClient) -> None:
    page = nurse.get(PAGE).text
    assert rows(page)["t-pain-0-tier"] == "T2"
    assert re.search(r'id="t-pain-0-at_least"[^>]* value="7" readonly', page)
    assert (
        "As shipped: T2 Same day: 7 and more; T2 Same day: 2 points worse than before from day 2 on" in page
    )


def test_a_stricter_threshold_is_put_in_force_and_judges_running_enrolments_at_once(
    doctor: TestClient, world: World
) -> None:
    page = doctor.get(PAGE).text
    fields = typed(page) | rows(page) | {"t-pain-0-at_least": "5"}
    assert "Weaker than shipped" not in post(doctor, PAGE, **fields).text
    assert "The protocol is in force" in post(doctor, PAGE, **fields, confirmed="yes", note="pain").text
    with reading() as session:
        mine = protocols.in_force(session, world.clinic, "harmonyca")
        assert set(mine.thresholds) == {"pain"}, "what is as shipped follows the shipped"
        assert mine.days == catalogue().schedules["harmonyca"].days
        check_in = session.get_one(CheckIn, planned(world, "pat").id)
        asked = protocols.questions(session, check_in)
    assert judge({"pain": 5}, {}, 1, asked)[0] is Tier.T2
    assert "changed by your clinic" in doctor.get(PAGE).text
    with reading() as session:
        assert protocols.in_force(session, world.other_clinic, "harmonyca").thresholds == {}


def test_a_weaker_threshold_is_named_beside_the_shipped_one_and_must_be_weighed(
    doctor: TestClient, world: World
) -> None:
    page = doctor.get(PAGE).text
    fields = typed(page) | rows(page) | {"t-lumps-0-tier": ""}
    shown = post(doctor, PAGE, **fields)
    assert "Any lump, answer yes on day 14: T3 Next working day as shipped, T4 Routine" in shown.text
    refused = post(doctor, PAGE, **fields, confirmed="yes")
    assert refused.status_code == 422
    assert "tick that you have weighed it" in refused.text
    with reading() as session:
        assert protocols.in_force(session, world.clinic, "harmonyca").version == SHIPPED
    ticked = re.search(r'name="weighed" value="(\w+)"', refused.text)
    assert ticked is not None
    fields |= {"confirmed": "yes", "weighed": ticked[1]}
    done = post(doctor, PAGE, **fields, note="lumps are seen at the visit")
    assert "The protocol is in force" in done.text
    with reading() as session:
        assert protocols.in_force(session, world.clinic, "harmonyca").thresholds == {"lumps": ()}

    back = doctor.get(PAGE).text
    again = (
        typed(back)
        | rows(back)
        | {"t-lumps-0-tier": "T3", "t-lumps-0-is-yes": "on", "t-lumps-0-from_day": "14"}
    )
    post(doctor, PAGE, **again, confirmed="yes")
    with reading() as session:
        assert protocols.in_force(session, world.clinic, "harmonyca").thresholds == {}, "as shipped again"


def test_a_threshold_typed_wrongly_is_said_with_its_question_and_kept(doctor: TestClient) -> None:
    page = doctor.get(PAGE).text
    refused = post(doctor, PAGE, **(typed(page) | rows(page) | {"t-swelling-0-at_least": "70"}))
    assert refused.status_code == 422
    assert '<a href="#t-swelling">Swelling</a>: Scores are whole numbers' in refused.text
    assert re.search(r'id="t-swelling-0-at_least"[^>]* value="70"', refused.text)


@pytest.mark.parametrize(
    "stray",
    [
        {"t-pain-2-tier": "", "t-pain-2-at_least": "5"},
        {"t-pain-0-tier": "", "t-pain-0-at_least": "5"},
        {"t-pain-2-tier": "", "t-pain-2-from_day": "5"},
    ],
    ids=["a new line", "a changed line", "a day alone"],
)
def test_numbers_in_a_line_that_says_nobody_are_refused_at_its_question_and_kept(
    doctor: TestClient, world: World, stray: dict[str, str]
) -> None:
    page = doctor.get(PAGE).text
    refused = post(doctor, PAGE, **(typed(page) | rows(page) | stray), confirmed="yes")
    assert refused.status_code == 422
    assert '<a href="#t-pain">Pain</a>: A line here has numbers or answers but says' in refused.text
    name = list(stray)[1]
    assert re.search(rf'id="{name}"[^>]* value="5"', refused.text)
    with reading() as session:
        assert protocols.in_force(session, world.clinic, "harmonyca").version == SHIPPED


def test_a_standing_threshold_set_to_nobody_is_told_as_removed_with_its_numbers(doctor: TestClient) -> None:
    page = doctor.get(PAGE).text
    shown = post(doctor, PAGE, **(typed(page) | rows(page) | {"t-pain-0-tier": ""}))
    assert shown.status_code == 200
    told = "Pain, when a person must look: T2 Same day: 2 points worse than before from day 2 on"
    assert told in shown.text
    assert "T2 Same day: 7 and more" in shown.text.split(told, 1)[1].split("</li>", 1)[0]


def test_a_form_without_thresholds_leaves_them(doctor: TestClient, world: World) -> None:
    post(doctor, PAGE, **typed(doctor.get(PAGE).text) | {"day-1": "4"}, confirmed="yes")
    with reading() as session:
        assert protocols.in_force(session, world.clinic, "harmonyca").thresholds == {}


def test_every_protocol_is_listed_with_who_follows_it(nurse: TestClient) -> None:
    page = nurse.get("/console/protocols").text
    assert page.count('href="/console/protocols/') >= 4
    assert "HArmonyCA, first year" in page


def test_an_unknown_protocol_is_not_there(nurse: TestClient) -> None:
    assert nurse.get("/console/protocols/nosuch").status_code == 404


def edit(client: TestClient, world: World, name: str, **changed: str) -> object:
    page = client.get(f"/console/patients/{world.patients[name]}/edit").text
    fields = typed(page) | {"language": "en", "time_zone": "America/New_York"} | changed
    return post(client, f"/console/patients/{world.patients[name]}/edit", **fields)


def test_a_patient_gets_a_new_number_that_is_asked_for_consent_again(nurse: TestClient, world: World) -> None:
    with transaction() as session:
        patient = session.get_one(Patient, world.patients["pat"])
        for channel in ("staff", "sms"):
            session.add(
                Consent(
                    clinic_id=patient.clinic_id,
                    patient_id=patient.id,
                    purpose=ConsentPurpose.AFTERCARE_TEXTS,
                    granted=True,
                    wording_version="test",
                    channel=channel,
                )
            )
            session.flush()
    edit(nurse, world, "pat", phone="+15550100177")
    with reading() as session:
        patient = session.get_one(Patient, world.patients["pat"])
        assert patient.phone == "+15550100177"
        assert not agreed_to_texts(session, patient)
        thread = session.query(Conversation).filter_by(address="+15550100177").one()
        assert session.query(Message).filter_by(conversation_id=thread.id).one().content_id == "enrol.welcome"


def test_two_patients_cannot_share_a_number(nurse: TestClient, world: World) -> None:
    refused = edit(nurse, world, "pat", phone="+15550100111", first_name="Patricia")
    assert refused.status_code == 422  # type: ignore[attr-defined]
    assert "belongs to Ana Ejemplo" in refused.text  # type: ignore[attr-defined]
    assert 'value="Patricia"' in refused.text, "what was typed is kept"  # type: ignore[attr-defined]
    with reading() as session:
        assert session.get_one(Patient, world.patients["pat"]).first_name == "Pat"


def test_another_clinics_patient_cannot_be_corrected(world: World) -> None:
    stranger = client_for("stranger")
    assert stranger.get(f"/console/patients/{world.patients['pat']}/edit").status_code == 404
    assert post(stranger, f"/console/patients/{world.patients['pat']}/edit").status_code == 404
