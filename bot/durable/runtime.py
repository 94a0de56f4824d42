"""Starts and stops the durable work of a process: queues, the sweeper thread, and the model's loading."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import structlog
from dbos import DBOS, DBOSConfig
from dbos._queue import QueueRateLimit

from bot import clock, events, urgency
from bot.channels.base import Carrier
from bot.db.engine import engine, make_engine
from bot.db.writers import taking_turns
from bot.dialogue.turns import Dialogue
from bot.durable import sweep, workflows
from bot.durable.pager import Pager
from bot.durable.presence import announce
from bot.durable.sweep import Work
from bot.durable.workflows import Equipment
from bot.governance import service as governance
from bot.notify.delivery import Notifiers
from bot.protocols import shelf as content_shelf
from bot.settings import Settings
from bot.triage.shelf import shelf

log = structlog.get_logger(__name__)

#: Seconds between sweeps when nothing wakes the sweeper.
IDLE_S = 1.0
#: Seconds between two sweeps at most while there is something to do.
LONGEST_REST_S = 0.2
#: Seconds after which a sweeper that has not finished a sweep counts as dead.
STALLED_S = 30.0
#: Seconds between looks into the queues; longer while the model loads, which polling would slow down.
POLL_S = 0.03
STARTING_POLL_S = 0.25
#: Seconds between looks for processes that died.
LOOK_FOR_DEAD_S = 10.0
#: Seconds between looks at the files of the triage rules and of the content.
LOOK_AT_FILES_S = 10.0
_REMEMBERED = 20_000


def _for_sqlite(url: str) -> dict[str, Any]:
    """How the queues' own file is opened, where they have one: in WAL mode, which the file remembers, and
    with writers that take turns. Otherwise every look into a queue holds up those who put something in or
    take it out, and a page waits for seconds when much is going on."""
    if not url.startswith("sqlite"):
        return {}
    made = make_engine(url)
    made.connect().close()
    made.dispose()
    return {"connect_args": {"factory": taking_turns()}}


class Runtime:
    """The durable work of this process. One per process."""

    def __init__(
        self,
        settings: Settings,
        carrier: Carrier,
        load_dialogue: Callable[[], Dialogue],
        notifiers: Notifiers | None = None,
    ) -> None:
        self._settings = settings
        self._load_dialogue = load_dialogue
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._started: OrderedDict[str, None] = OrderedDict()
        self._pager = Pager(self._start)
        self._swept_at = 0.0
        self._look_for_dead_at = 0.0
        self._look_at_files_at = 0.0
        self.dialogue_error: str | None = None
        self._forget_clock: Callable[[], None] = lambda: None
        Equipment.carrier = carrier
        Equipment.notifiers = notifiers or {}
        Equipment.dialogue = None
        Equipment.dialogue_ready.clear()

    def start(self) -> None:
        """Launch queues and sweeper, and load the model beside them: pages never wait for the model."""
        self._presence = announce(self._settings, engine())
        logging.getLogger("dbos").setLevel(logging.WARNING)
        config: DBOSConfig = {
            "name": "afterglow",
            "system_database_url": self._settings.workflow_database,
            # one constant version: work that was queued before an update is still ours
            "application_version": "1",
            "executor_id": self._settings.process_name,
            "db_engine_kwargs": _for_sqlite(self._settings.workflow_database),
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": 1.0,
        }
        DBOS(config=config)
        DBOS.launch()
        self._register_queues(STARTING_POLL_S)
        self._pager.start()
        self._forget_clock = clock.on_advance(events.work.set)
        for name, target in (("sweeper", self._sweep_forever), ("model", self._load_model)):
            thread = threading.Thread(target=target, name=f"afterglow-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _register_queues(self, poll_s: float) -> None:
        rate = self._settings.carrier_rate_per_s
        limiter: QueueRateLimit = {"limit": max(1, round(rate)), "period": max(1.0, 1.0 / rate)}
        # pages, calls and safety words have no queue: they begin at once, and there are never many
        for name, limit, poll in (
            ("turns", None, poll_s),
            ("carrier", limiter, poll_s),
            ("alerts", None, STARTING_POLL_S),
            ("photos", None, STARTING_POLL_S),
        ):
            DBOS.register_queue(
                name,
                partition_concurrency=1,
                worker_concurrency=8,
                limiter=limit,
                polling_interval_sec=poll,
                on_conflict="always_update",
            )

    def stop(self) -> None:
        """Stop starting work, let what runs finish for a moment, and close the queues."""
        self._stop.set()
        events.work.set()
        self._pager.stop()
        self._forget_clock()
        for thread in self._threads:
            thread.join(timeout=5)
        DBOS.destroy(workflow_completion_timeout_sec=5)
        self._presence.leave()

    @property
    def dialogue_loaded(self) -> bool:
        """Whether the model answers."""
        return Equipment.dialogue is not None

    @property
    def sweeping(self) -> bool:
        """Whether the sweeper is alive: it finished a sweep not long ago."""
        return time.monotonic() - self._swept_at < STALLED_S

    def _load_model(self) -> None:
        try:
            Equipment.dialogue = self._load_dialogue()
        except Exception as error:
            self.dialogue_error = f"{type(error).__name__}: {error}"
            log.exception("the dialogue model does not load; scripted words answer, pages still go out")
        Equipment.dialogue_ready.set()
        self._register_queues(POLL_S)
        # what is loaded by now stays: later collections need not look at it
        gc.freeze()
        gc.enable()

    def _sweep_forever(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._take_up_the_work_of_the_dead()
                self._take_up_changed_files()
                self.sweep()
                self._swept_at = time.monotonic()
            except Exception:
                log.exception("sweep failed; trying again")
                self._stop.wait(IDLE_S)
            # rests as long as it worked: under load one look serves many commits
            self._stop.wait(min(time.monotonic() - began, LONGEST_REST_S))
            events.work.wait(IDLE_S)
            events.work.clear()

    def _take_up_the_work_of_the_dead(self) -> None:
        """What a process was doing when it died holds its place in the queues until another takes it up."""
        if time.monotonic() < self._look_for_dead_at:
            return
        self._look_for_dead_at = time.monotonic() + LOOK_FOR_DEAD_S
        names = {status.executor_id for status in DBOS.list_workflows(status="PENDING", load_input=False)}
        dead = [
            name
            for name in names
            if name and name != self._settings.process_name and self._presence.is_dead(name)
        ]
        if dead:
            log.warning("taking up the work of processes that are gone", processes=dead)
            DBOS._recover_pending_workflows(dead)

    def _take_up_changed_files(self) -> None:
        """Changed rules and content count within seconds; a file with an error is refused and said once."""
        if time.monotonic() < self._look_at_files_at:
            return
        self._look_at_files_at = time.monotonic() + LOOK_AT_FILES_S
        before = shelf.problem
        if not shelf.refresh() and shelf.problem != before:
            log.error("changed triage rules are refused; the last good ones stay", problem=shelf.problem)
        before = content_shelf.shelf.problem
        fresh = content_shelf.refresh()
        governance.keep(content_shelf.shelf.content())
        if not fresh and content_shelf.shelf.problem != before:
            problem = content_shelf.shelf.problem
            log.error("changed content is refused; the last good texts stay", problem=problem)

    def sweep(self) -> None:
        """Start everything that is due now. Called by the sweeper thread; safe to call from anywhere."""
        # what waits for a page waits for nothing else
        self._start_due()
        try:
            sweep.repair()
        except Exception:
            log.exception("repair failed; trying again")
        self._start_due()

    def _start_due(self) -> None:
        urgency.give_way(LONGEST_REST_S)
        for work in sweep.due(clock.now()):
            self._start(work)

    def _start(self, work: Work) -> None:
        """Start `work`, unless it was before. What cannot be started now is found again by a later sweep."""
        if work.workflow_id in self._started or not workflows.start(work):
            return
        self._started[work.workflow_id] = None
        if len(self._started) > _REMEMBERED:
            self._started.popitem(last=False)
