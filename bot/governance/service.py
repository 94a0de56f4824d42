"""Deciding about words: propose, approve, retire; and keeping what was in force when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import clock
from bot.access.permissions import Permission, roles_with
from bot.clinic.models import Clinic, Staff
from bot.db.engine import reading, transaction
from bot.governance.models import ClinicSnapshot, ContentVersion, Decision, ShippedText
from bot.governance.sentences import Change, changed, digest
from bot.protocols.catalogue import Catalogue, catalogue
from bot.protocols.lint import lint_piece

#: Who may decide what patients read.
APPROVERS = roles_with(Permission.APPROVE_WORDS)
#: Who may propose other words.
AUTHORS = roles_with(Permission.PROPOSE_WORDS)
#: Texts whose facts change outside the clinic: its own sentences in them hold for a time only (S11).
AGEING = frozenset({"product.regulatory_status"})
MOST_AHEAD = timedelta(days=366)
#: The clinic's columns that texts are filled with.
FACTS = (
    "name", "time_zone", "locale", "country", "phone", "emergency_phone", "emergency_number", "crisis_line",
    "opening_hours", "care_settings", "booking_url",
)  # fmt: skip


class NotAllowed(PermissionError):
    """The member of staff may not do this."""


class Refused(ValueError):
    """The words may not be sent, or the decision is about something else than what is there now."""


_kept: Catalogue | None = None


def keep(content: Catalogue) -> None:
    """Write down what is in force now, so that it can be told later what was. Cheap when nothing changed."""
    global _kept
    with reading() as session:
        changed_facts = any(True for _ in _facts_to_keep(session))
    if content is _kept and not changed_facts:
        return
    with transaction() as session:
        keep_texts(session, content)
        session.add_all(_facts_to_keep(session))
    _kept = content


def keep_texts(session: Session, content: Catalogue | None = None) -> int:
    """Write down every text that differs from what was written last. Returns how many did."""
    last = _last_digests(session)
    rows = [
        ShippedText(digest=now, piece_id=piece_id, body=piece.model_dump(mode="json"))
        for piece_id, piece in (content or catalogue()).pieces.items()
        if last.get(piece_id) != (now := digest(piece))
    ]
    session.add_all(rows)
    return len(rows)


def _facts_to_keep(session: Session) -> Iterator[ClinicSnapshot]:
    """What each clinic's texts are filled with, where that is not what was written last."""
    for clinic in session.scalars(select(Clinic)):
        facts = facts_of(clinic)
        newest = session.scalars(
            select(ClinicSnapshot)
            .where(ClinicSnapshot.clinic_id == clinic.id)
            .order_by(ClinicSnapshot.id.desc())
            .limit(1)
        ).first()
        if newest is None or newest.facts != facts:
            yield ClinicSnapshot(clinic_id=clinic.id, facts=facts)


def facts_of(clinic: Clinic) -> dict[str, Any]:
    """What texts are filled with, as it is now."""
    return {name: getattr(clinic, name) for name in FACTS}


def propose(
    session: Session,
    staff: Staff,
    piece_id: str,
    changes: Sequence[Change],
    note: str = "",
    review_by: date | None = None,
) -> ContentVersion:
    """A draft of the clinic's: the shipped text with `changes`, to be checked again by `review_by`.

    Raises `NotAllowed`, `Refused` when a sentence is not there or the words break a rule of the content, and
    `ContentError` for an unknown piece.
    """
    if staff.role not in AUTHORS:
        raise NotAllowed("only clinicians and admins may propose words")
    piece = catalogue().piece(piece_id)
    own, lost = changed(piece, changes)
    today = clock.now().date()
    if review_by is not None and review_by <= today:
        raise Refused("the day by which the words must be checked again is over: choose a later one")
    if piece_id in AGEING and changes and (review_by is None or review_by > today + MOST_AHEAD):
        raise Refused("what is approved where changes: say by when to check again, within a year")
    if lost:
        raise Refused(f"the text has no sentence “{lost[0].was}” any more: look at it again")
    problems = lint_piece(own, catalogue())
    if problems:
        raise Refused("; ".join(problem.message for problem in problems))
    return _add(session, staff, piece_id, changes, note, review_by)


def approve(
    session: Session, staff: Staff, piece_id: str, digest_seen: str, number: int | None = None
) -> None:
    """Let the shipped text be sent, with the changes of the clinic's version `number` or as it stands.

    `digest_seen` names the text that the approver read. Raises `NotAllowed`, and `Refused` when the text is
    another one by now.
    """
    _may_approve(staff)
    piece = catalogue().piece(piece_id)
    if digest(piece) != digest_seen:
        raise Refused("the text was changed while you read it: read it again")
    draft = None if number is None else _version(session, staff, piece_id, number)
    changes = [] if draft is None else [Change.of(change) for change in draft.changes]
    if changed(piece, changes)[1]:
        raise Refused("a sentence that the clinic changed is no longer in the text: propose the change anew")
    if draft is None or draft.status is not Decision.DRAFT or draft.digest != digest_seen:
        told, until = (draft.note, draft.review_by) if draft else ("", None)
        draft = _add(session, staff, piece_id, changes, told, until)
    _decide(draft, staff, Decision.APPROVED)


def retire(session: Session, staff: Staff, piece_id: str, note: str = "") -> None:
    """Let the text be sent no more. Raises `NotAllowed`; `Refused` for what the desk cannot do without."""
    _may_approve(staff)
    if catalogue().piece(piece_id).kind != "topic":
        raise Refused("the desk cannot do without this text; change its words instead")
    _decide(_add(session, staff, piece_id, (), note), staff, Decision.RETIRED)


def _decide(version: ContentVersion, staff: Staff, decision: Decision) -> None:
    version.status, version.approver_id, version.decided_at = decision, staff.id, clock.now()


def _add(
    session: Session,
    staff: Staff,
    piece_id: str,
    changes: Sequence[Change],
    note: str,
    review_by: date | None = None,
) -> ContentVersion:
    newest = session.scalar(
        select(func.max(ContentVersion.number)).where(
            ContentVersion.clinic_id == staff.clinic_id, ContentVersion.piece_id == piece_id
        )
    )
    version = ContentVersion(
        clinic_id=staff.clinic_id,
        piece_id=piece_id,
        number=(newest or 0) + 1,
        digest=digest(catalogue().piece(piece_id)),
        changes=[change.as_data() for change in changes],
        note=note,
        review_by=review_by,
        author_id=staff.id,
        status=Decision.DRAFT,
    )
    session.add(version)
    session.flush()
    return version


def _version(session: Session, staff: Staff, piece_id: str, number: int) -> ContentVersion:
    found = session.scalars(
        select(ContentVersion).where(
            ContentVersion.clinic_id == staff.clinic_id,
            ContentVersion.piece_id == piece_id,
            ContentVersion.number == number,
        )
    ).first()
    if found is None:
        raise Refused("there is no such version of this text")
    return found


def _may_approve(staff: Staff) -> None:
    if staff.role not in APPROVERS:
        raise NotAllowed("only the medical director may decide what patients read")


def _last_digests(session: Session) -> dict[str, str]:
    rows = session.execute(
        select(ShippedText.piece_id, ShippedText.digest).order_by(ShippedText.created_at, ShippedText.id)
    )
    return dict(rows.tuples().all())
