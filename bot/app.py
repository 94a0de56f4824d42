"""The web application: every address, and the durable work that starts and stops with it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy import text

from bot import clock, triage
from bot import settings as app_settings
from bot.access import resets
from bot.api.router import router as api
from bot.auditor import health as auditor_health
from bot.auditor.loop import Auditor
from bot.auditor.repair import Gear
from bot.channels.base import Carrier
from bot.channels.simulator.calls import get_caller
from bot.channels.simulator.carrier import get_carrier
from bot.channels.simulator.router import router as simulator
from bot.channels.twilio.carrier import TwilioCarrier
from bot.channels.twilio.router import router as twilio
from bot.channels.twilio.voice import TwilioCaller
from bot.channels.twilio.voice import router as twilio_voice
from bot.channels.web.photos import router as web_photos
from bot.channels.web.router import router as web
from bot.console import reset_mail
from bot.console.router import router as console
from bot.db.engine import reading
from bot.dialogue.quiet import silent_rasa
from bot.durable.runtime import Runtime
from bot.durable.workflows import Equipment
from bot.metrics import observe_requests
from bot.metrics import router as metrics
from bot.notify.base import Notifier
from bot.notify.chat import ChatNotifier
from bot.notify.mail import MailNotifier
from bot.notify.models import ContactKind
from bot.patient_pages.router import router as patient_pages
from bot.protocols.shelf import problems as content_problems
from bot.settings import Settings
from bot.start import take_content, take_rules
from bot.triage.health import problems
from bot.web.take import router as take_link

if TYPE_CHECKING:
    from bot.dialogue.agent import Dialogue as Model

STATIC = Path(__file__).parent / "web" / "static"


#: How the state of a part begins that does its work, but not as well as it should.
DEGRADED = "degraded: "


def make_carrier(settings: Settings) -> Carrier:
    """The carrier that the settings choose."""
    return TwilioCarrier(settings) if settings.carrier == "twilio" else get_carrier()


def make_notifiers(settings: Settings) -> dict[ContactKind, Notifier]:
    """What brings pages that are not texts. Calls go the way of the texts."""
    caller: Notifier = TwilioCaller(settings) if settings.carrier == "twilio" else get_caller()
    return {
        ContactKind.VOICE: caller,
        ContactKind.EMAIL: MailNotifier(settings),
        ContactKind.APPRISE: ChatNotifier(),
    }


def load_dialogue(progress: Callable[[str], object] = lambda _line: None) -> Model:
    """The trained dialogue model. Trains it first when its inputs changed. Rasa takes seconds to import."""
    take_content(app_settings.get_settings())
    with silent_rasa():
        from bot.dialogue.agent import Dialogue as Model
        from bot.dialogue.training import ensure_model

        return Model.load(ensure_model(progress=progress))


def create_app(runtime: Runtime | None = None) -> FastAPI:
    """The application. `runtime` replaces the durable work of this process (tests)."""
    settings = app_settings.get_settings()
    auditor = Auditor(settings.auditor_interval_s, auditor_gear)
    work = runtime or Runtime(settings, make_carrier(settings), load_dialogue, make_notifiers(settings))
    resets.use_mail(reset_mail.by(MailNotifier(settings)) if settings.smtp_host else None)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if settings.demo:
            clock.keep_in(settings.var_dir / "clock")
        # rules and reader are loaded on first use; the first patient should not wait for that
        take_rules(settings)
        take_content(settings)
        threading.Thread(target=triage.assess, args=("hola",), daemon=True).start()
        # queues may not be registered on an event loop
        await run_in_threadpool(work.start)
        if settings.carrier == "simulator":
            await run_in_threadpool(get_caller().end_left_over)
        auditor.start()
        try:
            yield
        finally:
            await run_in_threadpool(auditor.stop)
            await run_in_threadpool(work.stop)

    app = FastAPI(title="Afterglow", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.runtime = work
    observe_requests(app)
    for router in (
        console,
        patient_pages,
        web,
        web_photos,
        simulator,
        twilio,
        twilio_voice,
        take_link,
        api,
        metrics,
    ):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/", include_in_schema=False)
    def home() -> RedirectResponse:
        return RedirectResponse("/demo" if settings.demo else "/console")

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """The process lives."""
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz(response: Response) -> dict[str, Any]:
        """Whether this process can serve: 200, or 503 and which part cannot.

        A part that is `degraded` says so and serves: taking every process away would help nobody.
        """
        parts = readiness(work)
        ready = all(state == "ok" or state.startswith(DEGRADED) for state in parts.values())
        response.status_code = 200 if ready else 503
        return {"ready": ready, "parts": parts}

    return app


def readiness(work: Runtime) -> dict[str, str]:
    """The state of each part in a word or a sentence; "ok" when it does its work."""
    return {
        "database": _database(),
        "triage": _or_degraded(problems()),
        "content": _or_degraded(content_problems()),
        "sweeper": "ok" if work.sweeping else "not running: pages and answers wait",
        "auditor": _auditor(),
        "dialogue": "ok" if work.dialogue_loaded else (work.dialogue_error or "loading"),
    }


def _or_degraded(found: list[str]) -> str:
    return DEGRADED + "; ".join(found) if found else "ok"


def auditor_gear() -> Gear | None:
    """What the auditor works with in a serving process; None while that is starting."""
    if Equipment.carrier is None:
        return None
    return Gear(Equipment.carrier, Equipment.notifiers, Equipment.dialogue)


def _auditor() -> str:
    try:
        return _or_degraded(auditor_health.problems(app_settings.get_settings()))
    except Exception as error:
        return f"{DEGRADED}{type(error).__name__}: its runs cannot be read"


def _database() -> str:
    try:
        with reading() as session:
            session.execute(text("SELECT 1"))
    except Exception as error:
        return f"{type(error).__name__}: the record cannot be reached"
    return "ok"
