"""Who is on call at a clinic at a moment, read from its rotas, or from its on-call list without any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clinic.models import Role, Staff
from bot.notify.reachable import can_be_paged
from bot.oncall.models import RotaOverride, RotaRow
from bot.oncall.rota import Override, Rota, Shift, gaps, on_call_at, shifts

#: How far ahead gaps are looked for.
LOOK_AHEAD = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Roster:
    """`people`: whom to page, in order. The first `on_shift` of them are on call now, one for each rota; the
    others stand behind them. `skipped`: members whose turn counts for nothing, as they cannot be paged."""

    people: tuple[str, ...]
    on_shift: int
    skipped: tuple[str, ...] = ()


def rotas(session: Session, clinic_id: str) -> list[RotaRow]:
    """The clinic's rotas in force, in the order in which they are paged."""
    return list(
        session.scalars(
            select(RotaRow)
            .where(RotaRow.clinic_id == clinic_id, RotaRow.ended_at.is_(None))
            .order_by(RotaRow.position, RotaRow.id)
        )
    )


def overrides(session: Session, rota_id: str) -> list[RotaOverride]:
    """Who covers, the newest last; taken-back ones left out."""
    return list(
        session.scalars(
            select(RotaOverride)
            .where(RotaOverride.rota_id == rota_id, RotaOverride.cancelled_at.is_(None))
            .order_by(RotaOverride.id)
        )
    )


def reachable(session: Session, clinic_id: str) -> frozenset[str]:
    """Ids of the staff who can be paged: still at the clinic, with a phone or a contact method."""
    return frozenset(session.scalars(select(Staff.id).where(Staff.clinic_id == clinic_id, can_be_paged())))


def pure(row: RotaRow, able: frozenset[str]) -> Rota:
    """The rota as the decisions read it; members who cannot be paged are absent."""
    return Rota(
        members=tuple(row.members),
        absent=frozenset(row.members) - able,
        time_zone=row.time_zone,
        start=row.start,
        handover=time.fromisoformat(row.handover),
        turn_days=row.turn_days,
        hours=row.hours,
    )


def covers(rows: Sequence[RotaOverride], able: frozenset[str]) -> list[Override]:
    """Overrides as the decisions read them; somebody who cannot be paged covers for nobody."""
    return [Override(row.staff_id, row.starts_at, row.ends_at) for row in rows if row.staff_id in able]


def of_rota(session: Session, row: RotaRow, now: datetime) -> list[str]:
    """Who is on call by this rota at `now`, and who stands behind them, in order."""
    able = reachable(session, row.clinic_id)
    return on_call_at(pure(row, able), covers(overrides(session, row.id), able), now)


def roster(session: Session, clinic_id: str, now: datetime) -> Roster:
    """Whom to page at `now`."""
    rows = rotas(session, clinic_id)
    if not rows:
        listed = _listed(session, clinic_id)
        return Roster(listed, min(1, len(listed)))
    able = reachable(session, clinic_id)
    orders = [of_rota(session, row, now) for row in rows]
    first = dict.fromkeys(order[0] for order in orders if order)
    behind = dict.fromkeys(person for order in orders for person in order[1:])
    missing = dict.fromkeys(member for row in rows for member in row.members if member not in able)
    return Roster(tuple(first | behind), len(first), tuple(missing))


def of_role(session: Session, clinic_id: str, role: Role) -> tuple[str, ...]:
    """Everybody of a role who can be paged, in on-call order, those without one last."""
    return tuple(
        session.scalars(
            select(Staff.id)
            .where(Staff.clinic_id == clinic_id, can_be_paged(), Staff.role == role)
            .order_by(Staff.on_call_order.nulls_last(), Staff.id)
        )
    )


def _listed(session: Session, clinic_id: str) -> tuple[str, ...]:
    """The on-call list: what a clinic without a rota goes by."""
    return tuple(
        session.scalars(
            select(Staff.id)
            .where(Staff.clinic_id == clinic_id, can_be_paged(), Staff.on_call_order.is_not(None))
            .order_by(Staff.on_call_order)
        )
    )


def shifts_of(session: Session, row: RotaRow, start: datetime, end: datetime) -> list[Shift]:
    """The rota's shifts from `start` to `end` with those who can be paged."""
    able = reachable(session, row.clinic_id)
    return shifts(pure(row, able), covers(overrides(session, row.id), able), start, end)


def nobody_on_call(
    session: Session, clinic_id: str, now: datetime, ahead: timedelta = LOOK_AHEAD
) -> list[tuple[datetime, datetime]]:
    """The spans of the coming week, or of the time `ahead`, in which nobody is on call."""
    end = now + ahead
    rows = rotas(session, clinic_id)
    if not rows:
        return [] if _listed(session, clinic_id) else [(now, end)]
    return gaps([shift for row in rows for shift in shifts_of(session, row, now, end)], now, end)
