"""A fault in the content is said with file, line and reason, whether it stops the reading or the sending."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.protocols.catalogue import CONTENT, load_catalogue
from bot.protocols.errors import ContentError
from bot.protocols.lint import SEGMENT_LIMIT, lint, lint_piece
from bot.protocols.reading import Marks, read_marked
from tests.support.content import piece

#: Two pieces, so that a line is counted in the file and not in the piece.
TOPICS = """- id: recovery.first
  title: {en: First, es: Primero}
  version: 1
  sources: [GK]
  variants:
    - sms: {en: Hello, es: Hola}

- id: recovery.lumps
  title: {en: Lumps, es: Bultos}
  version: 1
  sources: [prop, GK]
  variants:
    - when: {day_max: 2}
      sms:
        en: Tell us.
        es: Avise.
    - sms:
        en: >-
          Some words
          on two lines.
        es: Unas palabras.
      web:
        en: Long words.
        es: Palabras largas.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped content with the two topics of this file, to break."""
    root = tmp_path / "content"
    shutil.copytree(CONTENT, root, ignore=shutil.ignore_patterns("topics"))
    (root / "topics").mkdir()
    return root


def write(folder: Path, old: str, new: str) -> None:
    assert TOPICS.count(old) == 1, old
    (folder / "topics" / "recovery.yml").write_text(TOPICS.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("        es: Unas palabras.\n", "", 17, "variants.1.sms.es: Field required"),
        ("es: Unas palabras.", "es: ''", 21, "variants.1.sms.es: String should have at least 1 character"),
        ("es: Unas palabras.", "es: 'Durante {exercize_h}.'", 21, "unknown placeholder {exercize_h}"),
        ("es: Palabras largas.", "es: 'Llame al {clinic_phone'", 24, "bad placeholder"),
        ("[prop, GK]", "[prop, Nobody]", 11, "unknown source 'Nobody'"),
        ("[prop, GK]", "\n    - prop\n    - Nobody", 13, "unknown source 'Nobody'"),
        ("{day_max: 2}", "{day_max: soon}", 13, "variants.0.when.day_max"),
        ("{day_max: 2}", "{product: [nosuch]}", 13, "unknown product 'nosuch'"),
        ("{day_max: 2}", "{days: 2}", 13, "variants.0.when.days: Extra inputs"),
        ("id: recovery.lumps", "id: recovery.first", 8, "the id is also used in topics/recovery.yml"),
        ("- id: recovery.lumps\n  title", "- title", 8, "entry 2 has no id"),
        ("- id: recovery.lumps", "- id: recovery.lumps\n  kind: staff", 9, "holds topic pieces"),
        ("[prop, GK]", "[prop, GK]\n  sources: [GK]", 12, "'sources' is written twice"),
        ("title: {en: Lumps, es: Bultos}", "title: {en: Lumps, es: [}", 9, "topics/recovery.yml"),
        ("Some words", "Some \x07 words", 19, "not valid YAML"),
    ],
)
def test_what_cannot_be_read_names_file_line_and_reason(
    folder: Path, old: str, new: str, line: int, reason: str
) -> None:
    write(folder, old, new)
    with pytest.raises(ContentError) as error:
        load_catalogue(folder)
    assert str(error.value).startswith(f"topics/recovery.yml:{line}: ")
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("es: Unas palabras.", "es: ' '", 21, "variant 2 sms: a translation is missing"),
        ("en: Long words.", "en: It's normal.", 23, "never say"),
        ("          on two lines.", "          You should be fine.", 18, "never say"),
        ("es: Avise.", "es: No se preocupe.", 16, "never say"),
        ("es: Unas palabras.", "es: 'Llame al {clinic_phone}'", 17, "only one language has {clinic_phone}"),
        ("es: Unas palabras.", f"es: {'ñandú ' * 60}", 21, "characters once filled"),
        (
            "es: Unas palabras.",
            f"es: {'🙂' * 200}",
            21,
            f"segments once filled; the limit is {SEGMENT_LIMIT}",
        ),
        ("en: Tell us.", "en: Reply YES.", 15, "opts out or in"),
    ],
)
def test_what_may_not_be_sent_names_file_line_and_reason(
    folder: Path, old: str, new: str, line: int, reason: str
) -> None:
    write(folder, old, new)
    found = [problem for problem in lint(load_catalogue(folder)) if problem.id == "recovery.lumps"]
    assert any(reason in problem.message for problem in found), found
    assert f"topics/recovery.yml:{line}: recovery.lumps: " in {
        str(problem).partition(problem.message)[0] for problem in found if reason in problem.message
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[prop, GK]", "[]"),  # no figure, so no source is needed
        ("es: Unas palabras.", f"es: {'é' * 312 + '😀' * 8}"),  # 320 characters in just five segments
    ],
)
def test_what_is_only_just_fit_is_let_through(folder: Path, old: str, new: str) -> None:
    write(folder, old, new)
    assert [problem for problem in lint(load_catalogue(folder)) if problem.id == "recovery.lumps"] == []


def test_a_figure_without_a_source_is_named_with_its_line(folder: Path) -> None:
    text = TOPICS.replace("[prop, GK]", "[]").replace("es: Palabras largas.", "es: Dura 2 semanas.")
    (folder / "topics" / "recovery.yml").write_text(text, encoding="utf-8")
    (problem,) = [problem for problem in lint(load_catalogue(folder)) if problem.id == "recovery.lumps"]
    assert str(problem).startswith("topics/recovery.yml:24: recovery.lumps: variant 2 web es: the figure")


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        ("settings.yml", "default: 24", "default: soon", "exercise_h: "),
        ("settings.yml", "    sculptra:", "    nosuch:", "massage_mode: by_product names 'nosuch'"),
        ("questions.yml", "checkin.pain", "checkin.nosuch", "unknown content 'checkin.nosuch'"),
        ("schedules.yml", "swelling, red", "swelling, nosuch, red", "check_ins.0.ask.3"),
        ("products.yml", "- id: radiesse", "- id: harmonyca", "harmonyca: the id is used twice"),
    ],
)
def test_the_other_files_have_lines_too(folder: Path, name: str, old: str, new: str, reason: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    line = text[: text.index(old)].count("\n") + 1
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ContentError) as error:
        load_catalogue(folder)
    assert str(error.value).startswith(f"{name}:{line}: ")
    assert reason in str(error.value)


def test_a_list_that_is_none_is_said_of_the_first_line(folder: Path) -> None:
    (folder / "topics" / "recovery.yml").write_text("")
    with pytest.raises(ContentError, match=r"^topics/recovery\.yml:1: expected a list"):
        load_catalogue(folder)


def test_an_edit_that_stands_in_no_file_has_no_line() -> None:
    content = load_catalogue()
    (problem,) = lint_piece(piece("It's normal.", id="recovery.lumps"), content)
    assert str(problem).startswith("edit: recovery.lumps: variant 1 sms en: never say")


def test_the_nearest_part_that_is_written_gives_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("- a: 1\n- b:\n    c: [x,\n      y]\n")
    data, marks = read_marked(path)
    assert data == [{"a": 1}, {"b": {"c": ["x", "y"]}}]
    assert marks.line(1, "b", "c", 1) == 4
    assert marks.line(1, "b", "nosuch", 7) == 2
    assert marks.within(1, "b").line("c", 0) == 3
    assert Marks().line("anything") is None


def test_a_file_that_refers_to_itself_is_read_or_refused_and_never_hangs(folder: Path) -> None:
    (folder / "topics" / "recovery.yml").write_text("- &a\n  id: recovery.x\n  title: *a\n")
    with pytest.raises((ContentError, RecursionError)):
        load_catalogue(folder)
