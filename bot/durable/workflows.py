"""The durable workflows. Each is one idempotent step over a row: recovery runs it again, and it finds out
from the row what is left to do. Functions and names here are part of the workflow database's contents:
renaming one strands what is queued under the old name.

Pages, calls and safety words go first; the other workflows give way to them before they begin.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

from bot import clock, events, urgency
from bot.channels.base import Carrier
from bot.db.engine import transaction
from bot.dialogue.turns import Dialogue, run_turn
from bot.durable import pager
from bot.durable.sweep import Work
from bot.escalation.alerts import take_step
from bot.escalation.models import Alert
from bot.followup import dispatch
from bot.messaging.delivery import deliver
from bot.notify.delivery import Notifiers
from bot.notify.delivery import deliver as notify_by
from bot.photos.fetch import fetch


class Equipment:
    """What the workflows work with: set once when the process starts."""

    carrier: Carrier | None = None
    #: what brings notifications that are not texts
    notifiers: Notifiers = MappingProxyType({})
    #: None until the dialogue model is loaded; set with `dialogue_ready`
    dialogue: Dialogue | None = None
    dialogue_ready = threading.Event()


#: How long a turn waits for a model that is still loading before the scripted words answer.
MODEL_WAIT_S = 90.0


def _wait_in_line() -> None:
    """Before work that is not urgent: let what is go first."""
    urgency.this_thread(urgent=False)
    urgency.give_way()


@contextmanager
def _first(party: str = "") -> Iterator[None]:
    """Work that goes first, up to the last line that the queues write about it after the block. When it is
    done its `party` is free for the next."""
    try:
        with urgency.urgently():
            yield
    finally:
        urgency.this_thread(urgent=True)
        with _engaging:
            _engaged.pop(party, None)
            waiting = party in _wanted
            _wanted.discard(party)
        if waiting:
            pager.wake()


@DBOS.step(name="run_turn")
def _run_turn(message_id: str) -> None:
    Equipment.dialogue_ready.wait(MODEL_WAIT_S)
    run_turn(message_id, Equipment.dialogue)


@DBOS.workflow(name="turn")
def turn(message_id: str) -> None:
    """Answer a patient's message."""
    _wait_in_line()
    _run_turn(message_id)


@DBOS.step(name="deliver_message")
def _deliver(message_id: str) -> None:
    assert Equipment.carrier is not None, "no carrier"
    deliver(message_id, Equipment.carrier)


@DBOS.workflow(name="deliver")
def delivery(message_id: str) -> None:
    """Make one attempt at sending a message."""
    _wait_in_line()
    _deliver(message_id)


@DBOS.workflow(name="deliver_first")
def urgent_delivery(message_id: str, party: str = "") -> None:
    """Make one attempt at sending a page or safety words."""
    with _first(party):
        _deliver(message_id)


@DBOS.step(name="deliver_notification")
def _notify(notification_id: str) -> None:
    notify_by(notification_id, Equipment.notifiers)


@DBOS.workflow(name="notify")
def notify(notification_id: str, party: str = "") -> None:
    """Make one attempt at a call, an e-mail or a chat message to staff."""
    with _first(party):
        _notify(notification_id)


@DBOS.step(name="take_step")
def _escalate(alert_id: str) -> None:
    with transaction() as session:
        alert = session.get_one(Alert, alert_id, with_for_update=True)
        take_step(session, alert, clock.now())
    events.committed(alert.clinic_id, alert.conversation_id)


@DBOS.workflow(name="escalate")
def escalate(alert_id: str) -> None:
    """Take an alert's next step: page the next person, or remind."""
    with _first():
        _escalate(alert_id)


@DBOS.step(name="check_in_step")
def _check_in(check_in_id: str) -> None:
    Equipment.dialogue_ready.wait(MODEL_WAIT_S)
    dispatch.step(check_in_id, Equipment.dialogue)


@DBOS.workflow(name="check_in")
def check_in(check_in_id: str) -> None:
    """Send a check-in, remind, or hand its silence to staff."""
    _wait_in_line()
    _check_in(check_in_id)


@DBOS.step(name="fetch_photo")
def _photo(arrival_id: str) -> None:
    assert Equipment.carrier is not None, "no carrier"
    fetch(arrival_id, Equipment.carrier)


@DBOS.workflow(name="photo")
def photo(arrival_id: str) -> None:
    """Make one attempt at getting a file that came with a message."""
    _wait_in_line()
    _photo(arrival_id)


_TASKS: dict[str, Callable[..., Any]] = {
    "turn": turn,
    "deliver": delivery,
    "page": urgent_delivery,
    "notify": notify,
    "escalate": escalate,
    "check_in": check_in,
    "photo": photo,
}


def start(work: Work) -> bool:
    """Put `work` on its queue, or begin it at once where it has none, unless work of that id ever began.

    False: something is under way with its party; once that is done the pager looks again.
    """
    if work.queue is None:
        return _start_at_once(work)
    with SetWorkflowID(work.workflow_id), SetEnqueueOptions(queue_partition_key=work.partition):
        DBOS.enqueue_workflow(work.queue, _TASKS[work.task], work.row_id)
    return True


#: Parties with whom something that was begun at once is under way, and since when.
_engaged: dict[str, float] = {}
#: Those of them for whom more waits.
_wanted: set[str] = set()
_engaging = threading.Lock()
#: Seconds after which a party counts as free whatever became of that.
ENGAGED_S = 10.0


def _start_at_once(work: Work) -> bool:
    now = time.monotonic()
    with _engaging:
        if now - _engaged.get(work.partition, -ENGAGED_S) < ENGAGED_S:
            _wanted.add(work.partition)
            return False
        _engaged[work.partition] = now
    with SetWorkflowID(work.workflow_id):
        DBOS.start_workflow(_TASKS[work.task], work.row_id, work.partition)
    return True
