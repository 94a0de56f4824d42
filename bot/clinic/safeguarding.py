"""The clinic's safeguarding leads: who is paged for a crisis, and named to the patient in it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot.clinic.models import Staff
from bot.notify.reachable import can_be_paged


def leads(session: Session, clinic_id: str, *, but_not: Collection[str] = ()) -> list[Staff]:
    """The active leads who can be paged, in on-call order, those outside the rota last.

    `but_not` holds phones of whom it must not be: the sender, where a member of staff is a patient too.
    """
    return list(
        session.scalars(
            select(Staff)
            .where(
                Staff.clinic_id == clinic_id,
                can_be_paged(),
                Staff.safeguarding_lead.is_(True),
                or_(Staff.phone.is_(None), Staff.phone.not_in(but_not)),
            )
            .order_by(Staff.on_call_order.nulls_last(), Staff.id)
        )
    )
