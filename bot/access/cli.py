"""`afterglow clinic add` and `afterglow staff add`: a real clinic and the people in it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console

from bot import settings as app_settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from bot.clinic.models import Clinic, Staff

clinic = typer.Typer(no_args_is_help=True, help="Clinics of this installation.")
staff = typer.Typer(no_args_is_help=True, help="People who sign in to the console and may be paged.")
out, err = Console(), Console(stderr=True)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? (\d\d:\d\d)-(\d\d:\d\d)")
#: What a field of the staff form is asked for, on a command line.
FIXES = {
    "staff.fix_name": "write a name",
    "staff.fix_email": "write an e-mail address, such as name@clinic.example",
    "staff.fix_email_taken": "somebody signs in with this e-mail already",
    "staff.fix_role": "choose front_desk, nurse, injector, medical_director or admin",
    "staff.fix_language": "choose en or es",
    "staff.fix_phone": "write the number with its country code",
    "staff.fix_lead_phone": "a safeguarding lead needs a phone",
}


@clinic.command("add")
def add_clinic(
    name: Annotated[str, typer.Option(prompt=True)],
    time_zone: Annotated[str, typer.Option(prompt=True, help="IANA name, e.g. America/New_York.")],
    country: Annotated[str, typer.Option(prompt=True, help="Two letters, e.g. US.")],
    text_number: Annotated[str, typer.Option(prompt=True, help="The number that patients text.")],
    phone: Annotated[str, typer.Option(prompt=True, help="The front desk.")],
    emergency_phone: Annotated[
        str, typer.Option(prompt=True, help="A clinical line that is always answered.")
    ],
    emergency_number: Annotated[str, typer.Option(prompt=True, help="The ambulance: 911, 112, 999.")],
    crisis_line: Annotated[str, typer.Option(prompt=True, help="For somebody in despair: 988 in the US.")],
    admin_name: Annotated[str, typer.Option(prompt=True, help="The first admin's name.")],
    admin_email: Annotated[str, typer.Option(prompt=True, help="The first admin's e-mail.")],
    locale: Annotated[str, typer.Option(help="Language and country, e.g. en-US.")] = "en-US",
    hours: Annotated[
        list[str] | None, typer.Option(help='Opening hours, e.g. "mon-fri 09:00-18:00"; repeat for more.')
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="Site that may embed the chat; repeat for more.")
    ] = None,
    language: Annotated[str, typer.Option(help="The admin's language: en or es.")] = "en",
) -> None:
    """Add a clinic and its first admin, who gets a one-time link to choose a password."""
    from bot.access import staffing
    from bot.access.staffing import StaffInvalid
    from bot.clinic.models import Clinic, Role

    problems: list[str] = []
    country = country.strip().upper()
    if not re.fullmatch(r"[A-Z]{2}", country):
        problems.append("--country: write two letters, such as US")
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        problems.append("--time-zone: write an IANA name, such as America/New_York")
    numbers = {}
    for option, typed in (
        ("text-number", text_number),
        ("phone", phone),
        ("emergency-phone", emergency_phone),
    ):
        numbers[option] = staffing.e164(typed, country) or ""
        if not numbers[option]:
            problems.append(f"--{option}: write the number with its country code")
    if not name.strip() or not emergency_number.strip() or not crisis_line.strip():
        problems.append("--name, --emergency-number and --crisis-line must not be empty")
    opening = _opening_hours(hours or [], problems)
    origins = [one.rstrip("/") for one in site or []]
    problems += [
        f"--site: {one} must begin with https://" for one in origins if not one.startswith("https://")
    ]
    if problems:
        _refuse(problems)
    from bot.audit import trail
    from bot.db.engine import transaction
    from bot.start import open_record

    open_record(app_settings.get_settings())
    try:
        with trail.command("clinic.add", None) as act, transaction() as session:
            if session.query(Clinic.id).filter_by(text_number=numbers["text-number"]).first():
                _refuse(["--text-number: another clinic has this number"])
            made = Clinic(
                name=name.strip()[:120],
                time_zone=time_zone,
                locale=locale,
                country=country,
                phone=numbers["phone"],
                emergency_phone=numbers["emergency-phone"],
                emergency_number=emergency_number.strip()[:8],
                crisis_line=crisis_line.strip()[:32],
                text_number=numbers["text-number"],
                opening_hours=opening,
                widget_key=_widget_key(name),
                widget_origins=origins,
            )
            session.add(made)
            session.flush()
            act.clinic_id, act.subject = made.id, ("clinic", made.id)
            form = {"name": admin_name, "email": admin_email, "role": Role.ADMIN.value, "language": language}
            link = _hired(session, made, form)[1]
    except StaffInvalid as invalid:
        _refuse([f"--admin-{field}: {FIXES[key]}" for field, key in invalid.errors.items()])
    out.print(f"Clinic {made.id}, widget key {made.widget_key}", highlight=False, soft_wrap=True)
    _tell(admin_name, link)


@staff.command("add")
def add_staff(
    name: Annotated[str, typer.Option(prompt=True)],
    email: Annotated[str, typer.Option(prompt=True)],
    role: Annotated[
        str, typer.Option(prompt=True, help="front_desk, nurse, injector, medical_director, admin")
    ],
    phone: Annotated[str, typer.Option(help="For pages, with country code.")] = "",
    language: Annotated[str, typer.Option(help="en or es.")] = "en",
    on_call_order: Annotated[int | None, typer.Option(help="Order of paging: 1 first.")] = None,
    safeguarding_lead: Annotated[
        bool, typer.Option(help="Paged for every crisis, and named to the patient in it.")
    ] = False,
    clinic: Annotated[str | None, typer.Option(help="Clinic id, when there are several.")] = None,
) -> None:
    """Add somebody, who gets a one-time link to choose a password."""
    from bot.access.staffing import StaffInvalid
    from bot.audit import trail
    from bot.clinic.models import Clinic
    from bot.db.engine import transaction
    from bot.start import chosen_clinic, open_record

    open_record(app_settings.get_settings())
    if safeguarding_lead and not phone.strip():
        _refuse([f"--phone: {FIXES['staff.fix_lead_phone']}"])
    form = {"name": name, "email": email, "role": role, "phone": phone, "language": language}
    try:
        clinic_id = chosen_clinic(clinic)
        with trail.command("staff.add", clinic_id) as act, transaction() as session:
            owner = session.get_one(Clinic, clinic_id)
            hired, link = _hired(session, owner, form)
            hired.on_call_order, hired.safeguarding_lead = on_call_order, safeguarding_lead
            act.subject, act.detail = ("staff", hired.id), {"role": hired.role.value}
    except LookupError as problem:
        _refuse([str(problem)])
    except StaffInvalid as invalid:
        _refuse([f"--{field}: {FIXES[key]}" for field, key in invalid.errors.items()])
    _tell(name, link)


def _hired(session: Session, owner: Clinic, form: Mapping[str, str]) -> tuple[Staff, str]:
    from bot import clock
    from bot.access import resets, staffing

    hired = staffing.add(session, owner, form)
    return hired, resets.issue(session, hired, clock.now() - clock.offset())


def _tell(name: str, link: str) -> None:
    out.print(f"Give this link to {name}; it works once, for 48 hours:", highlight=False, soft_wrap=True)
    out.print(link, highlight=False, soft_wrap=True)


def _opening_hours(given: list[str], problems: list[str]) -> dict[str, list[list[str]]]:
    """The spans by weekday; what cannot be read is added to `problems`."""
    opening: dict[str, list[list[str]]] = {}
    for words in given:
        found = _HOURS.fullmatch(words.strip().lower())
        first, last = (found[1], found[2] or found[1]) if found else ("", "")
        known = found is not None and first in DAYS and last in DAYS
        if found is None or not known or DAYS.index(first) > DAYS.index(last) or found[3] >= found[4]:
            problems.append(f'--hours: write "mon-fri 09:00-18:00", not "{words}"')
            continue
        for day in DAYS[DAYS.index(first) : DAYS.index(last) + 1]:
            opening.setdefault(day, []).append([found[3], found[4]])
    return opening


def _widget_key(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:20]
    return f"{plain or 'clinic'}-{secrets.token_hex(3)}"


def _refuse(problems: list[str]) -> NoReturn:
    for problem in problems:
        err.print(f"[red]{problem}[/red]", highlight=False, soft_wrap=True)
    raise typer.Exit(2)
