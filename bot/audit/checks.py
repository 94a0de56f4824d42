"""Checking a clinic's chain from the console: in pieces, so that no request reads a long log in one go."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.audit import chain, trail
from bot.audit.chain import Break, Point
from bot.audit.models import AuditCheck
from bot.db.engine import reading, transaction

#: Entries of one piece; each is read in a transaction of its own.
PIECE = 2_000
#: Pieces of one request. What is left is for the next one, which goes on where this one ended.
PIECES = 25


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a check has got."""

    at: Point
    ended: bool
    broken: Break | None = None


def newest(session: Session, clinic_id: str) -> AuditCheck | None:
    """The check that was begun last."""
    query = select(AuditCheck).where(AuditCheck.clinic_id == clinic_id).order_by(AuditCheck.id.desc())
    return session.scalars(query.limit(1)).first()


def go_on(clinic_id: str, staff_id: str) -> Reached:
    """Check some pieces more: of the check that has not ended, else of a new one from the first entry."""
    with reading() as session:
        begun = newest(session, clinic_id)
    after = Point(begun.seq, begun.hash) if begun is not None and not begun.ended else Point()
    reached = _walk(clinic_id, after)
    with transaction() as session:
        row = session.get(AuditCheck, begun.id) if begun is not None and not begun.ended else None
        if row is None:
            row = AuditCheck(clinic_id=clinic_id)
            session.add(row)
        row.staff_id, row.at = staff_id, clock.now() - clock.offset()
        row.seq, row.hash = reached.at
        row.ended = reached.ended
        if reached.broken is not None:
            row.fault, row.broken_seq = reached.broken.fault.value, reached.broken.seq
        act = trail.current()
        if act is not None:
            act.detail |= {"through": row.seq, "ended": row.ended} | (
                {"fault": row.fault} if row.fault else {}
            )
    return reached


def _walk(clinic_id: str, after: Point) -> Reached:
    for _piece in range(PIECES):
        with reading() as session:
            found, ended = chain.next_piece(session, clinic_id, after, PIECE)
        if isinstance(found, Break):
            return Reached(after, True, found)
        after = found
        if ended:
            return Reached(after, True)
    return Reached(after, False)
