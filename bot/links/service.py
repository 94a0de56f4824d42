"""Giving a link to a patient, finding it again, and whether it still opens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.clinic.models import Patient
from bot.ids import new_id
from bot.links import tokens
from bot.links.models import LinkPurpose, PatientLink
from bot.messaging.models import Conversation, Kind, Message
from bot.messaging.threads import say

#: How long a link opens, unless its giver says otherwise.
LASTS = timedelta(hours=72)

#: `used`: answered, and past correcting. `over`: what it is about is not asked any more.
State = Literal["open", "used", "over", "expired"]


def issue(
    session: Session,
    patient: Patient,
    purpose: LinkPurpose,
    subject_id: str | None = None,
    *,
    lasts: timedelta = LASTS,
) -> PatientLink:
    """A new link for `patient`. Links given before stay open: the text that the patient finds first works."""
    link_id = new_id()
    link = PatientLink(
        id=link_id,
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        purpose=purpose,
        subject_id=subject_id,
        token_hash=tokens.hash_of(tokens.token_of(link_id)),
        expires_at=clock.now() + lasts,
    )
    session.add(link)
    session.flush()
    return link


def text_with_link(
    session: Session,
    conversation: Conversation,
    piece_id: str,
    kind: Kind,
    link: PatientLink,
    **fields: Any,
) -> Message:
    """Text the approved wording `piece_id`, whose `{url}` is the link's address."""
    return say(session, conversation, piece_id, kind, extra={"url": tokens.marked(link.id)}, **fields)


def find(session: Session, token: str) -> PatientLink | None:
    """The link with this token. A token of another shape is not looked up."""
    if len(token) != tokens.LENGTH:
        return None
    wanted = tokens.hash_of(token)
    return session.scalars(select(PatientLink).where(PatientLink.token_hash == wanted)).first()


def state(
    link: PatientLink, now: datetime, *, settled_at: datetime | None = None, gone: bool = False
) -> State:
    """Whether the link opens at `now`. `settled_at`: when what it is about was answered; `gone`: that it is
    not asked any more.

    An answer may be corrected until midnight on the patient's clock.
    """
    if gone:
        return "over"
    if settled_at is not None:
        zone = ZoneInfo(link.patient.time_zone)
        same_day = settled_at.astimezone(zone).date() == now.astimezone(zone).date()
        return "open" if same_day else "used"
    return "expired" if now >= link.expires_at else "open"
