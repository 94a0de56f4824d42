"""The measures mean what the report says of them, bad labels are refused by line, floors hold."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from bot.triage.evaluation import relabel
from bot.triage.evaluation.floors import broken
from bot.triage.evaluation.measures import Judged, Share, calibration, line
from bot.triage.evaluation.relabel import Agreement, compare, kappa, take_sheet, write_sheet
from bot.triage.evaluation.report import Evaluation, markdown, write
from bot.triage.labelled import DataError, Labelled, assign, files, read, read_splits
from bot.triage.types import Assessment, Finding, Tier


def row(tier: str, key: str = "a", text: str = "lip white", **more: object) -> Labelled:
    fields = {
        "day": 1,
        "lang": "en",
        "flag": "VO",
        "probe": False,
        "source": "authored",
        "author": "x",
        **more,
    }
    return Labelled(id=key, text=text, tier=Tier(tier), **fields)  # type: ignore[arg-type]


def judged(label: str, assessed: str, *, probe: bool = False, red: float = 0.5, **more: object) -> Judged:
    finding = Finding("VO", Tier(assessed), "reader", "lip white", "reader-test", probe)
    return Judged(
        row(label, **more), Assessment(Tier(assessed), (finding,), probe, judgement=(red, 0.1, 0.2))
    )


def test_paged_probed_and_missed_are_told_apart() -> None:
    assert judged("T1", "T0").paged
    assert judged("T1", "T3", probe=True).probed
    assert not judged("T1", "T1", probe=True).probed  # paged already
    assert judged("T0", "T2").missed
    assert not judged("T0", "T4", probe=True).missed
    assert not judged("T2", "T4").missed  # no page was due


def test_two_tiers_under_counts_only_without_the_probe() -> None:
    assert judged("T0", "T2").under_by_two
    assert judged("T2", "T4").under_by_two
    assert not judged("T0", "T1").under_by_two
    assert not judged("T1", "T3", probe=True).under_by_two


def test_a_message_whose_label_asks_the_probe_is_not_benign() -> None:
    assert judged("T4", "T4").benign
    assert not judged("T4", "T4", **{"probe": False}).row.red
    assert not Judged(row("T4", probe=True), Assessment(Tier.T4)).benign


def test_the_lines_shares_are_of_the_right_messages() -> None:
    one = line(
        "all", [judged("T0", "T0"), judged("T1", "T4"), judged("T4", "T1"), judged("T4", "T4", probe=True)]
    )
    assert (one.paged.count, one.paged.total) == (1, 2)
    assert (one.emergencies_paged.count, one.emergencies_paged.total) == (1, 1)
    assert (one.missed.count, one.missed.total) == (1, 2)
    assert (one.benign_paged.count, one.benign_probed.count, one.benign_paged.total) == (1, 1, 2)


def test_the_interval_is_wilsons() -> None:
    low, high = Share(9, 10).interval
    assert (round(low, 3), round(high, 3)) == (0.596, 0.982)
    assert Share(0, 0).interval == (0.0, 1.0)
    assert str(Share(0, 0)) == "-"


def test_calibration_leaves_out_what_the_reader_did_not_read() -> None:
    unread = Judged(row("T1"), Assessment(Tier.T1))
    bins = calibration([judged("T1", "T1", red=0.95), judged("T4", "T4", red=0.91), unread])
    assert [(round(one.mean, 2), one.observed.count, one.observed.total) for one in bins] == [(0.93, 1, 2)]


def test_every_miss_stands_in_the_report_with_its_reasons(tmp_path: Path) -> None:
    missed = judged("T1", "T4", key="m-1", text="nothing | to see")
    evaluation = Evaluation("test", "afterglow", "rules", [missed, judged("T4", "T4")], [], {})
    text = markdown(evaluation)
    assert "`m-1` day 1, labelled T1 VO, assessed T4" in text
    assert "Not measured" in text  # ordinary chat
    path = write(evaluation, tmp_path)
    assert json.loads(path.with_suffix(".json").read_text())["red_missed"] == 1.0
    assert (tmp_path / "calibration-test.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("numbers", "below"),
    [
        ({"red_paged": 0.95, "red_missed": 0.0}, []),
        ({"red_paged": 0.90, "red_missed": 0.0}, ["red_paged"]),
        ({"red_paged": 0.95, "red_missed": 0.01}, ["red_missed"]),
        ({"red_missed": 0.0}, ["red_paged is not measured"]),
        ({"red_paged": float("nan"), "red_missed": 0.0}, ["red_paged"]),
    ],
)
def test_what_falls_below_a_floor_is_named(
    tmp_path: Path, numbers: dict[str, float], below: list[str]
) -> None:
    floors = tmp_path / "floors.json"
    floors.write_text('{"at_least": {"red_paged": 0.93}, "at_most": {"red_missed": 0.005}}')
    found = broken(numbers, floors)
    assert len(found) == len(below)
    assert all(text in here for text, here in zip(below, found, strict=True))


@pytest.mark.parametrize("content", ["", "[]", '{"at_least": 3}', '{"at_least": {}}'])
def test_unusable_floors_are_an_error_and_not_a_pass(tmp_path: Path, content: str) -> None:
    floors = tmp_path / "floors.json"
    floors.write_text(content)
    with pytest.raises(DataError, match=r"floors\.json"):
        broken({}, floors)


GOOD = {"id": "x-1", "text": "lip white", "day": 0, "lang": "en", "tier": "T1", "flag": "VO", "probe": False}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tier": "T7"}, "T7"),
        ({"flag": "XX"}, "XX"),
        ({"day": "soon"}, "soon"),
        ({"lang": "fr"}, "fr"),
        ({"text": None, "id": None}, ""),
    ],
)
def test_a_wrong_label_is_refused_with_file_and_line(
    tmp_path: Path, change: dict[str, object], says: str
) -> None:
    file = tmp_path / "some.jsonl"
    bad = {key: value for key, value in {**GOOD, "id": "x-2", **change}.items() if value is not None}
    file.write_text(json.dumps(GOOD) + "\n" + json.dumps(bad) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"some\.jsonl:2.*{says}"):
        read([file])


def test_an_id_stands_once(tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text((json.dumps(GOOD) + "\n") * 2, encoding="utf-8")
    with pytest.raises(DataError, match="x-1 stands twice"):
        read([file])


def test_look_alikes_and_blind_messages_never_straddle_a_split() -> None:
    rows = [
        row("T1", "a", "my top lip has gone white and it hurts"),
        row("T1", "b", "My top lip has gone white and it hurts!!"),
        row("T4", "c", "what time do you open on saturday"),
        row("T1", "d", "my top lip has gone white and it hurtss", blind=True),
    ]
    assigned = assign(rows)
    assert assigned["a"][0] == assigned["b"][0] == assigned["d"][0] != assigned["c"][0]
    assert assigned["a"][1] == assigned["b"][1] == "test"


def test_every_message_has_a_split_and_blind_ones_are_only_measured_on() -> None:
    splits = read_splits()
    rows = read()
    assert {row.id for row in rows} == set(splits)
    assert {splits[row.id] for row in rows if row.blind} == {"test"}
    assert all(path.exists() for path in files())


def sheet(path: Path, *lines: dict[str, str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, relabel.COLUMNS)
        writer.writeheader()
        writer.writerows({**dict.fromkeys(relabel.COLUMNS, ""), **one} for one in lines)
    return path


def test_a_sheet_shows_no_label_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    assert write_sheet(path, 40, "test", 1) == 40
    with path.open(newline="", encoding="utf-8-sig") as handle:
        lines = list(csv.DictReader(handle))
    assert len(lines) == 40
    assert all(line["text"] and not line["tier"] and not line["flag"] for line in lines)
    assert set(lines[0]) == set(relabel.COLUMNS)


def test_a_clinicians_labels_are_stored_beside_ours_and_compared(tmp_path: Path) -> None:
    red = next(one for one in read() if one.tier is Tier.T1)
    calm = next(one for one in read() if one.tier is Tier.T4)
    stored = tmp_path / "clinician.jsonl"
    filled = sheet(
        tmp_path / "s.csv", {"id": red.id, "tier": "t1"}, {"id": calm.id, "tier": "T2"}, {"id": red.id}
    )
    assert take_sheet(filled, "AB", stored) == 2
    found = compare(stored)
    assert (found.same.count, found.same.total) == (1, 2)
    assert [(one.id, tier) for one, tier in found.apart] == [(calm.id, Tier.T2)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({"id": "nobody", "tier": "T1"}, "nobody"),
        ({"id": "P001", "tier": "urgent"}, "T0 to T4"),
        ({"id": "P001", "tier": "T1", "flag": "ZZ"}, "ZZ"),
        ({"id": "P001"}, "no line has a tier"),
    ],
)
def test_a_wrong_sheet_stores_nothing(tmp_path: Path, line: dict[str, str], says: str) -> None:
    stored = tmp_path / "clinician.jsonl"
    with pytest.raises(DataError, match=says):
        take_sheet(sheet(tmp_path / "s.csv", line), "AB", stored)
    assert not stored.exists()


def test_kappa_of_agreement_chance_and_opposites() -> None:
    assert kappa([(0, 0), (4, 4), (2, 2)], 5) == 1.0
    assert kappa([(0, 4), (4, 0)], 5) == -1.0
    assert kappa([(0, 0), (0, 4), (4, 0), (4, 4)], 5) == 0.0
    assert kappa([(3, 3)], 5) == 1.0
    assert Agreement(()).same.total == 0
