"""Rotas, people and alerts for the promises of paging."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot import clock
from bot.clinic.models import Clinic, Role, Staff
from bot.db.engine import transaction
from bot.escalation.models import Alert, EventKind
from bot.escalation.plan import Plan, Step
from bot.oncall.service import (
    RotaForm,
    save_rota,
)
from tests.support.desk import PAT, Desk

WHITE_LIP = "my top lip has gone white on one side and it rlly hurts"
BLIND = "cant see out my left eye"
CLINIC_LINE = "+15550100102"
OTHERS = ("+15550100131", "+15550100132", "+15550100133")


def clinic_id(desk: Desk) -> str:
    return str(desk.rows(Clinic)[0].id)


def person(desk: Desk, phone: str) -> str:
    return str(desk.rows(Staff, phone=phone)[0].id)


def hire(desk: Desk, *phones: str, role: Role = Role.NURSE) -> list[str]:
    with transaction() as session:
        for phone in phones:
            session.add(
                Staff(
                    clinic_id=clinic_id(desk),
                    name=f"Extra Demo {phone[-2:]}",
                    email=f"{phone[1:]}@demo.example",
                    password_hash="x",
                    role=role,
                    phone=phone,
                )
            )
    return [person(desk, phone) for phone in phones]


def rota(desk: Desk, *members: str, **changes: Any) -> str:
    """A rota whose first turn began yesterday."""
    zone = "America/New_York"
    yesterday = clock.now().astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    form = RotaForm("Nurses", zone, f"{yesterday}", members=members, **changes)
    return save_rota(clinic_id(desk), form)


def plan(*steps: Step, **changes: object) -> Plan:
    return Plan(steps, 60, **changes)  # type: ignore[arg-type]


def white_lip(desk: Desk) -> Alert:
    desk.text(PAT, WHITE_LIP)
    desk.settle()
    return desk.alerts()[-1]


def kinds(desk: Desk) -> list[EventKind]:
    return [event.kind for event in desk.alerts()[0].events]
