"""Which words a clinic may send, and which it might have sent at another time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from bot import clock
from bot.governance.models import ContentVersion, Decision, ShippedText
from bot.governance.sentences import Change, changed, digest
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Piece

#: `outdated`: the clinic approved another text than the one that is shipped now. `stale`: the day by which
#: its own sentences had to be checked again is over, so that the shipped ones are said.
Name = Literal["approved", "outdated", "stale", "draft", "retired"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A piece as a clinic has it in force, and on whose word.

    `lost` are the clinic's changes whose sentence the shipped text no longer has. `version` is the clinic's
    last decision, None when it never decided.
    """

    name: Name
    piece: Piece
    version: ContentVersion | None
    lost: tuple[Change, ...] = ()

    @property
    def own(self) -> bool:
        """Whether the clinic's own words are part of it."""
        return self.own_version is not None

    @property
    def own_version(self) -> int | None:
        """The number of the clinic's version whose words are part of it."""
        said = self.name in ("approved", "outdated")
        mine = said and self.version is not None and self.version.changes
        return self.version.number if mine and self.version else None


def standing(piece: Piece, decided: ContentVersion | None, at: datetime) -> Standing:
    """What `decided`, a clinic's last word on it, makes of the shipped `piece` at `at`.

    The clinic's sentences stay in force when the text around them is updated, as long as theirs is still in
    it: a correction of the clinic's must not be undone by an update.
    """
    if decided is None:
        return Standing("draft", piece, None)
    if decided.status is Decision.RETIRED:
        return Standing("retired", piece, decided)
    if decided.review_by is not None and at.date() > decided.review_by:
        return Standing("stale", piece, decided)
    own, lost = changed(piece, map(Change.of, decided.changes))
    name: Name = "approved" if digest(piece) == decided.digest else "outdated"
    return Standing(name, own, decided, tuple(lost))


def standings(session: Session, clinic_id: str, pieces: Iterable[Piece] | None = None) -> list[Standing]:
    """Every piece in force now, as `clinic_id` has it, in the order of the pieces."""
    decided = _last_decisions(session, clinic_id)
    shown = catalogue().pieces.values() if pieces is None else pieces
    now = clock.now()
    return [standing(piece, decided.get(piece.id), now) for piece in shown]


def standing_of(session: Session, clinic_id: str, piece_id: str) -> Standing:
    """One piece in force now. Raises `ContentError` for an unknown one."""
    piece = catalogue().piece(piece_id)
    return standing(piece, _last_decisions(session, clinic_id, piece_id).get(piece_id), clock.now())


def decided(session: Session, clinic_id: str) -> list[Standing]:
    """The pieces in force now on which the clinic has decided; all others are drafts to it."""
    pieces, now = catalogue().pieces, clock.now()
    return [
        standing(pieces[piece_id], version, now)
        for piece_id, version in _last_decisions(session, clinic_id).items()
        if piece_id in pieces
    ]


def own_pieces(session: Session, clinic_id: str) -> dict[str, Piece]:
    """The pieces that the clinic says in words of its own, by id."""
    decided = _last_decisions(session, clinic_id, changed_only=True)
    found = {}
    for piece_id, version in decided.items():
        piece = catalogue().pieces.get(piece_id)
        if piece is not None and (here := standing(piece, version, clock.now())).own:
            found[piece_id] = here.piece
    return found


def standing_at(session: Session, clinic_id: str, piece_id: str, at: datetime) -> Standing | None:
    """The piece as the clinic had it in force at `at`; None when the desk did not know it then."""
    shipped = session.scalars(
        select(ShippedText)
        .where(ShippedText.piece_id == piece_id, ShippedText.created_at <= at)
        .order_by(ShippedText.created_at.desc(), ShippedText.id.desc())
        .limit(1)
    ).first()
    if shipped is None:
        return None
    decided = _last_decisions(session, clinic_id, piece_id, at=at).get(piece_id)
    return standing(Piece.model_validate(shipped.body), decided, at)


def history(session: Session, clinic_id: str, piece_id: str) -> Sequence[ContentVersion]:
    """The clinic's versions of a piece, newest first."""
    return session.scalars(
        select(ContentVersion)
        .where(ContentVersion.clinic_id == clinic_id, ContentVersion.piece_id == piece_id)
        .order_by(ContentVersion.number.desc())
    ).all()


_DECIDED = (
    select(ContentVersion)
    .where(ContentVersion.clinic_id == bindparam("clinic_id"), ContentVersion.status != Decision.DRAFT)
    .order_by(ContentVersion.decided_at, ContentVersion.number)
)
#: Asked for every text that goes out, and made once.
_DECIDED_ON_ONE = _DECIDED.where(ContentVersion.piece_id == bindparam("piece_id"))


def _last_decisions(
    session: Session,
    clinic_id: str,
    piece_id: str | None = None,
    *,
    at: datetime | None = None,
    changed_only: bool = False,
) -> dict[str, ContentVersion]:
    query = _DECIDED if piece_id is None else _DECIDED_ON_ONE
    if at is not None:
        query = query.where(ContentVersion.decided_at <= at)
    by_piece: dict[str, list[ContentVersion]] = defaultdict(list)
    for version in session.scalars(query, {"clinic_id": clinic_id, "piece_id": piece_id}):
        by_piece[version.piece_id].append(version)
    last = {piece: versions[-1] for piece, versions in by_piece.items()}
    return {piece: version for piece, version in last.items() if version.changes or not changed_only}
