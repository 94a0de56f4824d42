"""The escalation policy of each tier, as the clinic wrote it or by the defaults."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from bot import clock
from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic.models import Clinic, Role, Staff
from bot.console import pages
from bot.console.pages import ConsoleRoute, NotThere, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.strings import Translate, translator
from bot.db.engine import reading
from bot.escalation.plan import WORDS, Plan, PlanRefused, Step
from bot.escalation.plans import back_to_defaults, default_plan, save_plan
from bot.escalation.targets import names_nobody, plan_of
from bot.notify.reachable import can_be_paged
from bot.oncall.roster import rotas
from bot.triage.types import Tier

router = APIRouter(route_class=ConsoleRoute)

TIERS = (Tier.T0, Tier.T1, Tier.T2)
#: How many steps a form offers, and targets in each.
STEPS, TARGETS = 5, 3


@router.get("/escalation")
@door("", Permission.VIEW_ALERTS)
def escalation_page(request: Request, who: SignedIn, did: str = "") -> Response:
    """The policy of every tier that pages."""
    return _page(request, who, did=did if did in ("saved", "unchanged") else "")


@router.post("/escalation/{tier}")
@door("settings.escalation", Permission.MANAGE_ON_CALL)
def save(request: Request, who: SignedIn, form: Posted, tier: str) -> Response:
    """Write the policy of a tier, or go back to the defaults. A faulty one is refused; the last one stays."""
    if tier not in TIERS:
        raise NotThere
    if pages.text(form, "do") == "defaults":
        back_to_defaults(who.clinic_id, Tier(tier), who.staff_id)
        return RedirectResponse("/console/escalation?did=saved", 303)
    try:
        changed = save_plan(who.clinic_id, Tier(tier), _read(form), who.staff_id)
    except PlanRefused as refused:
        return _page(request, who, refused=(tier, refused.reason, refused.step), form=form, status=422)
    return RedirectResponse(f"/console/escalation?did={'saved' if changed else 'unchanged'}", 303)


def _read(form: FormData) -> Plan:
    """The plan that was typed. A step of which nothing was filled in is no step."""
    steps = []
    for n in range(STEPS):
        targets = tuple(one for k in range(TARGETS) if (one := pages.text(form, f"target_{n}_{k}")))
        delay = pages.text(form, f"delay_{n}")
        if targets or delay:
            hours_only, urgent = f"hours_{n}" in form, f"urgent_{n}" in form
            steps.append(Step(tuple(dict.fromkeys(targets)), _number(delay), urgent, hours_only))
    return Plan(
        tuple(steps),
        _number(pages.text(form, "remind")),
        _whole(pages.text(form, "repeats")),
        _whole(pages.text(form, "unack")),
        pages.text(form, "phone"),
    )


def _number(text: str) -> float:
    """The number, or -1, which every check refuses, for what is none."""
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return -1
    return number if abs(number) < 1e6 else -1


def _whole(text: str) -> int:
    """The whole number, or -1, which every check refuses, for what is none: 1.7 times is not once."""
    number = _number(text)
    return int(number) if int(number) == number else -1


def _page(
    request: Request,
    who: Visitor,
    *,
    did: str = "",
    refused: tuple[str, str, int] | None = None,
    form: FormData | None = None,
    status: int = 200,
) -> Response:
    with reading() as session:
        clinic, now = session.get_one(Clinic, who.clinic_id), clock.now()
        tiers = []
        for tier in TIERS:
            own = plan_of(session, who.clinic_id, tier)
            plan = own or default_plan(tier)
            typed = _typed(plan)
            phone = plan.fallback_phone or clinic.emergency_phone
            empty = [
                n
                for n, one in enumerate(plan.steps)
                if names_nobody(session, clinic, one.targets, phone, now)
            ]
            if form is not None and refused is not None and refused[0] == tier:
                typed = {name: value for name, value in form.items() if isinstance(value, str)}
            tiers.append(
                {"tier": tier.value, "own": own is not None, "empty": empty, "typed": pages.Fields(typed)}
            )
        return pages.render(
            request,
            "escalation.html",
            who,
            status=status,
            did=did,
            refused=refused,
            tiers=tiers,
            clinic=clinic,
            targets=_targets(session, who.clinic_id, translator(who.language)),
            steps=range(STEPS),
            places=range(TARGETS),
        )


def _typed(plan: Plan) -> dict[str, str]:
    typed = {
        "remind": f"{plan.remind_minutes:g}",
        "repeats": str(plan.repeats),
        "unack": str(plan.unack_after),
        "phone": plan.fallback_phone,
    }
    for n, step in enumerate(plan.steps):
        typed |= {f"target_{n}_{k}": target for k, target in enumerate(step.targets)}
        typed[f"delay_{n}"] = f"{step.delay_minutes:g}"
        typed |= {f"urgent_{n}": "on"} if step.urgent else {}
        typed |= {f"hours_{n}": "on"} if step.hours_only else {}
    return typed


def _targets(session: Session, clinic_id: str, t: Translate) -> list[tuple[str, str]]:
    """Every target that a step may name, with its words."""
    people = session.scalars(
        select(Staff).where(Staff.clinic_id == clinic_id, can_be_paged()).order_by(Staff.name)
    )
    return [
        *((word, t(f"escalation.{word}")) for word in WORDS),
        *((f"on_call:{r.value}", t("escalation.on_call_as", name=t(f"role.{r.value}"))) for r in Role),
        *((f"rota:{row.id}", t("escalation.rota", name=row.name)) for row in rotas(session, clinic_id)),
        *((f"role:{role.value}", t("escalation.role", name=t(f"role.{role.value}"))) for role in Role),
        *((f"person:{one.id}", one.name) for one in people),
    ]
