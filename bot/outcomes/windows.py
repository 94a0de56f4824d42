"""The days in which a reaction is often reported after a product, from the content."""

from __future__ import annotations

from bot.protocols.catalogue import catalogue


def windows_of(product: str, *, for_patients: bool = False) -> dict[str, tuple[int, int]]:
    """Measure -> first and last day. `for_patients` leaves out what patients are not shown."""
    return {
        one.measure: (one.first_day, one.last_day)
        for one in catalogue().expected.values()
        if one.product == product and one.status != "retired" and (one.for_patients or not for_patients)
    }
