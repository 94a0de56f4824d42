"""The calendar feed: a person's shifts, or everybody's, as iCalendar.

Moments are written in UTC, so that every calendar shows them right, wherever it is.
"""

from __future__ import annotations

from datetime import timedelta

from icalendar import Calendar, Event
from sqlalchemy import select

from bot import clock
from bot.clinic.models import Staff
from bot.db.engine import reading
from bot.oncall.models import CalendarFeed
from bot.oncall.roster import rotas, shifts_of
from bot.oncall.service import hashed

BACK, AHEAD = timedelta(days=14), timedelta(days=90)


def feed(token: str) -> bytes | None:
    """The feed of `token` as a calendar file; None when there is no such feed, or no longer."""
    now = clock.now()
    with reading() as session:
        mine = session.scalars(
            select(CalendarFeed).where(
                CalendarFeed.token_hash == hashed(token), CalendarFeed.revoked_at.is_(None)
            )
        ).first()
        if mine is None or not mine.staff.active:
            return None
        names = {
            row.id: row.name for row in session.scalars(select(Staff).filter_by(clinic_id=mine.clinic_id))
        }
        calendar = Calendar()
        calendar.add("prodid", "-//Afterglow//On-call//EN")
        calendar.add("version", "2.0")
        for row in rotas(session, mine.clinic_id):
            for shift in shifts_of(session, row, now - BACK, now + AHEAD):
                if not mine.everybody and shift.staff_id != mine.staff_id:
                    continue
                event = Event()
                event.add("uid", f"{row.id}-{shift.starts_at:%Y%m%dT%H%M%SZ}-{shift.staff_id}@afterglow")
                event.add("dtstamp", now.replace(microsecond=0))
                event.add("dtstart", shift.starts_at)
                event.add("dtend", shift.ends_at)
                event.add("summary", f"{row.name}: {names.get(shift.staff_id, '?')}")
                if row.location:
                    event.add("location", row.location)
                calendar.add_component(event)
    return bytes(calendar.to_ical())
