"""A clinic's own windows: the days that the charts of a product shade, beside the shipped ones. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from bot.followup.errors import ProtocolRefused
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import LAST_SHADED, Expected, Measure, Schedule, Window

MEASURES: tuple[Measure, ...] = get_args(Measure)
#: Never shown to patients as something to be expected (`clinical.md` 1, rule b).
STAFF_ONLY: tuple[Measure, ...] = ("pain",)


def shipped(product: str) -> dict[Measure, Expected]:
    """The shipped windows of `product`, by measure."""
    return {
        one.measure: one
        for one in catalogue().expected.values()
        if one.product == product and one.status != "retired"
    }


def shaded(
    product: str, schedule: Schedule | None = None, *, for_patients: bool = False
) -> dict[Measure, tuple[int, int]]:
    """Measure -> first and last day that charts shade: those of the clinic's `schedule`, else the shipped
    ones. `for_patients` leaves out what patients are not shown."""
    known = shipped(product)
    windows: dict[Measure, Window | None] = {**known, **(schedule.windows if schedule else {})}
    hidden = {name for name, one in known.items() if not one.for_patients} | set(STAFF_ONLY)
    return {
        name: (windows[name].first_day, windows[name].last_day)  # type: ignore[union-attr]
        for name in MEASURES
        if windows.get(name) is not None and not (for_patients and name in hidden)
    }


def read(typed: Mapping[Measure, tuple[str, str]]) -> dict[Measure, Window | None]:
    """The windows that a form says, as typed: first and last day, both empty to shade none. Raises
    ProtocolRefused."""
    return {measure: _read(measure, first, last) for measure, (first, last) in typed.items()}


def _read(measure: Measure, first: str, last: str) -> Window | None:
    if not first and not last:
        return None
    if not first or not last:
        raise ProtocolRefused("window_half", question=measure)
    if not all(day.isascii() and day.isdigit() and int(day) <= LAST_SHADED for day in (first, last)):
        raise ProtocolRefused("window_numbers", question=measure)
    if int(last) <= int(first):
        raise ProtocolRefused("window_crossed", question=measure)
    return Window(first_day=int(first), last_day=int(last))
