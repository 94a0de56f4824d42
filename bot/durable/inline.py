"""Does due work in the caller's thread, without queues: for simulations and tests that move the clock."""

from __future__ import annotations

from types import MappingProxyType

from bot import clock
from bot.channels.base import Carrier
from bot.db.engine import transaction
from bot.dialogue.turns import Dialogue, run_turn
from bot.durable import sweep
from bot.escalation.alerts import take_step
from bot.escalation.models import Alert
from bot.followup import dispatch
from bot.messaging.delivery import deliver
from bot.notify.delivery import Notifiers
from bot.notify.delivery import deliver as notify
from bot.photos.fetch import fetch

#: More rounds than any chain of work has links; then something is due again and again.
ROUNDS = 50
#: Nothing but texts goes out.
NO_NOTIFIERS: Notifiers = MappingProxyType({})


class NeverSettles(RuntimeError):
    """Work stays due however often it is done."""


def do(
    work: sweep.Work, carrier: Carrier, dialogue: Dialogue | None, notifiers: Notifiers = NO_NOTIFIERS
) -> None:
    """Do one piece of due work."""
    match work.task:
        case "turn":
            run_turn(work.row_id, dialogue)
        case "deliver" | "page":
            deliver(work.row_id, carrier)
        case "notify":
            notify(work.row_id, notifiers)
        case "check_in":
            dispatch.step(work.row_id, dialogue)
        case "photo":
            fetch(work.row_id, carrier)
        case "escalate":
            with transaction() as session:
                take_step(session, session.get_one(Alert, work.row_id), clock.now())


def settle(carrier: Carrier, dialogue: Dialogue | None, notifiers: Notifiers = NO_NOTIFIERS) -> None:
    """Do everything that is due now, until nothing is. Raises NeverSettles."""
    sweep.repair()
    for _ in range(ROUNDS):
        works = sweep.due(clock.now())
        if not works:
            return
        for work in works:
            do(work, carrier, dialogue, notifiers)
    raise NeverSettles("something stays due however often it is done")
