"""The clinic's own settings: what texts are filled with. For an administrator or the medical director."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from bot.access.door import door
from bot.access.permissions import Permission
from bot.audit import trail
from bot.clinic import own_settings
from bot.clinic.facts import WEEKDAYS
from bot.clinic.models import Clinic
from bot.clinic.own_settings import SettingsInvalid
from bot.console import pages
from bot.console.pages import ConsoleRoute, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.wording import citation
from bot.db.engine import reading
from bot.protocols.catalogue import catalogue
from bot.protocols.every_text import HIGH_NUMBER

router = APIRouter(route_class=ConsoleRoute)

FACTS = ("name", "phone", "emergency_phone", "emergency_number", "crisis_line", "booking_url")
HOURS = ("texts_from_hour", "texts_until_hour")


@router.get("/settings")
@door("", Permission.MANAGE_SETTINGS)
def settings_page(request: Request, who: SignedIn, did: str = "") -> Response:
    """The form, filled with what is in force."""
    with reading() as session:
        typed = form_of(session.get_one(Clinic, who.clinic_id))
    return _page(request, who, typed, did=did == "saved")


@router.post("/settings")
@door("settings.clinic", Permission.MANAGE_SETTINGS)
def save(request: Request, who: SignedIn, form: Posted) -> Response:
    """Take the whole form, or nothing of it."""
    typed = {name: pages.text(form, name, limit=300) for name in form if name != "csrf"}
    with reading() as session:
        clinic = session.get_one(Clinic, who.clinic_id)
    try:
        changes = own_settings.read(typed, clinic)
    except SettingsInvalid as invalid:
        return _page(request, who, typed, problems=invalid.problems, status=422)
    act = trail.current()
    if act is not None:
        act.detail |= {"changed": own_settings.changed(clinic, changes)}
    own_settings.save(who.clinic_id, changes)
    return RedirectResponse("/console/settings?did=saved", 303)


def form_of(clinic: Clinic) -> dict[str, str]:
    """What the form shows for the settings as they are."""
    typed = {name: getattr(clinic, name) or "" for name in FACTS}
    typed |= {name: "yes" if getattr(clinic, name) else "" for name in own_settings.SWITCHES}
    for name in HOURS:
        hour = getattr(clinic, name)
        typed[name] = "" if hour is None else str(hour)
    for day in WEEKDAYS:
        spans = clinic.opening_hours.get(day, [])
        typed[f"hours_{day}"] = ", ".join(f"{start}-{end}" for start, end in spans)
    for key, value in clinic.care_settings.items():
        if isinstance(value, Mapping):
            typed |= {f"care_{key}_{language}": str(text) for language, text in value.items()}
        else:
            typed[f"care_{key}"] = str(value)
    return typed


def _page(
    request: Request,
    who: Visitor,
    typed: Mapping[str, str],
    *,
    problems: Mapping[str, str] | None = None,
    did: bool = False,
    status: int = 200,
) -> Response:
    with reading() as session:
        clinic = session.get_one(Clinic, who.clinic_id)
    content = catalogue()
    return pages.render(
        request,
        "settings.html",
        who,
        status=status,
        clinic=clinic,
        facts=FACTS,
        weekdays=WEEKDAYS,
        care=list(content.settings.values()),
        products=list(content.products.values()),
        most=HIGH_NUMBER,
        typed=pages.Fields(typed),
        problems=pages.Fields(problems or {}),
        did=did,
        citation=citation,
    )
