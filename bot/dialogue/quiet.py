"""Keeps patients' words out of logs: Rasa's own debug events print every message in full."""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def silent_rasa() -> Iterator[None]:
    """Import and load Rasa without the warnings that it and the libraries of its time give about their age.

    Sanic switches them all on when it is imported, so it comes first.
    """
    with warnings.catch_warnings():
        importlib.import_module("sanic.app")
        warnings.simplefilter("ignore")
        yield


def hush_rasa() -> None:
    """Let Rasa speak of faults only, however logging is set up around it."""
    importlib.import_module("rasa.core.actions.forms")  # Rasa imports it with the first form
    logging.getLogger("rasa").setLevel(logging.WARNING)
    logging.getLogger("rasa_sdk").setLevel(logging.ERROR)  # it warns of every slot without a reader
    quiet = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[structlog.processors.add_log_level, structlog.processors.KeyValueRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )
    for name, module in list(sys.modules.items()):
        if name.startswith("rasa.") and hasattr(module, "structlogger"):
            setattr(module, "structlogger", quiet)  # noqa: B010
