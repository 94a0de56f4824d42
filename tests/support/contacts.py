"""Giving members of staff contact methods, as the console would."""

from __future__ import annotations

from sqlalchemy import select

from bot.clinic.models import Staff
from bot.db.engine import transaction
from bot.notify.models import ContactKind, ContactMethod
from bot.triage.types import Tier

SLACK = "json://127.0.0.1:9/secret-token"


def reach(phone: str, *methods: tuple[str, str, int], least: Tier = Tier.T2) -> list[str]:
    """Give the person with `phone` these methods (kind, address, delay in seconds), in this order."""
    with transaction() as session:
        staff = session.scalars(select(Staff).where(Staff.phone == phone)).one()
        made = [
            ContactMethod(
                clinic_id=staff.clinic_id,
                staff_id=staff.id,
                kind=ContactKind(kind),
                address=address,
                delay_s=delay,
                least_tier=least,
                place=place,
            )
            for place, (kind, address, delay) in enumerate(methods)
        ]
        session.add_all(made)
        session.flush()
        return [method.id for method in made]
