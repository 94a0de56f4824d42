"""The server that `benchmarks.kills` kills: a whole one, with a simulated carrier and doors."""

from __future__ import annotations

import multiprocessing
from multiprocessing.process import BaseProcess

import uvicorn

from bot import settings as app_settings
from bot.app import create_app
from bot.channels.simulator.calls import get_caller
from bot.channels.simulator.carrier import get_carrier
from bot.clinic import demo
from bot.durable.runtime import Runtime
from bot.escalation import service
from bot.escalation.models import Outcome
from bot.notify.models import ContactKind
from bot.settings import Settings
from bot.simulation.population import OneTextReader
from bot.start import open_record


def serve(settings: Settings) -> None:
    """Serve until killed, with a door for phones and one for closing alerts."""
    app_settings.use_settings(settings)
    open_record(settings)
    demo.seed(patients=False)
    runtime = Runtime(settings, get_carrier(), OneTextReader, {ContactKind.VOICE: get_caller()})
    app = create_app(runtime)

    @app.post("/bench/text")
    def text(sender: str, body: str) -> None:
        get_carrier().receive(sender, demo.TEXT_NUMBER, body)

    @app.post("/bench/close")
    def close(alert: str, staff: str) -> None:
        service.close(alert, staff, Outcome.ADVISED_BY_PHONE, "Phoned the patient.")

    uvicorn.run(app, host="127.0.0.1", port=settings.port, log_level="critical", ws="none")


#: Forks servers from one process that has imported everything, which takes seconds each time.
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["benchmarks.victim"])


def start(settings: Settings) -> BaseProcess:
    """`serve` in a process of its own, with nothing in memory but what a new one imports."""
    process = _forks.Process(target=serve, args=(settings,), daemon=True)
    process.start()
    return process
