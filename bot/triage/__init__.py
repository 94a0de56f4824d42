"""Triage: how urgent is a message, and why. Rules are YAML in `rules/`, read on first use."""

from __future__ import annotations

from bot.triage.types import Assessment, Context, Finding, Tier

__all__ = ["Assessment", "Context", "Finding", "Tier", "assess"]


def assess(text: str, context: Context | None = None) -> Assessment:
    """Triage `text` as it came in `context`. Never raises for any text."""
    from bot.triage.engine import assess as run

    return run(text, context)
