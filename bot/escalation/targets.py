"""Whom an alert's policy means at a moment: targets become people, read from rotas, roles and the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clinic.models import Clinic, Role, Staff, Treatment
from bot.clinic.safeguarding import leads as safeguarding_leads
from bot.escalation.plan import BY_ROSTER, Plan
from bot.escalation.policy import Policy, PolicyStep
from bot.oncall.models import EscalationPolicy, RotaRow
from bot.oncall.opening import open_at
from bot.oncall.roster import Roster, of_role, of_rota, reachable, roster_at, rotas
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


def location_of(session: Session, patient_id: str | None) -> str:
    """Where the patient was treated last; empty when that is not known."""
    last = select(Treatment.location).where(Treatment.patient_id == patient_id)
    last = last.order_by(Treatment.treated_at.desc(), Treatment.id.desc()).limit(1)
    return (session.scalars(last).first() or "") if patient_id else ""


@dataclass(frozen=True, slots=True)
class _OnCall:
    """Who is on call where the patient was treated, and, for a role that nobody has there, anywhere."""

    here: Roster
    anywhere: Callable[[], Roster]
    is_open: bool  #: the clinic, where that is asked

    def of(self, role: Role) -> tuple[str, ...]:
        """Who is on call as `role`; whoever is on call, when nobody is as that."""
        here = self.here
        return here.of(role) or self.anywhere().of(role) or here.people[: here.on_shift]


def filled(
    session: Session,
    clinic: Clinic,
    tier: Tier,
    policy: Policy,
    leads: tuple[str, ...],
    now: datetime,
    patient_id: str | None,
) -> Policy:
    """`policy` with the people whom it means at `now`. `leads`: the safeguarding leads to page, if any. The
    location that it holds stays; without one it is the patient's last treatment's, where rotas have any."""
    rows = rotas(session, clinic.id)
    known = policy.location or not any(row.location for row in rows)
    location = policy.location if known else location_of(session, patient_id)
    here = roster_at(session, clinic.id, rows, now, location)
    # by default what can wait for the day goes to the clinic's staff while it is open
    by_day = not policy.steps and tier not in (Tier.T0, Tier.T1)
    asks = by_day or any(step.hours_only or "staff_in_turn" in step.targets for step in policy.steps)
    is_open = open_at(session, clinic, now) if asks else True
    on_call = _OnCall(here, lambda: roster_at(session, clinic.id, rows, now), is_open)
    phone = policy.fallback_phone or clinic.emergency_phone
    return replace(
        policy,
        location=location,
        elsewhere=here.elsewhere,
        people=here.clinic_staff_first if by_day and is_open else here.people,
        at_once=max(1, here.on_shift) if tier is Tier.T0 else 1,
        leads=leads,
        last_resort=of_role(session, clinic.id, Role.MEDICAL_DIRECTOR),
        steps=tuple(_filled(session, clinic, step, on_call, phone, now) for step in policy.steps),
        fallback_phone=phone,
    )


def _filled(
    session: Session, clinic: Clinic, step: PolicyStep, on_call: _OnCall, phone: str, now: datetime
) -> PolicyStep:
    targets = step.targets if on_call.is_open or not step.hours_only else ("on_call",)
    people = dict.fromkeys(
        one for target in targets for one in _people(session, clinic, target, on_call, now)
    )
    nameless = not people and names_nobody(session, clinic, targets, phone, now)
    return replace(step, people=tuple(people), nameless=nameless)


def names_nobody(session: Session, clinic: Clinic, targets: Sequence[str], phone: str, now: datetime) -> bool:
    """Whether none of `targets` can mean anybody who can be paged, whoever is on call. `phone`: the fall-back
    phone."""
    return not any(_names_somebody(session, clinic, target, phone, now) for target in targets)


def _names_somebody(session: Session, clinic: Clinic, target: str, phone: str, now: datetime) -> bool:
    kind, _, name = target.partition(":")
    if kind in BY_ROSTER:
        return True
    if kind == "fallback":
        return bool(phone)
    if kind == "rota":  # its hours do not count: somebody's turn comes
        row = _rota(session, clinic, name)
        able = reachable(session, clinic.id)
        return row is not None and (bool(able & set(row.members)) or bool(of_rota(session, row, now)))
    return bool(_named(session, clinic, kind, name))


def _people(
    session: Session, clinic: Clinic, target: str, on_call: _OnCall, now: datetime
) -> tuple[str, ...]:
    kind, _, name = target.partition(":")
    here = on_call.here
    match kind:
        case "on_call" if name:
            return on_call.of(Role(name))
        case "on_call":
            return here.people[: here.on_shift]
        case "behind" | "behind_in_turn":
            return here.people[here.on_shift :]
        case "in_turn":
            return here.people
        case "staff_in_turn":
            return here.clinic_staff_first if on_call.is_open else here.people
        case "rota":
            row = _rota(session, clinic, name)
            return tuple(of_rota(session, row, now)[:1]) if row is not None else ()
    return _named(session, clinic, kind, name)


def _rota(session: Session, clinic: Clinic, rota_id: str) -> RotaRow | None:
    """The clinic's rota, unless it has ended."""
    row = session.get(RotaRow, rota_id)
    return row if row is not None and row.clinic_id == clinic.id and row.ended_at is None else None


def _named(session: Session, clinic: Clinic, kind: str, name: str) -> tuple[str, ...]:
    """Whom a target names, on call or not."""
    match kind:
        case "leads":
            return tuple(lead.id for lead in safeguarding_leads(session, clinic.id))
        case "role":
            return of_role(session, clinic.id, Role(name))
        case "person":
            return (name,) if name in reachable(session, clinic.id) else ()
    return ()


def known_targets(session: Session, clinic_id: str) -> list[str]:
    """Every target of the clinic's own that a step may name."""
    rotas = session.scalars(
        select(RotaRow.id).where(RotaRow.clinic_id == clinic_id, RotaRow.ended_at.is_(None))
    )
    people = session.scalars(select(Staff.id).where(Staff.clinic_id == clinic_id, Staff.active.is_(True)))
    return [
        *(f"rota:{one}" for one in rotas),
        *(f"{kind}:{role.value}" for kind in ("on_call", "role") for role in Role),
        *(f"person:{one}" for one in people),
    ]
