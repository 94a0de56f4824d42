"""Triage: how urgent is a message, and why. Rules are YAML in `rules/`, the trained reader is in
`models/triage-reader`; both are read on first use.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.triage.types import Assessment, Context, Finding, Tier

__all__ = ["Assessment", "Context", "Finding", "Tier", "assess", "assess_many", "read_ahead"]


def assess(text: str, context: Context | None = None) -> Assessment:
    """Triage `text` as it came in `context`. Never raises for any text."""
    from bot.triage.engine import assess as run

    return run(text, context)


def assess_many(texts: Sequence[str], contexts: Sequence[Context]) -> list[Assessment]:
    """Triage many messages: the same answers as one by one, faster. Never raises for any text."""
    from bot.triage.engine import assess_many as run

    return run(texts, contexts)


def read_ahead(text: str) -> None:
    """Do the long part of reading `text` now, so that `assess` is quick: it takes no record, so that nobody
    waits for it with the record in hand. Never raises for any text."""
    from bot.triage.engine import read_ahead as run

    run(text)
