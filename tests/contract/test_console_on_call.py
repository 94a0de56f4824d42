"""The console's pages about who is on call and who is paged."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot import clock
from bot.clinic.models import Role, Staff
from bot.console.router import router
from bot.db.engine import reading, transaction
from bot.escalation import service
from bot.escalation.alerts import log, page_fallback, reopen
from bot.escalation.models import (
    AS_DIRECTOR,
    NOBODY_REACHED,
    NOBODY_REACHED_AT_ALL,
    Alert,
    EventKind,
    Notification,
)
from bot.messaging.models import Message, Status
from bot.notify import outcome
from bot.oncall.models import EscalationPolicy, RotaOverride, RotaRow
from tests.contract import console_clinic
from tests.contract.console_clinic import World


def client_for(key: str) -> TestClient:
    app = FastAPI()
    app.include_router(router)
    client = TestClient(app, follow_redirects=False)
    client.post(
        "/console/sign-in", data={"email": f"{key}@demo.example", "password": console_clinic.PASSWORD}
    )
    return client


@pytest.fixture
def nurse(world: World) -> TestClient:
    return client_for("nurse")


@pytest.fixture
def director(world: World) -> TestClient:
    return client_for("doctor")


def post(client: TestClient, path: str, **fields: object):
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/console/rota").text)
    assert found
    return client.post(path, data={"csrf": found[1], **fields})


def rota_fields(world: World, **changes: object) -> dict[str, object]:
    return {
        "name": "Nurses",
        "time_zone": "America/New_York",
        "start": "2026-01-05",
        "handover": "09:00",
        "turn_days": "7",
        "member_0": world.staff["nurse"],
        "member_1": world.staff["doctor"],
    } | changes


def rows(model: type) -> list:
    with reading() as session:
        return session.query(model).all()


def test_without_a_rota_the_page_shows_the_list(world: World, nurse: TestClient) -> None:
    page = nurse.get("/console/rota").text
    assert "Nurse Demo" in page
    assert "no rota" in page
    assert "Stranger Demo" not in page


def test_a_rota_is_written_shown_changed_and_ended(world: World, director: TestClient) -> None:
    assert post(director, "/console/rota", **rota_fields(world)).status_code == 303
    (row,) = rows(RotaRow)
    page = director.get("/console/rota").text
    assert "Nurses: the next two weeks" in page
    assert 'scope="col"' in page
    form = director.get(f"/console/rota?edit={row.id}").text
    assert f'name="rota_id" value="{row.id}"' in form
    changed = rota_fields(world, rota_id=row.id, name="Night nurses")
    assert post(director, "/console/rota", **changed).status_code == 303
    assert [one.name for one in rows(RotaRow)] == ["Night nurses"]
    post(director, "/console/rota", do="end", rota_id=row.id)
    assert "no rota" in director.get("/console/rota").text


def test_bad_input_comes_back_with_what_to_do_and_what_was_typed(world: World, director: TestClient) -> None:
    reply = post(director, "/console/rota", **rota_fields(world, time_zone="Mars/Olympus"))
    assert reply.status_code == 422
    assert "Europe/Madrid" in reply.text
    assert "Mars/Olympus" in reply.text
    assert rows(RotaRow) == []


def test_members_and_rotas_of_another_clinic_are_not_there(world: World, director: TestClient) -> None:
    reply = post(director, "/console/rota", **rota_fields(world, member_1=world.staff["stranger"]))
    assert reply.status_code == 422
    post(director, "/console/rota", **rota_fields(world))
    (row,) = rows(RotaRow)
    with transaction() as session:
        session.get_one(Staff, world.staff["stranger"]).role = Role.ADMIN
    stranger = client_for("stranger")
    assert "Nurses" not in stranger.get(f"/console/rota?edit={row.id}").text
    assert post(stranger, "/console/rota", do="end", rota_id=row.id).status_code == 422
    assert rows(RotaRow)[0].ended_at is None


def test_a_nurse_may_cover_and_take_it_back_but_not_write_rotas(
    world: World, nurse: TestClient, director: TestClient
) -> None:
    assert post(nurse, "/console/rota", **rota_fields(world)).status_code == 403
    post(director, "/console/rota", **rota_fields(world))
    (row,) = rows(RotaRow)
    local = clock.now().astimezone(ZoneInfo("America/New_York"))
    fields = {
        "rota_id": row.id,
        "staff_id": world.staff["doctor"],
        "starts": f"{local:%Y-%m-%dT%H:%M}",
        "ends": f"{local + timedelta(hours=8):%Y-%m-%dT%H:%M}",
    }
    assert post(nurse, "/console/rota/cover", **fields).status_code == 303
    assert "Dr Demo covers from" in nurse.get("/console/rota").text
    (made,) = rows(RotaOverride)
    assert post(nurse, f"/console/rota/cover/{made.id}/cancel").status_code == 303
    assert "covers from" not in nurse.get("/console/rota").text
    assert post(nurse, "/console/rota/cover", **(fields | {"ends": ""})).status_code == 422


def test_a_calendar_address_is_shown_once_and_read_without_signing_in(
    world: World, director: TestClient
) -> None:
    post(director, "/console/rota", **rota_fields(world))
    found = re.search(r"/console/calendar/[\w-]+\.ics", post(director, "/console/rota/feed", do="make").text)
    assert found
    assert found[0] not in director.get("/console/rota").text
    app = FastAPI()
    app.include_router(router)
    anybody = TestClient(app)
    reply = anybody.get(found[0])
    assert reply.headers["content-type"].startswith("text/calendar")
    assert "BEGIN:VEVENT" in reply.text
    post(director, "/console/rota/feed", do="revoke")
    assert anybody.get(found[0]).status_code == 404


def test_a_policy_is_written_by_the_director_and_a_faulty_one_refused(
    world: World, nurse: TestClient, director: TestClient
) -> None:
    good = {"target_0_0": "on_call", "delay_0": "5", "remind": "30", "repeats": "1", "unack": "2"}
    assert post(nurse, "/console/escalation/T0", **good).status_code == 403
    assert post(director, "/console/escalation/T0", **good).status_code == 303
    for wrong, words in (
        ({"delay_0": "0"}, "more than zero"),
        ({"target_0_0": ""}, "pages nobody"),
        ({"target_0_0": "", "delay_0": ""}, "at least one step"),
        ({"target_0_0": f"person:{world.staff['stranger']}"}, "does not have"),
        ({"repeats": "many"}, "0 to 9"),
        ({"repeats": "1.7"}, "whole numbers"),
        ({"repeats": "0,5"}, "whole numbers"),
        ({"unack": "2.5"}, "whole numbers"),
    ):
        reply = post(director, "/console/escalation/T0", **(good | wrong))
        assert reply.status_code == 422
        assert words in reply.text
        assert "The last policy stays" in reply.text
    assert len(rows(EscalationPolicy)) == 1
    assert "own policy" in director.get("/console/escalation").text
    post(director, "/console/escalation/T0", do="defaults")
    assert "own policy" not in director.get("/console/escalation").text
    assert post(director, "/console/escalation/T4", **good).status_code == 404


def test_the_pages_speak_spanish(world: World) -> None:
    spanish = client_for("spanish")
    assert "De guardia ahora" in spanish.get("/console/rota").text
    assert "Política de escalado" in spanish.get("/console/escalation").text


def test_a_form_without_its_token_changes_nothing(world: World, director: TestClient) -> None:
    assert director.post("/console/rota", data=rota_fields(world)).status_code == 403
    assert rows(RotaRow) == []


def test_the_timeline_tells_of_ignored_reminders_and_the_fall_back_phone(
    world: World, nurse: TestClient
) -> None:
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["redness"])
        reopen(session, alert)
        page_fallback(session, alert, "+15550100155")
    page = nurse.get(f"/console/alerts/{world.alerts['redness']}").text
    assert "Dr Demo heeded no reminder" in page
    assert "The fall-back phone was paged" in page


def test_what_only_the_fall_back_phone_has_can_be_taken_over_by_name(world: World, nurse: TestClient) -> None:
    alert_id = world.alerts["lip"]
    with transaction() as session:
        page_fallback(session, session.get_one(Alert, alert_id), "+15550100155")
    assert service.acknowledge(alert_id, None, "call")
    page = nurse.get(f"/console/alerts/{alert_id}").text
    assert "Taken at the fall-back phone, by nobody with a name" in page
    assert "taken by a key pressed at the fall-back phone" in page
    assert "Asumida en el teléfono de reserva" in client_for("spanish").get("/console").text
    assert post(nurse, f"/console/alerts/{alert_id}/acknowledge").status_code == 303
    page = nurse.get(f"/console/alerts/{alert_id}").text
    assert "Taken by Nurse Demo" in page
    assert f"/console/alerts/{alert_id}/acknowledge" not in page


def test_a_fall_back_phone_that_no_way_reaches_is_named_on_the_alert(world: World, nurse: TestClient) -> None:
    alert_id = world.alerts["lip"]
    with transaction() as session:
        alert = session.get_one(Alert, alert_id)
        page_fallback(session, alert, "+15550100155")
        text, call = (
            session.query(Notification).filter(Notification.staff_id.is_(None)).order_by(Notification.place)
        )
        session.get_one(Message, text.message_id).status = call.status = Status.FAILED
        outcome.failed(session, call, "refused")
    assert "could be neither texted nor rung" in nurse.get(f"/console/alerts/{alert_id}").text


def test_an_alert_about_which_nobody_could_be_reached_says_so_and_why(
    world: World, nurse: TestClient
) -> None:
    alert_id = world.alerts["lip"]
    with transaction() as session:
        alert = session.get_one(Alert, alert_id)
        log(session, alert, EventKind.PAGE_FAILED, detail=NOBODY_REACHED)
        log(session, alert, EventKind.PAGED, staff_id=world.staff["doctor"], detail=AS_DIRECTOR)
    page = nurse.get(f"/console/alerts/{alert_id}").text
    assert "the next step began at once" in page
    assert "Dr Demo was paged as medical director" in page
    assert "Take it yourself" not in page
    with transaction() as session:
        log(session, session.get_one(Alert, alert_id), EventKind.PAGE_FAILED, detail=NOBODY_REACHED_AT_ALL)
    assert "Take it yourself and call the patient" in nurse.get(f"/console/alerts/{alert_id}").text
    spanish = client_for("spanish").get(f"/console/alerts/{alert_id}").text
    assert "Asúmala usted y llame al paciente" in spanish


def test_a_step_can_name_whoever_is_on_call_as_something(world: World, director: TestClient) -> None:
    assert "On call as: Injector" in director.get("/console/escalation").text
    assert "De guardia como:" in client_for("spanish").get("/console/escalation").text
    fields = {"target_0_0": "on_call:injector", "delay_0": "5", "remind": "30", "repeats": "0", "unack": "2"}
    assert post(director, "/console/escalation/T1", **fields, do="save").status_code == 303
    (kept,) = rows(EscalationPolicy)
    assert kept.plan["steps"][0]["targets"] == ["on_call:injector"]
    assert 'value="on_call:injector" selected' in director.get("/console/escalation").text


def test_the_default_for_the_same_day_is_told_by_day_and_by_night(director: TestClient) -> None:
    page = director.get("/console/escalation").text
    assert page.count("In opening hours nurses and front desk on call come first") == 1
    spanish = client_for("spanish").get("/console/escalation").text
    assert spanish.count("En horario de apertura van primero") == 1


def test_the_forms_say_what_a_location_decides(world: World, director: TestClient) -> None:
    assert post(director, "/console/rota", **rota_fields(world, location="Soho")).status_code == 303
    page = director.get("/console/rota").text
    assert "Alerts of patients treated there page this rota" in page
    form = director.get("/console/enrol").text
    assert 'list="location-known"' in form
    assert '<option value="Soho"></option>' in form
    assert "avisan a quien esté de guardia allí" in client_for("spanish").get("/console/enrol").text


def test_an_alert_says_where_the_patient_was_treated_and_that_nobody_is_on_call_there(
    world: World, nurse: TestClient
) -> None:
    alert_id = world.alerts["lip"]
    assert "Treated at" not in nurse.get(f"/console/alerts/{alert_id}").text
    with transaction() as session:
        alert = session.get_one(Alert, alert_id)
        alert.policy = alert.policy | {"location": "Soho <1>"}
        log(session, alert, EventKind.NOBODY_ON_CALL, detail="Soho <1>")
    page = nurse.get(f"/console/alerts/{alert_id}").text
    assert "Treated at Soho &lt;1&gt;" in page
    assert "Nobody is on call at Soho &lt;1&gt;, so every rota" in page


def typed_defaults(page: str, tier: str) -> dict[str, str]:
    """The fields of a tier's form as a browser sends them back untouched."""
    form = re.search(rf'action="/console/escalation/{tier}".*?</form>', page, re.S)
    assert form
    fields = dict(re.findall(r'<input id="[^"]+" name="(\w+)"[^>]*? value="([^"]*)"', form[0]))
    for name, options in re.findall(r'<select id="[^"]+" name="(\w+)"[^>]*>(.*?)</select>', form[0], re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        fields[name] = chosen[1] if chosen else ""
    return fields


@pytest.mark.parametrize("tier", ["T0", "T1", "T2"])
def test_saving_an_untouched_policy_changes_nothing_and_says_so(
    world: World, director: TestClient, tier: str
) -> None:
    fields = typed_defaults(director.get("/console/escalation").text, tier)
    assert fields["target_0_0"], "the defaults are shown as steps"
    reply = post(director, f"/console/escalation/{tier}", **fields, do="save")
    page = director.get(reply.headers["location"]).text
    assert "Nothing was changed: the policy was like this before." in page
    assert "own policy" not in page
    assert rows(EscalationPolicy) == []
    fields["remind"] = "7"
    reply = post(director, f"/console/escalation/{tier}", **fields, do="save")
    page = director.get(reply.headers["location"]).text
    assert "Saved. It counts for alerts from now on." in page
    post(director, f"/console/escalation/{tier}", **typed_defaults(page, tier), do="save")
    assert len(rows(EscalationPolicy)) == 1


def test_a_step_that_names_nobody_who_can_be_paged_is_refused_by_its_number(
    world: World, director: TestClient
) -> None:
    fields = {"target_0_0": "on_call", "delay_0": "5", "remind": "30", "repeats": "0", "unack": "2"}
    fields |= {"target_1_0": f"person:{world.staff['spanish']}", "delay_1": "5"}  # no phone
    reply = post(director, "/console/escalation/T1", **fields, do="save")
    assert reply.status_code == 422
    assert "This step names nobody who can be paged" in reply.text
    assert "(Step 2)" in reply.text
    assert rows(EscalationPolicy) == []


def test_a_step_whose_person_has_left_is_marked_in_the_form_and_in_the_timeline(
    world: World, director: TestClient
) -> None:
    fields = {"target_0_0": f"person:{world.staff['nurse']}", "delay_0": "5", "remind": "30"}
    fields |= {"target_1_0": "on_call", "delay_1": "5", "repeats": "0", "unack": "2"}
    assert post(director, "/console/escalation/T1", **fields, do="save").status_code == 303
    assert "-empty-" not in director.get("/console/escalation").text
    with transaction() as session:
        session.get_one(Staff, world.staff["nurse"]).active = False
        log(session, session.get_one(Alert, world.alerts["lip"]), EventKind.NAMES_NOBODY, detail="1")
    page = director.get("/console/escalation").text
    assert page.count("This step names nobody who can be paged. Choose somebody else") == 1
    assert 'aria-describedby="T1-empty-0"' in page
    timeline = director.get(f"/console/alerts/{world.alerts['lip']}").text
    assert "Step 1 of the policy names nobody who can be paged" in timeline
    assert "Nobody is on call who could be paged" not in timeline


def on_call_now(client: TestClient) -> list[str]:
    """The lines under *On call now*, without markup."""
    section = re.search(r'id="now-title".*?</section>', client.get("/console/rota").text, re.S)
    assert section
    lines = re.findall(r"<li>(.*?)</li>", section[0], re.S)
    return [html.unescape(" ".join(re.sub(r"<[^>]+>", "", line).split())) for line in lines]


def test_on_call_now_says_as_what_and_where(world: World, director: TestClient) -> None:
    assert on_call_now(director)[0] == "Nurse Demo (Nurse)", "by the list: their own role"
    soho = rota_fields(world, location="Soho & <1>", member_1="")
    everywhere = rota_fields(world, name="Injectors", role="injector", member_0=world.staff["doctor"])
    for fields in (soho, everywhere | {"member_1": world.staff["nurse"]}):
        assert post(director, "/console/rota", **fields).status_code == 303
    now = on_call_now(director)
    assert "Nurse Demo (Nurse · Soho & <1>" in now[0]
    assert any("Injector · all locations" in line for line in now)
    assert len(now) == len({line.split(" (")[0] for line in now}), "everybody once"
    spanish = " ".join(on_call_now(client_for("spanish")))
    assert "Enfermería · Soho & <1>" in spanish
    assert "todos los lugares" in spanish
