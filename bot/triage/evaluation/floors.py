"""The floors below which triage may not fall (`data/triage/floors.json`), and what falls below them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from bot.triage.labelled import ROOT, DataError

FLOORS = ROOT / "floors.json"


def broken(numbers: Mapping[str, float], path: Path = FLOORS) -> list[str]:
    """What in `numbers` is worse than its floor, in words. Raises `DataError` for an unusable file.

    `at_least` and `at_most` name figures of `Evaluation.numbers`. A figure that was not measured is broken: a
    floor that nobody stands on is none.
    """
    try:
        floors = json.loads(path.read_text(encoding="utf-8"))
        found = []
        for name, floor in floors["at_least"].items():
            if not numbers.get(name, float("nan")) >= floor:
                found.append(f"{name} is {_shown(numbers, name)}, at least {floor:.2%} is asked")
        for name, ceiling in floors["at_most"].items():
            if not numbers.get(name, float("nan")) <= ceiling:
                found.append(f"{name} is {_shown(numbers, name)}, at most {ceiling:.2%} is allowed")
        return found
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as problem:
        raise DataError(f"{path.name} cannot be used: {problem!r}") from problem


def _shown(numbers: Mapping[str, float], name: str) -> str:
    return f"{numbers[name]:.2%}" if name in numbers else "not measured"
