"""What people do with rotas: write them, cover for each other, close days, and hand out calendar feeds."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.clinic.models import Role, Staff
from bot.db.engine import transaction
from bot.oncall.models import CalendarFeed, ClosedDay, RotaOverride, RotaRow
from bot.oncall.roster import reachable
from bot.oncall.rota import HORIZON, WEEKDAYS


class RotaRefused(ValueError):
    """What was asked cannot be done; `reason` names why, and nothing was changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(_WHY[reason])
        self.reason = reason


_WHY = {
    "name": "Give the rota a name of 80 characters at most.",
    "time_zone": "This is no time zone: write it like Europe/Madrid.",
    "turn_days": "A turn lasts 1 to 90 days.",
    "handover": "Write the time of the hand-over like 09:00.",
    "start": "Write the first day like 2027-01-31.",
    "members": "Choose at least one member, all of them staff of the clinic, nobody twice.",
    "hours": "Write hours like 09:00-18:00; the end must come after the start.",
    "person": "Choose somebody of the clinic who can be paged: still there, and with a phone.",
    "span": "The cover must end after it starts, in the future, and last a year at most.",
    "moment": "Write both moments with day and time. Where the clocks jump, choose a time that exists.",
    "gone": "There is no such rota, cover or feed any more.",
    "day": "Write the day like 2027-12-24.",
}


@dataclass(frozen=True, slots=True)
class RotaForm:
    """A rota as somebody wrote it."""

    name: str
    time_zone: str
    start: str
    handover: str = "09:00"
    turn_days: str = "7"
    members: Sequence[str] = ()
    role: str = ""
    location: str = ""
    #: weekday -> "09:00-13:00, 14:00-18:00"; empty everywhere: always
    hours: dict[str, str] = field(default_factory=dict)


def save_rota(clinic_id: str, form: RotaForm, rota_id: str | None = None) -> str:
    """Write a rota, new or changed, and return its id. Raises RotaRefused, and then nothing has changed."""
    with transaction() as session:
        values = _values(session, clinic_id, form)
        if rota_id is None:
            position = len(session.scalars(select(RotaRow.id).where(RotaRow.clinic_id == clinic_id)).all())
            row = RotaRow(clinic_id=clinic_id, position=position, **values)
            session.add(row)
        else:
            row = _rota(session, clinic_id, rota_id)
            for name, value in values.items():
                setattr(row, name, value)
        session.flush()
        return row.id


def end_rota(clinic_id: str, rota_id: str) -> None:
    """Take a rota out of force. It is kept: what it said is part of what happened."""
    with transaction() as session:
        _rota(session, clinic_id, rota_id).ended_at = clock.now()


def cover(
    clinic_id: str, rota_id: str, staff_id: str, starts: str, ends: str, made_by_id: str | None = None
) -> str:
    """`staff_id` covers from `starts` to `ends`, local times of the rota ("2027-01-31T09:00"). Returns the id
    of the cover. Raises RotaRefused."""
    with transaction() as session:
        row = _rota(session, clinic_id, rota_id)
        if staff_id not in reachable(session, clinic_id):
            raise RotaRefused("person")
        zone = ZoneInfo(row.time_zone)
        begins, finishes = _moment(starts, zone), _moment(ends, zone)
        if not begins < finishes or finishes <= clock.now() or finishes - begins > HORIZON:
            raise RotaRefused("span")
        made = RotaOverride(
            clinic_id=clinic_id,
            rota_id=row.id,
            staff_id=staff_id,
            starts_at=begins,
            ends_at=finishes,
            made_by_id=made_by_id,
        )
        session.add(made)
        session.flush()
        return made.id


def cancel_cover(clinic_id: str, cover_id: str) -> None:
    """Take a cover back: the rota counts again at once. Raises RotaRefused."""
    with transaction() as session:
        made = session.get(RotaOverride, cover_id)
        if made is None or made.clinic_id != clinic_id:
            raise RotaRefused("gone")
        made.cancelled_at = made.cancelled_at or clock.now()


def close_day(clinic_id: str, day: str, name: str = "") -> None:
    """The clinic is closed on `day`, beside its country's holidays. Raises RotaRefused."""
    with transaction() as session:
        when = _day(day, "day")
        known = select(ClosedDay).where(ClosedDay.clinic_id == clinic_id, ClosedDay.day == when)
        row = session.scalars(known).first()
        if row is None:
            session.add(ClosedDay(clinic_id=clinic_id, day=when, name=_plain(name)[:80]))


def open_day(clinic_id: str, day_id: str) -> None:
    """The clinic is open on that day after all. Raises RotaRefused."""
    with transaction() as session:
        row = session.get(ClosedDay, day_id)
        if row is None or row.clinic_id != clinic_id:
            raise RotaRefused("gone")
        session.delete(row)


def make_feed(staff_id: str, *, everybody: bool = False) -> str:
    """A new calendar feed of a person; the token for its address, which cannot be read again later. The feeds
    that the person had before stop: an address that got about is made worthless by making a new one."""
    token = secrets.token_urlsafe(32)
    revoke_feeds(staff_id)
    with transaction() as session:
        staff = session.get_one(Staff, staff_id)
        session.add(
            CalendarFeed(
                clinic_id=staff.clinic_id, staff_id=staff_id, everybody=everybody, token_hash=hashed(token)
            )
        )
    return token


def revoke_feeds(staff_id: str) -> None:
    """The person's feeds answer no more."""
    with transaction() as session:
        mine = select(CalendarFeed).where(
            CalendarFeed.staff_id == staff_id, CalendarFeed.revoked_at.is_(None)
        )
        for feed in session.scalars(mine):
            feed.revoked_at = clock.now()


def hashed(token: str) -> str:
    """What is stored of a feed's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _rota(session: Session, clinic_id: str, rota_id: str) -> RotaRow:
    row = session.get(RotaRow, rota_id)
    if row is None or row.clinic_id != clinic_id or row.ended_at is not None:
        raise RotaRefused("gone")
    return row


def _values(session: Session, clinic_id: str, form: RotaForm) -> dict[str, Any]:
    name = _plain(form.name)
    if not 0 < len(name) <= 80:
        raise RotaRefused("name")
    if form.time_zone not in available_timezones():
        raise RotaRefused("time_zone")
    if not (form.turn_days.isascii() and form.turn_days.isdigit() and 1 <= int(form.turn_days) <= 90):
        raise RotaRefused("turn_days")
    members = list(form.members)
    staff = set(session.scalars(select(Staff.id).where(Staff.clinic_id == clinic_id, Staff.id.in_(members))))
    if not members or len(members) != len(set(members)) or set(members) - staff:
        raise RotaRefused("members")
    return {
        "name": name,
        "role": Role(form.role) if form.role in list(Role) else None,
        "location": _plain(form.location)[:80],
        "time_zone": form.time_zone,
        "turn_days": int(form.turn_days),
        "handover": f"{_time(form.handover, 'handover'):%H:%M}",
        "start": _day(form.start, "start"),
        "members": members,
        "hours": {day: spans for day in WEEKDAYS if (spans := _spans(form.hours.get(day, "")))},
    }


def _plain(text: str) -> str:
    """Without the space around it, and without NUL, which PostgreSQL cannot store."""
    return text.replace("\x00", "").strip()


def _spans(text: str) -> list[list[str]]:
    found = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        start, dash, end = (piece.strip() for piece in part.partition("-"))
        begins = _time(start, "hours")
        if not dash or (end != "24:00" and not begins < _time(end, "hours")):
            raise RotaRefused("hours")
        found.append([f"{begins:%H:%M}", end if end == "24:00" else f"{_time(end, 'hours'):%H:%M}"])
    return found


def _time(text: str, reason: str) -> time:
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise RotaRefused(reason) from None


def _day(text: str, reason: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise RotaRefused(reason) from None
    if not 1970 < day.year < 9000:
        raise RotaRefused(reason)
    return day


def _moment(text: str, zone: ZoneInfo) -> datetime:
    """The moment of a local time; one that the clocks leave out is refused."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise RotaRefused("moment") from None
    if not 1970 < local.year < 9000:  # beyond, time zones cannot be worked out
        raise RotaRefused("moment")
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise RotaRefused("moment")
    return moment
