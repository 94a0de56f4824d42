"""Messages to staff that no alert is behind: tests, and what the auditor has to say. They go straight to the
carrier or notifier, because what they speak of may be that the queues stand still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from bot.channels.base import Carrier, CarrierError, Outbound, OutcomeUnknown
from bot.clinic.models import Clinic, Staff
from bot.db.engine import transaction
from bot.ids import new_id
from bot.notify import rows
from bot.notify.base import Notice
from bot.notify.compose import said
from bot.notify.contacts import shown
from bot.notify.delivery import Notifiers
from bot.notify.models import ContactKind, ContactMethod
from bot.notify.plan import ways
from bot.protocols.phrases import as_language
from bot.triage.types import Tier

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where one message goes. `to` may be a secret; `shown` is not."""

    kind: ContactKind
    to: str
    shown: str
    method_id: str | None


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of it; `error` is empty when it was handed over."""

    address: Address
    error: str


def addresses_of(
    session: Session, staff: Staff, methods: Sequence[ContactMethod] | None = None
) -> list[Address]:
    """Every way by which this person is paged about an emergency, or those of `methods` alone."""
    known = list(methods) if methods is not None else rows.methods_of(session, staff.id)
    by_id = {method.id: method for method in known}
    found = []
    has_phone = bool(staff.phone) and methods is None
    for way in ways(known, has_phone, Tier.T0, "take"):
        method = by_id.get(way.method_id or "")
        to = method.address if method else staff.phone or ""
        found.append(Address(way.kind, to, shown(method) if method else to, way.method_id))
    return found


def send(
    staff: Staff,
    clinic: Clinic,
    addresses: Sequence[Address],
    piece: str,
    subject: str,
    values: dict[str, str],
    notifiers: Notifiers,
    carrier: Carrier,
) -> list[Tried]:
    """Say `piece` to each of `addresses`, one after another, and note with each method whether it works."""
    language = as_language(staff.language)
    text = said(piece, language, values)
    tried = []
    for address in addresses:
        notice = Notice("", address.to, clinic.text_number, said(subject, language, values), text, language)
        error = _hand_over(notice, address.kind, notifiers, carrier)
        if error:
            logger.warning("message to staff not handed over", kind=address.kind.value, staff_id=staff.id)
        if address.method_id:
            with transaction() as session:
                session.get_one(ContactMethod, address.method_id).error = error[:200]
        tried.append(Tried(address, error))
    return tried


def _hand_over(notice: Notice, kind: ContactKind, notifiers: Notifiers, carrier: Carrier) -> str:
    """Why it could not be handed over; empty when it was."""
    try:
        if kind is ContactKind.SMS:
            carrier.send(Outbound(new_id(), notice.sender, notice.to, notice.text))
        elif (notifier := notifiers.get(kind)) is None:
            return f"{kind.value} is not set up on this server"
        else:
            notifier.send(notice)
    except (CarrierError, OutcomeUnknown) as error:
        return str(error) or type(error).__name__
    except Exception as error:  # not its text: libraries quote addresses
        return f"failed ({type(error).__name__})"
    return ""
