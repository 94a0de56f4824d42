"""Trains the dialogue model when what it is made of has changed."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from threadpoolctl import threadpool_limits

from bot.settings import ROOT

MODELS = ROOT / "models"
TRAINING_DATA = ("data/nlu", "data/rules", "data/stories")
#: What the model is made of: a change in any of these makes another model.
INPUTS = (*TRAINING_DATA, "domain.yml", "config.yml", "bot/dialogue/components")


class TrainingFailed(RuntimeError):
    """Rasa refused the data, the domain or the configuration; `rasa train` says why in full."""


def content_hash(root: Path = ROOT) -> str:
    """Sixteen hexadecimal digits over everything the model is made of."""
    digest = hashlib.sha256()
    for name in INPUTS:
        path = root / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and file.suffix in (".yml", ".py"):
                digest.update(f"{file.relative_to(root).as_posix()}\0".encode())
                digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def model_path(root: Path = ROOT) -> Path:
    """Where the model for the present inputs is, or will be."""
    return root / "models" / f"afterglow-{content_hash(root)}.tar.gz"


def model_is_current() -> bool:
    """Whether there is a model for the present inputs."""
    return model_path().exists()


def ensure_model(*, force: bool = False, progress: Callable[[str], object] = print) -> Path:
    """The model for the present inputs, trained first if it is missing (or if `force`).

    `progress` gets a line when training starts and one when it is done. Older models are deleted. Raises
    `TrainingFailed`.
    """
    path = model_path()
    if path.exists() and not force:
        return path
    with _alone(path.parent):
        if path.exists() and not force:  # another process was at it
            return path
        progress("Training the dialogue model (a minute or two, only when its data changed) ...")
        started = time.monotonic()
        train(path)
        progress(f"Dialogue model trained in {time.monotonic() - started:.0f} s: models/{path.name}")
    for other in path.parent.glob("afterglow-*.tar.gz"):
        if other != path:
            other.unlink(missing_ok=True)
    return path


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process train at a time; the others wait for its model."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".trained").open("a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def train(path: Path) -> None:
    """Train on the repository's data and put the model at `path`. Raises `TrainingFailed`."""
    # a process that reads messages leaves numpy one thread; training has use for all
    with _quiet(), threadpool_limits(os.cpu_count(), user_api="blas"):
        from rasa.model_training import train as rasa_train

        # Written beside and moved, so that a model that is half written is never found.
        name = f"training-{os.getpid()}"
        result = rasa_train(
            domain=str(ROOT / "domain.yml"),
            config=str(ROOT / "config.yml"),
            training_files=[str(ROOT / folder) for folder in TRAINING_DATA],
            output=str(path.parent),
            force_training=True,
            fixed_model_name=name,
        )
    if result.code != 0 or result.model is None:
        raise TrainingFailed("the dialogue model could not be trained; run `rasa train` to see why")
    Path(result.model).replace(path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Rasa's progress bars, warnings about its own age and log lines off the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    with (
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(before)
