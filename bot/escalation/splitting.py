"""Taking one sign out of an alert into an alert of its own, because it concerns something else."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot import clock, events
from bot.db.engine import transaction
from bot.escalation.alerts import log, page, take_step
from bot.escalation.models import Alert, AlertStatus, EventKind
from bot.escalation.policy import Page
from bot.escalation.raising import open_for
from bot.escalation.signs import Sign, signs_of


class SplitRefused(Exception):
    """An alert cannot be taken apart this way; `reason` is "closed", "joined", "gone", "only" or "no_why"."""

    def __init__(self, reason: str) -> None:
        super().__init__(_WHY[reason])
        self.reason = reason


_WHY = {
    "closed": "This alert is closed: nothing is taken out of it any more.",
    "joined": "This alert is part of another of the same patient now. Read that one first.",
    "gone": "This sign is not in the alert, or somebody has just taken it out.",
    "only": "This is the only sign of the alert: there is nothing to take apart.",
    "no_why": "Say in a few words what the sign concerns instead.",
}


def split(alert_id: str, message_id: str, staff_id: str, why: str) -> str:
    """`staff_id` takes the sign in `message_id` out of the alert. The new alert, whose id is returned, has
    the sign's own tier and a policy as set now, and pages from its first step.

    The old one keeps its tier, its holder and its timeline: only a person who closes it ends it. Raises
    SplitRefused.
    """
    if not why.strip():
        raise SplitRefused("no_why")
    with transaction() as session:
        # the row is locked: of two who take signs out at once the second sees what the first has left
        alert = session.get_one(Alert, alert_id, with_for_update=True, populate_existing=True)
        if alert.joined_into_id is not None:
            raise SplitRefused("joined")
        if alert.status is AlertStatus.CLOSED:
            raise SplitRefused("closed")
        signs = signs_of(session, alert)
        sign = signs.pop(message_id, None)
        if sign is None:
            raise SplitRefused("gone")
        if not signs:
            raise SplitRefused("only")
        new = open_for(session, sign, alert.patient, split_from=alert)
        log(session, alert, EventKind.SPLIT, staff_id=staff_id, message_id=message_id, detail=new.code)
        log(session, new, EventKind.SPLIT_FROM, staff_id=staff_id, detail=alert.code)
        for one in (alert, new):
            log(session, one, EventKind.NOTE, staff_id=staff_id, detail=why.strip())
        _is_about(alert, list(signs.values()))
        _page(session, alert, new, staff_id)
        began, told = alert.conversation_id, new.conversation_id
    for conversation_id in {began, told}:
        events.committed(new.clinic_id, conversation_id)
    return new.id


def _is_about(alert: Alert, rest: list[Sign]) -> None:
    """Its headline and first words are of what is left in it. Its tier stays: nothing lowers an alert."""
    leading = min(rest, key=lambda sign: sign.tier.urgency)
    alert.flag = leading.flag
    alert.message_id, alert.conversation_id = rest[0].message.id, rest[0].message.conversation_id


def _page(session: Session, alert: Alert, new: Alert, staff_id: str) -> None:
    """As any new alert; whoever has the old one, and did not take the sign out, is paged too."""
    step = take_step(session, new, clock.now(), people_are_known=True)
    holder = alert.acknowledged_by_id
    if holder and holder != staff_id and not (isinstance(step, Page) and holder in step.people):
        page(session, new, holder, "staff.page")
