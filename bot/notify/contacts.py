"""A person's own contact methods: add, remove, put in order."""

from __future__ import annotations

import re
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.clinic.enrolment import to_e164
from bot.clinic.models import Clinic, Patient, Staff
from bot.notify import rows
from bot.notify.chat import is_usable, masked
from bot.notify.models import ContactKind, ContactMethod
from bot.triage.types import Tier

#: Tiers that page anybody; the least urgent stands for all of them.
TIERS = (Tier.T0, Tier.T1, Tier.T2)
MAX_METHODS = 10
MAX_DELAY_MIN = 120

_MAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,190}\.[^@\s,;<>\"]{2,}")

Fault = Literal["kind", "phone", "patient", "colleague", "email", "apprise", "delay", "tier", "many", "twice"]


class ContactInvalid(Exception):
    """This cannot be a contact method; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


def add(
    session: Session, staff: Staff, kind: str, address: str, delay_min: str, least_tier: str
) -> ContactMethod:
    """Add a method at the end of the person's order. `delay_min` is minutes. Raises `ContactInvalid`."""
    if kind not in list(ContactKind):
        raise ContactInvalid("kind")
    chosen = ContactKind(kind)
    if least_tier not in TIERS:
        raise ContactInvalid("tier")
    if not re.fullmatch(r"[0-9]{1,3}", delay_min or "0") or int(delay_min or 0) > MAX_DELAY_MIN:
        raise ContactInvalid("delay")
    address = _checked(session, staff, chosen, address.strip())
    known = rows.methods_of(session, staff.id)
    if len(known) >= MAX_METHODS:
        raise ContactInvalid("many")
    if any((one.kind, one.address) == (chosen, address) for one in known):
        raise ContactInvalid("twice")
    method = ContactMethod(
        clinic_id=staff.clinic_id,
        staff_id=staff.id,
        kind=chosen,
        address=address,
        delay_s=int(delay_min or 0) * 60,
        least_tier=Tier(least_tier),
        place=max((one.place for one in known), default=-1) + 1,
    )
    session.add(method)
    session.flush()
    return method


def _checked(session: Session, staff: Staff, kind: ContactKind, address: str) -> str:
    if kind is ContactKind.EMAIL:
        if len(address) > 254 or not _MAIL.fullmatch(address):
            raise ContactInvalid("email")
        return address
    if kind is ContactKind.APPRISE:
        if len(address) > 1000 or not is_usable(address):
            raise ContactInvalid("apprise")
        return address
    try:
        number = to_e164(address, session.get_one(Clinic, staff.clinic_id).country)
    except ValueError:
        raise ContactInvalid("phone") from None
    _check_owner(session, staff, number)
    return number


def _check_owner(session: Session, staff: Staff, number: str) -> None:
    """A mistyped number must not page a patient, nor let a colleague's reply count for this person."""
    if number == staff.phone:
        return
    here = {"clinic_id": staff.clinic_id, "phone": number}
    if session.scalars(select(Patient.id).filter_by(**here)).first():
        raise ContactInvalid("patient")
    others = select(ContactMethod.id).where(
        ContactMethod.clinic_id == staff.clinic_id,
        ContactMethod.staff_id != staff.id,
        ContactMethod.address == number,
        ContactMethod.removed_at.is_(None),
    )
    if (
        session.scalars(select(Staff.id).filter_by(**here, active=True)).first()
        or session.scalars(others).first()
    ):
        raise ContactInvalid("colleague")


def own(session: Session, staff_id: str, method_id: str) -> ContactMethod | None:
    """The method if it is in use and this person's."""
    return next((one for one in rows.methods_of(session, staff_id) if one.id == method_id), None)


def remove(method: ContactMethod) -> None:
    """Use it no more. The row stays: pages that went out by it name it."""
    method.removed_at, method.active = clock.now(), False
    if method.kind is ContactKind.APPRISE:
        method.address = masked(method.address)  # the secret is not needed any longer


def move_up(session: Session, method: ContactMethod) -> None:
    """Put the method before the one that comes before it."""
    known = rows.methods_of(session, method.staff_id)
    at = known.index(method)
    if at:
        known[at - 1], known[at] = known[at], known[at - 1]
    for place, one in enumerate(known):
        one.place = place


def shown(method: ContactMethod) -> str:
    """Its address as it may be shown."""
    return masked(method.address) if method.kind is ContactKind.APPRISE else method.address
