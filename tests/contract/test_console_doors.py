"""Every route of the console and the API: in the audit log, and open to the roles that the table names."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot.access.door import SUBJECTS, Door, declared
from bot.access.permissions import TABLE, Permission, may, roles_with
from bot.api.router import router as api
from bot.app import create_app
from bot.audit.models import AuditEntry
from bot.clinic.models import Role, Staff
from bot.console import alerts
from bot.console.router import router as console
from bot.console.strings import translator
from bot.db.engine import reading, transaction
from bot.settings import Settings
from tests.contract.console_browser import client_for, csrf
from tests.contract.console_clinic import World

#: Channels of patients and the demo: the sender is the patient, or nobody's data is behind them.
PUBLIC = ("/p/", "/web", "/widget", "/demo", "/twilio", "/static", "/metrics", "/healthz", "/readyz")


@dataclass(frozen=True)
class Route:
    """One method of one address, with the function behind it."""

    method: str
    path: str
    endpoint: Any
    route: Any

    @property
    def ids(self) -> set[str]:
        """The records that its address names."""
        return {name for name in SUBJECTS if f"{{{name}}}" in self.path}


def routes_of(app: Any) -> list[Route]:
    """All of an application's or router's routes."""
    return [
        Route(method, str(found.path), found.endpoint, found.original_route)
        for found in iter_route_contexts(app.routes)
        if isinstance(found.original_route, APIRoute)
        for method in sorted(found.methods or ())
    ]


STAFF_ROUTES = [*routes_of(console), *routes_of(api)]
CONSOLE_ROUTES = [route for route in routes_of(console) if declared(route.endpoint).needs is not None]


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", STAFF_ROUTES, ids=name_of)
def test_every_route_of_staff_and_other_systems_is_behind_a_declared_door(route: Route) -> None:
    assert isinstance(route.route, Door), f"{name_of(route)}: use ConsoleRoute or Door as route_class"
    said = declared(route.endpoint)
    assert said.explicit, f"{name_of(route)}: declare it with @door(action, permission)"
    if route.ids - {"piece_id", "protocol_id"}:
        assert said.action, f"{name_of(route)} names a record, so the audit log must have a name for it"
    if route.method != "GET" and said.needs not in (None, Permission.TRY_TRIAGE):
        assert said.action or route.path.endswith("/options"), f"{name_of(route)} changes something"


def test_every_parameter_of_an_address_is_known_to_the_log() -> None:
    """A new kind of record gets its line in `SUBJECTS`, or an entry would not say which one it was about."""
    others = {
        "path",
        "name",
        "token",
        "passkey_id",
        "method_id",
        "form",
    }  # no record of a patient, a colleague or the settings
    for route in STAFF_ROUTES:
        named = {name.partition(":")[0] for name in re.findall(r"\{([^}]+)\}", route.path)}
        assert named <= {*SUBJECTS, *others}, name_of(route)


def test_no_route_elsewhere_takes_a_record_past_the_doors(settings: Settings) -> None:
    for route in routes_of(create_app()):
        if not isinstance(route.route, Door) and not route.path.startswith(PUBLIC):
            assert not route.ids, f"{name_of(route)} shows a record without a door"


def test_the_enumeration_sees_the_routes_that_matter() -> None:
    seen = {name_of(route) for route in STAFF_ROUTES}
    assert {
        "GET /console/patients/{patient_id}",
        "GET /console/patients/{patient_id}/chart-note.pdf",
        "POST /console/alerts/{alert_id}/close",
        "GET /console/intakes/{intake_id}.pdf",
        "POST /console/staff/{staff_id}",
        "POST /api/v1/treatments",
    } <= seen


def test_a_route_that_declares_nothing_is_in_the_log_all_the_same(world: World) -> None:
    def forgotten(who: alerts.SignedIn, patient_id: str) -> dict[str, str]:
        return {}

    app = FastAPI()
    app.add_api_route("/never", forgotten)
    route = Route("GET", "/console/x/{patient_id}", forgotten, None)
    assert not declared(route.endpoint).explicit

    app = FastAPI()
    app.include_router(console)
    app.router.route_class = alerts.ConsoleRoute
    app.get("/console-x/{patient_id}")(forgotten)
    client = TestClient(app)
    client.post("/console/sign-in", data={"email": "nurse@demo.example", "password": "demo-afterglow"})
    cookie = client.cookies["afterglow_staff"]
    pat = world.patients["pat"]
    assert client.get(f"/console-x/{pat}", headers={"Cookie": f"afterglow_staff={cookie}"}).status_code == 200
    with reading() as session:
        (entry,) = session.scalars(select(AuditEntry).filter_by(action="test_console_doors.forgotten"))
    assert (entry.subject_kind, entry.subject_id) == ("patient", pat)
    assert entry.actor_id == world.staff["nurse"]


def test_each_permission_is_somebodys_and_has_words_in_both_languages() -> None:
    for permission in Permission:
        assert roles_with(permission)
        for language in ("en", "es"):
            assert translator(language)(f"permission.{permission}")
    for role in Role:
        assert Permission.OWN_ACCOUNT in TABLE[role]
        for language in ("en", "es"):
            assert translator(language)(f"role.{role}")


def test_who_decides_what() -> None:
    """The table itself, as the clinic was promised it."""
    assert roles_with(Permission.CLOSE_ALERTS) == {Role.NURSE, Role.INJECTOR, Role.MEDICAL_DIRECTOR}
    assert roles_with(Permission.APPROVE_WORDS) == {Role.MEDICAL_DIRECTOR}
    assert roles_with(Permission.MANAGE_STAFF) == {Role.ADMIN}
    assert roles_with(Permission.VIEW_AUDIT) == {Role.MEDICAL_DIRECTOR, Role.ADMIN}
    assert roles_with(Permission.HANDLE_ALERTS) == set(Role)
    assert not may(Role.FRONT_DESK, Permission.EXPORT)
    assert not may(Role.FRONT_DESK, Permission.PROPOSE_WORDS)


@pytest.fixture(params=list(Role), ids=lambda role: role.value)
def as_role(request: pytest.FixtureRequest, world: World) -> tuple[Role, TestClient]:
    """The nurse of the clinic, in each role in turn, signed in."""
    with transaction() as session:
        session.get_one(Staff, world.staff["nurse"]).role = request.param
    return request.param, client_for("nurse")


def test_every_route_is_open_to_the_roles_of_the_table_and_refused_to_the_others(
    as_role: tuple[Role, TestClient],
) -> None:
    role, client = as_role
    token = csrf(client)
    for route in CONSOLE_ROUTES:
        needs = declared(route.endpoint).needs
        assert needs is not None
        if route.path in ("/console/live", "/console/sign-out", "/console/account/sign-out-everywhere"):
            continue  # one never ends, the others end the session
        address = route.path
        for name in (*SUBJECTS, "passkey_id", "method_id"):
            address = address.replace(f"{{{name}}}", "0" * 32)
        # a form that no page sends: who may use it gets further than who may not, and changes nothing
        reply = client.request(route.method, address, data={"csrf": token}, follow_redirects=False)
        if may(role, needs):
            assert reply.status_code != 403, f"{role} may {name_of(route)}"
        else:
            assert reply.status_code == 403, f"{role} may not {name_of(route)}"
            assert translator("en")(f"permission.{needs}") in html.unescape(reply.text)
            for other in roles_with(needs):
                assert translator("en")(f"role.{other}") in reply.text


def test_a_refusal_is_in_the_log_and_changes_nothing(world: World) -> None:
    with transaction() as session:
        session.get_one(Staff, world.staff["nurse"]).role = Role.FRONT_DESK
    desk = client_for("nurse")
    lip = world.alerts["lip"]
    fields = {"csrf": csrf(desk), "outcome": "false_alarm", "close_note": "x"}
    assert desk.post(f"/console/alerts/{lip}/close", data=fields).status_code == 403
    with reading() as session:
        (entry,) = session.scalars(select(AuditEntry).filter_by(action="alert.close"))
    assert (entry.outcome, entry.subject_id, entry.actor_id) == ("refused", lip, world.staff["nurse"])


def test_a_page_offers_only_what_the_role_may_do(world: World) -> None:
    with transaction() as session:
        session.get_one(Staff, world.staff["nurse"]).role = Role.FRONT_DESK
    page = client_for("nurse").get(f"/console/alerts/{world.alerts['lip']}").text
    assert "/acknowledge" in page
    assert "/close" not in page
    assert 'href="/console/staff"' not in page
