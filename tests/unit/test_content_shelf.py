"""Content with a fault is refused with file, line and reason, and the last good texts stay in force."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot import doctor, settings
from bot.app import DEGRADED, readiness
from bot.protocols import shelf as shelves
from bot.protocols.catalogue import CONTENT, catalogue
from bot.protocols.errors import ContentError
from bot.protocols.render import Situation, render
from bot.protocols.shelf import LAST_GOOD, SHIPPED, Shelf
from tests.support.content import topic, values

GOOD = topic(text="Tell us.")
NEWER = topic(text="Please tell us.")
BAD = topic(text="You should be fine.")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clinic's own content: the shipped one without topics, and one topic of its own."""
    root = tmp_path / "own"
    shutil.copytree(CONTENT, root, ignore=shutil.ignore_patterns("topics"))
    (root / "topics").mkdir()
    write(root, GOOD)
    return root


@pytest.fixture
def in_force() -> Iterator[None]:
    """Whatever a test puts in force for the process is taken out again."""
    before = (shelves.shelf.folder, shelves.shelf.kept)
    yield
    shelves.use(*before)


def write(folder: Path, text: str, name: str = "topics/own.yml") -> None:
    """Write a file, and make sure that its time differs from the last."""
    path = folder / name
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))


def words(shelf: Shelf) -> str:
    return render("recovery.sample", Situation(), values(), shelf.content()).text


def test_a_changed_text_is_taken_up(folder: Path) -> None:
    shelf = Shelf(folder)
    assert words(shelf) == "Tell us."
    write(folder, NEWER)
    assert shelf.refresh()
    assert words(shelf) == "Please tell us."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BAD, "topics/own.yml:7: recovery.sample: variant 1 sms en: never say"),
        (GOOD.replace(", es: Hola", ""), "topics/own.yml:7: recovery.sample: variants.0.sms.es"),
        (topic(text="Wait {exercize_h}."), "topics/own.yml:7: recovery.sample: variant 1 sms en: unknown"),
        (
            topic(text="It takes 5 days.").replace("[GK]", "[]"),
            "topics/own.yml:7: recovery.sample: variant 1",
        ),
        (GOOD.replace("Hola", "🙂" * 200), "topics/own.yml:7: recovery.sample: variant 1 sms es: 7 segments"),
        ("- id: [", "topics/own.yml:1: "),
        ("", "topics/own.yml:1: "),
        ("\x00", "topics/own.yml:1: "),
        ("- &a\n  id: recovery.sample\n  title: *a\n", ""),
    ],
)
def test_a_fault_is_refused_with_file_line_and_reason_and_the_good_texts_stay(
    folder: Path, text: str, said: str
) -> None:
    shelf = Shelf(folder)
    shelf.content()
    write(folder, text)
    assert not shelf.refresh()
    assert shelf.problem is not None
    assert shelf.problem.startswith(said)
    assert words(shelf) == "Tell us."
    assert not shelf.refresh(), "still refused when nothing has changed since"


def test_a_mended_file_is_taken_up_and_the_problem_is_gone(folder: Path) -> None:
    shelf = Shelf(folder)
    shelf.content()
    write(folder, BAD)
    shelf.refresh()
    write(folder, NEWER)
    assert shelf.refresh()
    assert shelf.problem is None
    assert words(shelf) == "Please tell us."


@pytest.mark.parametrize("text", [BAD, "- id: [", "", "\x00"])
def test_after_a_restart_the_kept_copy_is_in_force(folder: Path, tmp_path: Path, text: str) -> None:
    kept = tmp_path / "var" / "content"
    Shelf(folder, kept).content()
    write(folder, text)
    restarted = Shelf(folder, kept)
    assert words(restarted) == "Tell us."
    assert restarted.problem
    assert restarted.instead == LAST_GOOD


def test_a_folder_that_vanishes_takes_nothing_down(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "var" / "content"
    shelf = Shelf(folder, kept)
    shelf.content()
    folder.rename(tmp_path / "elsewhere")
    assert not shelf.refresh()
    assert words(shelf) == "Tell us."
    assert words(Shelf(folder, kept)) == "Tell us."


@pytest.mark.parametrize("break_the_copy", [lambda kept: None, lambda kept: write(kept, BAD, "safety.yml")])
def test_without_a_good_copy_the_shipped_texts_stand_in(
    folder: Path, tmp_path: Path, break_the_copy: Callable[[Path], object]
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    break_the_copy(kept)
    write(folder, BAD)
    shelf = Shelf(folder, kept)
    assert "safety.t0" in shelf.content().pieces
    assert "recovery.bruising" in shelf.content().pieces
    assert shelf.problem is not None
    assert "topics/own.yml:7" in shelf.problem
    assert shelf.instead == SHIPPED


def test_a_folder_without_a_safety_text_is_refused(folder: Path) -> None:
    text = (folder / "safety.yml").read_text(encoding="utf-8")
    write(folder, text.replace("- id: safety.t1_crisis\n", "- id: safety.renamed\n"), "safety.yml")
    shelf = Shelf(folder)
    assert not shelf.refresh()
    assert shelf.problem == "safety.yml:1: safety.t1_crisis: is missing; copy it from the shipped safety.yml"


def test_a_safety_text_may_not_be_retired(folder: Path) -> None:
    text = (folder / "safety.yml").read_text(encoding="utf-8")
    old = "- id: safety.t1_crisis\n"
    line = text[: text.index(old)].count("\n") + 2
    write(folder, text.replace(old, old + "  status: retired\n"), "safety.yml")
    shelf = Shelf(folder)
    assert not shelf.refresh()
    assert shelf.problem is not None
    assert shelf.problem.startswith(f"safety.yml:{line}: safety.t1_crisis: is retired")


def test_a_disk_that_takes_no_copy_does_not_keep_good_texts_out(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    shelf = Shelf(folder, tmp_path / "file" / "content")
    assert shelf.refresh()
    assert words(shelf) == "Tell us."
    assert shelf.uncopied
    assert list(tmp_path.glob("*.new")) == []


def test_a_copy_that_is_the_same_is_not_made_again(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "var" / "content"
    Shelf(folder, kept).content()
    before = kept.stat().st_ino
    Shelf(folder, kept).content()
    assert kept.stat().st_ino == before
    assert [path.name for path in kept.parent.iterdir()] == ["content"]


# --- in force --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("in_force")
def test_what_is_in_force_is_what_patients_get(folder: Path) -> None:
    shelves.use(folder, None)
    assert render("recovery.sample", Situation(), values()).text == "Tell us."
    write(folder, BAD)
    assert not shelves.refresh()
    assert render("recovery.sample", Situation(), values()).text == "Tell us."
    write(folder, NEWER)
    assert shelves.refresh()
    assert render("recovery.sample", Situation(), values()).text == "Please tell us."
    shelves.use(None, None)
    with pytest.raises(ContentError, match="no content has the id"):
        catalogue().piece("recovery.sample")


@pytest.mark.usefixtures("in_force")
def test_a_copy_is_kept_where_the_process_keeps_its_files(folder: Path, tmp_path: Path) -> None:
    shelves.use(folder, tmp_path / "var" / "content")
    shelves.use(folder, tmp_path / "var2" / "content")
    for place in ("var", "var2"):
        assert (tmp_path / place / "content" / "topics" / "own.yml").read_text() == GOOD


class _Work:
    sweeping = True
    dialogue_loaded = True
    dialogue_error = None


@pytest.mark.usefixtures("in_force")
def test_readyz_says_degraded_with_the_line_and_keeps_serving(folder: Path) -> None:
    assert readiness(_Work())["content"] == "ok"  # type: ignore[arg-type]
    shelves.use(folder, None)
    write(folder, BAD)
    shelves.refresh()
    state = readiness(_Work())["content"]  # type: ignore[arg-type]
    assert state.startswith(DEGRADED)
    assert "the last good texts are in force" in state
    assert "topics/own.yml:7: recovery.sample" in state


@pytest.mark.usefixtures("in_force")
def test_doctor_names_the_line_to_mend(folder: Path, tmp_path: Path) -> None:
    write(folder, BAD)
    own = settings.get_settings().model_copy(update={"content_dir": folder, "var_dir": tmp_path / "var"})
    found = [f for f in doctor.examine(own) if f.subject == "content" and f.level == doctor.FIX]
    assert any("topics/own.yml:7: recovery.sample" in finding.text for finding in found)
