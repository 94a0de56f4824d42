"""Whether triage does all of its work, in words for `doctor`, `/readyz` and the console."""

from __future__ import annotations

from bot.triage.reader import unavailable
from bot.triage.rules import RuleError
from bot.triage.shelf import shelf


def problems() -> list[str]:
    """What is wrong with triage and what it does meanwhile; empty when both readers do their work.

    Messages are triaged in either case. Loads rules and reader when nobody has yet.
    """
    found: list[str] = []
    try:
        shelf.book()
    except RuleError as error:
        found.append(f"no rules can be used, every message goes to a person ({error})")
    else:
        if shelf.problem:
            found.append(f"the last good rules are in force, the newest files are not ({shelf.problem})")
    missing = unavailable()
    if missing:
        found.append(
            f"rules alone, without the trained reader: they miss more and ask the probe more ({missing})"
        )
    return found
