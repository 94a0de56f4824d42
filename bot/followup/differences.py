"""What differs between two versions of a protocol, part by part, and joining two changes of one. Pure.

Conditions, thresholds and shaded days are compared as they hold, be they the clinic's own or shipped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, NamedTuple, cast

from bot.followup import shading
from bot.followup.thresholds import JUDGED
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Contact, Question, QuestionId, Schedule, Window

Kind = Literal["hour", "day", "moved", "day_hour", "asks", "threshold", "branch", "window", "words"]


class Part(NamedTuple):
    """One thing that a protocol says: of which day, and of which question or measure."""

    kind: Kind
    day: int | None = None
    about: str = ""

    @property
    def key(self) -> str:
        """A name for a field of a form."""
        return "-".join(str(one) for one in self if one not in (None, ""))


class Difference(NamedTuple):
    """A part with what it says in one version and in another; None where it is not said. A day that moves
    says the old day and the new one."""

    part: Part
    before: Any
    after: Any


def changes(old: Schedule, new: Schedule) -> list[Difference]:
    """What is other in `new` than in `old`; a day that is only put elsewhere has moved."""
    found = _differing(old, new)
    moved = moves(old, new)
    gone = {Part("day", day) for pair in moved.items() for day in pair}
    told = [Difference(Part("moved", day), day, to) for day, to in moved.items()]
    return sorted(
        [*(one for one in found if one.part not in gone), *told],
        key=lambda one: (_ORDER.index(one.part.kind), one.part.day or 0),
    )


_ORDER = ("hour", "moved", "day", "day_hour", "asks", "threshold", "branch", "window", "words")


def merge(base: Schedule, mine: Schedule, theirs: Schedule) -> Schedule:
    """`theirs` with what `mine` changes of `base`. Where both changed one part, mine is taken: `overridden`
    names these. The outcome must be checked like anything typed."""
    split = set(base.days) & set(mine.days) & set(theirs.days)
    was, want, is_now = (_parts(one, split) for one in (base, mine, theirs))
    joined = {
        part: is_now.get(part) if want.get(part) == was.get(part) else want.get(part)
        for part in {**was, **want, **is_now}
    }
    my_moves, their_moves = moves(base, mine), moves(base, theirs)
    for day in my_moves.keys() & their_moves.keys():  # moved by both: it is asked once
        if my_moves[day] != their_moves[day]:
            joined[Part("day", their_moves[day])] = want.get(Part("day", their_moves[day]))
    return _joined(theirs, joined)


def overridden(base: Schedule | None, current: Schedule, wanted: Schedule) -> list[Difference]:
    """What somebody has changed since `base` and `wanted` would set to something else: before is what holds
    now. Without a `base` nobody knows what was changed: everything that differs is named."""
    split = set(current.days) & set(wanted.days) & set((base or current).days)
    was = {} if base is None else _parts(base, split)
    is_now, want = _parts(current, split), _parts(wanted, split)
    return [
        Difference(part, is_now.get(part), want.get(part))
        for part in {**was, **is_now, **want}
        if is_now.get(part) != want.get(part) and (base is None or was.get(part) != is_now.get(part))
    ]


def with_parts_of(current: Schedule, wanted: Schedule, kept: Iterable[Difference]) -> Schedule:
    """`wanted` with the parts `kept` as they are in `current`."""
    kept = list(kept)
    whole = {one.part.day for one in kept if one.part.kind == "day"}
    split = set(current.days) & set(wanted.days) - whole
    return _joined(current, {**_parts(wanted, split), **{one.part: one.before for one in kept}})


def _differing(old: Schedule, new: Schedule) -> list[Difference]:
    split = set(old.days) & set(new.days)
    was, is_now = _parts(old, split), _parts(new, split)
    return [
        Difference(part, was.get(part), is_now.get(part))
        for part in {**was, **is_now}
        if was.get(part) != is_now.get(part)
    ]


def moves(old: Schedule, new: Schedule) -> dict[int, int]:
    """Day -> the day that it moved to: a day that is gone and one that is new, with the same questions at the
    same hour."""
    gone = [contact for contact in old.check_ins if new.on(contact.day) is None]
    added = [contact for contact in new.check_ins if old.on(contact.day) is None]
    found: dict[int, int] = {}
    for contact in gone:
        alike = [one for one in added if (set(one.ask), one.hour) == (set(contact.ask), contact.hour)]
        if alike:
            nearest = min(alike, key=lambda one: abs(one.day - contact.day))
            found[contact.day] = nearest.day
            added.remove(nearest)
    return found


def _questions() -> Mapping[str, Question]:
    return catalogue().questions


def _in_order(asked: Collection[str]) -> tuple[str, ...]:
    """Questions in the order of the catalogue, in which they are asked; unknown ones before the last."""
    known = [name for name in _questions() if name in asked]
    unknown = [name for name in asked if name not in _questions()]
    return (*known[:-1], *unknown, *known[-1:])


def _parts(schedule: Schedule, split: Collection[int]) -> dict[Part, Any]:
    """Everything that a protocol says; the days in `split` question by question, the others each as one."""
    found: dict[Part, Any] = {Part("hour"): schedule.hour}
    for contact in schedule.check_ins:
        if contact.day in split:
            found[Part("day_hour", contact.day)] = contact.hour
            for name in dict.fromkeys((*_questions(), *contact.ask)):
                found[Part("asks", contact.day, name)] = name in contact.ask
        else:
            found[Part("day", contact.day)] = contact.model_copy(update={"ask": _in_order(contact.ask)})
    thresholds, only_if = _named(schedule.thresholds), _named(schedule.only_if)
    for name, question in _questions().items():
        if question.answer in JUDGED:
            found[Part("threshold", about=name)] = thresholds.get(name, question.thresholds)
        found[Part("branch", about=name)] = only_if.get(name, question.only_if)
    shipped = shading.shipped(schedule.product)
    for measure in shading.MEASURES:
        window: Window | None = schedule.windows.get(measure, shipped.get(measure))
        found[Part("window", about=measure)] = window and (window.first_day, window.last_day)
    found[Part("words")] = schedule.all_well
    return found


def _named(mine: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in mine.items()}


def _joined(schedule: Schedule, parts: Mapping[Part, Any]) -> Schedule:
    """`schedule` saying `parts`. What equals the shipped follows the shipped."""
    shipped = shading.shipped(schedule.product)
    of: dict[str, dict[Any, Any]] = {kind: {} for kind in _ORDER}
    for part, value in parts.items():
        of[part.kind][part.about or part.day] = value
    asked: dict[int, list[str]] = {}
    for part, value in parts.items():
        if part.kind == "asks" and value and part.day is not None:
            asked.setdefault(part.day, []).append(part.about)
    contacts: list[Contact] = [contact for contact in of["day"].values() if contact is not None]
    for day, names in asked.items():
        ask = cast(tuple[QuestionId, ...], _in_order(names))
        contacts.append(Contact.model_construct(day=day, ask=ask, hour=parts.get(Part("day_hour", day))))
    windows = {
        name: days and Window(first_day=days[0], last_day=days[1])
        for name, days in of["window"].items()
        if days != ((shipped[name].first_day, shipped[name].last_day) if name in shipped else None)
    }
    return schedule.model_copy(
        update={
            "hour": parts[Part("hour")],
            "check_ins": tuple(sorted(contacts, key=lambda contact: contact.day)),
            "thresholds": _own(of["threshold"], "thresholds"),
            "only_if": _own(of["branch"], "only_if"),
            "windows": windows,
            "all_well": parts[Part("words")],
        }
    )


def _own(wanted: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {one: value for one, value in wanted.items() if value != getattr(_questions()[one], name)}
