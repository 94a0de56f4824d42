"""Labelled messages and the splits they are in (`data/triage/LABELLING.md` says what the labels mean)."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.triage.normalise import plain
from bot.triage.types import FLAGS, Tier

Split = Literal["train", "development", "calibration", "test"]
ROOT = Path(__file__).resolve().parents[2] / "data" / "triage"
SPLITS = ROOT / "splits.csv"
#: Batches of messages between friends, which have nothing to do with a clinic.
EVERYDAY = frozenset({"everyday", "smalltalk", "ordinary", "round3_ordinary"})
#: Where each split ends on the scale 0-1 of a group's hash. Blind test files are test whatever their hash.
_ENDS: tuple[tuple[Split, float], ...] = (
    ("train", 0.80),
    ("development", 0.88),
    ("calibration", 0.94),
    ("test", 1.0),
)
LOOK_ALIKE = 0.72  #: cosine of character trigrams from which two messages count as look-alikes


class DataError(ValueError):
    """A labelled file cannot be used; the message names file, line and field."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One labelled message. `day` counts days since the treatment, `None` when none is on record."""

    id: str
    text: str
    day: int | None
    lang: str
    tier: Tier
    flag: str
    probe: bool
    source: str
    author: str
    blind: bool = False  #: written for measuring, by somebody who had not seen the other files
    #: never measured on: the file holds mirrored pairs in both languages, which no trigram shows to be alike
    train_only: bool = False

    @property
    def red(self) -> bool:
        """Whether a clinician must act within the hour."""
        return self.tier.at_least_as_urgent_as(Tier.T1)


def files(root: Path = ROOT) -> list[Path]:
    """The labelled files, in a fixed order."""
    return [root / "given.jsonl", root / "examples.jsonl", *sorted((root / "authored").glob("*.jsonl"))]


def read(paths: Iterable[Path] | None = None) -> list[Labelled]:
    """All labelled messages. Raises `DataError`."""
    rows: list[Labelled] = []
    seen: set[str] = set()
    for path in paths or files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                row = _row(json.loads(line), path)
            except (KeyError, TypeError, ValueError) as problem:
                raise DataError(f"{path.name}:{number}: {problem!r}") from problem
            if row.id in seen:
                raise DataError(f"{path.name}:{number}: id {row.id} stands twice")
            seen.add(row.id)
            rows.append(row)
    return rows


def _row(raw: dict[str, object], path: Path) -> Labelled:
    day, flag = raw["day"], str(raw["flag"])
    if day is not None and not isinstance(day, int):
        raise ValueError(f"day must be a whole number or null, not {day!r}")
    if flag not in FLAGS:
        raise ValueError(f"unknown flag {flag!r}")
    if raw.get("lang", "en") not in ("en", "es"):
        raise ValueError(f"lang must be en or es, not {raw['lang']!r}")
    return Labelled(
        id=str(raw["id"]), text=str(raw["text"]), day=day, lang=str(raw.get("lang", "en")),
        tier=Tier(str(raw["tier"])), flag=flag, probe=bool(raw["probe"]),
        source=str(raw.get("source", "given")), author=str(raw.get("author", path.stem)),
        blind=path.stem.startswith("blind_"),
        train_only=path.stem == "pairs",
    )  # fmt: skip


def groups(rows: Sequence[Labelled]) -> list[str]:
    """For each of `rows` the name of its group: look-alikes share one, named after its first id.

    Two messages are look-alikes when the cosine of their character trigrams reaches `LOOK_ALIKE`.
    """
    from scipy.sparse.csgraph import connected_components
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), sublinear_tf=True).fit_transform(
        [plain(row.text) or " " for row in rows]
    )
    alike = vectors @ vectors.T
    alike.data = (alike.data >= LOOK_ALIKE).astype("int8")
    alike.eliminate_zeros()
    _count, labels = connected_components(alike, directed=False)
    first: dict[int, str] = {}
    for row, label in zip(rows, labels, strict=True):
        first[label] = min(first.get(label, row.id), row.id)
    return [first[label] for label in labels]


def assign(rows: Sequence[Labelled]) -> dict[str, tuple[str, Split]]:
    """Group and split of each message id. A group with a blind message is in the test split as a whole."""
    named = groups(rows)
    forced: dict[str, Split] = {}
    for row, group in zip(rows, named, strict=True):
        if row.train_only:
            forced.setdefault(group, "train")
    for row, group in zip(rows, named, strict=True):
        if row.blind:
            forced[group] = "test"
    return {
        row.id: (group, forced.get(group) or _split(group)) for row, group in zip(rows, named, strict=True)
    }


def _split(group: str) -> Split:
    share = int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) / 0x1_0000_0000
    return next(split for split, end in _ENDS if share < end)


def write_splits(assigned: dict[str, tuple[str, Split]], path: Path = SPLITS) -> None:
    """Write the splits as CSV: id, group, split."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("id", "group", "split"))
        writer.writerows((row, group, split) for row, (group, split) in sorted(assigned.items()))


def read_splits(path: Path = SPLITS) -> dict[str, Split]:
    """The split of each message id, as written by `write_splits`."""
    with path.open(newline="", encoding="utf-8") as file:
        return {row["id"]: row["split"] for row in csv.DictReader(file)}  # type: ignore[misc]
