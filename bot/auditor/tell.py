"""Telling people about what could not be repaired: one bundled message to each who answers for the desk.
That nobody is on call has words of its own: nothing is wrong with the desk, and somebody must be found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import settings as app_settings
from bot.auditor.decide import Due
from bot.auditor.models import Neglect
from bot.auditor.repair import Gear
from bot.clinic.models import Clinic, Role, Staff
from bot.db.engine import reading
from bot.escalation.alerts import on_call
from bot.notify import direct
from bot.notify.compose import said
from bot.protocols.phrases import Language, as_language

_ANSWERABLE = (Role.MEDICAL_DIRECTOR, Role.ADMIN)


def tell(clinic_id: str, rows: Sequence[Due], gear: Gear) -> bool:
    """Tell people of `rows`, all of them work left undone, or all times when nobody is on call: the clinic's
    medical directors and administrators, or, where none can be reached, whoever is on call. True when at
    least one message was handed over."""
    with reading() as session:
        clinic = session.get_one(Clinic, clinic_id)
        answerable, others = _answerable(session, clinic_id), _on_call(session, clinic_id)
    return _any(answerable, clinic, rows, gear) or _any(others, clinic, rows, gear)


def _any(people: Sequence[Staff], clinic: Clinic, rows: Sequence[Due], gear: Gear) -> bool:
    reached = [_one(person, clinic, rows, gear) for person in people]  # everybody, not the first only
    return any(reached)


def _one(person: Staff, clinic: Clinic, rows: Sequence[Due], gear: Gear) -> bool:
    with reading() as session:
        addresses = direct.addresses_of(session, session.get_one(Staff, person.id))
    console = f"{app_settings.get_settings().public_url.rstrip('/')}/console"
    piece, values = "staff.neglect", {"url": console}
    if rows[0].kind is Neglect.NOBODY_ON_CALL:
        piece, values = "staff.nobody_on_call", {"url": f"{console}/rota"}
    else:
        values["problems"] = problems(rows, as_language(person.language))
    tried = direct.send(
        person,
        clinic,
        addresses,
        piece,
        f"{piece}_subject",
        values,
        gear.notifiers,
        gear.carrier,
    )
    return any(not one.error for one in tried)


def problems(rows: Sequence[Due], language: Language) -> str:
    """What is left undone, in words: "2 overdue alerts, 1 messages not read"."""
    counts = Counter(row.kind for row in rows)
    return ", ".join(
        f"{counts[kind]} {said(f'staff.neglect_{kind.value}', language, {})}" for kind in sorted(counts)
    )


def _answerable(session: Session, clinic_id: str) -> list[Staff]:
    query = select(Staff).where(
        Staff.clinic_id == clinic_id, Staff.active.is_(True), Staff.role.in_(_ANSWERABLE)
    )
    return list(session.scalars(query.order_by(Staff.id)))


def _on_call(session: Session, clinic_id: str) -> list[Staff]:
    return [session.get_one(Staff, staff_id) for staff_id in on_call(session, clinic_id)]
