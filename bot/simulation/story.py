"""A story: what a patient and the staff do over a fortnight, and what must have come of it. Data only."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

STORIES = Path(__file__).parent / "stories"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Act(_Strict):
    """One thing that happens. `day` counts from the treatment; `at` is local time there, "check-in" means
    once that day's check-in has come, and without it the act follows the one before at once."""

    day: int
    at: str | None = None
    wait_minutes: float = 0
    who: Literal["patient", "nurse", "doctor"] = "patient"
    says: str | None = None
    #: close the alert in the console with this note
    closes: str | None = None


class Outcome(_Strict):
    """What the record must say at the end."""

    alerts: tuple[str, ...]  #: tiers, in order
    acknowledged_by: str | None = None
    check_ins_answered: int
    check_ins_unanswered: int = 0
    open_tasks: tuple[str, ...] = ()  #: kinds


class Story(_Strict):
    """A whole fortnight."""

    title: str
    first_name: str
    last_name: str
    acts: tuple[Act, ...]
    outcome: Outcome


def names() -> list[str]:
    """The stories there are."""
    return sorted({path.name.split(".")[0] for path in STORIES.glob("*.yml")})


def load(name: str, language: str) -> Story:
    """The story `name` in `language`. Raises FileNotFoundError when there is none."""
    text = (STORIES / f"{name}.{language}.yml").read_text(encoding="utf-8")
    return Story.model_validate(yaml.safe_load(text))
