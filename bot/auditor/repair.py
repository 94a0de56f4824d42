"""Doing what was left undone, through the same doors as the sweeper: each finds out from its row what is left
to do, so that nothing is done twice when the two meet."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot import clock, events
from bot.auditor.decide import Due
from bot.auditor.models import Neglect
from bot.channels.base import Carrier
from bot.db.engine import transaction
from bot.dialogue.turns import Dialogue, run_turn
from bot.durable import sweep
from bot.escalation.alerts import take_step
from bot.escalation.models import Alert, AlertStatus
from bot.followup import dispatch
from bot.messaging.delivery import deliver
from bot.notify.delivery import Notifiers
from bot.notify.delivery import deliver as notify


@dataclass(frozen=True)
class Gear:
    """What the auditor works with. Without a dialogue the scripted words answer."""

    carrier: Carrier
    notifiers: Notifiers = field(default_factory=dict)
    dialogue: Dialogue | None = None


def repair(row: Due, gear: Gear) -> None:
    """Do what `row` waits for. Raises whatever keeps it from being done."""
    match row.kind:
        case Neglect.ALERT_STEP:
            _take_step(row.row_id)
        case Neglect.NOT_ASSESSED:
            sweep.read_again(row.row_id)
        case Neglect.NOT_ANSWERED:
            run_turn(row.row_id, gear.dialogue)
        case Neglect.CHECK_IN:
            dispatch.step(row.row_id, gear.dialogue)
        case Neglect.TEXT:
            deliver(row.row_id, gear.carrier)
        case Neglect.NOTIFICATION:
            notify(row.row_id, gear.notifiers)
        case Neglect.NOBODY_ON_CALL:
            raise ValueError("only people can put somebody on call")


def _take_step(alert_id: str) -> None:
    with transaction() as session:
        alert = session.get_one(Alert, alert_id, with_for_update=True)
        if alert.status is not AlertStatus.CLOSED:
            take_step(session, alert, clock.now())
    events.committed(alert.clinic_id, alert.conversation_id)
