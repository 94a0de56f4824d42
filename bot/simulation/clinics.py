"""A large crowd lives in clinics side by side, each in a process and a record of its own.

What the product consists of is imported in functions here: it takes two seconds, in which the server that the
processes are forked from imports the same.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import forkserver, get_context
from pathlib import Path
from typing import TYPE_CHECKING

from bot import log
from bot import settings as app_settings
from bot.settings import Settings
from bot.simulation.crowd import Person, crowd

if TYPE_CHECKING:
    from bot.simulation.population import Result

#: Patients of one clinic.
CLINIC = 10


def live(size: int, days: int, seed: int, progress: Callable[[str], None]) -> Result:
    """Let a crowd of `size` live for `days`, `CLINIC` patients to a clinic. How many clinics there are does
    not hang on the machine, so a seed says it all."""
    # a process that starts from a clean one: this one may have threads
    context = get_context("forkserver")
    context.set_forkserver_preload(["bot.simulation.population"])
    forkserver.ensure_running()

    from bot.clinic import demo
    from bot.db.engine import engine
    from bot.simulation.invariants import INVARIANTS
    from bot.simulation.population import Result

    people = crowd(size, seed)
    clinics = [people[at : at + CLINIC] for at in range(0, size, CLINIC)]
    result = Result(Counter(), {check.__name__: [] for check in INVARIANTS})
    with (
        tempfile.TemporaryDirectory(prefix="afterglow-simulate-") as folder,
        ProcessPoolExecutor(min(len(clinics), os.cpu_count() or 1), context) as pool,
    ):
        homes = [Path(folder) / str(number) for number in range(len(clinics))]
        _open(homes[0])
        demo.seed(patients=False)
        engine().dispose()  # the file is whole
        for home in homes[1:]:
            shutil.copytree(homes[0], home)
        lives = [
            pool.submit(_live, home, ours, days, seed + at)
            for at, (home, ours) in enumerate(zip(homes, clinics, strict=True))
        ]
        for done, life in enumerate(as_completed(lives), 1):
            result += life.result()
            progress(f"{done} of {len(clinics)} clinics have lived through {days} days")
    return result


def _open(home: Path) -> None:
    from bot.start import open_record

    settings = Settings(var_dir=home, database_url=None, demo=True, carrier="simulator")
    app_settings.use_settings(settings)
    open_record(settings, lasting=False)


def _live(home: Path, people: list[Person], days: int, seed: int) -> Result:
    """Let the patients of one clinic live for `days`, in the record at `home`."""
    from bot.simulation.population import Population

    log.configure("ERROR")
    _open(home)
    gc.freeze()  # what is loaded by now stays: collections need not look at it
    return Population(people, days, seed).run()
