"""Which content is in force: the newest that is fit to send. A file with a fault takes nothing down.

A folder is taken up when all of it loads and `lint` finds nothing, and a copy is kept. When a file is later
changed and has a fault, the content in force stays, in this process and after a restart (from the copy), and
`problem` says file, line and reason until it is mended. Without a copy the shipped content stands in.
"""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from bot.protocols.catalogue import CONTENT, Catalogue, load_catalogue, put_in_force
from bot.protocols.errors import ContentError
from bot.protocols.lint import lint

LAST_GOOD = "the last good texts are in force, the newest files are not"
SHIPPED = "no good copy is kept, so the shipped texts are in force, fit or not"

_Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(slots=True)
class Shelf:
    """The content of one folder and the last good version of it. One for the process, see `shelf`."""

    folder: Path = CONTENT
    kept: Path | None = None  #: where the copy of the last good content is kept, if anywhere
    problem: str | None = None  #: why the newest files are not in force: file, line and reason
    instead: str = ""  #: what is in force while there is a problem
    uncopied: str | None = None  #: why there is no copy of what is in force, where there should be one
    _content: Catalogue | None = None
    _seen: _Fingerprint = ()

    def content(self) -> Catalogue:
        """The last good content. Raises `ContentError` only when not even the shipped content loads."""
        if self._content is None:
            self.refresh()
        if self._content is None:
            raise ContentError(self.problem or "no content")
        return self._content

    def refresh(self) -> bool:
        """Take up changed files. Returns whether the newest files are what `content` gives."""
        with _LOCK:
            seen = _fingerprint(self.folder)
            if seen == self._seen and self._content is not None:
                return self.problem is None
            self._seen = seen
            try:
                self._content, self.problem = fit_to_send(self.folder), None
            except _UNUSABLE as error:
                self.problem = str(error)
                if self._content is None:
                    self._stand_in()
                else:
                    self.instead = LAST_GOOD
                return False
            self._keep()
            return True

    def _stand_in(self) -> None:
        """A process that has seen no good files says what the copy says, or the shipped content."""
        for folder, words in ((self.kept, LAST_GOOD), (CONTENT, SHIPPED)):
            try:
                if folder is not None and folder.is_dir():
                    self._content, self.instead = load_catalogue(folder), words
                    return
            except _UNUSABLE:
                continue

    def _keep(self) -> None:
        """Keep a copy of what was read, unless somebody has saved a file since."""
        self.uncopied = None
        if self.kept is None or _fingerprint(self.kept) == self._seen:  # a copied file keeps its time
            return
        fresh = self.kept.with_name(f"{self.kept.name}.{os.getpid()}.new")
        try:
            shutil.copytree(self.folder, fresh)
            if _fingerprint(self.folder) == self._seen:
                shutil.rmtree(self.kept, ignore_errors=True)
                fresh.rename(self.kept)
        except OSError as error:
            if _fingerprint(self.kept) != self._seen:  # unless another process was quicker
                self.uncopied = f"{self.kept}: {error.strerror or error}"
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


#: A file that refers to itself without end is as unusable as one that cannot be read.
_UNUSABLE = (ContentError, OSError, RecursionError)
_LOCK = threading.Lock()
shelf = Shelf()


def fit_to_send(folder: Path) -> Catalogue:
    """The content of `folder`. Raises `ContentError` naming file, line and reason when it may not be sent."""
    content = load_catalogue(folder)
    problems = lint(content)
    if problems:
        more = f" (and {len(problems) - 1} more: `afterglow content lint`)" if len(problems) > 1 else ""
        raise ContentError(f"{problems[0]}{more}")
    if folder != CONTENT:
        _check_complete(content)
    return content


def _check_complete(content: Catalogue) -> None:
    """The desk says some pieces by itself, a safety text above all: a folder may not leave one out."""
    shipped = load_catalogue()
    for piece_id, piece in shipped.pieces.items():
        if piece.kind == "topic":
            continue
        own = content.pieces.get(piece_id)
        if own is None:
            file = shipped.origin[piece_id]
            raise ContentError(f"{file}:1: {piece_id}: is missing; copy it from the shipped {file}")
        if own.status == "retired":
            where = f"{content.origin[piece_id]}:{content.marks[piece_id].line('status')}: {piece_id}"
            raise ContentError(f"{where}: is retired, but the desk cannot do without it; approve a version")


def use(folder: Path | None, kept: Path | None) -> Shelf:
    """Put the content of `folder` (default: the shipped) in force and keep the last good copy in `kept`.

    Raises `ContentError` when nothing can be put in force.
    """
    folder = folder or CONTENT
    if shelf.folder != folder:
        shelf.folder, shelf.problem = folder, None
        shelf._content, shelf._seen = None, ()
    moved, shelf.kept = shelf.kept != kept, kept
    if refresh() and moved:
        shelf._keep()
    return shelf


def refresh() -> bool:
    """Put changed files in force for this process. Returns whether the newest files are in force."""
    newest = shelf.refresh()
    put_in_force(shelf.content())
    return newest


def problems() -> list[str]:
    """What is wrong with the content and what is said meanwhile; empty when the newest files are in force."""
    found: list[str] = []
    if shelf.problem:
        found.append(f"{shelf.instead} ({shelf.problem})")
    if shelf.uncopied:
        found.append(f"no copy of the texts is kept for a restart ({shelf.uncopied})")
    return found


def _fingerprint(folder: Path) -> _Fingerprint:
    try:
        files = sorted(folder.rglob("*.yml"))
        states = ((file.relative_to(folder).as_posix(), file.stat()) for file in files)
        return tuple((name, state.st_mtime_ns, state.st_size) for name, state in states)
    except OSError:
        return ()
