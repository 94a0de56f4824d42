"""Whom a page can reach, as a condition of a query."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, or_

from bot.clinic.models import Staff
from bot.notify.models import ContactMethod


def can_be_paged() -> ColumnElement[bool]:
    """The condition on `Staff` for whom a page can reach: at the clinic, with a phone or a contact method."""
    method = exists().where(
        ContactMethod.staff_id == Staff.id,
        ContactMethod.active.is_(True),
        ContactMethod.removed_at.is_(None),
    )
    return and_(Staff.active.is_(True), or_(Staff.phone != "", method))
