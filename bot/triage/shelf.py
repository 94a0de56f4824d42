"""Which rules are in force: the newest that load. A rules file with an error never takes triage down.

A folder of rules is taken up when all of it loads, and a copy is kept. When a file is later changed and has
an error, the rules in force stay, in this process and after a restart (from the copy), and `problem` says
what is wrong until it is mended.
"""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from bot.triage.rules import RuleBook, RuleError, load

#: The rules of this package.
SHIPPED = Path(str(resources.files("bot.triage") / "rules"))


@dataclass(slots=True)
class Shelf:
    """The rules in force and where they come from. One for the process, see `shelf`."""

    folder: Path = SHIPPED
    kept: Path | None = None  #: where the copy of the last good rules is kept, if anywhere
    problem: str | None = None  #: why the newest files are not in force: file, line and reason
    _book: RuleBook | None = None
    _seen: tuple[tuple[str, int, int], ...] = ()

    def book(self) -> RuleBook:
        """The rules in force. Raises `RuleError` only when neither the folder nor a copy has ever loaded."""
        if self._book is None:
            self.refresh()
        if self._book is None:
            raise RuleError(self.problem or "no rules")
        return self._book

    def refresh(self) -> bool:
        """Take up changed files. Returns whether the newest files are in force."""
        with _LOCK:
            seen = _fingerprint(self.folder)
            if seen == self._seen and self._book is not None:
                return self.problem is None
            self._seen = seen
            try:
                self._book, self.problem = load(self.folder), None
            except (RuleError, OSError) as error:
                self.problem = str(error)
                if self._book is None and self.kept is not None and self.kept.is_dir():
                    self._book = load(self.kept)
                return False
            self._keep()
            return True

    def _keep(self) -> None:
        if self.kept is None:
            return
        fresh = self.kept.with_name(self.kept.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(self.folder, fresh)
        shutil.rmtree(self.kept, ignore_errors=True)
        fresh.rename(self.kept)


_LOCK = threading.Lock()
shelf = Shelf()


def use(folder: Path | None, kept: Path | None) -> Shelf:
    """Take the rules from `folder` (default: the shipped ones) and keep the last good copy in `kept`.

    Raises `RuleError` when neither loads.
    """
    shelf.folder, shelf.kept = folder or SHIPPED, kept
    shelf._book, shelf._seen, shelf.problem = None, (), None
    shelf.book()
    return shelf


def _fingerprint(folder: Path) -> tuple[tuple[str, int, int], ...]:
    try:
        files = sorted(folder.glob("*.yml"))
        return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files)
    except OSError:
        return ()
