"""A clinician's blind relabelling: a sheet without our labels, their labels beside ours, the agreement."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.triage.evaluation.measures import Share
from bot.triage.evaluation.run import labelled_rows
from bot.triage.labelled import ROOT, DataError, Labelled, read
from bot.triage.types import FLAGS, Tier

#: Clinicians' labels: one JSON line each, `{"id", "tier", "flag", "by"}`.
STORED = ROOT / "clinician.jsonl"
COLUMNS = ("id", "day", "text", "tier", "flag", "note")


def write_sheet(file: Path, count: int, split: str, seed: int) -> int:
    """Write `count` messages of `split`, half of them red, in random order, without our labels."""
    rows = labelled_rows(split)
    chance = random.Random(seed)
    red, other = ([row for row in rows if row.red is wanted] for wanted in (True, False))
    chosen = chance.sample(red, min(count // 2, len(red))) + chance.sample(
        other, min(count - count // 2, len(other))
    )
    chance.shuffle(chosen)
    with file.open("w", newline="", encoding="utf-8-sig") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for row in chosen:
            writer.writerow((row.id, "" if row.day is None else row.day, row.text, "", "", ""))
    return len(chosen)


def take_sheet(file: Path, by: str, stored: Path = STORED) -> int:
    """Store the labels of a filled-in sheet. Raises `DataError` with the line; then nothing is stored."""
    known = {row.id for row in read()}
    taken: list[dict[str, str]] = []
    with file.open(newline="", encoding="utf-8-sig") as handle:
        for number, line in enumerate(csv.DictReader(handle), 2):
            tier, flag = (line.get("tier") or "").strip().upper(), (line.get("flag") or "").strip().upper()
            if not tier:
                continue
            if line.get("id") not in known:
                raise DataError(f"{file.name}:{number}: id {line.get('id')!r} is no message of ours.")
            if tier not in Tier.__members__:
                raise DataError(f"{file.name}:{number}: tier must be T0 to T4, not {tier!r}.")
            if flag and flag not in FLAGS:
                raise DataError(f"{file.name}:{number}: flag {flag!r} is unknown; leave it empty if unsure.")
            taken.append({"id": line["id"], "tier": tier, "flag": flag, "by": by})
    if not taken:
        raise DataError(f"{file.name}: no line has a tier.")
    with stored.open("a", encoding="utf-8") as handle:
        handle.writelines(json.dumps(label, ensure_ascii=False) + "\n" for label in taken)
    return len(taken)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Our labels beside clinicians'. The last label of a clinician for a message counts."""

    pairs: Sequence[tuple[Labelled, Tier]]

    @property
    def same(self) -> Share:
        """How many have the same tier."""
        return Share(sum(row.tier is theirs for row, theirs in self.pairs), len(self.pairs))

    @property
    def apart(self) -> list[tuple[Labelled, Tier]]:
        """Those that differ, the widest apart first."""
        differing = [(row, theirs) for row, theirs in self.pairs if row.tier is not theirs]
        return sorted(differing, key=lambda pair: -abs(pair[0].tier.urgency - pair[1].urgency))

    @property
    def kappa(self) -> float:
        """Cohen's kappa over the five tiers with quadratic weights; 1 is perfect, 0 is chance."""
        return kappa([(row.tier.urgency, theirs.urgency) for row, theirs in self.pairs], 5)

    @property
    def kappa_red(self) -> float:
        """Cohen's kappa of "T0 or T1" against the rest."""
        return kappa([(int(row.red), int(theirs.urgency <= 1)) for row, theirs in self.pairs], 2)


def compare(stored: Path = STORED) -> Agreement:
    """Our labels beside what is stored of clinicians'."""
    if not stored.exists():
        return Agreement(())
    rows = {row.id: row for row in read()}
    labels = [json.loads(line) for line in stored.read_text(encoding="utf-8").splitlines() if line.strip()]
    last = {(label["id"], label["by"]): Tier(label["tier"]) for label in labels}
    return Agreement([(rows[key], tier) for (key, _by), tier in last.items() if key in rows])


def kappa(pairs: Sequence[tuple[int, int]], categories: int) -> float:
    """Cohen's kappa of `pairs` of category numbers, with quadratic weights; 1.0 when all are one category."""
    table = np.zeros((categories, categories))
    for ours, theirs in pairs:
        table[ours, theirs] += 1
    weights = np.subtract.outer(np.arange(categories), np.arange(categories)) ** 2
    expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
    chance = (weights * expected).sum()
    return 1.0 if chance == 0 else float(1 - (weights * table).sum() / chance)
