"""The words of a notification that is not a text, made when it goes out."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.clinic.models import Clinic
from bot.escalation.alerts import words_for
from bot.escalation.models import Notification
from bot.notify import rows
from bot.notify.base import Notice
from bot.notify.models import ContactKind
from bot.protocols.phrases import Language, as_language
from bot.protocols.render import Situation, render

#: Texts name the reply code; what cannot be replied to has words of its own.
_WITHOUT_REPLY = {
    "staff.page": "staff.note",
    "staff.page_again": "staff.note_again",
    "staff.page_lead": "staff.note_lead",
    "staff.page_sign": "staff.note_sign",
}


def said(piece: str, language: Language, values: dict[str, str]) -> str:
    """A piece of the texts for staff."""
    return render(piece, Situation(language=language), values).text


def compose(session: Session, one: Notification) -> Notice | None:
    """What a notifier is asked to bring; None when there is no address any more."""
    to, spoken_language = _address(session, one)
    if not to:
        return None
    language = as_language(spoken_language)
    values = words_for(session, one.alert.standing, one)
    link = values["url"]
    clinic = session.get_one(Clinic, one.clinic_id)
    if one.kind is ContactKind.VOICE:
        text = said("staff.call", language, spoken(values))
    else:
        text = said(_WITHOUT_REPLY.get(one.piece, one.piece), language, values)
    takes = "/a/" in link
    return Notice(
        id=one.id,
        to=to,
        sender=clinic.text_number,
        subject=said("staff.mail_subject", language, values),
        text=text,
        language=language,
        link=link,
        link_label=said("staff.mail_take" if takes else "staff.mail_open", language, values),
    )


def _address(session: Session, one: Notification) -> tuple[str | None, str]:
    """Where it goes, None when nowhere any more, and in which language."""
    method, staff = one.contact_method, one.staff
    if staff is None:
        thread = rows.thread_of(session, one)
        return thread.address, thread.language
    if method is not None:
        return None if method.removed_at else method.address, staff.language
    return staff.phone if one.kind in (ContactKind.SMS, ContactKind.VOICE) else None, staff.language


def spoken(values: dict[str, str]) -> dict[str, str]:
    """`values` as a voice reads them: initials letter by letter."""
    return {**values, "initials": " ".join(values["initials"])}
