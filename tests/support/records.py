"""Records quickly: migrated and filled once, then copied; one engine keeps its compiled statements."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from bot import clock
from bot.db.engine import make_engine, use
from bot.db.migrate import upgrade

T = TypeVar("T")


def nothing() -> None:
    """Fill a record with nothing."""


class SqliteRecords:
    """One file that is put back for each test to what it held when it was first filled."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / "record.db"
        self.url = f"sqlite:///{self._file}"
        self._engine = make_engine(self.url)
        self._filled: dict[Callable[[], Any], tuple[Path, datetime, Any]] = {}

    def fresh(self, fill: Callable[[], T] = nothing) -> T:  # type: ignore[assignment]
        """Open a record with what `fill` writes into an empty one, and give what it returned.

        Each test starts at the same hour, so what was written for the first is as old for the next: the
        clock goes on from where `fill` ended.
        """
        if fill in self._filled:
            kept, ended, result = self._filled[fill]
            self._put_back(kept)
            if fill is not nothing:
                clock.advance(max(timedelta(), ended - clock.now()))
            return deepcopy(result)
        if fill is nothing:
            self._put_back(None)
            upgrade(self._engine)
        else:
            self.fresh()
        result = fill()
        self._engine.dispose()  # the last connection to leave folds the log into the file
        kept = self._folder / f"{len(self._filled)}.db"
        shutil.copyfile(self._file, kept)
        self._filled[fill] = kept, clock.now(), result
        return deepcopy(result)

    def _put_back(self, kept: Path | None) -> None:
        self._engine.dispose()
        for tail in ("", "-wal", "-shm"):
            self._file.with_name(self._file.name + tail).unlink(missing_ok=True)
        if kept is not None:
            shutil.copyfile(kept, self._file)
        use(self._engine)
