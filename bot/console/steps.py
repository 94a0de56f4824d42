"""What the clinic's content suggests doing next about an alert."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.orm import Session

from bot.console.wording import citation
from bot.governance.standing import standing_of
from bot.protocols.catalogue import catalogue


class Steps(NamedTuple):
    """One step after another, where they come from, and whether the medical director approved them."""

    lines: list[str]
    sources: list[tuple[str, str]]  #: key and citation
    approved: bool


def next_steps(session: Session, clinic_id: str, flag: str, language: str) -> Steps | None:
    """The suggestion for alerts of `flag`, in the clinic's own words where it has any; None without one."""
    name = f"steps.{flag.lower()}"
    if name not in catalogue().pieces:
        return None
    here = standing_of(session, clinic_id, name)
    if here.piece.status == "retired":
        return None
    variant = here.piece.variants[0]
    wording = variant.web or variant.sms
    text = wording.es if language == "es" else wording.en
    lines = [line.strip().removeprefix("- ").strip() for line in text.splitlines()]
    return Steps(
        [line for line in lines if line],
        [(key, citation(key)) for key in here.piece.sources],
        here.name == "approved",
    )
