"""The protocol form: what was typed, what the visitor chose and confirmed, and the protocol that it says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

from starlette.datastructures import FormData

from bot.console import pages, thresholds
from bot.console import protocol_parts as parts
from bot.followup import closing, protocols, shading
from bot.followup.asking import FIRST
from bot.followup.errors import Fault, ProtocolRefused
from bot.protocols.schema import Measure, QuestionId, Schedule

LAST = "other"
#: What may be ticked: the first and the last question are always asked.
QUESTIONS: tuple[str, ...] = tuple(name for name in get_args(QuestionId) if name not in (FIRST, LAST))
#: Which of two changes of one part is to hold.
SIDES = ("theirs", "mine")

Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Typed:
    """A protocol as it stands in the form: days, hour, thresholds and conditions by question, shaded days by
    measure, closing words, and why it changes. What the form does not have is empty, or None."""

    rows: Sequence[Row]
    hour: str
    thresholds: Mapping[str, list[thresholds.Row]] = field(default_factory=dict)
    waiting: Mapping[str, parts.Row] = field(default_factory=dict)
    windows: Mapping[Measure, tuple[str, str]] = field(default_factory=dict)
    all_well: parts.Words | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came with the typed: the version that the form was filled from, the one that it was first opened
    on when another came into force meanwhile, what was chosen for each part that both changed, and what was
    confirmed and ticked."""

    version: str
    since: str
    chosen: Mapping[str, str]
    confirmed: bool
    weighed: str
    languages: str


def typed(form: FormData) -> Typed:
    """A form as it was typed."""
    return Typed(
        _days(form),
        pages.text(form, "hour"),
        thresholds.typed(form),
        parts.typed_waiting(form),
        parts.typed_windows(form),
        parts.typed_all_well(form),
        pages.text(form, "note", 200),
    )


def sent(form: FormData) -> Sent:
    """What a form says beside the protocol."""
    keep = [name for name in form if name.startswith("keep-")]
    chosen = {name.removeprefix("keep-"): pages.text(form, name, 10) for name in keep}
    return Sent(
        pages.text(form, "version", 9),
        pages.text(form, "since", 9),
        {key: side for key, side in chosen.items() if side in SIDES},
        pages.text(form, "confirmed") == "yes",
        pages.text(form, "weighed", 40),
        pages.text(form, "languages", 40),
    )


def fingerprint(*what: object) -> str:
    """What somebody who ticks a box has seen: anything else must be ticked anew."""
    return hashlib.sha256(repr(what).encode()).hexdigest()[:16]


def of(schedule: Schedule, note: str = "") -> Typed:
    """A protocol as the form shows it; what is not said here the form takes from the protocol."""
    rows = [
        {"day": str(c.day), "hour": "" if c.hour is None else str(c.hour), "ask": c.ask}
        for c in schedule.check_ins
    ]
    return Typed(rows, str(schedule.hour), note=note)


def _days(form: FormData) -> list[dict[str, Any]]:
    rows = []
    for number in range(200):
        if f"day-{number}" not in form:
            break
        day, hour = pages.text(form, f"day-{number}", 8), pages.text(form, f"hour-{number}", 8)
        ticked = [name for name in QUESTIONS if f"ask-{number}-{name}" in form]
        if day:
            rows.append({"day": day, "hour": hour, "ask": (FIRST, *ticked, LAST)})
    return rows


def read(base: Schedule, version: int, typed: Typed) -> Schedule:
    """What was typed over `base`, as version `version`. Raises ProtocolRefused."""
    numbers = [typed.hour, *(row["day"] for row in typed.rows), *(row["hour"] or "0" for row in typed.rows)]
    if not all(number.isascii() and number.isdigit() for number in numbers):
        raise ProtocolRefused("numbers")
    contacts = [
        {"day": int(row["day"]), "hour": int(row["hour"]) if row["hour"] else None, "ask": list(row["ask"])}
        for row in sorted(typed.rows, key=lambda row: int(row["day"]))
    ]
    return protocols.parse(base, version, contacts, int(typed.hour), _own(base, typed))


def _own(base: Schedule, typed: Typed) -> protocols.Own:
    """What the form says beside days and hours. Raises ProtocolRefused with all that is wrong with it."""
    faults: list[Fault] = []

    def read(part: Callable[[], T]) -> T | None:
        try:
            return part()
        except ProtocolRefused as problem:
            faults.extend(problem.faults)
            return None

    own_thresholds = read(lambda: thresholds.wanted(base, typed.thresholds))
    only_if = read(lambda: parts.wanted_waiting(base, typed.waiting))
    windows = read(lambda: shading.read(typed.windows))
    words = typed.all_well
    all_well = read(lambda: closing.read(words["en"], words["es"])) if words is not None else None
    if faults:
        raise ProtocolRefused(*faults)
    return protocols.Own(
        own_thresholds or {}, only_if or {}, windows or {}, all_well, says_all_well=words is not None
    )
