"""A rules file with an error is refused with file, line and reason, and the last good rules stay in force."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.triage import Context, Tier
from bot.triage.rules import RuleError
from bot.triage.shelf import Shelf
from bot.triage.signs import hear, signs

GOOD = """flag: VO
rules:
  - id: vo.white
    tier: T1
    source: Pearce
    why: White skin is a sign that the vessel is blocked.
    any: [white]
"""
BAD = GOOD.replace("tier: T1", "tier: T9")
GREEN = GOOD.replace("any: [white]", "any: [white, green]")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rules = tmp_path / "rules"
    rules.mkdir()
    write(rules, GOOD)
    return rules


def write(folder: Path, content: str) -> None:
    """Write the rules file, and make sure that its time differs from the last."""
    path = folder / "vo.yml"
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(content, encoding="utf-8")
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))


def tier(shelf: Shelf, text: str) -> Tier | None:
    rules = shelf.book()
    return next((sign.finding.tier for sign in signs(hear(text, rules), Context(day=1), rules)), None)


def test_a_changed_file_is_taken_up(folder: Path) -> None:
    shelf = Shelf(folder)
    assert tier(shelf, "green") is None
    write(folder, GREEN)
    assert shelf.refresh()
    assert tier(shelf, "green") is Tier.T1


def test_an_error_is_refused_with_file_line_and_reason_and_the_good_rules_stay(folder: Path) -> None:
    shelf = Shelf(folder)
    shelf.book()
    write(folder, BAD)
    assert not shelf.refresh()
    assert shelf.problem is not None
    assert "vo.yml:3" in shelf.problem
    assert "vo.white" in shelf.problem
    assert "tier" in shelf.problem
    assert tier(shelf, "white") is Tier.T1


def test_a_mended_file_is_taken_up_and_the_problem_is_gone(folder: Path) -> None:
    shelf = Shelf(folder)
    shelf.book()
    write(folder, BAD)
    shelf.refresh()
    write(folder, GREEN)
    assert shelf.refresh()
    assert shelf.problem is None
    assert tier(shelf, "green") is Tier.T1


@pytest.mark.parametrize("content", [BAD, "flag: [", "", "\x00", "rules: 3"])
def test_after_a_restart_the_kept_copy_is_in_force(folder: Path, tmp_path: Path, content: str) -> None:
    kept = tmp_path / "var" / "triage-rules"
    Shelf(folder, kept).book()
    write(folder, content)
    restarted = Shelf(folder, kept)
    assert tier(restarted, "white") is Tier.T1
    assert restarted.problem


def test_a_folder_that_vanishes_takes_nothing_down(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "var" / "triage-rules"
    shelf = Shelf(folder, kept)
    shelf.book()
    folder.rename(tmp_path / "elsewhere")
    assert not shelf.refresh()
    assert tier(shelf, "white") is Tier.T1
    assert tier(Shelf(folder, kept), "white") is Tier.T1


def test_without_any_good_rules_the_error_says_where(folder: Path, tmp_path: Path) -> None:
    write(folder, BAD)
    with pytest.raises(RuleError, match=r"vo\.yml:3: vo\.white"):
        Shelf(folder, tmp_path / "nothing").book()


def test_a_broken_copy_is_no_reason_to_hide_the_first_error(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    write(kept, BAD)
    write(folder, BAD)
    with pytest.raises(RuleError, match=r"vo\.yml:3"):
        Shelf(folder, kept).book()
