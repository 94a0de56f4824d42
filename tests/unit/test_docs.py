"""The documentation names everything there is, and nothing that there is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from bot.app import readiness
from bot.cli import app
from bot.settings import ROOT, Settings

README = ROOT / "README.md"
OPERATIONS = ROOT / "docs" / "operations.md"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
DOCS = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: Made on the machine and not in git, so a fresh clone lacks them.
MADE_HERE = ("var", "models", ".venv", ".env")

COMMANDS = typer.main.get_command(app)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _name(field: str) -> str:
    return "DATABASE_URL" if field == "database_url" else f"AFTERGLOW_{field.upper()}"


def _default(field: str) -> str:
    value = Settings.model_fields[field].default
    if isinstance(value, Path):
        return value.relative_to(ROOT).as_posix()
    return "" if value is None else str(value)


def _commands(group: Any = COMMANDS, prefix: str = "afterglow") -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"


def _make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", _read(ROOT / "Makefile"), re.MULTILINE))


def _metrics() -> set[str]:
    sources = [_read(path) for path in (ROOT / "bot").rglob("*.py")]
    measured = "\n".join(source for source in sources if "prometheus_client" in source)
    return set(re.findall(r'"(afterglow_[a-z_]+)"', measured))


def _code(text: str) -> str:
    """What stands in code blocks and between backticks."""
    blocks = re.findall(r"```.*?\n(.*?)```", text, re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return "\n".join([*blocks, *spans])


def _exists(path: Path) -> bool:
    made = path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[:1] in [(name,) for name in MADE_HERE]
    return made or path.exists()


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_is_in_the_operations_table_with_its_default(field: str) -> None:
    row = re.search(rf"^\| `{_name(field)}` \| (.*?) ?\| (\S.*) \|$", _read(OPERATIONS), re.MULTILINE)
    assert row is not None, f"{OPERATIONS.name} has no row for {_name(field)}"
    assert row[1].strip("` ") == _default(field)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_no_document_names_a_setting_that_does_not_exist(path: Path) -> None:
    named = set(re.findall(r"\bAFTERGLOW_[A-Z0-9_]+", _read(path)))
    assert named <= {f"AFTERGLOW_{field.upper()}" for field in Settings.model_fields}


@pytest.mark.parametrize("command", _commands())
def test_the_readme_names_every_command(command: str) -> None:
    assert f"`{command}" in _read(README)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_no_document_names_a_command_or_option_that_does_not_exist(path: Path) -> None:
    words = [
        re.split(r"[^a-z-]+", found)
        for found in re.findall(r"\bafterglow ([a-z][a-z -]*)", _code(_read(path)))
    ]
    for first, *rest in words:
        assert first in COMMANDS.commands  # type: ignore[attr-defined]
        command = COMMANDS.commands[first]  # type: ignore[attr-defined]
        if hasattr(command, "commands") and rest and rest[0]:
            assert rest[0] in command.commands
            command = command.commands[rest[0]]
        known = {option for param in command.params for option in param.opts}
        assert {word for word in rest if word.startswith("--")} <= known


def test_the_readme_names_every_make_target_and_no_other() -> None:
    assert set(re.findall(r"\bmake ([a-z-]+)", _code(_read(README)))) == _make_targets()


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_no_document_names_a_make_target_that_does_not_exist(path: Path) -> None:
    assert set(re.findall(r"\bmake ([a-z-]+)", _code(_read(path)))) <= _make_targets()


def test_the_operations_page_names_every_metric_and_no_other() -> None:
    assert _metrics()
    assert set(re.findall(r"\bafterglow_[a-z_]+", _read(OPERATIONS))) == _metrics()


def test_the_operations_page_says_what_to_do_about_every_part_of_readyz() -> None:
    class Idle:
        sweeping = dialogue_loaded = False
        dialogue_error = None

    rows = re.findall(r"^\| `(\w+)` \| ", _read(OPERATIONS).partition("| `/readyz` part")[2], re.MULTILINE)
    assert set(readiness(Idle())) <= set(rows)  # type: ignore[arg-type]


def test_decisions_are_numbered_without_gaps_and_listed_in_the_architecture() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(DECISIONS) + 1))
    architecture = _read(ROOT / "docs" / "architecture.md")
    assert [path.name for path in DECISIONS if f"(decisions/{path.name})" not in architecture] == []


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name[:4])
def test_a_decision_says_context_decision_and_consequences(path: Path) -> None:
    assert re.findall(r"^## (.*)$", _read(path), re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert _read(path).startswith(f"# {path.name[:4]} ")


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_link_between_documents_leads_somewhere(path: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)", _read(path)) if "://" not in link]
    assert [link for link in links if not _exists((path.parent / link).resolve())] == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_path_that_a_document_names_exists(path: Path) -> None:
    roots = r"(?:bot|actions|data|tests|docs|benchmarks|scripts|var|models|\.venv)"
    named = re.findall(rf"(?<![\w/.:-])({roots}/[\w./-]*)", _code(_read(path)))
    assert [name for name in named if not _exists(ROOT / name.rstrip("."))] == []


def test_the_readme_tree_shows_every_package() -> None:
    tree = _read(README).partition("## Where things are")[2].partition("```\n")[2].partition("```")[0]
    shown = {line.split()[0].rstrip("/") for line in tree.splitlines()}
    packages = {
        folder.relative_to(ROOT).as_posix()
        for folder in (ROOT / "bot").iterdir()
        if folder.is_dir() and not folder.name.startswith(("_", "."))
    }
    assert packages <= shown
    assert [name for name in shown if not _exists(ROOT / name)] == []
