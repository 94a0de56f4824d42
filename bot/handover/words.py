"""The words around a take-over: who is writing, and the ready-made replies. All of them are content."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.clinic.facts import content_values
from bot.clinic.models import Staff
from bot.governance.standing import standing_of
from bot.messaging.models import Conversation
from bot.messaging.threads import latest_treatment, situation_of
from bot.protocols.catalogue import catalogue
from bot.protocols.phrases import as_language
from bot.protocols.render import Rendered, Situation, render, render_piece
from bot.protocols.schema import Piece

#: Ids of the ready-made replies begin so.
TEMPLATES = "reply."
#: A title is no name: the word after it goes with it.
_TITLES = frozenset({"dr", "dr.", "dra", "dra.", "mr", "mrs", "ms", "miss", "sr", "sr.", "sra", "sra."})


def first_name(name: str) -> str:
    """The name that a patient reads: the first, or title and the next."""
    words = name.split()
    return " ".join(words[: 2 if words and words[0].lower() in _TITLES else 1])


def colleague(staff: Staff, language: str) -> str:
    """First name and role as the clinic shows them to a patient: "Ana (nurse)"."""
    role = render(f"handover.role_{staff.role.value}", Situation(language=as_language(language)), {}).text
    return f"{first_name(staff.name)} ({role})"


def templates() -> list[Piece]:
    """The ready-made replies, in order of file."""
    return [
        piece
        for piece in catalogue().pieces.values()
        if piece.id.startswith(TEMPLATES) and piece.status != "retired"
    ]


def template_text(session: Session, conversation: Conversation, template: str) -> Rendered | None:
    """The ready-made reply for this patient, in the clinic's words; None when it is unknown or withdrawn."""
    if template not in {piece.id for piece in templates()}:
        return None
    here = standing_of(session, conversation.clinic_id, template)
    if here.piece.status == "retired":
        return None
    situation = situation_of(conversation, latest_treatment(session, conversation.patient_id))
    values = {
        **content_values(conversation.clinic, situation.language, situation.product),
        "first_name": conversation.patient.first_name if conversation.patient else "",
    }
    return render_piece(here.piece, situation, values)
