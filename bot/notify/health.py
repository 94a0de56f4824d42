"""Can everybody who is on call be reached?"""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot.clinic.models import Staff
from bot.escalation.alerts import on_call
from bot.notify import rows
from bot.notify.models import ContactKind, ContactMethod
from bot.settings import Settings


def unreachable(session: Session, clinic_id: str, settings: Settings) -> list[tuple[str, str]]:
    """Name and reason of each person on call without a contact method that works."""
    query = select(Staff).where(
        Staff.clinic_id == clinic_id,
        Staff.active.is_(True),
        or_(Staff.on_call_order.is_not(None), Staff.id.in_(on_call(session, clinic_id))),
    )
    found = []
    for person in session.scalars(query.order_by(Staff.on_call_order, Staff.id)):
        methods = rows.methods_of(session, person.id)
        faults = [_fault(method, settings) for method in methods]
        if not methods and not person.phone:
            found.append((person.name, "no phone and no contact method"))
        elif methods and all(faults):
            found.append((person.name, f"no contact method works ({faults[0]})"))
    return found


def _fault(method: ContactMethod, settings: Settings) -> str:
    if method.kind is ContactKind.EMAIL and not (settings.smtp_host and settings.smtp_from):
        return "email: AFTERGLOW_SMTP_HOST or AFTERGLOW_SMTP_FROM is not set"
    return f"{method.kind.value}: {method.error}" if method.error else ""
