"""Who is on call at a clinic at a moment, read from its rotas, or from its on-call list without any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clinic.models import Role, Staff
from bot.notify.reachable import can_be_paged
from bot.oncall.models import RotaOverride, RotaRow
from bot.oncall.rota import Override, Rota, Shift, gaps, on_call_at, shifts

#: Who deals with what can be done in opening hours.
CLINIC_STAFF = (Role.NURSE, Role.FRONT_DESK)
#: How far ahead gaps are looked for.
LOOK_AHEAD = timedelta(days=7)


class Turn(NamedTuple):
    """Somebody's place in a rota: as what, the rota's role or their own where it has none, and where."""

    person: str
    role: Role
    location: str = ""


@dataclass(frozen=True, slots=True)
class Roster:
    """`people`: whom to page, in order. The first `on_shift` of them are on call now, one for each rota; the
    others stand behind them. `skipped`: members whose turn counts for nothing, as they cannot be paged.

    `turns`: who is on call now, and as what. By the on-call list everybody has a turn, one after another
    (`listed`). `behind`: the places of those who stand behind them. `elsewhere`: nobody is on call at the
    location that was asked for, so these are all the clinic's.
    """

    people: tuple[str, ...]
    on_shift: int
    skipped: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()
    behind: tuple[Turn, ...] = ()
    listed: bool = False
    elsewhere: bool = False

    def of(self, role: Role) -> tuple[str, ...]:
        """Who is on call as `role` now; by the on-call list the first of that role."""
        found = tuple(dict.fromkeys(person for person, theirs, _ in self.turns if theirs is role))
        return found[:1] if self.listed else found

    @property
    def clinic_staff_first(self) -> tuple[str, ...]:
        """`people`, with nurses and front desk before whoever else is on call now."""
        first = [person for person, role, _ in self.turns if role in CLINIC_STAFF]
        return tuple(dict.fromkeys((*first, *(turn.person for turn in self.turns), *self.people)))


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
    return _order(session, row, reachable(session, row.clinic_id), now)


def _order(session: Session, row: RotaRow, able: frozenset[str], now: datetime) -> list[str]:
    return on_call_at(pure(row, able), covers(overrides(session, row.id), able), now)


def roster(session: Session, clinic_id: str, now: datetime) -> Roster:
    """Whom to page at `now`, wherever in the clinic."""
    return roster_at(session, clinic_id, rotas(session, clinic_id), now)


def roster_at(
    session: Session, clinic_id: str, rows: Sequence[RotaRow], now: datetime, location: str = ""
) -> Roster:
    """Whom to page at `now` by `rows`, the clinic's rotas. With a `location`: by its rotas and those
    without one, or by all while nobody is on call by those. The on-call list knows no location."""
    if not rows:
        listed = _listed(session, clinic_id)
        people = tuple(turn.person for turn in listed)
        return Roster(people, min(1, len(people)), turns=listed, listed=True)
    roles = _roles(session, clinic_id)
    able = frozenset(roles)
    orders = [(row, _order(session, row, able, now)) for row in rows]
    near = [(row, order) for row, order in orders if not location or _serves(row, location)]
    elsewhere = not any(order for _, order in near)
    used = orders if elsewhere else near
    first = dict.fromkeys(order[0] for _, order in used if order)
    behind = dict.fromkeys(person for _, order in used for person in order[1:])
    missing = dict.fromkeys(member for row in rows for member in row.members if member not in able)
    places = [[_turn(row, person, roles) for person in order] for row, order in used if order]
    return Roster(
        tuple(first | behind),
        len(first),
        tuple(missing),
        tuple(one[0] for one in places),
        tuple(turn for one in places for turn in one[1:]),
        elsewhere=bool(location) and elsewhere,
    )


def _turn(row: RotaRow, person: str, roles: dict[str, Role]) -> Turn:
    return Turn(person, row.role or roles[person], row.location)


def _serves(row: RotaRow, location: str) -> bool:
    """Whether a rota is for patients of `location`. Capitals and spaces do not count."""
    return not row.location or place(row.location) == place(location)


def place(name: str) -> str:
    """A location's name as it is compared."""
    return " ".join(name.split()).casefold()


def of_role(session: Session, clinic_id: str, role: Role) -> tuple[str, ...]:
    """Everybody of a role who can be paged, in on-call order, those without one last."""
    return tuple(
        session.scalars(
            select(Staff.id)
            .where(Staff.clinic_id == clinic_id, can_be_paged(), Staff.role == role)
            .order_by(Staff.on_call_order.nulls_last(), Staff.id)
        )
    )


def _listed(session: Session, clinic_id: str) -> tuple[Turn, ...]:
    """The on-call list, with roles: what a clinic without a rota goes by."""
    rows = session.execute(
        select(Staff.id, Staff.role)
        .where(Staff.clinic_id == clinic_id, can_be_paged(), Staff.on_call_order.is_not(None))
        .order_by(Staff.on_call_order)
    )
    return tuple(Turn(staff_id, role) for staff_id, role in rows)


def _roles(session: Session, clinic_id: str) -> dict[str, Role]:
    """The staff who can be paged, with their roles."""
    query = select(Staff.id, Staff.role).where(Staff.clinic_id == clinic_id, can_be_paged())
    return dict(session.execute(query).tuples().all())


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
