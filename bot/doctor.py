"""What is configured, what is missing, and what to do about it."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import make_url, select
from sqlalchemy.orm import Session

from bot import clock, triage
from bot.auditor import health as auditor_health
from bot.clinic.models import Clinic, Staff
from bot.clinic.safeguarding import leads
from bot.db.engine import connect, reading
from bot.db.migrate import is_current
from bot.dialogue.training import model_is_current
from bot.governance.standing import Standing, standings
from bot.notify.health import unreachable
from bot.oncall.roster import nobody_on_call, roster, rotas
from bot.protocols.catalogue import catalogue
from bot.protocols.lint import lint
from bot.protocols.shelf import problems as content_problems
from bot.settings import Settings
from bot.start import take_content, take_rules
from bot.triage.health import problems
from bot.triage.rules import RuleError

OK, NOTE, FIX = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Finding:
    """`level` 0 ok, 1 worth knowing, 2 must be mended."""

    level: int
    subject: str
    text: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at every part. Each finding says what to do when something is missing."""
    database_ok = yield from _database(settings)
    yield from _triage(settings)
    if model_is_current():
        yield Finding(OK, "dialogue", "the model matches its data")
    else:
        yield Finding(FIX, "dialogue", "no model for the present data: run `afterglow train`")
    yield from _content(settings)
    yield from _carrier(settings)
    bad = list((settings.var_dir / "spool").glob("*.bad"))
    if bad:
        yield Finding(
            FIX, "spool", f"{len(bad)} messages could not be stored: read them by hand in {bad[0].parent}"
        )
    if database_ok:
        yield from _clinics(settings)
        yield from _auditor(settings)
    free = shutil.disk_usage(settings.var_dir if settings.var_dir.exists() else ".").free / 1e9
    yield Finding(
        OK if free > 1 else FIX, "disk", f"{free:.0f} GB free" + ("" if free > 1 else ": make room")
    )


def _database(settings: Settings) -> Generator[Finding, None, bool]:
    shown = make_url(settings.database).render_as_string(hide_password=True)
    try:
        current = is_current(connect(settings.database))
    except Exception as error:
        yield Finding(
            FIX, "database", f"{shown} cannot be reached ({type(error).__name__}): check DATABASE_URL"
        )
        return False
    if current:
        yield Finding(OK, "database", f"{shown}, newest schema")
    else:
        yield Finding(FIX, "database", f"{shown} lacks migrations: start once with `afterglow serve`")
    return current


def _triage(settings: Settings) -> Iterator[Finding]:
    take_rules(settings)
    found = problems()
    for problem in found:
        yield Finding(FIX, "triage", problem)
    try:
        tier = triage.assess("my lip has gone white").tier
    except RuleError:
        return
    level = OK if tier in (triage.Tier.T0, triage.Tier.T1) else FIX
    both = "" if found else "rules and trained reader loaded; "
    yield Finding(level, "triage", f"{both}a white lip is {tier.value}")


def _content(settings: Settings) -> Iterator[Finding]:
    take_content(settings)
    for problem in content_problems():
        yield Finding(FIX, "content", problem)
    problems = lint(catalogue())
    if problems:
        yield Finding(FIX, "content", f"{len(problems)} problems: run `afterglow content lint`")


def _carrier(settings: Settings) -> Iterator[Finding]:
    if settings.carrier == "simulator":
        yield Finding(
            NOTE, "carrier", "simulated: no text leaves this machine (AFTERGLOW_CARRIER=twilio sends)"
        )
        return
    needed = {
        "AFTERGLOW_TWILIO_ACCOUNT_SID": settings.twilio_account_sid,
        "AFTERGLOW_TWILIO_AUTH_TOKEN": settings.twilio_auth_token,
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        yield Finding(FIX, "carrier", f"twilio is chosen but {', '.join(missing)} is not set")
    if not settings.public_url.startswith("https://"):
        yield Finding(
            FIX,
            "carrier",
            "AFTERGLOW_PUBLIC_URL must be the https address that Twilio calls; signatures use it",
        )
    if not missing:
        yield Finding(OK, "carrier", "twilio, with credentials")


def _auditor(settings: Settings) -> Iterator[Finding]:
    """Whether somebody looks after the desk, and somebody outside after that."""
    found = auditor_health.faults()
    if found:
        yield Finding(FIX, "auditor", "; ".join(found))
    if late := auditor_health.missed(settings):
        yield Finding(NOTE, "auditor", f"{late}: it looks while `afterglow serve` runs")
    elif not found:
        yield Finding(OK, "auditor", "it looks, and its newest look did its work")
    if settings.heartbeat_url is None:
        yield Finding(
            NOTE, "heartbeat", "AFTERGLOW_HEARTBEAT_URL is not set: nobody notices when all of it is dead"
        )


def _clinics(settings: Settings) -> Iterator[Finding]:
    with reading() as session:
        clinics = session.scalars(select(Clinic)).all()
        if not clinics:
            yield Finding(FIX, "clinic", "none yet: `afterglow clinic add` makes one")
        for clinic in clinics:
            yield from _on_call(session, clinic)
            for name, why in unreachable(session, clinic.id, settings):
                yield Finding(
                    FIX, clinic.name, f"{name} is on call and cannot be paged: {why}; `afterglow notify test`"
                )
            yield _words(clinic, standings(session, clinic.id))
            named = [lead.name for lead in leads(session, clinic.id)]
            if named:
                yield Finding(OK, clinic.name, f"safeguarding lead: {', '.join(named)}")
            else:
                yield Finding(
                    FIX,
                    clinic.name,
                    "no safeguarding lead who can be paged: in a crisis only those on call are paged",
                )


def _on_call(session: Session, clinic: Clinic) -> Iterator[Finding]:
    """Whether somebody is paged now and through the coming week, and a second person stands behind them."""
    now = clock.now()
    here = roster(session, clinic.id, now)
    missing = nobody_on_call(session, clinic.id, now)
    if not rotas(session, clinic.id) and missing:
        yield Finding(FIX, clinic.name, "nobody is on call: give staff a phone and an on-call order")
        return
    if missing:
        zone = ZoneInfo(clinic.time_zone)
        start, end = (moment.astimezone(zone) for moment in missing[0])
        more = f" and {len(missing) - 1} more times this week" if len(missing) > 1 else ""
        yield Finding(
            FIX,
            clinic.name,
            f"nobody is on call from {start:%a %d %b %H:%M} to {end:%a %d %b %H:%M}{more}: "
            "add a cover or a member in the console under On call",
        )
    if here.skipped:
        names = session.scalars(select(Staff.name).where(Staff.id.in_(here.skipped)).order_by(Staff.name))
        yield Finding(
            FIX,
            clinic.name,
            f"in a rota but cannot be paged (left, or no phone and no contact method): {', '.join(names)}; "
            "their turns are skipped",
        )
    if len(here.people) >= 2:
        yield Finding(OK, clinic.name, f"{len(here.people)} people are paged in turn")
    elif here.people:
        yield Finding(NOTE, clinic.name, "only one person is paged; add a second for when they miss it")


def _words(clinic: Clinic, here: Sequence[Standing]) -> Finding:
    """How many texts patients may read that the medical director has not approved as they are."""
    counts = Counter(one.name for one in here)
    lost = sum(bool(one.lost) for one in here)
    parts = [
        f"{count} texts {what}"
        for count, what in (
            (counts["draft"], "not approved"),
            (counts["outdated"], "changed since their approval"),
            (counts["stale"], "whose own sentences must be checked again"),
            (lost, "that have lost a change of the clinic's"),
        )
        if count
    ]
    if not parts:
        return Finding(OK, clinic.name, "every text is approved")
    todo = "the medical director decides in the console under Words"
    return Finding(FIX if lost or counts["stale"] else NOTE, clinic.name, f"{', '.join(parts)}: {todo}")
