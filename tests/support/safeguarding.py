"""A clinic whose safeguarding lead changes, and what a crisis does to it."""

from __future__ import annotations

from typing import Any

from typer.testing import CliRunner

from bot.cli import app
from bot.clinic.models import Clinic, Role, Staff
from bot.db.engine import transaction
from bot.escalation.models import AS_LEAD, EventKind
from bot.triage.types import Assessment, Finding, Tier
from tests.support.desk import DOCTOR, Desk

CRISIS = "I want to kill myself"
WHITE_LIP = "my top lip has gone white on one side and it rlly hurts"
BLIND = "cant see out my left eye"
OFF_ROTA = "+15550100123"
NOBODY = "no safeguarding lead who can be paged"


def staff(phone: str, /, **changes: Any) -> None:
    """Change what the clinic says of the member of staff with that phone."""
    with transaction() as session:
        person = session.query(Staff).filter_by(phone=phone).one()
        for name, value in changes.items():
            setattr(person, name, value)


def hire(phone: str, name: str = "Lead Demo", *, clinic_id: str | None = None, **more: Any) -> None:
    """Somebody new who leads on safeguarding and is not on the rota."""
    with transaction() as session:
        session.add(
            Staff(
                clinic_id=clinic_id or session.query(Clinic).one().id,
                name=name,
                email=f"{phone}@demo.example",
                password_hash="x",
                role=Role.ADMIN,
                phone=phone,
                **{"safeguarding_lead": True, **more},
            )
        )


def no_lead() -> None:
    staff(DOCTOR, safeguarding_lead=False)


def paged_as_lead(desk: Desk) -> list[str]:
    """Who the timeline says was paged as safeguarding lead, oldest first."""
    (alert,) = desk.alerts()
    return [e.staff.phone for e in alert.events if e.kind is EventKind.PAGED and e.detail == AS_LEAD]


def doctor_says() -> tuple[int, str]:
    result = CliRunner().invoke(app, ["doctor"])
    return result.exit_code, " ".join(result.output.split())


def assessment(tier: Tier, flag: str = "PSY", *, psych: bool = True, probe: bool = False) -> Assessment:
    finding = Finding(flag=flag, tier=tier, rule="test", words="", source="prop", probe=probe)
    return Assessment(tier=tier, findings=(finding,), psych=psych, probe=probe)
