"""Whom an alert's policy means at a moment: targets become people, read from rotas, roles and the record."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clinic.models import Clinic, Role, Staff
from bot.clinic.safeguarding import leads as safeguarding_leads
from bot.escalation.plan import Plan
from bot.escalation.policy import Policy, PolicyStep
from bot.oncall.models import EscalationPolicy, RotaRow
from bot.oncall.opening import open_at
from bot.oncall.roster import Roster, of_role, of_rota, reachable, roster
from bot.triage.types import Tier


def plan_of(session: Session, clinic_id: str, tier: Tier) -> Plan | None:
    """The clinic's own plan for `tier`, None when it goes by the settings."""
    row = session.scalars(
        select(EscalationPolicy)
        .where(EscalationPolicy.clinic_id == clinic_id, EscalationPolicy.tier == tier.value)
        .order_by(EscalationPolicy.id.desc())
        .limit(1)
    ).first()
    return Plan.from_json(row.plan) if row is not None and row.plan.get("steps") else None


def filled(
    session: Session, clinic: Clinic, tier: Tier, policy: Policy, leads: tuple[str, ...], now: datetime
) -> Policy:
    """`policy` with the people whom it means at `now`. `leads`: the safeguarding leads to page, if any."""
    here = roster(session, clinic.id, now)
    is_open = open_at(session, clinic, now) if any(step.hours_only for step in policy.steps) else True
    return replace(
        policy,
        people=here.people,
        at_once=max(1, here.on_shift) if tier is Tier.T0 else 1,
        leads=leads,
        last_resort=of_role(session, clinic.id, Role.MEDICAL_DIRECTOR),
        steps=tuple(_filled(session, clinic, step, here, is_open, now) for step in policy.steps),
        fallback_phone=policy.fallback_phone or clinic.emergency_phone,
    )


def _filled(
    session: Session, clinic: Clinic, step: PolicyStep, here: Roster, is_open: bool, now: datetime
) -> PolicyStep:
    targets = step.targets if is_open or not step.hours_only else ("on_call",)
    people = dict.fromkeys(one for target in targets for one in _people(session, clinic, target, here, now))
    return replace(step, people=tuple(people))


def _people(session: Session, clinic: Clinic, target: str, here: Roster, now: datetime) -> tuple[str, ...]:
    kind, _, name = target.partition(":")
    match kind:
        case "on_call":
            return here.people[: here.on_shift]
        case "behind":
            return here.people[here.on_shift :]
        case "leads":
            return tuple(lead.id for lead in safeguarding_leads(session, clinic.id))
        case "role":
            return of_role(session, clinic.id, Role(name))
        case "person":
            return (name,) if name in reachable(session, clinic.id) else ()
        case "rota":
            row = session.get(RotaRow, name)
            ok = row is not None and row.clinic_id == clinic.id and row.ended_at is None
            return tuple(of_rota(session, row, now)[:1]) if row is not None and ok else ()
    return ()


def known_targets(session: Session, clinic_id: str) -> list[str]:
    """Every target of the clinic's own that a step may name."""
    rotas = session.scalars(
        select(RotaRow.id).where(RotaRow.clinic_id == clinic_id, RotaRow.ended_at.is_(None))
    )
    people = session.scalars(select(Staff.id).where(Staff.clinic_id == clinic_id, Staff.active.is_(True)))
    return [
        *(f"rota:{one}" for one in rotas),
        *(f"role:{role.value}" for role in Role),
        *(f"person:{one}" for one in people),
    ]
