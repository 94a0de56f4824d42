"""When the clinic is open: its hours, less public holidays of its country and its own closed days."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clinic.facts import is_open
from bot.clinic.holidays import public_holidays
from bot.clinic.models import Clinic
from bot.oncall.models import ClosedDay


def open_at(session: Session, clinic: Clinic, now: datetime) -> bool:
    """Whether the clinic is open at `now`, in its own time zone."""
    if not is_open(clinic, now):
        return False
    day = now.astimezone(ZoneInfo(clinic.time_zone)).date()
    if day in public_holidays(clinic.country, day.year):
        return False
    own = select(ClosedDay.id).where(ClosedDay.clinic_id == clinic.id, ClosedDay.day == day)
    return session.scalars(own).first() is None
