"""What happens between "start" and "serving": folders, migrations, model, demo data."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from sqlalchemy import select

from bot import clock
from bot.clinic import demo
from bot.clinic.models import Clinic
from bot.db.engine import connect, reading
from bot.db.migrate import is_current, upgrade
from bot.governance import service as governance
from bot.protocols import shelf as content_shelf
from bot.protocols.catalogue import catalogue
from bot.protocols.errors import ContentError
from bot.settings import Settings
from bot.triage import shelf
from bot.triage.rules import RuleError

log = structlog.get_logger(__name__)

Progress = Callable[[str], None]


def open_record(settings: Settings, progress: Progress | None = None, *, lasting: bool = True) -> None:
    """Connect to the database and bring it to the newest schema. Not `lasting`: a record of a simulation's
    own, which is thrown away with its clock."""
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    engine = connect(settings.database, lasting=lasting)
    if not is_current(engine):
        if progress:
            progress("Setting up the database")
        upgrade(engine)
    if settings.demo:
        clock.keep_in(settings.var_dir / "clock" if lasting else None)


def take_rules(settings: Settings) -> None:
    """Put the triage rules in force, and keep a copy of the last good ones.

    Without any usable rules this only logs: messages are stored all the same, and each goes to a person.
    """
    try:
        shelf.use(settings.triage_rules_dir, settings.var_dir / "triage-rules")
    except RuleError as error:
        log.critical("no triage rules can be used; every message goes to a person", problem=str(error))


def take_content(settings: Settings) -> None:
    """Put the clinic's wording in force, and keep a copy of the last good version.

    Without any usable content this only logs: messages are stored and triaged all the same.
    """
    try:
        content_shelf.use(settings.content_dir, settings.var_dir / "content")
    except ContentError as error:
        log.critical("no content can be used; nothing can be said to patients", problem=str(error))


def prepare(settings: Settings, progress: Progress) -> None:
    """Everything that must be there before the first request. The model loads later, beside the serving."""
    open_record(settings, progress)
    take_content(settings)
    from bot.dialogue.training import ensure_model, model_is_current

    if not model_is_current():
        ensure_model(progress=progress)
    if settings.demo and demo.seed():
        progress("Added the fictional demo clinic")
    governance.keep(catalogue())


def only_clinic() -> str:
    """The id of the clinic when there is exactly one. Raises LookupError saying what to do."""
    with reading() as session:
        clinics = session.execute(select(Clinic.id, Clinic.name)).all()
    if not clinics:
        raise LookupError(
            "There is no clinic yet: `afterglow clinic add` makes one, `serve --demo` a fictional one."
        )
    if len(clinics) > 1:
        names = ", ".join(f"{name} ({clinic_id})" for clinic_id, name in clinics)
        raise LookupError(f"There are several clinics; choose one with --clinic: {names}")
    return str(clinics[0][0])


def chosen_clinic(clinic: str | None) -> str:
    """The clinic that was named, or the only one. Raises LookupError saying what to do."""
    if clinic is None:
        return only_clinic()
    with reading() as session:
        if session.get(Clinic, clinic) is None:
            raise LookupError(f"There is no clinic {clinic}.")
    return clinic


def where_to_go(settings: Settings) -> str:
    """What a person who just started the server needs to know."""
    url = settings.public_url
    lines = ["", f"  Afterglow is serving on {url}", ""]
    if settings.demo:
        lines += [
            f"  Demo phones   {url}/demo",
            f"  Clinic page   {url}/demo/clinic  (with the chat widget)",
            f"  Console       {url}/console  sign in as {demo.NURSE_EMAIL} / {demo.PASSWORD}",
        ]
    else:
        lines += [f"  Console       {url}/console"]
    lines += [f"  State         {url}/readyz  (the dialogue loads in a few seconds)", "", "  Ctrl+C stops."]
    return "\n".join(lines)
