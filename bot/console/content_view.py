"""What the pages about the clinic's words show: previews, comparisons, the sentences that may be changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clinic.facts import content_values
from bot.clinic.models import Clinic, Staff
from bot.console.pages import Fields
from bot.console.patients import folded
from bot.console.sessions import Visitor
from bot.governance.models import ContentVersion, Decision, ShippedText
from bot.governance.sentences import Change, Line, changed, differences, digest, split
from bot.governance.standing import Standing, standing_of
from bot.messaging.segments import segments
from bot.protocols.catalogue import Place, texts
from bot.protocols.errors import ContentError
from bot.protocols.lint import SAMPLE_MESSAGE, SAMPLE_SHARED
from bot.protocols.phrases import as_language
from bot.protocols.render import Channel, Situation, render_piece
from bot.protocols.schema import Piece


@dataclass(frozen=True, slots=True)
class Preview:
    """A text as a patient would read it; `problem` instead when it cannot be filled or no variant fits."""

    text: str = ""
    segments: int = 0
    problem: str = ""


def preview(clinic: Clinic, piece: Piece, fields: Fields) -> Preview:
    """`piece` for the patient that `fields` describe, with sample values where a message's own are needed."""
    language = as_language(fields["language"])
    situation = Situation(
        language=language,
        channel=cast(Channel, fields["channel"]),
        phase=cast(Literal["before", "after"], fields["phase"]) if fields["phase"] else None,
        product=fields["product"] or None,
        day=int(fields["day"]) if fields["day"] else None,
        areas=(fields["area"],) if fields["area"] else (),
        figures=clinic.show_figures,
    )
    try:
        values = content_values(clinic, language, situation.product)
        said = render_piece(piece, situation, {**SAMPLE_SHARED, **SAMPLE_MESSAGE[language], **values})
    except ContentError as error:
        return Preview(problem=str(error))
    return Preview(said.text, segments(said.text) if situation.channel == "sms" else 0)


def staff(session: Session, who: Visitor) -> Staff:
    """The member of staff who is signed in."""
    return session.get_one(Staff, who.staff_id)


def fits(piece: Piece, words: Sequence[str]) -> bool:
    """Whether id, titles or texts of `piece` hold all of the folded `words`."""
    if not words:
        return True
    everything = folded(" ".join([piece.id, piece.title.en, piece.title.es, *(t for _at, t in texts(piece))]))
    return all(word in everything for word in words)


def place_of(words: str) -> Place | None:
    """The place that a form names as `1-sms-en`."""
    number, _, rest = words.partition("-")
    channel, _, language = rest.partition("-")
    known = number.isdecimal() and channel in ("sms", "web") and language in ("en", "es")
    return Place(int(number), channel, language) if known else None


def open_draft(shipped: Piece, versions: Sequence[ContentVersion]) -> ContentVersion | None:
    """The newest version, when it waits for a decision and stands on the text as it is shipped now."""
    newest = versions[0] if versions else None
    waits = newest is not None and newest.status is Decision.DRAFT and newest.digest == digest(shipped)
    return newest if waits else None


def with_changes(shipped: Piece, version: ContentVersion) -> Piece:
    """The piece as `version` words it."""
    return changed(shipped, map(Change.of, version.changes))[0]


def own_number(session: Session, who: Visitor, piece_id: str) -> int | None:
    """The clinic's version whose words are in force, so that approving again keeps them."""
    return standing_of(session, who.clinic_id, piece_id).own_version


def since_approval(session: Session, shipped: Piece, here: Standing) -> list[tuple[Place, Sequence[Line]]]:
    """What the shipped text has changed since the clinic approved it."""
    if here.name != "outdated" or here.version is None:
        return []
    before = session.scalars(
        select(ShippedText).where(ShippedText.digest == here.version.digest).limit(1)
    ).first()
    return list(differences(Piece.model_validate(before.body), shipped)) if before else []


def editable(shipped: Piece, worded: Piece) -> Iterator[tuple[str, Place, list[tuple[str, str]]]]:
    """Every text by place: how a form names it, and its shipped sentences with what is said instead."""
    own = dict(texts(worded))
    for place, text in texts(shipped):
        said = split(own.get(place, text))
        before = split(text)
        pairs = list(zip(before, said, strict=True)) if len(before) == len(said) else _aligned(before, said)
        yield f"{place.variant}-{place.channel}-{place.language}", place, pairs


def _aligned(before: Sequence[str], said: Sequence[str]) -> list[tuple[str, str]]:
    """Shipped sentences, with "" for those that the clinic leaves out."""
    return [(sentence, sentence if sentence in said else "") for sentence in before]
