"""One message as the network is shown it."""

from __future__ import annotations

from dataclasses import dataclass

IGNORE = -100  #: "no such label": the loss passes over it


@dataclass(frozen=True, slots=True)
class Sample:
    """One message with the labels it has; `IGNORE` where it has none. `red` is 1 for T0/T1, else 0."""

    text: str
    day: int | None = None
    tier: int = IGNORE
    flag: int = IGNORE
    probe: int = IGNORE
    red: int = IGNORE
    topic: int = IGNORE
