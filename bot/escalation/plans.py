"""Writing a clinic's escalation plan for a tier. A plan with a fault is refused, and the last one stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import phonenumbers
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot import settings as app_settings
from bot.clinic.models import Clinic, Patient
from bot.db.engine import transaction
from bot.escalation.plan import EVERYBODY, Plan, PlanRefused, Step, check
from bot.escalation.policy import Policy
from bot.escalation.targets import known_targets, names_nobody, plan_of
from bot.oncall.models import EscalationPolicy
from bot.triage.types import Tier


def default_plan(tier: Tier) -> Plan:
    """The defaults of `tier` as steps that page whom the defaults page, in the same order and time."""
    policy = Policy.for_tier(tier, (), app_settings.get_settings())
    first: tuple[str, ...] = {Tier.T0: ("on_call", "behind_in_turn"), Tier.T1: ("in_turn",)}.get(
        tier, ("staff_in_turn",)
    )
    steps = tuple(Step((target,), policy.ack_minutes) for target in (*first, EVERYBODY))
    return Plan(steps, policy.remind_minutes, unack_after=policy.unack_after)


def save_plan(clinic_id: str, tier: Tier, plan: Plan, staff_id: str | None) -> bool:
    """From now on, alerts of `tier` that are raised follow `plan`; those under way keep theirs. False: they
    do already, and nothing is written.

    Raises PlanRefused, and then nothing has changed.
    """
    with transaction() as session:
        clinic = session.get_one(Clinic, clinic_id)
        check(plan, known_targets(session, clinic_id))
        plan = replace(plan, fallback_phone=_phone(plan.fallback_phone, clinic.country))
        whose = select(Patient.id).where(Patient.clinic_id == clinic_id, Patient.phone == plan.fallback_phone)
        if plan.fallback_phone and session.scalars(whose).first() is not None:
            raise PlanRefused("patients_phone")  # it would be told of other patients
        if plan == (plan_of(session, clinic_id, tier) or default_plan(tier)):
            return False
        phone = plan.fallback_phone or clinic.emergency_phone
        for number, step in enumerate(plan.steps, 1):
            if names_nobody(session, clinic, step.targets, phone, clock.now()):
                raise PlanRefused("names_nobody", number)
        _add(session, clinic_id, tier, plan.as_json(), staff_id)
    return True


def back_to_defaults(clinic_id: str, tier: Tier, staff_id: str | None) -> None:
    """Alerts of `tier` follow the settings again."""
    with transaction() as session:
        _add(session, clinic_id, tier, {}, staff_id)


def _add(session: Session, clinic_id: str, tier: Tier, plan: dict[str, Any], staff_id: str | None) -> None:
    session.add(EscalationPolicy(clinic_id=clinic_id, tier=tier.value, plan=plan, made_by_id=staff_id))


def _phone(text: str, country: str) -> str:
    """The number in E.164; empty stays empty. Raises PlanRefused."""
    if not text.strip():
        return ""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        raise PlanRefused("bad_phone") from None
    if not phonenumbers.is_possible_number(number):
        raise PlanRefused("bad_phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
